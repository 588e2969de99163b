// The probes, one word each, the most valuable first: a run that is cut short keeps the first.
#include "calibration/probes/session.h"

namespace tenk::probe {

extern const Probe kGemmBf16, kGemmBackward, kGemmFp8, kGemmFp16, kGemmTf32, kGemmFp32, kGemmFp64,
    kGemmInt8, kGemmGrouped, kGemmExperts, kGemmPlain, kAttention, kPointwise, kMemoryBandwidth,
    kMemoryLatency, kMemoryPatterns, kLaunch, kLinksHost, kLinksInside, kLinksPeer, kNccl,
    kInterference, kSustained, kLayer;

std::vector<const Probe*> probes() {
  return {&kGemmBf16,  &kMemoryBandwidth, &kLaunch,      &kAttention,      &kGemmBackward,
          &kGemmFp8,   &kPointwise,       &kLayer,       &kNccl,           &kLinksHost,
          &kSustained, &kLinksInside,     &kLinksPeer,   &kGemmGrouped,    &kInterference,
          &kGemmFp16,  &kMemoryLatency,   &kGemmExperts, &kMemoryPatterns, &kGemmTf32,
          &kGemmPlain, &kGemmFp32,        &kGemmInt8,    &kGemmFp64};
}

}  // namespace tenk::probe
