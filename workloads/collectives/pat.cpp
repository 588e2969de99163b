// All-gather and reduce-scatter by parallel aggregated trees (Jeaugey, "PAT: a new algorithm for
// all-gather and reduce-scatter operations at scale", arXiv:2506.20252; NCCL 2.23): for groups with
// one member on each node, in log2(n) steps.
//
// Each member's piece spreads over a binomial tree of its own: the member at distance d behind the
// piece's owner gets it from d less the lowest bit of d. So in step k every member sends to the one
// 2^k further on, all trees at once; an all-gather goes from the longest distance to the shortest,
// and most bytes travel least. A reduce-scatter sends along the same connections in the opposite
// order: what is still d away from its owner goes on by the lowest bit of d. Any number of members.
#include <bit>

#include "workloads/collectives/collective.h"

namespace tenk {
namespace {

bool serves_pat(Collective op) {
  return op == Collective::kAllGather || op == Collective::kReduceScatter;
}

std::uint32_t steps_of(std::uint32_t ranks) {
  return static_cast<std::uint32_t>(std::bit_width(ranks - 1));
}

// Pieces that a member sends in step k: distances below n whose lowest bit is 2^k.
std::uint32_t pieces_in(std::uint32_t step, std::uint32_t ranks) {
  return ((ranks - 1) / (1u << step) + 1) / 2;
}

std::optional<Terms> pat_terms(const Request& r, Protocol protocol) {
  const std::optional<PatTuning>& pat = r.tuning->pat;
  if (protocol != Protocol::kSimple || r.shape.nodes != r.shape.ranks || !pat) return std::nullopt;
  const double n = r.shape.ranks;
  const double levels = std::bit_width(r.shape.nodes) - 1;  // As NCCL rounds.
  const double step = pat->network.s() / pat->steps_at_once;
  const double hop = r.tuning->nic.hop.value + 2 * r.path.s();
  const Time start = pat->base + pat->each_rank * static_cast<std::int64_t>(r.shape.ranks);
  const double moved = r.bytes.value() * (n - 1) / n;
  Terms terms;
  terms.channels = r.channels();
  terms.latency = start + Time::seconds(levels * (step + hop));
  terms.bytes = moved / r.channels();
  terms.cap = r.network_bus * (pat->bandwidth_share / r.channels());
  terms.predicted = start + Time::seconds(levels * step) +
                    duration(moved, r.planned_bus() * pat->bandwidth_share);
  return terms;
}

std::vector<Lane> lay_pat(const Group& group, const CollectiveTuning& tuning, int way) {
  const auto n = static_cast<std::uint32_t>(group.members.size());
  return lay_channels(group, tuning, way, [&](std::uint32_t, int, const auto& add) {
    for (std::uint32_t k = 0; k < steps_of(n); ++k) {
      const double share = pieces_in(k, n) / (n - 1.0);
      for (std::uint32_t i = 0; i < n; ++i) {
        add(group.members[i], group.members[(i + (1u << k)) % n], share);
      }
    }
  });
}

std::uint64_t count_pat(const StepRequest& r) {
  const std::uint64_t n = r.group.members.size();
  return n * (n - 1);
}

// The steps in order. Each message waits for its piece and, so that a member takes one step after
// the other, for one that it sent in the step before.
Steps write_pat(const StepRequest& r) {
  Steps steps;
  const auto n = static_cast<std::uint32_t>(r.group.members.size());
  const bool adds = r.op == Collective::kReduceScatter;
  for (std::uint32_t p = 0; p < n; ++p) {
    steps.pieces.push_back(adds ? Fragment{kEverybody, p} : Fragment{p, kEverybody});
  }
  // The message by which a member got the piece whose owner is at a distance; before it all of them
  // (they add up), after it for an all-gather the only one.
  const auto slot = [n](std::uint32_t member, std::uint32_t d) { return member * n + d; };
  std::vector<std::vector<std::uint32_t>> arrived(std::size_t{n} * n);
  std::vector<std::vector<std::uint32_t>> sent_before(n);
  Message message;
  message.share = 1 / (n - 1.0);
  message.adds = adds;
  const std::uint32_t count = steps_of(n);
  for (std::uint32_t s = 0; s < count; ++s) {
    const std::uint32_t k = adds ? s : count - 1 - s, bit = 1u << k;
    message.stream = 1.0 / pieces_in(k, n);
    std::vector<std::vector<std::uint32_t>> sent(n);
    for (std::uint32_t i = 0; i < n; ++i) {
      const std::uint32_t to = (i + bit) % n;
      for (std::uint32_t d = bit; d < n; d += 2 * bit) {
        // The piece's owner is d before the receiver, or d behind the sender.
        const std::uint32_t mine = adds ? d : d - bit, there = adds ? d - bit : d;
        message.from = i;
        message.to = to;
        message.piece = adds ? (i + d) % n : (i + n - mine) % n;
        std::vector<std::uint32_t> wait_for = arrived[slot(i, mine)];
        const auto& before = sent_before[i];
        if (!before.empty()) wait_for.push_back(before[sent[i].size() % before.size()]);
        sent[i].push_back(steps.add(message, wait_for));
        arrived[slot(to, there)].push_back(sent[i].back());
      }
    }
    sent_before = std::move(sent);
  }
  return steps;
}

}  // namespace

extern const CollectiveKind kPat{.name = "pat",
                                 .summary = "parallel aggregated trees, one member on each node",
                                 .serves = serves_pat,
                                 .terms = pat_terms,
                                 .lay = lay_pat,
                                 .count_steps = count_pat,
                                 .write_steps = write_pat};

}  // namespace tenk
