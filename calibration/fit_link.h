// What are a link's latency and bandwidth, given timed transfers of several sizes?
//
// Rows are one series if they differ in nothing but size, which stands first in `conditions`
// ("65536 B, RDMA_Write BW Test, ..."), and value. Latencies are times of one message; a rate r at
// size s is s / r seconds a message while many are under way, so the constant part of its curve is
// the gap between messages, not a latency (g and G of LogGP, Alexandrov et al., SPAA 1995).
#pragma once
#include <span>
#include <string>
#include <vector>

#include "calibration/fit_collective.h"
#include "calibration/latency_curve.h"
#include "calibration/measurements.h"

namespace tenk {

struct LinkKey {
  std::string device, kind, endpoints, metric, conditions;  // conditions without the size.
  bool rate = false;
  auto operator<=>(const LinkKey&) const = default;
  std::string text() const;  // "InfiniBand host-host bandwidth, RDMA_Write BW Test"
};

struct LinkFit {
  LinkKey key;
  std::vector<TimedSize> points;
  LatencyCurve curve;
  std::string source;
};

struct LinkFits {
  std::vector<LinkFit> series;  // None of them refused.
  std::vector<Refusal> refused;
};

// Rows that are recalled, no plain number, of another unit than bytes, bits or seconds, or without
// a size are refused with that reason.
LinkFits fit_links(std::span<const LinkSample> rows, const CurveOptions& options = {});

}  // namespace tenk
