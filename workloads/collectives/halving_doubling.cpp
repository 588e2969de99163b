// All-reduce by recursive halving and doubling (Rabenseifner 2004; Thakur, Rabenseifner and Gropp,
// IJHPCA 2005): in step k members exchange with the one whose number differs in bit k, half of what
// they still add up; then the same back, doubling what is complete. Neighbours exchange most, so
// that it stays inside the nodes. Of members that are no power of two, those beyond it hand all to
// a partner first and get the result last. NCCL does not have it; MPI libraries and Gloo do.
//
// A member talks to one other at a time. So the bytes of a connection are all that a member sends,
// and each partner takes its share of them.
#include <bit>

#include "workloads/collectives/collective.h"
#include "workloads/collectives/ring_pace.h"

namespace tenk {
namespace {

bool serves_halving(Collective op) { return op == Collective::kAllReduce; }

struct Halving {
  std::uint32_t core = 1;    // The largest power of two.
  std::uint32_t levels = 0;  // Its logarithm.
  std::uint32_t extra = 0;   // Members beyond it; i + core has the partner i.
  double sent = 0;           // One after the other, in buffers.

  // What a step of level k moves, either way, of all that is sent; 0.5 of a buffer at level 0.
  double share(std::uint32_t k) const { return 0.5 / static_cast<double>(1u << k) / sent; }
};

Halving halving_of(std::uint32_t ranks) {
  Halving h;
  h.core = std::bit_floor(ranks);
  h.levels = static_cast<std::uint32_t>(std::bit_width(h.core) - 1);
  h.extra = ranks - h.core;
  h.sent = 2 * (h.core - 1.0) / h.core + (h.extra > 0 ? 2 : 0);
  return h;
}

// Levels whose partners are on the same node: nodes of equal numbers of members, a multiple of two.
std::uint32_t levels_inside(const Request& r, const Halving& h) {
  if (!r.shape.even) return 0;
  const auto aligned = static_cast<std::uint32_t>(std::countr_zero(r.shape.ranks / r.shape.nodes));
  return r.shape.nodes == 1 ? h.levels : std::min(aligned, h.levels);
}

// Steps take what those of a ring do (assumed). The rate is the mean of one step after another:
// what a member reaches inside its node, and its part of the NICs.
std::optional<Terms> halving_terms(const Request& r, Protocol protocol) {
  const CollectiveTuning& t = *r.tuning;
  const bool inside = r.shape.nodes == 1;
  if (protocol == Protocol::kLL128 && !(inside ? t.node_ll128 : t.nic.ll128)) return std::nullopt;
  const Halving h = halving_of(r.shape.ranks);
  const std::uint32_t inner = levels_inside(r, h);
  const std::uint32_t folds = h.extra > 0 ? 2 : 0;
  double part_inside = 0;
  for (std::uint32_t k = 0; k < inner; ++k) part_inside += 2 * h.share(k);
  if (inside) part_inside = 1;
  const double per_node = static_cast<double>(r.shape.ranks) / r.shape.nodes;
  // On a mesh a member has one of its links to each partner.
  const double links = r.mesh ? std::max(1.0, per_node - 1) : 1;
  double seconds_per_byte = part_inside * links / r.node_bus.value();
  if (!inside) seconds_per_byte += (1 - part_inside) * per_node / r.network_bus.value();
  Bandwidth rate = Bandwidth::per_second(1 / seconds_per_byte / wire_overhead(protocol));
  rate = std::min(rate, ring_rate(r, protocol));
  const std::uint32_t all = 2 * h.levels + folds;
  const double bytes = h.sent * r.bytes.value();
  Terms terms;
  terms.channels = r.channels();
  terms.latency = ring_latency(r, protocol, {all, inside ? 0 : all - 2 * inner});
  terms.bytes = bytes / r.channels();
  terms.cap = rate / r.channels();
  terms.predicted = terms.latency + duration(bytes, std::min(rate, planned_ring_bus(r, protocol)));
  return terms;
}

std::vector<Lane> lay_halving(const Group& group, const CollectiveTuning& tuning, int way) {
  const GroupShape shape = shape_of(group);
  const Halving h = halving_of(shape.ranks);
  Lane lane;
  lane.per_pair = shape.nodes == 1 ? tuning.node_channels
                                   : static_cast<double>(shape.rails) * tuning.nic_channels;
  const auto add = [&](std::uint32_t a, std::uint32_t b, double share) {
    group.fabric.connect(group.members[a], group.members[b], {lane.per_pair * share, 0, way},
                         lane.usage);
  };
  for (std::uint32_t i = 0; i < h.core; ++i) {
    for (std::uint32_t k = 0; k < h.levels; ++k) add(i, i ^ (1u << k), 2 * h.share(k));
  }
  for (std::uint32_t i = 0; i < h.extra; ++i) {
    add(i + h.core, i, 1 / h.sent);
    add(i, i + h.core, 1 / h.sent);
  }
  merge_usage(lane.usage);
  return {lane};
}

std::uint64_t count_halving(const StepRequest& r) {
  const Halving h = halving_of(static_cast<std::uint32_t>(r.group.members.size()));
  return 2 * std::uint64_t{h.core} * (h.core - 1 + h.extra);
}

// Writes the messages, a piece for each member of the core. The piece's number agrees with its
// holder's in the bits of the levels that are done.
class HalvingSteps {
 public:
  explicit HalvingSteps(std::uint32_t ranks)
      : h_(halving_of(ranks)), arrived_(std::size_t{h_.core} * h_.core), last_(ranks) {
    steps_.pieces.resize(h_.core);
  }

  Steps run() {
    fold(true);
    message_.adds = true;
    for (std::uint32_t k = 0; k < h_.levels; ++k) exchange(k);
    message_.adds = false;
    for (std::uint32_t k = h_.levels; k-- > 0;) exchange(k);
    fold(false);
    return std::move(steps_);
  }

 private:
  std::vector<std::uint32_t>& arrived(std::uint32_t piece, std::uint32_t member) {
    return arrived_[std::size_t{piece} * h_.core + member];
  }
  // Waits for all of the piece that the sender got, and for one message of the step before into
  // either end: a member takes one step after the other.
  std::uint32_t send(std::uint32_t number) {
    std::vector<std::uint32_t> wait_for;
    if (message_.from < h_.core) wait_for = arrived(message_.piece, message_.from);
    for (const std::uint32_t end : {message_.from, message_.to}) {
      const std::vector<std::uint32_t>& before = last_[end];
      if (!before.empty()) wait_for.push_back(before[number % before.size()]);
    }
    return steps_.add(message_, wait_for);
  }

  void exchange(std::uint32_t k) {
    const std::uint32_t pieces = h_.core >> (k + 1), bit = 1u << k;
    message_.stream = 1.0 / pieces;
    message_.share = h_.share(k) / pieces;
    std::vector<std::vector<std::uint32_t>> into(last_.size());
    std::vector<std::pair<std::size_t, std::uint32_t>> news;
    for (std::uint32_t i = 0; i < h_.core; ++i) {
      const std::uint32_t to = i ^ bit;
      const std::uint32_t kept_by = message_.adds ? to : i;
      for (std::uint32_t number = 0; number < pieces; ++number) {
        message_.from = i;
        message_.to = to;
        message_.piece = (kept_by & (2 * bit - 1)) + number * 2 * bit;
        const std::uint32_t m = send(number);
        into[to].push_back(m);
        news.emplace_back(std::size_t{message_.piece} * h_.core + to, m);
      }
    }
    for (const auto& [slot, m] : news) arrived_[slot].push_back(m);
    for (std::uint32_t i = 0; i < h_.core; ++i) last_[i] = std::move(into[i]);
  }

  // The members beyond the core hand over everything, or get the result.
  void fold(bool in) {
    message_.adds = in;
    message_.stream = 1.0 / h_.core;
    message_.share = message_.stream / h_.sent;
    for (std::uint32_t i = 0; i < h_.extra; ++i) {
      std::vector<std::uint32_t> into;
      for (std::uint32_t piece = 0; piece < h_.core; ++piece) {
        message_.from = in ? i + h_.core : i;
        message_.to = in ? i : i + h_.core;
        message_.piece = piece;
        into.push_back(send(piece));
        if (in) arrived(piece, i).push_back(into.back());
      }
      last_[message_.to] = std::move(into);
    }
  }

  Halving h_;
  Message message_;
  Steps steps_;
  std::vector<std::vector<std::uint32_t>> arrived_;  // By piece and member of the core.
  std::vector<std::vector<std::uint32_t>> last_;     // By member: what came in the step before.
};

Steps write_halving(const StepRequest& r) {
  return HalvingSteps(static_cast<std::uint32_t>(r.group.members.size())).run();
}

}  // namespace

extern const CollectiveKind kHalvingDoubling{
    .name = "halving-doubling",
    .summary = "recursive halving and doubling, any number of members",
    .serves = serves_halving,
    .terms = halving_terms,
    .lay = lay_halving,
    .count_steps = count_halving,
    .write_steps = write_halving,
    .on_request = true};

}  // namespace tenk
