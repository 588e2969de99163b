#include "topologies/network.h"

#include <algorithm>
#include <array>

#include "sim/base/error.h"

namespace tenk {
namespace {

constexpr std::int64_t kMostFlowlets = 1024;  // Of one connection: each is routed on its own.

}  // namespace

TrunkTable::TrunkTable(const Graph& graph)
    : trunk_of_link(graph.links().size()), graph_(graph), placed_(graph.links().size(), false) {}

TrunkId TrunkTable::single(LinkId link) { return bundle({&link, 1}); }

TrunkId TrunkTable::bundle(std::span<const LinkId> links) {
  const Link& first = graph_.link(links.front());
  const TrunkId id(trunks.size());
  for (const LinkId l : links) {
    const Link& member = graph_.link(l);
    TENK_CHECK(!placed_[l.value], "a link is in one trunk");
    TENK_CHECK(member.capacity == first.capacity && member.kind == first.kind,
               "members of a trunk are equal");
    placed_[l.value] = true;
    trunk_of_link[l.value] = id;
  }
  const auto count = static_cast<std::uint32_t>(links.size());
  trunks.push_back({first.capacity * count, count, first.kind});
  return id;
}

void TrunkTable::finish() {
  for (std::size_t l = 0; l < placed_.size(); ++l) {
    if (!placed_[l]) single(LinkId(l));
  }
}

RoutingSpec read_routing(Section section, std::span<const RoutingPolicy> allowed) {
  constexpr std::array<const char*, 8> kWords = {
      "spray", "ecmp-expected", "ecmp-hash", "minimal", "valiant", "ugal", "adaptive", "flowlets"};
  std::vector<std::string> words;
  for (const RoutingPolicy p : allowed) words.emplace_back(kWords[static_cast<std::size_t>(p)]);
  const std::string word = section.word("policy", words, words.front());
  const auto found = std::find(words.begin(), words.end(), word);
  RoutingSpec spec;
  spec.policy = allowed[static_cast<std::size_t>(found - words.begin())];
  spec.seed = static_cast<std::uint64_t>(section.integer("seed", {.min = 0}, 0));
  if (spec.policy == RoutingPolicy::kFlowlets) {
    spec.pieces = section.integer("pieces", {1, kMostFlowlets}, spec.pieces);
  }
  section.finish();
  return spec;
}

LinkSpec read_link(Section section) {
  LinkSpec spec;
  spec.rate = section.bandwidth("rate");
  spec.latency = section.time("latency");
  if (spec.rate.value() <= 0) section.fail("rate", "a link rate must be above 0");
  section.finish();
  return spec;
}

}  // namespace tenk
