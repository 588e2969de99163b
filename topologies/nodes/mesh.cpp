// Servers whose GPUs are joined by links of their own, without a switch: quads of GH200, boxes of
// MI300X (all pairs alike), and the hybrid cube mesh of eight V100 (some pairs, some doubly).
//
//   GPU i -- GPU j (lanes of one link);  GPU i -- its NIC
//
// Two GPUs without a link of their own go through a common neighbour: the one whose narrower link
// to them is widest, the first of equals.
#include <algorithm>
#include <charconv>
#include <optional>

#include <fmt/format.h>

#include "sim/base/text.h"
#include "sim/plan/device_profile.h"
#include "topologies/nodes/node.h"

namespace tenk {
namespace {

struct Pair {
  std::uint32_t a = 0, b = 0;
  std::uint16_t lanes = 1;
};

struct MeshSpec {
  std::uint32_t gpus = 2, nics = 2;
  std::vector<Pair> pairs;
  Bandwidth link, nic_link;
  Time latency, nic_latency;
  std::string word;
};

// "0-3 x2": GPUs 0 and 3, two lanes.
std::optional<Pair> parse_pair(std::string_view text) {
  Pair p;
  const char* const end = text.data() + text.size();
  const auto a = std::from_chars(text.data(), end, p.a);
  if (a.ec != std::errc() || a.ptr == end || *a.ptr != '-') return std::nullopt;
  const auto b = std::from_chars(a.ptr + 1, end, p.b);
  if (b.ec != std::errc()) return std::nullopt;
  const std::string_view rest(b.ptr, static_cast<std::size_t>(end - b.ptr));
  if (rest.empty()) return p;
  if (!rest.starts_with(" x")) return std::nullopt;
  const auto lanes = std::from_chars(b.ptr + 2, end, p.lanes);
  if (lanes.ec != std::errc() || lanes.ptr != end || p.lanes == 0) return std::nullopt;
  return p;
}

void read_pairs(Section& s, MeshSpec& spec) {
  if (s.has("lanes-per-pair")) {
    const auto lanes = static_cast<std::uint16_t>(s.integer("lanes-per-pair", {1, 64}));
    for (std::uint32_t a = 0; a < spec.gpus; ++a) {
      for (std::uint32_t b = a + 1; b < spec.gpus; ++b) spec.pairs.push_back({a, b, lanes});
    }
    return;
  }
  for (const std::string& text : s.texts("pairs")) {
    const std::optional<Pair> pair = parse_pair(text);
    if (pair && pair->a < pair->b && pair->b < spec.gpus) {
      spec.pairs.push_back(*pair);
    } else {
      s.fail("pairs", fmt::format("found \"{}\", expected two of the {} GPUs, the lower first, and "
                                  "their lanes: \"0-3 x2\"",
                                  shown(text), spec.gpus));
    }
  }
  if (spec.pairs.empty()) {
    s.fail("expected lanes-per-pair (all pairs alike) or a list of pairs");
    spec.pairs.push_back({0, 1, 1});
  }
}

MeshSpec read_spec(Section& s) {
  MeshSpec spec;
  spec.gpus = static_cast<std::uint32_t>(s.integer("gpus", {2, 16}));
  spec.nics = static_cast<std::uint32_t>(s.integer("nics", {1, 16}, spec.gpus));
  spec.word = s.word("link-kind", {"nvlink", "xgmi"}, "nvlink");
  spec.link = Bandwidth::per_second(read_known(s, "link", "B/s").value);
  spec.latency = Time::seconds(read_known(s, "link-latency", "s").value);
  spec.nic_link = Bandwidth::per_second(read_known(s, "nic-link", "B/s").value);
  spec.nic_latency = Time::seconds(read_known(s, "nic-link-latency", "s").value);
  read_pairs(s, spec);
  if (spec.gpus % spec.nics != 0) {
    s.fail("nics", "GPUs must share NICs evenly");
    spec.nics = spec.gpus;
  }
  return spec;
}

// Local links of one lane bundle from a to b; empty: none.
NodeTemplate::Path direct(const MeshSpec& spec, std::uint32_t a, std::uint32_t b) {
  for (std::size_t c = 0; c < spec.pairs.size(); ++c) {
    const auto link = static_cast<std::uint32_t>(2 * c);
    if (spec.pairs[c].a == a && spec.pairs[c].b == b) return {link};
    if (spec.pairs[c].a == b && spec.pairs[c].b == a) return {link + 1};
  }
  return {};
}

NodeTemplate::Path path_between(const MeshSpec& spec, std::uint32_t a, std::uint32_t b) {
  NodeTemplate::Path best = direct(spec, a, b);
  int widest = 0;
  for (std::uint32_t via = 0; best.size() != 1 && via < spec.gpus; ++via) {
    const NodeTemplate::Path in = direct(spec, a, via), out = direct(spec, via, b);
    if (in.empty() || out.empty()) continue;
    const int width = std::min(spec.pairs[in.front() / 2].lanes, spec.pairs[out.front() / 2].lanes);
    if (width > widest) best = {in.front(), out.front()};
    widest = std::max(widest, width);
  }
  return best;
}

NodeTemplate read_mesh(Section& s) {
  NodeTemplate node;
  node.accelerator = s.text("accelerator");
  const MeshSpec spec = read_spec(s);
  for (std::uint32_t i = 0; i < spec.gpus; ++i) node.devices.push_back({"gpu", i, 1});
  for (std::uint32_t i = 0; i < spec.nics; ++i) node.devices.push_back({"nic", i, 1});
  for (const Pair& p : spec.pairs) {
    node.cables.push_back({p.a, p.b, spec.link * p.lanes, spec.latency, spec.word + " up",
                           spec.word + " down", p.lanes});
  }
  const auto first_nic_link = static_cast<std::uint32_t>(2 * node.cables.size());
  const std::uint32_t share = spec.gpus / spec.nics;
  for (std::uint32_t i = 0; i < spec.gpus; ++i) {
    node.cables.push_back({i, spec.gpus + i / share, spec.nic_link, spec.nic_latency, "gpu-nic up",
                           "gpu-nic down", 1});
    node.accelerators.push_back(i);
    node.port_of.push_back(i / share);
    node.to_port.push_back({first_nic_link + 2 * i});
    node.from_port.push_back({first_nic_link + 2 * i + 1});
  }
  for (std::uint32_t i = 0; i < spec.nics; ++i) node.ports.push_back(spec.gpus + i);
  for (std::uint32_t a = 0; a < spec.gpus; ++a) {
    for (std::uint32_t b = 0; b < spec.gpus; ++b) {
      node.to_peer.push_back(a == b ? NodeTemplate::Path{} : path_between(spec, a, b));
    }
  }
  return node;
}

}  // namespace

extern const NodeKind kMesh{
    .name = "mesh", .summary = "GPUs joined by links of their own, no switch", .read = read_mesh};

}  // namespace tenk
