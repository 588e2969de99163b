// When did everything happen, and how busy was each trunk class?
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "sim/base/ids.h"
#include "sim/base/units.h"

namespace tenk {

struct TrunkLoad {
  double bytes = 0;             // Through one trunk of the class.
  double peak_utilisation = 0;  // Of its capacity, at the busiest instant.
};

struct Timeline {
  std::vector<Time> start, end;  // By activity. A transfer's latency is part of it.
  std::vector<TrunkLoad> loads;  // By trunk class.
  Time makespan;
  std::uint64_t events = 0;  // Instants at which something started or ended.

  // 64 bits over everything above, as hexadecimal text: equal runs have equal fingerprints.
  std::string fingerprint() const;
};

}  // namespace tenk
