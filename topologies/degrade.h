// Which cables of the cluster are slower than built, or dead?
//
// An entry of `cluster.degrade` names a cable ("leaf3:spine1": all between the two;
// "leaf3:spine1#0": the first of them), a switch (all its cables) or a node (all cables between its
// NICs and switches), and the rate that each such cable has left, both ways; 0 is dead.
#pragma once
#include <string>
#include <vector>

#include "sim/base/section.h"
#include "sim/graph/graph.h"

namespace tenk {

struct Degrade {
  enum class What { kLink, kSwitch, kNode };
  What what = What::kLink;
  std::string name;        // Of the cable or switch.
  std::uint32_t node = 0;  // kNode
  Bandwidth rate;
  Where where;
};

// Reads the list `cluster.degrade`; `nodes` is the size of the cluster.
std::vector<Degrade> read_degrade(Section& cluster, std::uint32_t nodes);

// Sets the capacity of what it names. Throws Error{kInvalid} if there is no such cable or switch.
// O(devices + links).
void apply(const Degrade& degrade, GraphBuilder& builder);

}  // namespace tenk
