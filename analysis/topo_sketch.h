// Which few switches and nodes stand for a whole network in a picture, and how are they joined?
//
// Found in the graph, so that a new fabric is drawn without code of its own. Tiers are the nodes
// and then the kinds of switches, the nearer to the nodes the lower.
//
//   form     what makes it                                    a group is what hangs together
//   kMesh    nodes joined to each other without switches      -
//   kGroups  switches with cables called "global"             without the global cables: a group
//   kPlanes  switches that no cable joins into one            through switches alone: a plane
//   kRouters one tier of switches joined among themselves     -
//   kTiers   any other                                        without the top tier: a pod, a unit
#pragma once
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "sim/graph/fabric.h"

namespace tenk {

struct TopoSketch {
  enum class Form : std::uint8_t { kMesh, kGroups, kPlanes, kRouters, kTiers };
  struct Tier {
    std::string kind;            // "node", "leaf", ...
    std::uint64_t count = 0;     // In the cluster.
    std::uint64_t in_group = 0;  // In the largest group; all of them if the tier is in no group.
    bool grouped = true;
    // Cables of the member with the most of them down: to lower, its own and higher tiers.
    std::uint64_t down = 0, across = 0, up = 0;
    std::vector<std::uint64_t> by_cable;  // The same by TopoSketch::cables.
    double ratio = 0;  // Its capacity down over its capacity up; 0: nothing leads up.
  };
  struct Box {  // A device that is drawn, in order of tier, group and index.
    std::uint32_t tier = 0;
    std::uint32_t slot = 0;  // Which of the drawn groups.
    std::uint32_t index = 0;
    bool open_up = false, open_down = false;  // Joined that way, but to nothing that is drawn.
  };
  struct Edge {
    std::uint32_t a = 0, b = 0;  // Boxes, a < b.
    std::uint32_t cable = 0;     // Of `cables`.
    std::uint32_t count = 1;     // Parallel cables.
  };

  Form form = Form::kTiers;
  std::string group_word;                           // "pod", "unit", "plane", "group".
  std::uint64_t groups = 1;                         // One: no boxes round groups.
  bool even = true;                                 // All groups have as many members.
  std::vector<Tier> tiers;                          // Lowest first.
  std::vector<std::string> cables;                  // Tiers of cables, as NetworkFacts names them.
  std::vector<std::uint32_t> drawn;                 // Groups: the first ones and the last.
  std::vector<std::vector<std::uint64_t>> members;  // By slot and tier, drawn or not.
  std::vector<Box> boxes;                           // kGroups: of the first group only.
  std::vector<Edge> edges;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> group_edges;  // kGroups: of slots.
};

// O(devices + links) time and memory.
TopoSketch sketch_of(const Fabric& fabric);

}  // namespace tenk
