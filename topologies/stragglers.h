// Which accelerators of the cluster compute slower (or faster) than their profile says?
//
// An entry of `cluster.stragglers` gives nodes, or accelerators, a speed: the share of the
// profile's speed at which they compute (0.8: a kernel takes 1.25 times as long). Or it draws a
// speed for every accelerator, or every node, from a bell curve around 1: the sum of twelve uniform
// draws (Irwin and Hall), whose distribution is within 0.003 of the normal one, never more than six
// deviations out, and the same on every machine. That cards of one kind differ, by 8 % on average
// and 22 % at most in the clusters they looked at, was measured by Sinha et al., SC 2022; that
// speeds are normal and independent is assumed. Draws are rounded to eighths of the deviation, so
// that ranks can be alike: a speed is off by at most a sixteenth of it.
//
// Entries multiply: a slow node of a cluster with spread is slow and has spread.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "sim/base/section.h"

namespace tenk {

struct Straggler {
  std::uint32_t first = 0, count = 0;  // Accelerators.
  double speed = 1;                    // Of all of them; with a deviation: the mean.
  double deviation = 0;                // > 0: drawn for each,
  std::uint32_t together = 1;          // so many neighbours alike.
  std::uint64_t seed = 0;
};

struct ClusterSize {
  std::uint32_t nodes = 0, per_node = 1;  // Accelerators of a node.
};

// Reads the list `cluster.stragglers`.
std::vector<Straggler> read_stragglers(Section& cluster, const ClusterSize& size);

// By accelerator; empty if there are no stragglers. O(accelerators x entries).
std::vector<double> speeds_of(const std::vector<Straggler>& stragglers, const ClusterSize& size);

// What a drawn spread assumes, for people; empty without one.
std::string about_stragglers(const std::vector<Straggler>& stragglers);

}  // namespace tenk
