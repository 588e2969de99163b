// What do transports make of the rates that links could give?
//
// Raw flows on links share max-min fairly in the fluid ideal. A congestion model corrects these
// rates whenever a flow comes or goes: `ideal` leaves them, others say what a transport was seen to
// do in packet-level simulations; each names the cases it was fitted to and how well it does there.
// No link is ever above capacity. A model is one .cpp that ends in a `const CongestionKind`, plus
// one word in list.cpp.
#pragma once
#include <span>
#include <string_view>
#include <vector>

#include "sim/plan/plan.h"

namespace tenk {

// A flow that moves bytes now.
struct Sharing {
  std::span<const ClassUsage> usage;  // In order of the path, where it has one.
  Bandwidth cap;
  double fair = 0;  // Bytes/s, max-min.
};

struct CongestionKind {
  std::string_view name;
  std::string_view summary;
  bool paths = false;  // Needs flows that go whole over one path.
  // Writes bytes/s to `rates`, by flow. `prices`, by link, is kept from one call of a run to the
  // next (0 at first), for models that approach their rates step by step. nullptr: the ideal.
  void (*correct)(std::span<const Bandwidth> capacity, std::span<const Sharing> flows,
                  std::span<double> prices, std::span<double> rates) = nullptr;
};

std::span<const CongestionKind* const> congestion_kinds();

// Flows as they are corrected: those that start later see those that are left of the earlier.
struct Corrected {
  std::vector<Time> end;  // By flow: when its last byte has arrived.
  std::uint64_t events = 0;
};
struct OpenFlow {
  Time opens;  // Its bytes flow from then on.
  double bytes = 0;
  Bandwidth cap = Bandwidth::unlimited();
};
inline constexpr std::size_t kMostCorrected = 2048;
// `usage` by flow, of links of `capacity`. Every event is solved anew: O(flows^2 x links of one).
// Throws Error{kInvalid} beyond kMostCorrected flows.
Corrected run_corrected(const CongestionKind& kind, std::span<const Bandwidth> capacity,
                        std::span<const OpenFlow> flows, const Lists<ClassUsage>& usage);

}  // namespace tenk
