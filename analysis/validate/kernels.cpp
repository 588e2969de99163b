// Timed kernels: does a product, a call of attention or a stream take as long as we say?
//
// Rules of the published tables: rows of FP8 and FP4 with m < 512 time the casts of the serving
// stack more than the product, and formats with narrow weights only are other kernels; both are
// excluded. Which rows the fits saw is in docs/kernels.md.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "analysis/interval.h"
#include "analysis/validate/hardware.h"
#include "analysis/validate/validation.h"
#include "calibration/fit_attention.h"
#include "calibration/fit_gemm.h"
#include "calibration/fit_memory.h"
#include "sim/base/error.h"
#include "sim/base/parallel.h"
#include "sim/base/presets.h"
#include "sim/base/text.h"

namespace tenk {
namespace {

constexpr std::int64_t kTrainingSize = 512;
constexpr double kStreamBytes = 1e9;  // Of a stream whose row states a rate only.

// A device and, for each uncertain number of its profile, the device with that number lowered.
struct Devices {
  DeviceProfile device;
  std::vector<DeviceProfile> lowered;
};
using DeviceTable = std::map<std::string, Devices>;

Devices load_devices(const std::string& name) {
  Devices devices{read_device_profile(load_preset("accelerators", name)), {}};
  DeviceProfile copy = devices.device;
  std::vector<Precision> precisions;
  for (std::size_t p = 0; p < kPrecisions; ++p) {
    if (copy.gemms[p]) precisions.push_back(static_cast<Precision>(p));
  }
  for (const auto& [path, known] : uncertain_numbers(copy, precisions)) {
    const double value = std::exchange(known->value, lowered(*known));
    devices.lowered.push_back(copy);
    known->value = value;
  }
  return devices;
}

struct Outcome {
  std::optional<Judged> judged;
  std::optional<Skipped> skipped;
  std::vector<std::string> assumptions;
};

std::string part_of(const KernelCase& one) {
  if (std::holds_alternative<MeasuredGemm>(one)) return "products";
  if (std::holds_alternative<MeasuredAttention>(one)) return "attention";
  return std::holds_alternative<MeasuredStream>(one) ? "memory" : "other";
}

bool is_narrow(Precision p) { return operand_bytes(p) < 2; }

void describe(const MeasuredGemm& row, Judged& judged) {
  const GemmShape& s = row.shape;
  const std::string precision(name_of(row.precision));
  judged.workload = fmt::format("{} product {} x {} x {}", precision, s.m, s.n, s.k);
  if (row.all_at_least(kTrainingSize)) {
    judged.cell = precision + " products, m n k >= 512";
  } else {
    judged.cell = precision + (s.m >= kTrainingSize ? " products, m >= 512, small n or k"
                                                    : " products, m < 512");
  }
  judged.measured_s = row.seconds;
}

void describe(const MeasuredAttention& row, Judged& judged) {
  const AttentionShape& a = row.shape;
  judged.workload = fmt::format("attention {} x {}, {} heads ({}) of {}", a.batch, a.sequence,
                                a.heads, a.kv_heads, a.head_dim);
  judged.cell = row.backward ? "attention, backward" : "attention, forward";
  judged.measured_s = row.seconds;
}

void describe(const MeasuredStream& row, Judged& judged) {
  const double bytes = row.bytes > 0 ? row.bytes : kStreamBytes;
  judged.workload = fmt::format("stream of {:.4g} MB", bytes / 1e6);
  judged.cell = "streams";
  judged.measured_s = row.bytes > 0 ? row.seconds : row.seconds * kStreamBytes;
}

double scale_of(const MeasuredStream& row) { return row.bytes > 0 ? 1 : kStreamBytes; }
double scale_of(const MeasuredGemm&) { return 1; }
double scale_of(const MeasuredAttention&) { return 1; }

template <class Row>
void predict(const Row& row, const Devices& devices, Judged& judged) {
  describe(row, judged);
  judged.predicted_s = scale_of(row) * predicted_seconds(devices.device, row);
  double squares = 0;
  for (const DeviceProfile& device : devices.lowered) {
    squares += std::pow(scale_of(row) * predicted_seconds(device, row) - judged.predicted_s, 2);
  }
  judged.low_s = std::max(0.0, judged.predicted_s - std::sqrt(squares));
  judged.high_s = judged.predicted_s + std::sqrt(squares);
}

// Why a product cannot or should not be judged; empty if it can.
Skipped product_refusal(const MeasuredGemm& row, const DeviceProfile& device) {
  if (device.gemm(row.precision) == nullptr) {
    return {.id = {},
            .part = {},
            .why = fmt::format("no {} products in the profile of {}", name_of(row.precision),
                               device.name)};
  }
  if (row.served && is_narrow(row.precision) && row.shape.m < kTrainingSize) {
    return {.id = {},
            .part = {},
            .why = "8 and 4 bit products with m < 512: mostly casts",
            .excluded = true};
  }
  return {};
}

Outcome judge_sample(const KernelSample& sample, const DeviceTable& table) {
  Outcome outcome;
  const KernelCase one = kernel_case(sample);
  const auto skip = [&](std::string why, bool excluded) {
    outcome.skipped = Skipped{sample.id, part_of(one), std::move(why), excluded};
    return outcome;
  };
  if (const auto* none = std::get_if<NotModelled>(&one)) return skip(none->why, none->by_rule);
  const auto name = accelerator_named(sample.gpu, outcome.assumptions);
  const auto found = name ? table.find(*name) : table.end();
  if (found == table.end()) {
    return skip(fmt::format("no profile of the accelerator \"{}\"", shown(sample.gpu)), false);
  }
  Judged judged;
  judged.id = sample.id;
  judged.part = part_of(one);
  judged.gpu = *name;
  const auto* gemm = std::get_if<MeasuredGemm>(&one);
  if (gemm != nullptr) {
    const Skipped refusal = product_refusal(*gemm, found->second.device);
    if (!refusal.why.empty()) return skip(refusal.why, refusal.excluded);
    predict(*gemm, found->second, judged);
  } else if (const auto* attention = std::get_if<MeasuredAttention>(&one)) {
    predict(*attention, found->second, judged);
  } else {
    predict(std::get<MeasuredStream>(one), found->second, judged);
  }
  outcome.judged = std::move(judged);
  return outcome;
}

DeviceTable devices_of(const std::vector<KernelSample>& samples) {
  DeviceTable table;
  std::map<std::string, bool> seen;
  const std::vector<std::string> presets = preset_names("accelerators");
  for (const KernelSample& sample : samples) {
    if (!seen.emplace(sample.gpu, true).second) continue;
    std::vector<std::string> ignored;
    const auto name = accelerator_named(sample.gpu, ignored);
    if (!name || table.contains(*name)) continue;
    if (std::find(presets.begin(), presets.end(), *name) == presets.end()) continue;
    table.emplace(*name, load_devices(*name));
  }
  return table;
}

void judge_kernels(const std::string& text, const std::string& file, Validation& all) {
  const Measurements table = read_measurements(text, file);
  const std::vector<KernelSample>& samples = table.kernels;
  if (samples.empty()) {
    throw Error(ErrorKind::kFile, "no timed kernels in this table", Where{.file = file});
  }
  const DeviceTable devices = devices_of(samples);
  std::vector<Outcome> outcomes(samples.size());
  in_parallel(samples.size(),
              [&](std::size_t i) { outcomes[i] = judge_sample(samples[i], devices); });
  for (Outcome& outcome : outcomes) {
    for (const std::string& assumed : outcome.assumptions) ++all.assumptions[assumed];
    if (outcome.judged) all.rows.push_back(std::move(*outcome.judged));
    if (outcome.skipped) all.skipped.push_back(std::move(*outcome.skipped));
  }
}

}  // namespace

extern const ValidationKind kKernelsValidation{
    .name = "kernels",
    .summary = "timed matrix products, attention and memory streams",
    .judge = judge_kernels};

}  // namespace tenk
