#include "topologies/degrade.h"

#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include "sim/base/error.h"
#include "sim/base/text.h"

namespace tenk {
namespace {

std::optional<DeviceId> find_device(const Graph& graph, const std::string& name) {
  for (std::size_t d = 0; d < graph.devices().size(); ++d) {
    if (graph.name(DeviceId(d)) == name) return DeviceId(d);
  }
  return std::nullopt;
}

// A cable is two links in a row: the first of each cable for which `wanted` holds.
template <class Wanted>
std::vector<LinkId> find_cables(const Graph& graph, const Wanted& wanted) {
  std::vector<LinkId> found;
  for (std::size_t l = 0; l < graph.links().size(); l += 2) {
    if (wanted(graph.links()[l])) found.push_back(LinkId(l));
  }
  return found;
}

// Of "#i" the number i; as large as no list where it is no number.
std::size_t which_of_several(const std::string& digits) {
  const bool number = !digits.empty() && digits.size() < 9 &&
                      digits.find_first_not_of("0123456789") == std::string::npos;
  return number ? std::stoul(digits) : std::string::npos;
}

std::vector<LinkId> cables_between(const Degrade& degrade, const Graph& graph) {
  const std::string& name = degrade.name;
  const std::size_t colon = name.find(':'), hash = name.find('#');
  const std::string b = colon == std::string::npos ? "" : name.substr(colon + 1, hash - colon - 1);
  const std::optional<DeviceId> end_a = find_device(graph, name.substr(0, colon));
  const std::optional<DeviceId> end_b = find_device(graph, b);
  std::vector<LinkId> found = find_cables(graph, [&](const Link& link) {
    return (link.from == end_a && link.to == end_b) || (link.from == end_b && link.to == end_a);
  });
  if (hash != std::string::npos) {
    const std::size_t i = which_of_several(name.substr(hash + 1));
    found = i < found.size() ? std::vector<LinkId>{found[i]} : std::vector<LinkId>{};
  }
  if (found.empty()) {
    throw Error(ErrorKind::kInvalid,
                fmt::format("no cable \"{}\" in this cluster; write two devices that are joined, "
                            "such as \"leaf0:spine0\" or \"leaf0:spine0#1\" for one of several",
                            shown(name)),
                degrade.where);
  }
  return found;
}

// "leaf0 to leaf15, spine0 to spine7": by kind, the first and the last.
std::string switches_text(const Graph& graph) {
  std::vector<std::pair<std::uint16_t, std::pair<DeviceId, DeviceId>>> ends;
  for (std::size_t d = 0; d < graph.devices().size(); ++d) {
    const Device& device = graph.devices()[d];
    if (device.node != kNoNode) continue;
    const auto known = std::find_if(ends.begin(), ends.end(),
                                    [&](const auto& e) { return e.first == device.kind; });
    if (known == ends.end()) {
      ends.push_back({device.kind, {DeviceId(d), DeviceId(d)}});
    } else {
      known->second.second = DeviceId(d);
    }
  }
  std::string text;
  for (const auto& [kind, range] : ends) {
    text += (text.empty() ? "" : ", ") + graph.name(range.first);
    if (range.first != range.second) text += " to " + graph.name(range.second);
  }
  return text.empty() ? "none" : text;
}

std::vector<LinkId> cables_of_switch(const Degrade& degrade, const Graph& graph) {
  const std::optional<DeviceId> device = find_device(graph, degrade.name);
  if (!device || graph.device(*device).node != kNoNode) {
    throw Error(ErrorKind::kInvalid,
                fmt::format("no switch \"{}\" in this cluster; it has {}", shown(degrade.name),
                            switches_text(graph)),
                degrade.where);
  }
  return find_cables(graph,
                     [&](const Link& link) { return link.from == *device || link.to == *device; });
}

std::vector<LinkId> cables_of_node(const Degrade& degrade, const Graph& graph) {
  return find_cables(graph, [&](const Link& link) {
    const std::uint32_t from = graph.device(link.from).node, to = graph.device(link.to).node;
    return from != to && (from == degrade.node || to == degrade.node);
  });
}

}  // namespace

std::vector<Degrade> read_degrade(Section& cluster, std::uint32_t nodes) {
  std::vector<Degrade> list;
  for (Section& s : cluster.sections("degrade")) {
    Degrade d;
    if (s.has("link") + s.has("switch") + s.has("node") > 1) {
      s.fail("name one link, one switch or one node in each entry of " + cluster.what() +
             ".degrade");
    }
    if (s.has("switch")) {
      d.what = Degrade::What::kSwitch;
      d.name = s.text("switch");
    } else if (s.has("node")) {
      d.what = Degrade::What::kNode;
      d.node = static_cast<std::uint32_t>(s.integer("node", {0, std::int64_t{nodes} - 1}));
    } else {
      d.name = s.text("link");
    }
    d.rate = s.bandwidth("rate");
    d.where = s.where();
    for (const char* key : {"link", "switch", "node"}) s.raw(key);  // Reported above, if several.
    s.finish();
    list.push_back(std::move(d));
  }
  return list;
}

void apply(const Degrade& degrade, GraphBuilder& builder) {
  const Graph& graph = builder.peek();
  std::vector<LinkId> cables;
  switch (degrade.what) {
    case Degrade::What::kLink:
      cables = cables_between(degrade, graph);
      break;
    case Degrade::What::kSwitch:
      cables = cables_of_switch(degrade, graph);
      break;
    case Degrade::What::kNode:
      cables = cables_of_node(degrade, graph);
      break;
  }
  for (const LinkId l : cables) {
    builder.set_capacity(l, degrade.rate);
    builder.set_capacity(LinkId(l.value + 1), degrade.rate);
  }
}

}  // namespace tenk
