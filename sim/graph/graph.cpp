#include "sim/graph/graph.h"

#include <algorithm>

#include <fmt/format.h>

#include "sim/base/error.h"

namespace tenk {
namespace {

std::uint16_t intern(std::vector<std::string>& names, std::string_view name) {
  const auto at = std::find(names.begin(), names.end(), name);
  if (at != names.end()) return static_cast<std::uint16_t>(at - names.begin());
  names.emplace_back(name);
  return static_cast<std::uint16_t>(names.size() - 1);
}

}  // namespace

std::span<const LinkId> Graph::out_links(DeviceId d) const {
  return {out_.data() + first_out_[d.value], out_.data() + first_out_[d.value + 1]};
}

std::string Graph::name(DeviceId d) const {
  const Device& device = devices_[d.value];
  const std::string own = fmt::format("{}{}", device_kinds_[device.kind], device.index);
  return device.node == kNoNode ? own : fmt::format("node{}.{}", device.node, own);
}

std::uint64_t Graph::count(std::string_view kind) const {
  std::uint64_t units = 0;
  for (const Device& d : devices_) {
    if (device_kinds_[d.kind] == kind) units += d.units;
  }
  return units;
}

std::uint16_t GraphBuilder::device_kind(std::string_view name) {
  return intern(graph_.device_kinds_, name);
}

std::uint16_t GraphBuilder::link_kind(std::string_view name) {
  return intern(graph_.link_kinds_, name);
}

DeviceId GraphBuilder::add(Device d) {
  graph_.devices_.push_back(d);
  return DeviceId(graph_.devices_.size() - 1);
}

LinkId GraphBuilder::add(const Cable& c) {
  const LinkId first(graph_.links_.size());
  graph_.links_.push_back({c.a, c.b, c.rate, c.latency, c.kind_ab, c.lanes});
  graph_.links_.push_back({c.b, c.a, c.rate, c.latency, c.kind_ba, c.lanes});
  return first;
}

Graph GraphBuilder::freeze() && {
  Graph& g = graph_;
  g.first_out_.assign(g.devices_.size() + 1, 0);
  for (const Link& l : g.links_) ++g.first_out_[l.from.value + 1];
  for (std::size_t d = 0; d < g.devices_.size(); ++d) g.first_out_[d + 1] += g.first_out_[d];
  g.out_.resize(g.links_.size());
  std::vector<std::uint32_t> next(g.first_out_.begin(), g.first_out_.end() - 1);
  for (std::size_t l = 0; l < g.links_.size(); ++l) {
    g.out_[next[g.links_[l].from.value]++] = LinkId(l);
  }
  return std::move(graph_);
}

}  // namespace tenk
