#include "sim/plan/collective_tuning.h"

#include <algorithm>

#include <fmt/format.h>

#include "sim/base/presets.h"

namespace tenk {
namespace {

constexpr NumberRange kShortTime = {.min = 0, .max = 1};
constexpr NumberRange kRate = {.min = 1e3, .max = 1e15};
constexpr NumberRange kShare = {.min = 0.001, .max = 1};

// A list of exactly three quantities.
template <class T>
std::array<T, 3> three(Section& s, std::string_view key,
                       std::optional<T> (*parse)(std::string_view)) {
  std::array<T, 3> out{};
  const std::vector<std::string> texts = s.texts(key);
  if (texts.size() != 3) {
    s.fail(key, fmt::format("expected three values; found {}", texts.size()));
    return out;
  }
  for (std::size_t i = 0; i < 3; ++i) {
    const std::optional<T> value = parse(texts[i]);
    if (!value) s.fail(key, fmt::format("\"{}\" is no quantity with a unit", texts[i]));
    out[i] = value.value_or(T());
  }
  return out;
}

std::vector<double> numbers(Section& s, std::string_view key, double most) {
  std::vector<double> out;
  for (const std::string& text : s.texts(key)) {
    char* end = nullptr;
    const double x = std::strtod(text.c_str(), &end);
    if (end == text.c_str() || *end != '\0' || !(x > 0 && x <= most)) {
      s.fail(key, fmt::format("\"{}\" is no number between 0 and {}", text, most));
      out.push_back(1);
    } else {
      out.push_back(x);
    }
  }
  if (out.empty()) out.push_back(1);
  return out;
}

void read_algorithm(Section& s, Algorithm algorithm, CollectiveTuning& t) {
  const auto a = static_cast<std::size_t>(algorithm);
  t.base[a] = three<Time>(s, "base", parse_time);
  t.nvlink[a] = three<Time>(s, "nvlink", parse_time);
  t.network[a] = three<Time>(s, "network", parse_time);
}

void read_tables(Section& s, CollectiveTuning& t) {
  Section ring = s.section("ring");
  read_algorithm(ring, Algorithm::kRing, t);
  t.ring_ll128 = three<Bandwidth>(ring, "ll128-per-channel", parse_bandwidth);
  t.ring_simple_factor = ring.number("simple-latency-factor", {1, 10});
  ring.finish();
  Section tree = s.section("tree");
  read_algorithm(tree, Algorithm::kTree, t);
  t.tree_ll128 = three<Bandwidth>(tree, "ll128-per-channel", parse_bandwidth);
  t.tree_simple = three<Bandwidth>(tree, "simple-per-channel", parse_bandwidth);
  Section correction = tree.section("correction");
  t.tree_correction = {numbers(correction, "ll", 2), numbers(correction, "ll128", 2),
                       numbers(correction, "simple", 2)};
  correction.finish();
  tree.finish();
  t.ll_total = three<Bandwidth>(s, "ll-total", parse_bandwidth);
  t.network_overhead = s.time("network-overhead");
  t.node_channels = static_cast<int>(s.integer("node-channels", {1, 64}));
  t.nic_channels = static_cast<int>(s.integer("nic-channels", {1, 64}));
  t.node_ll128 = s.boolean("node-ll128", true);
  t.planned_nvlink = s.number("nvlink-planned", kShare, 1);
}

NvlsTuning read_nvls(Section s) {
  NvlsTuning n;
  n.latency = s.time("latency");
  n.network = s.time("network");
  n.tree_network = s.time("tree-network");
  n.efficiency = s.number("efficiency", kShare);
  n.speeds = numbers(s, "channel-speeds", 1000);
  n.tree_per_channel = three<Bandwidth>(s, "tree-per-channel", parse_bandwidth);
  n.channels = static_cast<int>(s.integer("channels", {1, 64}));
  n.start = read_known(s, "start", "s", kShortTime);
  n.rate = read_known(s, "rate", "B/s", kRate);
  n.chunk_overhead = read_known(s, "chunk-overhead", "1", {.min = 0, .max = 100});
  s.finish();
  return n;
}

PatTuning read_pat(Section s) {
  PatTuning p;
  p.base = s.time("base");
  p.network = s.time("network");
  p.steps_at_once = s.number("steps-at-once", {1, 100});
  p.each_rank = s.time("each-rank");
  p.bandwidth_share = s.number("bandwidth-share", kShare);
  s.finish();
  return p;
}

RingPace read_pace(Section s) {
  RingPace p;
  p.base = read_known(s, "base", "s", kShortTime);
  p.step = read_known(s, "step", "s", kShortTime);
  if (s.has("floor")) p.floor = read_known(s, "floor", "s", kShortTime);
  if (s.has("rate")) p.rate = read_known(s, "rate", "B/s", kRate);
  s.finish();
  return p;
}

PointToPoint read_pairs(Section s) {
  PointToPoint p;
  p.ll_base = read_known(s, "ll-base", "s", kShortTime);
  p.base = read_known(s, "base", "s", kShortTime);
  p.ll_rate = read_known(s, "ll-rate", "B/s", kRate);
  p.out = read_known(s, "out", "B/s", kRate);
  p.all = read_known(s, "all", "B/s", kRate);
  p.ll_most = s.bytes("ll-most");
  s.finish();
  return p;
}

}  // namespace

bool CollectiveTuning::forbids(std::string_view algorithm) const {
  return std::find(without.begin(), without.end(), algorithm) != without.end();
}

CollectiveTuning read_collective_tuning(const Config& file) {
  Faults faults;
  Section s(file, "collective tuning", faults);
  CollectiveTuning t;
  t.name = s.text("source");
  read_tables(s, t);
  if (s.has("nvls")) t.nvls = read_nvls(s.section("nvls"));
  if (s.has("pat")) t.pat = read_pat(s.section("pat"));
  t.nvlink_efficiency = read_known(s, "nvlink-efficiency", "1", kShare);
  Section pace = s.section("inside");
  t.pace = {read_pace(pace.section("ll")), read_pace(pace.section("ll128")),
            read_pace(pace.section("simple"))};
  t.own_copy = read_known(pace, "own-copy", "B/s", kRate);
  t.pairs = read_pairs(pace.section("pairs"));
  pace.finish();
  s.finish();
  faults.throw_if_any();
  return t;
}

NicTuning read_nic_tuning(const Config& file) {
  Faults faults;
  Section s(file, "NIC", faults);
  NicTuning n;
  n.name = s.text("nic");
  n.efficiency = read_known(s, "efficiency", "1", kShare);
  n.tree_efficiency = read_known(s, "tree-efficiency", "1", kShare);
  n.pair_efficiency = read_known(s, "pair-efficiency", "1", kShare);
  n.ring_step = read_known(s, "ring-step", "s", kShortTime);
  n.hop = read_known(s, "hop", "s", kShortTime);
  n.ll_hop = read_known(s, "ll-hop", "s", kShortTime);
  n.fill = read_known(s, "fill-per-mib", "s", kShortTime);
  n.fill_most = read_known(s, "fill-most", "s", kShortTime);
  n.long_ll = read_known(s, "long-ll", "s", kShortTime);
  n.ll_rate = read_known(s, "ll-rate", "B/s", kRate);
  n.long_ll_from = s.bytes("long-ll-from");
  n.ll128 = s.boolean("ll128");
  s.finish();
  faults.throw_if_any();
  return n;
}

CollectiveTuning load_collective_tuning(const std::string& collectives, const std::string& nic) {
  CollectiveTuning t = read_collective_tuning(load_preset("collectives", collectives));
  t.nic = read_nic_tuning(load_preset("nics", nic));
  t.network_efficiency = t.nic.efficiency;
  return t;
}

}  // namespace tenk
