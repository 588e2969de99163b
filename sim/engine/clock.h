// How far does simulated time go?
//
// Picoseconds in int64 end at 106 days; half of that leaves room to add. What would end later ends
// at Time::max(), which engines refuse with `refuse_endless`.
#pragma once
#include "sim/base/error.h"
#include "sim/base/units.h"

namespace tenk {

inline constexpr double kMostSeconds = 4.5e6;

inline Time after(Time now, double seconds) {
  const bool tells = seconds < kMostSeconds && now.s() < kMostSeconds;
  return tells ? now + Time::seconds(seconds) : Time::max();
}

[[noreturn]] inline void refuse_endless() {
  throw Error(ErrorKind::kInvalid, "takes longer than 52 days, the end of simulated time");
}

}  // namespace tenk
