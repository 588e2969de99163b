#include "calibration/calibrate_kernels.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>
#include <tuple>

#include "calibration/fit_attention.h"
#include "calibration/fit_gemm.h"
#include "calibration/fit_memory.h"
#include "calibration/profile_text.h"
#include "sim/base/error.h"

namespace tenk {
namespace {

constexpr std::size_t kMostRows = 12'000;
constexpr std::int64_t kLeastNarrowRows = 128;  // m.
constexpr double kLeastInterval = 0.01;
constexpr std::size_t kMostOrigins = 2;  // Named in a source.

struct Least {
  std::string_view path;
  double ci;
};
constexpr std::array kLeast = {Least{"launch", 0.1},
                               Least{"memory-efficiency", 0.05},
                               Least{"attention.latency", 0.7},
                               Least{"attention.efficiency", 0.15},
                               Least{"attention.passes", 0.5},
                               Least{"sustained-power-factor", 0.1}};

// What was timed on one accelerator.
struct Timed {
  const KnownPreset* preset = nullptr;
  std::map<Precision, std::vector<MeasuredGemm>> gemms;
  std::vector<MeasuredAttention> attention;
  std::vector<MeasuredStream> streams;
  std::set<std::string> gemm_origins, attention_origins, stream_origins;
};

std::string source_text(std::size_t rows, std::string_view what,
                        const std::set<std::string>& origins) {
  std::vector<std::string> named;
  for (const std::string& name : origins) {
    if (!name.empty() && named.size() < kMostOrigins) named.push_back(name);
  }
  std::string text = fmt::format("{} {}", rows, what);
  if (named.empty()) return text;
  const bool more = origins.size() > named.size();
  return fmt::format("{}: {}{}", text, fmt::join(named, ", "), more ? " and others" : "");
}

// Evenly taken, in their order.
template <class Row>
std::vector<Row> thinned(std::vector<Row> rows) {
  if (rows.size() <= kMostRows) return rows;
  std::vector<Row> some;
  for (std::size_t i = 0; i < kMostRows; ++i) some.push_back(rows[i * rows.size() / kMostRows]);
  return some;
}

bool kept_out(const MeasuredGemm& row) { return held_out(row.shape); }
bool kept_out(const MeasuredAttention& row) { return held_out(row.shape); }
bool kept_out(const MeasuredStream&) { return false; }  // They are too few.

template <class Row>
struct Split {
  std::vector<Row> fitted, judged;
};
template <class Row>
Split<Row> split(const std::vector<Row>& rows) {
  Split<Row> parts;
  for (const Row& row : rows) (kept_out(row) ? parts.judged : parts.fitted).push_back(row);
  parts.fitted = thinned(std::move(parts.fitted));
  return parts;
}

double work_of(const MeasuredGemm& row) {
  return 2 * static_cast<double>(row.shape.m) * static_cast<double>(row.shape.n) *
         static_cast<double>(row.shape.k);
}
double work_of(const MeasuredAttention& row) {
  const AttentionShape& a = row.shape;
  return 2 * static_cast<double>(a.batch * a.heads * a.head_dim) * static_cast<double>(a.sequence) *
         static_cast<double>(a.sequence);
}
double work_of(const MeasuredStream& row) { return row.bytes; }

void widen(std::vector<FittedNumber>& numbers) {
  for (FittedNumber& number : numbers) {
    double least = kLeastInterval;
    for (const Least& l : kLeast) {
      if (l.path == number.path) least = l.ci;
    }
    number.known.ci = std::max(number.known.ci, least);
  }
}

// One accelerator's fits, one after another: each starts from what the last one found.
class DeviceCalibration {
 public:
  DeviceCalibration(const Timed& timed, const CalibrateOptions& options, Calibration& out)
      : timed_(timed),
        options_(options),
        out_(out),
        tree_(Config::parse(timed.preset->text, file())) {
    device_ = read_device_profile(tree_);
  }

  void run() {
    fit_streams();
    fit_calls();
    const Precision wide = device_.wide();
    if (timed_.gemms.contains(wide)) fit_products(wide, timed_.gemms.at(wide));
    for (const auto& [precision, rows] : timed_.gemms) {
      if (precision != wide) fit_products(precision, rows);
    }
    if (numbers_.empty()) return;
    out_.profiles.push_back({"accelerators/" + timed_.preset->name,
                             with_numbers(timed_.preset->text, file(), numbers_)});
  }

 private:
  std::string file() const { return timed_.preset->name + ".yaml"; }
  std::string subject(std::string_view what) const {
    return fmt::format("{} of {}", what, timed_.preset->name);
  }
  void fit_streams();
  void fit_calls();
  void fit_products(Precision precision, const std::vector<MeasuredGemm>& rows);
  // `how_to(rows, options)` fits; what goes wrong is refused with the reason.
  template <class Row, class Fit>
  void fit(const std::string& what, const std::string& family, const std::vector<Row>& rows,
           FitOptions options, const Fit& how_to);
  template <class Row>
  void report(const std::string& what, const std::string& family, const DeviceFit& fit,
              const Split<Row>& rows, const std::string& source);

  const Timed& timed_;
  const CalibrateOptions& options_;
  Calibration& out_;
  Config tree_;
  DeviceProfile device_;
  std::vector<FittedNumber> numbers_;
};

template <class Row>
FitErrors errors_on(const DeviceProfile& device, const std::vector<Row>& rows) {
  std::vector<double> predicted, measured;
  for (const Row& row : rows) {
    predicted.push_back(predicted_seconds(device, row));
    measured.push_back(row.seconds);
  }
  return rows.empty() ? FitErrors{} : fit_errors(predicted, measured);
}

// The errors of the held-out rows by kind.
template <class Row>
std::vector<HeldOutPart> parts_of(const DeviceProfile&, const std::vector<Row>&) {
  return {};
}
std::vector<HeldOutPart> parts_of(const DeviceProfile& device,
                                  const std::vector<MeasuredGemm>& rows) {
  struct Part {
    const char* name;
    bool (*has)(const MeasuredGemm&);
  };
  constexpr std::array kParts = {
      Part{"m, n, k >= 512", [](const MeasuredGemm& r) { return r.all_at_least(512); }},
      Part{"m >= 512", [](const MeasuredGemm& r) { return r.shape.m >= 512; }},
      Part{"128 <= m < 512",
           [](const MeasuredGemm& r) { return r.shape.m >= 128 && r.shape.m < 512; }},
      Part{"m < 128", [](const MeasuredGemm& r) { return r.shape.m < 128; }}};
  std::vector<HeldOutPart> parts;
  for (const Part& part : kParts) {
    std::vector<MeasuredGemm> some;
    std::copy_if(rows.begin(), rows.end(), std::back_inserter(some), part.has);
    if (!some.empty()) parts.push_back({part.name, errors_on(device, some)});
  }
  return parts;
}

template <class Row>
void DeviceCalibration::report(const std::string& what, const std::string& family,
                               const DeviceFit& fit, const Split<Row>& rows,
                               const std::string& source) {
  FittedModel model{.family = family,
                    .subject = subject(what),
                    .picture = subject(family),
                    .x = family == "memory" ? "bytes" : "FLOP",
                    .source = source};
  for (const FittedNumber& n : fit.numbers) model.constants.push_back(shown_constant(n));
  model.errors = fit.errors;
  model.held_out = errors_on(fit.device, rows.judged);
  model.parts = parts_of(fit.device, rows.judged);
  for (const std::vector<Row>* part : {&rows.fitted, &rows.judged}) {
    for (const Row& row : *part) {
      if (work_of(row) <= 0) continue;
      model.residuals.push_back({work_of(row), predicted_seconds(fit.device, row) / row.seconds});
    }
  }
  out_.models.push_back(std::move(model));
  for (const Unidentified& u : fit.unidentified) {
    out_.refused.push_back({subject(u.path),
                            "the rows do not identify it and it stays as it was: add " + u.needs,
                            rows.fitted.size()});
  }
}

template <class Row, class Fit>
void DeviceCalibration::fit(const std::string& what, const std::string& family,
                            const std::vector<Row>& rows, FitOptions options, const Fit& how_to) {
  const Split<Row> parts = split(rows);
  try {
    options.steps = options_.fit.steps;
    options.samples = options_.fit.samples;
    options.seed = options_.fit.seed;
    options.keep_unidentified = true;
    DeviceFit fitted = how_to(parts.fitted, options);
    widen(fitted.numbers);
    device_ = fitted.device;
    numbers_.insert(numbers_.end(), fitted.numbers.begin(), fitted.numbers.end());
    report(what, family, fitted, parts, options.source);
  } catch (const Error& error) {
    for (const Fault& fault : error.faults()) {
      out_.refused.push_back({subject(what), fault.message, rows.size()});
    }
  }
}

void DeviceCalibration::fit_streams() {
  if (timed_.streams.empty()) return;
  fit("memory", "memory", timed_.streams,
      {.source = source_text(timed_.streams.size(), "streams", timed_.stream_origins)},
      [&](const auto& rows, const FitOptions& options) {
        return fit_memory(device_, rows, options);
      });
}

void DeviceCalibration::fit_calls() {
  if (timed_.attention.empty()) return;
  fit("attention", "attention", timed_.attention,
      {.source =
           source_text(split(timed_.attention).fitted.size(), "calls", timed_.attention_origins)},
      [&](const auto& rows, const FitOptions& options) {
        return fit_attention(device_, rows, options);
      });
}

void DeviceCalibration::fit_products(Precision precision, const std::vector<MeasuredGemm>& all) {
  const std::string name(name_of(precision));
  const bool wide = precision == device_.wide();
  std::vector<MeasuredGemm> rows = all;
  FitOptions options;
  if (!wide) {
    std::erase_if(rows, [](const MeasuredGemm& row) { return row.shape.m < kLeastNarrowRows; });
    options.hold.push_back(name + ".split-traffic");
  } else {
    const auto launch = std::find_if(numbers_.begin(), numbers_.end(),
                                     [](const FittedNumber& n) { return n.path == "launch"; });
    if (launch != numbers_.end()) options.hold.emplace_back("launch");  // Streams showed it alone.
  }
  const std::size_t before = numbers_.size();
  options.source = source_text(split(rows).fitted.size(), "products", timed_.gemm_origins);
  fit(name + " products", "products", rows, options, [&](const auto& fitted, const FitOptions& o) {
    return fit_gemm(device_, precision, fitted, o);
  });
  if (!wide || numbers_.size() == before) return;
  // What other precisions take over from it.
  const GemmModel model = *device_.gemm(precision);
  for (std::size_t p = 0; p < kPrecisions; ++p) {
    const std::string other(kPrecisionNames[p]);
    const Config* section = tree_.find(other);
    if (!device_.gemms[p] || other == name || section == nullptr ||
        section->find("like") != nullptr) {
      continue;
    }
    for (const auto& [key, from, to, ci] :
         {std::tuple{"split-traffic", &model.split_traffic, &device_.gemms[p]->split_traffic, 0.3},
          std::tuple{"memory-efficiency", &model.memory_efficiency,
                     &device_.gemms[p]->memory_efficiency, 0.2}}) {
      *to = {.value = from->value, .how = How::kAssumed, .ci = ci, .source = "as " + name};
      numbers_.push_back({other + "." + key, "1", *to});
    }
  }
}

// The precision whose numbers a profile uses for this one.
Precision shared_precision(const Config& profile, Precision precision) {
  const Config* section = profile.find(name_of(precision));
  const Config* like = section == nullptr ? nullptr : section->find("like");
  if (like == nullptr) return precision;
  const auto at = std::find(kPrecisionNames.begin(), kPrecisionNames.end(), like->text());
  return at == kPrecisionNames.end() ? precision
                                     : static_cast<Precision>(at - kPrecisionNames.begin());
}

auto key_of(const MeasuredGemm& g) {
  return std::tuple(static_cast<int>(g.precision), g.shape.m, g.shape.n, g.shape.k, g.seconds);
}
auto key_of(const MeasuredAttention& a) {
  const AttentionShape& s = a.shape;
  return std::tuple(s.batch, s.heads, s.kv_heads, s.head_dim, s.sequence, a.seconds);
}

template <class Row>
void drop_repeated(std::vector<Row>& rows) {
  std::set<decltype(key_of(rows.front()))> seen;
  std::erase_if(rows, [&](const Row& row) { return !seen.insert(key_of(row)).second; });
}

// The software that was timed; else who printed it: "owner/repository@commit".
std::string origin_of(const KernelSample& row) {
  return row.software.empty() ? row.source.substr(0, row.source.find_first_of(": ")) : row.software;
}

// Adds a row to what was timed; why not, if it is of no use.
std::string add_row(const KernelSample& row, const Config& profile, Timed& timed) {
  const KernelCase one = kernel_case(row);
  if (const auto* none = std::get_if<NotModelled>(&one)) return none->why;
  if (const auto* gemm = std::get_if<MeasuredGemm>(&one)) {
    MeasuredGemm product = *gemm;
    product.precision = shared_precision(profile, product.precision);
    timed.gemms[product.precision].push_back(product);
    timed.gemm_origins.insert(origin_of(row));
  } else if (const auto* attention = std::get_if<MeasuredAttention>(&one)) {
    if (attention->backward) return "attention backward: its efficiency is assumed";
    timed.attention.push_back(*attention);
    timed.attention_origins.insert(origin_of(row));
  } else {
    timed.streams.push_back(std::get<MeasuredStream>(one));
    timed.stream_origins.insert(origin_of(row));
  }
  return {};
}

}  // namespace

void calibrate_kernels(std::span<const KernelSample> rows, const CalibrateOptions& options,
                       Calibration& out) {
  std::map<std::string, Timed> devices;  // By preset.
  std::map<std::string, Config> profiles;
  std::map<std::pair<std::string, std::string>, std::size_t> unused;  // Whose, why.
  for (const KernelSample& row : rows) {
    const auto known = options.devices.find(row.gpu);
    if (row.how == "recalled" || row.how == "trial") {
      ++unused[{"kernels of " + row.gpu,
                row.how == "trial" ? "a trial run" : "recalled, not measured"}];
    } else if (known == options.devices.end()) {
      ++unused[{fmt::format("kernels of \"{}\"", row.gpu), "no profile of the accelerator"}];
    } else {
      const KnownPreset& preset = known->second;
      if (!profiles.contains(preset.name)) {
        profiles.emplace(preset.name, Config::parse(preset.text, preset.name + ".yaml"));
      }
      Timed& timed = devices[preset.name];
      timed.preset = &preset;
      const std::string why = add_row(row, profiles.at(preset.name), timed);
      if (!why.empty()) ++unused[{"kernels of " + preset.name, why}];
    }
  }
  for (const auto& [what, count] : unused) out.refused.push_back({what.first, what.second, count});
  for (auto& [name, timed] : devices) {
    for (auto& [precision, products] : timed.gemms) drop_repeated(products);
    drop_repeated(timed.attention);
    DeviceCalibration(timed, options, out).run();
  }
}

}  // namespace tenk
