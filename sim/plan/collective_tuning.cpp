#include "sim/plan/collective_tuning.h"

#include <fmt/format.h>

namespace tenk {
namespace {

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

std::vector<double> factors(Section& s, std::string_view key) {
  std::vector<double> out;
  for (const std::string& text : s.texts(key)) {
    char* end = nullptr;
    const double x = std::strtod(text.c_str(), &end);
    if (end == text.c_str() || *end != '\0' || !(x > 0 && x <= 2)) {
      s.fail(key, fmt::format("\"{}\" is no factor between 0 and 2", text));
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

}  // namespace

CollectiveTuning read_collective_tuning(const Config& file) {
  Faults faults;
  Section s(file, "collective tuning", faults);
  CollectiveTuning t;
  t.name = s.text("source");
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
  t.tree_correction = {factors(correction, "ll"), factors(correction, "ll128"),
                       factors(correction, "simple")};
  correction.finish();
  tree.finish();
  t.ll_total = three<Bandwidth>(s, "ll-total", parse_bandwidth);
  t.network_overhead = s.time("network-overhead");
  t.node_channels = static_cast<int>(s.integer("node-channels", {1, 64}));
  t.nic_channels = static_cast<int>(s.integer("nic-channels", {1, 64}));
  t.nvlink_efficiency = read_known(s, "nvlink-efficiency", "1");
  t.network_efficiency = read_known(s, "network-efficiency", "1");
  s.finish();
  faults.throw_if_any();
  return t;
}

}  // namespace tenk
