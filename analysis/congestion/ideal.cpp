#include "analysis/congestion/congestion.h"

namespace tenk {

extern const CongestionKind kIdeal{
    .name = "ideal",
    .summary = "max-min fair at once: what links allow and no transport does better"};

}  // namespace tenk
