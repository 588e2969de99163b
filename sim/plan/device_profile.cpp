#include "sim/plan/device_profile.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <optional>
#include <utility>

#include "sim/base/error.h"
#include "sim/base/text.h"

namespace tenk {
namespace {

using Prefixes = std::array<std::pair<std::string_view, double>, 12>;
constexpr Prefixes kPrefixes = {{{"", 1},
                                 {"n", 1e-9},
                                 {"u", 1e-6},
                                 {"m", 1e-3},
                                 {"k", 1e3},
                                 {"M", 1e6},
                                 {"G", 1e9},
                                 {"T", 1e12},
                                 {"P", 1e15},
                                 {"Ki", 1024.0},
                                 {"Mi", 1048576.0},
                                 {"Gi", 1073741824.0}}};
constexpr std::int64_t kMostTile = 4096;
constexpr NumberRange kShare = {.min = 0.001, .max = 1};  // Of a limit.
constexpr NumberRange kRate = {.min = 1, .max = 1e21};
constexpr NumberRange kSeconds = {.min = 1e-12, .max = 1000};

// Base units in one `unit` ("TFLOP/s" is 1e12 "FLOP/s"); nullopt if it is of another kind.
std::optional<double> scale_of(std::string_view unit, std::string_view base) {
  for (const auto& [prefix, scale] : kPrefixes) {
    const bool binary = prefix.size() == 2;
    if (binary && base.front() != 'B') continue;
    if (base == "1" && !prefix.empty()) continue;
    if (unit.size() == prefix.size() + base.size() && unit.starts_with(prefix) &&
        unit.ends_with(base)) {
      return scale;
    }
  }
  return std::nullopt;
}

How read_how(Section& section) {
  const std::string how = section.word("how", {"measured", "fitted", "datasheet", "assumed"});
  if (how == "measured") return How::kMeasured;
  if (how == "fitted") return How::kFitted;
  if (how == "datasheet") return How::kDatasheet;
  return How::kAssumed;
}

std::string read_source(Section& section) {
  std::string source = section.text("source");
  if (source.empty() && section.has("source")) section.fail("source", "a number needs its source");
  return source;
}

std::optional<Tile> parse_tile(const std::string& text) {
  Tile tile;
  const char* end = text.data() + text.size();
  const auto m = std::from_chars(text.data(), end, tile.m);
  if (m.ec != std::errc() || m.ptr == end || *m.ptr != 'x') return std::nullopt;
  const auto n = std::from_chars(m.ptr + 1, end, tile.n);
  if (n.ec != std::errc() || n.ptr != end) return std::nullopt;
  if (tile.m < 1 || tile.n < 1 || tile.m > kMostTile || tile.n > kMostTile) return std::nullopt;
  return tile;
}

void read_tiles(Section tiles, GemmModel& model) {
  for (const std::string& shape : tiles.texts("shapes")) {
    if (const std::optional<Tile> tile = parse_tile(shape)) {
      model.tiles.push_back(*tile);
    } else {
      tiles.fail("shapes", fmt::format("found \"{}\", expected a tile such as 128x256, sides of 1 "
                                       "to {} elements",
                                       shape, kMostTile));
    }
  }
  if (model.tiles.empty()) tiles.fail("shapes: expected at least one tile such as 128x256");
  model.tiles_how = read_how(tiles);
  model.tiles_source = read_source(tiles);
  tiles.finish();
}

Quantisation read_quantisation(Section section) {
  Quantisation cost;
  cost.latency = read_known(section, "latency", "s", kSeconds);
  cost.traffic = read_known(section, "traffic", "B", {.min = 0, .max = 1000});
  section.finish();
  return cost;
}

GemmModel read_gemm(Section section) {
  GemmModel model;
  model.peak = read_known(section, "peak", "FLOP/s", kRate);
  model.efficiency = read_known(section, "efficiency", "1", kShare);
  model.k_overhead = read_known(section, "k-overhead", "1", {.min = 0, .max = 1e6});
  model.tail = read_known(section, "tail", "1", {.min = 0, .max = 1});
  model.operand_bandwidth = read_known(section, "operand-bandwidth", "B/s", kRate);
  model.split_traffic = read_known(section, "split-traffic", "1", {.min = 0, .max = 1000});
  model.memory_efficiency = read_known(section, "memory-efficiency", "1", kShare);
  read_tiles(section.section("tiles"), model);
  Section quantisation = section.section("quantisation", false);
  if (section.has("quantisation")) model.quantisation = read_quantisation(std::move(quantisation));
  section.finish();
  return model;
}

// `fp16: {like: bf16}` stands for the numbers of another section.
void read_gemms(Section& root, DeviceProfile& profile) {
  std::array<std::string, kPrecisions> like;
  for (std::size_t p = 0; p < kPrecisions; ++p) {
    const std::string name(kPrecisionNames[p]);
    Section section = root.section(name, false);
    if (section.has("like")) {
      like[p] = section.text("like");
      section.finish();
    } else if (root.has(name)) {
      profile.gemms[p] = read_gemm(std::move(section));
    }
  }
  for (std::size_t p = 0; p < kPrecisions; ++p) {
    if (like[p].empty()) continue;
    const auto at = std::find(kPrecisionNames.begin(), kPrecisionNames.end(), like[p]);
    const auto other = static_cast<std::size_t>(at - kPrecisionNames.begin());
    if (other < kPrecisions && like[other].empty() && profile.gemms[other]) {
      profile.gemms[p] = profile.gemms[other];
    } else {
      root.fail(kPrecisionNames[p],
                fmt::format("like \"{}\": expected another precision that this profile gives "
                            "numbers for",
                            shown(like[p])));
    }
  }
  for (const Precision p : {Precision::kBf16, Precision::kFp16, Precision::kFp32}) {
    if (profile.gemm(p) != nullptr) return;
  }
  root.fail("expected at least one of the sections bf16, fp16 and fp32");
}

AttentionModel read_attention(Section section) {
  AttentionModel model;
  model.efficiency = read_known(section, "efficiency", "1", kShare);
  model.latency = read_known(section, "latency", "s", kSeconds);
  model.passes = read_known(section, "passes", "1", {.min = 1, .max = 1000});
  model.tail = read_known(section, "tail", "1", {.min = 0, .max = 1});
  model.key_overhead = read_known(section, "key-overhead", "1", {.min = 0, .max = 1e6});
  model.backward_ratio = read_known(section, "backward-ratio", "1", {.min = 0.01, .max = 100});
  if (section.has("flash-2")) model.flash_2 = read_known(section, "flash-2", "1", kShare);
  section.finish();
  return model;
}

}  // namespace

const GemmModel* DeviceProfile::gemm(Precision precision) const {
  const std::optional<GemmModel>& model = gemms[static_cast<std::size_t>(precision)];
  return model ? &*model : nullptr;
}

const GemmModel& DeviceProfile::need_gemm(Precision precision) const {
  const GemmModel* model = gemm(precision);
  if (model != nullptr) return *model;
  throw Error(ErrorKind::kInvalid, fmt::format("{} has no {} matrix products; it has {}", name,
                                               name_of(precision), precisions()));
}

Precision DeviceProfile::wide() const {
  for (const Precision p : {Precision::kBf16, Precision::kFp16}) {
    if (gemm(p) != nullptr) return p;
  }
  return Precision::kFp32;
}

std::string DeviceProfile::precisions() const {
  std::vector<std::string_view> names;
  for (std::size_t p = 0; p < kPrecisions; ++p) {
    if (gemms[p]) names.push_back(kPrecisionNames[p]);
  }
  return fmt::format("{}", fmt::join(names, ", "));
}

Known read_known(Section& section, std::string_view key, std::string_view expected_unit,
                 NumberRange range) {
  Section entry = section.section(key);
  if (!section.has(key)) return {.value = range.min, .source = {}};
  const std::string unit = entry.text("unit");
  const std::optional<double> scale = scale_of(unit, expected_unit);
  if (!scale && !unit.empty()) {
    entry.fail("unit", fmt::format("found \"{}\", expected a unit of {}", unit,
                                   expected_unit == "1" ? "ratio: \"1\"" : expected_unit));
  }
  const NumberRange in_unit =
      scale ? NumberRange{.min = range.min / *scale, .max = range.max / *scale} : NumberRange{};
  Known known;
  known.value = entry.number("value", in_unit) * scale.value_or(1);
  known.how = read_how(entry);
  known.ci = entry.number("ci", {.min = 0, .max = 10});
  known.source = read_source(entry);
  entry.finish();
  return known;
}

DeviceProfile read_device_profile(const Config& file) {
  Faults faults;
  Section root(with_inherited(file), "accelerator", faults);
  DeviceProfile profile;
  profile.name = root.text("name");
  const Known memory = read_known(root, "memory", "B", {.min = 1, .max = 1e15});
  profile.memory = Bytes(std::llround(memory.value));
  const Known sms = read_known(root, "sms", "1", {.min = 1, .max = 1e6});
  profile.sms = static_cast<int>(std::lround(sms.value));
  if (sms.value != std::round(sms.value)) root.fail("sms", "expected a whole number of units");
  profile.memory_bandwidth = read_known(root, "memory-bandwidth", "B/s", kRate);
  profile.memory_efficiency = read_known(root, "memory-efficiency", "1", kShare);
  profile.launch = read_known(root, "launch", "s", kSeconds);
  read_gemms(root, profile);
  profile.attention = read_attention(root.section("attention"));
  profile.sustained_power_factor = read_known(root, "sustained-power-factor", "1", kShare);
  profile.power_settling = read_known(root, "power-settling", "s", kSeconds);
  root.finish();
  faults.throw_if_any();
  return profile;
}

}  // namespace tenk
