// One message from the first member of a pair to the second.
#include "workloads/collectives/collective.h"
#include "workloads/collectives/pairs.h"

namespace tenk {
namespace {

bool serves_send(Collective op) { return op == Collective::kSend; }

std::optional<Terms> send_terms(const Request& r, Protocol protocol) {
  const std::optional<Time> latency = pair_latency(r, protocol, r.bytes.value());
  if (!latency) return std::nullopt;
  Terms terms;
  terms.channels = r.channels();
  terms.latency = *latency;
  terms.bytes = r.bytes.value();
  if (protocol == Protocol::kLL) terms.cap = Bandwidth::per_second(r.tuning->pairs.ll_rate.value);
  terms.predicted = terms.latency;  // Only one protocol is offered.
  return terms;
}

std::vector<Lane> lay_send(const Group& group, const CollectiveTuning&, int way) {
  Lane lane;
  group.fabric.connect(group.members[0], group.members[1], {1, 0, way}, lane.usage);
  merge_usage(lane.usage);
  return {lane};
}

std::uint64_t count_send(const StepRequest&) { return 1; }

Steps write_send(const StepRequest&) {
  Steps steps;
  steps.pieces.push_back({0, 1});
  Message message;
  message.to = 1;
  steps.add(message, {});
  return steps;
}

}  // namespace

extern const CollectiveKind kSend{.name = "send",
                                  .summary = "one message from one rank to another",
                                  .serves = serves_send,
                                  .terms = send_terms,
                                  .lay = lay_send,
                                  .count_steps = count_send,
                                  .write_steps = write_send};

}  // namespace tenk
