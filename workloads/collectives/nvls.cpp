// All-reduce by the switches of one node.
#include "workloads/collectives/nvls.h"

#include "workloads/collectives/inside.h"

namespace tenk {
namespace {

bool serves_nvls(Collective op) { return op == Collective::kAllReduce; }

std::optional<Terms> nvls_terms(const Request& r, Protocol protocol) {
  const auto& nvls = r.tuning->nvls;
  if (protocol != Protocol::kSimple || r.shape.nodes > 1 || !r.in_switch || !nvls) {
    return std::nullopt;
  }
  const std::uint32_t n = r.shape.ranks;
  const auto concurrent = static_cast<std::uint64_t>(nvls->channels) * n;
  Terms terms;
  terms.channels = nvls->channels;
  terms.latency = Time::seconds(nvls->start.value);
  terms.bytes = r.bytes.value() / nvls->channels;
  terms.cap = nvls_rate(*nvls, n, nvls_chunk(r.bytes, concurrent)) / nvls->channels;
  const double moved = 2 * r.bytes.value() * (n - 1.0) / n;
  terms.predicted = nvls->latency + duration(moved, planned_nvls_bus(r, n));
  return terms;
}

std::vector<Lane> lay_nvls(const Group& group, const CollectiveTuning& tuning, int way) {
  Lane lane;
  const double channels = tuning.nvls->channels;
  const double both = 1 + 1 / static_cast<double>(group.members.size());
  for (const Hop& h : ring_inside(group.fabric, group.members, 0, true)) {
    group.fabric.connect(h.from, h.to, {channels * both, 0, way}, lane.usage);
  }
  merge_usage(lane.usage);
  lane.per_pair = channels;
  return {lane};
}

}  // namespace

Bandwidth planned_nvls_bus(const Request& request, std::uint32_t heads) {
  const NvlsTuning& nvls = *request.tuning->nvls;
  const double most = request.planned_node_bus().value();
  double bus = most;
  for (const double speed : nvls.speeds) {
    if (speed * 1e9 * heads > most) continue;
    bus = speed * 1e9 * heads;
    break;
  }
  return Bandwidth::per_second(2 * bus * nvls.efficiency * (heads - 1.0) / heads);
}

Bytes nvls_chunk(Bytes bytes, std::uint64_t concurrent) {
  const double flight = static_cast<double>(concurrent);
  double chunk = 131072;
  if (chunk > 65536 && bytes.value() < 64 * flight * chunk) chunk = 65536;
  if (chunk > 32768 && bytes.value() < 8 * flight * chunk) chunk = 32768;
  if (chunk > 16384 && bytes.value() < 2 * flight * chunk) chunk = 16384;
  return Bytes(static_cast<std::int64_t>(chunk));
}

Bytes nvls_tree_chunk(Bytes bytes, std::uint64_t concurrent, std::uint32_t nodes) {
  const double flight = static_cast<double>(concurrent);
  double chunk = nodes >= 4 ? 65536 : 131072;
  if (chunk > 65536 && bytes.value() < 4 * flight * chunk) chunk = 65536;
  if (chunk > 32768 && bytes.value() < flight * chunk) chunk = 32768;
  return Bytes(static_cast<std::int64_t>(chunk));
}

Bandwidth nvls_rate(const NvlsTuning& nvls, std::uint32_t heads, Bytes chunk) {
  const double longer = 1 + nvls.chunk_overhead.value * 32768 / chunk.value();
  return Bandwidth::per_second(nvls.rate.value / longer / (1 + 1.0 / heads));
}

extern const CollectiveKind kNvls{.name = "nvls",
                                  .summary = "added up and multicast by the node's NVSwitches",
                                  .serves = serves_nvls,
                                  .terms = nvls_terms,
                                  .lay = lay_nvls};

}  // namespace tenk
