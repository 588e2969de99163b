// What does a case of a packet-level simulator say, as flows on links?
//
// A case is a JSON file (docs/formats.md): a fat tree or leaf-spine of hosts and flows with bytes
// and start, perhaps with when the sender of each saw its last acknowledgement. Flows go on the
// very paths that the simulator hashed them to; sprayed ones split evenly over all shortest paths.
// Payload share of a link: 4,086 of 4,150 bytes a packet (Ultra Ethernet transport); RoCE all.
// Latency of a flow: its links, and the store-and-forward of one packet in each switch.
#pragma once
#include "analysis/flows.h"

namespace tenk {

struct PacketCase {
  std::string name;
  bool roce = false;
  std::string congestion =
      "ideal";  // The model of its transport (analysis/congestion/congestion.h).
  bool sprayed = false;
  RoutedFlows routed;
  // By flow:
  std::vector<double> measured_us;  // From its start until its sender saw the end; 0: not said.
  std::vector<double> back_us;      // What the last acknowledgement takes to come back.
};

// Throws Error{kFile} if it is no such case, Error{kInvalid} if its numbers make no sense.
PacketCase read_packet_case(const std::string& text, const std::string& file);

// Rates are ideal unless a congestion model is named.
FlowTable predict_flows(const PacketCase& packets, std::string_view congestion = "ideal");

}  // namespace tenk
