// All-reduce by the switches of one node.
#include "workloads/collectives/nvls.h"

#include <cmath>
#include <numeric>

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

// Pieces that each head deals with, one after another.
std::uint32_t rounds_of(const StepRequest& r) {
  const std::uint64_t heads = r.group.members.size();
  const Bytes chunk =
      nvls_chunk(r.bytes, static_cast<std::uint64_t>(r.tuning.nvls->channels) * heads);
  const double each = r.payload / static_cast<double>(heads);
  return static_cast<std::uint32_t>(std::max(1.0, std::ceil(each / chunk.value())));
}

std::uint64_t count_nvls(const StepRequest& r) {
  const std::size_t n = r.group.members.size();
  return n * rounds_of(r) * SwitchSteps::messages(n);
}

Steps write_nvls(const StepRequest& r) {
  Steps steps;
  const auto n = static_cast<std::uint32_t>(r.group.members.size());
  const std::uint32_t rounds = rounds_of(r);
  std::vector<std::uint32_t> members(n);
  std::iota(members.begin(), members.end(), 0u);
  Message message;
  message.stream = 1.0 / n;
  message.share = message.stream / rounds;
  for (std::uint32_t head = 0; head < n; ++head) {
    SwitchSteps part(members, n, head);
    for (std::uint32_t round = 0; round < rounds; ++round) {
      message.piece = static_cast<std::uint32_t>(steps.pieces.size());
      steps.pieces.push_back({});
      const std::uint32_t sum = part.reduce(message, steps);
      part.broadcast(message, {&sum, 1}, steps);
    }
  }
  return steps;
}

}  // namespace

SwitchSteps::SwitchSteps(std::vector<std::uint32_t> members, std::uint32_t node_switch,
                         std::uint32_t head)
    : members_(std::move(members)),
      switch_(node_switch),
      head_(head),
      up_(members_.size(), kNoPlace),
      down_(members_.size(), kNoPlace) {}

std::uint32_t SwitchSteps::reduce(Message message, Steps& steps) {
  message.to = switch_;
  for (std::size_t i = 0; i < members_.size(); ++i) {
    message.from = members_[i];
    message.adds = true;
    up_[i] = steps.add(message, {up_[i]});
  }
  message.from = switch_;
  message.to = head_;
  message.adds = false;
  std::vector<std::uint32_t> wait_for = up_;
  wait_for.push_back(to_head_);
  return to_head_ = steps.add(message, wait_for);
}

void SwitchSteps::broadcast(Message message, std::span<const std::uint32_t> wait_for,
                            Steps& steps) {
  message.from = head_;
  message.to = switch_;
  message.adds = false;
  std::vector<std::uint32_t> all(wait_for.begin(), wait_for.end());
  all.push_back(from_head_);
  from_head_ = steps.add(message, all);
  message.from = switch_;
  for (std::size_t i = 0; i < members_.size(); ++i) {
    message.to = members_[i];
    down_[i] = steps.add(message, {from_head_, down_[i]});
  }
}

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
                                  .lay = lay_nvls,
                                  .count_steps = count_nvls,
                                  .write_steps = write_nvls};

}  // namespace tenk
