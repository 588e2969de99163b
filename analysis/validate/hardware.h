// Which presets does a published row's text about its hardware mean?
//
// Published tables name hardware in words ("A100 SXM 80GB", "a100_80gb", "8x NDR400 IB per node").
// The rules are the same for every row and look at the words alone; what they had to assume is
// said.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sim/base/units.h"

namespace tenk {

// The accelerator preset that a text means; nullopt if tenk has none ("TPU v4"). The longest name
// wins: "H100 PCIe" is not "H100", "GB200" not "B200". What kinds of memory or form a text leaves
// open is taken as the usual one (A100: SXM with 80 GB) and added to `assumptions`.
std::optional<std::string> accelerator_named(std::string_view text,
                                             std::vector<std::string>& assumptions);

// What a node has of network, by words such as "8x NDR400", "4x Omni-Path 100 Gb/s per node": the
// largest product of a count and a rate. nullopt if there is none.
struct NodeNetwork {
  int nics = 0;
  double gbps = 0;  // Of one NIC, one direction, Gb/s.
};
std::optional<NodeNetwork> node_network_named(std::string_view text);

// The usual server of an accelerator: its node preset, GPUs in it, and NICs (assumed by text).
struct UsualServer {
  std::string_view accelerator;
  std::string_view node;
  int gpus = 8;
  NodeNetwork network;
};
// nullptr if none is known.
const UsualServer* usual_server(std::string_view accelerator);

}  // namespace tenk
