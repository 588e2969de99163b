#include "topologies/nodes/node.h"

#include <algorithm>

namespace tenk {

NodeTemplate read_node(const Config& preset) {
  Faults faults;
  Section section(preset, "node", faults);
  std::vector<std::string> kinds;
  for (const NodeKind* k : node_kinds()) kinds.emplace_back(k->name);
  const std::string kind = section.word("kind", kinds);
  const std::string collectives = section.text("collectives");
  faults.throw_if_any();
  const auto found = std::find(kinds.begin(), kinds.end(), kind);
  NodeTemplate node = node_kinds()[static_cast<std::size_t>(found - kinds.begin())]->read(section);
  section.finish();
  faults.throw_if_any();
  node.collectives = collectives;
  return node;
}

}  // namespace tenk
