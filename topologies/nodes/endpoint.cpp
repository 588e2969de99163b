// A bare NIC, for studies of the fabric alone: the accelerator is its own port.
#include "topologies/nodes/node.h"

namespace tenk {
namespace {

NodeTemplate read_endpoint(Section&) {
  NodeTemplate node;
  node.devices = {{"nic", 0, 1}};
  node.accelerators = {0};
  node.ports = {0};
  node.port_of = {0};
  node.to_port = {{}};
  node.from_port = {{}};
  node.to_peer = {{}};
  return node;
}

}  // namespace

extern const NodeKind kEndpoint{
    .name = "endpoint", .summary = "a bare NIC, for studies of the fabric", .read = read_endpoint};

}  // namespace tenk
