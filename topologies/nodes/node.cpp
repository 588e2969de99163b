#include "topologies/nodes/node.h"

#include "sim/base/kinds.h"

namespace tenk {

NodeTemplate read_node(const Config& preset) {
  Faults faults;
  Section section(preset, "node", faults);
  const std::string kind = section.word("kind", names_of(node_kinds()));
  const std::string collectives = section.text("collectives");
  const std::string nic = section.text("nic", "infiniband");
  faults.throw_if_any();
  NodeTemplate node = find_kind(node_kinds(), kind)->read(section);
  section.finish();
  faults.throw_if_any();
  node.collectives = collectives;
  node.nic = nic;
  return node;
}

}  // namespace tenk
