#include "sim/plan/timeline.h"

#include "sim/base/hash.h"

namespace tenk {

std::string Timeline::fingerprint() const {
  Fingerprint f;
  for (const Time t : start) f.add(t.ps());
  for (const Time t : end) f.add(t.ps());
  f.add(makespan.ps());
  f.add(events);
  for (const TrunkLoad& l : loads) f.add(l.bytes);
  return f.hex();
}

}  // namespace tenk
