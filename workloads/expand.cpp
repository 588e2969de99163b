#include "workloads/expand.h"

#include <algorithm>
#include <map>
#include <tuple>

#include <fmt/format.h>

#include "sim/base/error.h"
#include "sim/base/kinds.h"
#include "workloads/collectives/collective.h"

namespace tenk {
namespace {

// One channel of one group, as it was laid.
struct Channel {
  const CollectiveKind* kind = nullptr;
  std::vector<std::uint32_t> accelerators;
  Lane lane;
};

// What the coflows of a traffic were made from.
class Channels {
 public:
  Channels(const Fabric& fabric, const Workload& workload, const CollectiveTuning& tuning,
           const Traffic& traffic, std::span<const std::uint32_t> place)
      : fabric_(fabric), workload_(workload), tuning_(tuning), traffic_(traffic), place_(place) {}

  // Fastest for coflows in order: those of a group are laid together.
  Channel of(std::uint32_t coflow);
  // What `ask`, one of the coflow's, asks of a channel.
  StepRequest request(const Channel& channel, const Group& group, const Ask& ask) const {
    const Slot& slot = workload_.slots[ask.slot.value];
    return {group,
            tuning_,
            slot.op,
            slot.bytes,
            ask.bytes / traffic_.methods[ask.method].overhead,
            channel.lane.channel};
  }

 private:
  const std::string& algorithm(std::uint32_t coflow) const {
    return traffic_.methods[traffic_.asks[coflow].front().method].algorithm;
  }
  bool of_one_group(std::uint32_t a, std::uint32_t b) const;

  const Fabric& fabric_;
  const Workload& workload_;
  const CollectiveTuning& tuning_;
  const Traffic& traffic_;
  std::span<const std::uint32_t> place_;
  std::uint32_t first_ = kNoPlace;  // The coflow of the first of `lanes_`.
  std::vector<Lane> lanes_;
};

bool Channels::of_one_group(std::uint32_t a, std::uint32_t b) const {
  const auto one = traffic_.members[a], other = traffic_.members[b];
  return traffic_.family[a] == traffic_.family[b] && algorithm(a) == algorithm(b) &&
         std::equal(one.begin(), one.end(), other.begin(), other.end(),
                    [](const Member& x, const Member& y) { return x.rank == y.rank; });
}

Channel Channels::of(std::uint32_t coflow) {
  Channel channel;
  channel.kind = find_kind(collective_kinds(), algorithm(coflow));
  TENK_CHECK(channel.kind != nullptr, "an algorithm of the list");
  for (const Member& m : traffic_.members[coflow]) {
    channel.accelerators.push_back(place_[m.rank.value]);
  }
  if (!workload_.families[traffic_.family[coflow].value].directed) {
    std::sort(channel.accelerators.begin(), channel.accelerators.end());
  }
  std::uint32_t first = coflow;  // Channels of one group and algorithm follow each other.
  while (first > 0 && of_one_group(coflow, first - 1)) --first;
  if (first != first_) {
    lanes_ = channel.kind->lay(make_group(fabric_, channel.accelerators), tuning_, 0);
    first_ = first;
  }
  channel.lane = lanes_.at(coflow - first);
  return channel;
}

// The steps of one operation on one channel, and the coflow of the fine plan that each message is.
struct Script {
  Steps steps;
  std::uint32_t chain = 1;
  std::vector<ClassId> coflow;
  std::vector<bool> last;  // Nothing waits for it.
};

class Expander {
 public:
  Expander(const Plan& plan, const Fabric& fabric, const Workload& workload,
           const CollectiveTuning& tuning, const Traffic& traffic,
           std::span<const std::uint32_t> place)
      : coarse_(plan),
        fabric_(fabric),
        traffic_(traffic),
        laid_(fabric, workload, tuning, traffic, place) {
    TENK_CHECK(plan.coflow_count.size() == traffic.coflows(), "the plan is not folded");
  }

  Expansion run() {
    start_plan();
    for (std::uint32_t a = 0; a < coarse_.activities.size(); ++a) expand(a);
    join();
    return std::move(result_);
  }

 private:
  struct Edge {
    std::uint32_t from, to;
  };
  using Wires = std::tuple<std::uint32_t, std::uint32_t, std::uint32_t, std::uint32_t>;

  void start_plan();
  void expand(std::uint32_t activity);
  void join();
  const Script& script_for(const Activity& a);
  ClassId coflow_of(const Activity& a, const Channel& channel, const Group& group,
                    const Message& message);
  std::uint32_t add(const Activity& a, std::span<const ClassId> ranks);
  void connect(std::uint32_t from, std::uint32_t to) { edges_.push_back({from, to}); }

  const Plan& coarse_;
  const Fabric& fabric_;
  const Traffic& traffic_;
  Channels laid_;
  std::map<std::pair<std::uint32_t, std::uint32_t>, Script> scripts_;  // By coflow and slot.
  std::map<Wires, ClassId> coflows_;  // By coarse coflow, from, relay, to.
  std::vector<Edge> edges_;
  std::uint64_t messages_ = 0;
  Expansion result_;
};

bool moves(const Activity& a) { return a.kind == Activity::Kind::kTransfer; }

// What one message puts on trunks, as a coflow of its own.
ClassId Expander::coflow_of(const Activity& a, const Channel& channel, const Group& group,
                            const Message& message) {
  const auto [at, fresh] = coflows_.try_emplace(
      {a.coflow.value, message.from, message.relay, message.to}, result_.plan.usage.size());
  if (!fresh) return at->second;
  const std::size_t n = channel.accelerators.size();
  const Wire wire{channel.lane.per_pair, channel.lane.channel, 0};
  std::vector<Usage> usage;
  const auto accelerator = [&](std::uint32_t place) { return group.members[place]; };
  if (message.to >= n) {
    fabric_.connect_to_switch(accelerator(message.from), false, wire, usage);
  } else if (message.from >= n) {
    fabric_.connect_to_switch(accelerator(message.to), true, wire, usage);
  } else if (message.relay != kNoPlace) {
    fabric_.connect(accelerator(message.from), accelerator(message.relay), wire, usage);
    fabric_.connect(accelerator(message.relay), accelerator(message.to), wire, usage);
  } else {
    fabric_.connect(accelerator(message.from), accelerator(message.to), wire, usage);
  }
  merge_usage(usage);
  std::vector<ClassUsage> row;
  for (const Usage& u : usage) {
    const double efficiency = traffic_.efficiency[traffic_.trunks[u.trunk.value].kind];
    row.push_back({ClassId(u.trunk.value), u.connections / efficiency});
  }
  result_.plan.usage.add(row);
  return at->second;
}

const Script& Expander::script_for(const Activity& a) {
  const auto [at, fresh] = scripts_.try_emplace({a.coflow.value, a.slot.value});
  Script& script = at->second;
  if (!fresh) return script;
  const Channel channel = laid_.of(a.coflow.value);
  const Group group = make_group(fabric_, channel.accelerators);
  const auto asks = traffic_.asks[a.coflow.value];
  const auto ask =
      std::find_if(asks.begin(), asks.end(), [&](const Ask& x) { return x.slot == a.slot; });
  TENK_CHECK(ask != asks.end(), "a transfer is what a slot asks for");
  const StepRequest request = laid_.request(channel, group, *ask);
  script.steps = channel.kind->write_steps(request);
  const Steps& steps = script.steps;
  TENK_CHECK(steps.messages.size() == channel.kind->count_steps(request), "as many as counted");
  script.chain = longest_chain(steps);
  script.last.assign(steps.messages.size(), true);
  for (const std::uint32_t w : steps.waits.items) script.last[w] = false;
  for (const Message& m : steps.messages) {
    script.coflow.push_back(coflow_of(a, channel, group, m));
  }
  return script;
}

void Expander::start_plan() {
  Plan& plan = result_.plan;
  plan.units = coarse_.units;
  plan.activities = coarse_.activities;
  plan.capacity = coarse_.capacity;
  plan.ranks_of = coarse_.ranks_of;
  plan.of_rank_class = coarse_.of_rank_class;
  plan.rank_count = coarse_.rank_count;
  plan.trunk_count = coarse_.trunk_count;
}

std::uint32_t Expander::add(const Activity& a, std::span<const ClassId> ranks) {
  result_.plan.activities.push_back(a);
  result_.plan.ranks_of.add(ranks);
  return static_cast<std::uint32_t>(result_.plan.activities.size() - 1);
}

// A transfer becomes its messages between a start and an end, which take no time; one of a single
// message stays what it is.
void Expander::expand(std::uint32_t activity) {
  result_.end_of.emplace_back(activity);
  const Activity whole = coarse_.activities[activity];
  if (!moves(whole)) return;
  const Script& script = script_for(whole);
  const auto part = [&](std::size_t m) {
    const Message& message = script.steps.messages[m];
    Activity a = whole;
    a.takes = a.releases = 0;
    a.coflow = script.coflow[m];
    a.bytes = whole.bytes * message.share;
    a.cap = whole.cap * message.stream;
    a.time = Time::seconds(whole.time.s() / script.chain);
    return a;
  };
  const std::size_t messages = script.steps.messages.size();
  messages_ += messages;
  TENK_CHECK(messages_ <= kMostMessages, "messages were counted before");
  if (messages == 1) {
    Activity& only = result_.plan.activities[activity] = part(0);
    only.takes = whole.takes;
    only.releases = whole.releases;
    return;
  }
  Activity edge = whole;
  edge.kind = Activity::Kind::kCompute;
  edge.time = Time();
  edge.releases = 0;
  result_.plan.activities[activity] = edge;
  edge.takes = 0;
  edge.releases = whole.releases;
  const std::uint32_t end = add(edge, coarse_.ranks_of[activity]);
  result_.end_of.back() = ActivityId(end);
  const auto first = static_cast<std::uint32_t>(result_.plan.activities.size());
  for (std::uint32_t m = 0; m < messages; ++m) {
    add(part(m), {});
    const auto waits = script.steps.waits[m];
    if (waits.empty()) connect(activity, first + m);
    for (const std::uint32_t w : waits) connect(first + w, first + m);
    if (script.last[m]) connect(first + m, end);
  }
}

// Successor lists, each edge once.
void Expander::join() {
  for (std::uint32_t a = 0; a < coarse_.activities.size(); ++a) {
    for (const ActivityId s : coarse_.successors[a]) connect(result_.end_of[a].value, s.value);
  }
  const auto order = [](const Edge& a, const Edge& b) {
    return a.from != b.from ? a.from < b.from : a.to < b.to;
  };
  const auto same = [](const Edge& a, const Edge& b) { return a.from == b.from && a.to == b.to; };
  std::sort(edges_.begin(), edges_.end(), order);
  edges_.erase(std::unique(edges_.begin(), edges_.end(), same), edges_.end());
  Plan& plan = result_.plan;
  plan.waits_for.assign(plan.activities.size(), 0);
  std::vector<ActivityId> next;
  std::size_t at = 0;
  for (std::uint32_t a = 0; a < plan.activities.size(); ++a) {
    next.clear();
    for (; at < edges_.size() && edges_[at].from == a; ++at) {
      next.emplace_back(edges_[at].to);
      ++plan.waits_for[edges_[at].to];
    }
    plan.successors.add(next);
  }
  plan.coflow_count.assign(plan.usage.size(), 1);
}

// By slot: how often the first member of a group, of pairs the source, calls it.
std::vector<std::uint64_t> calls_of(const Program& program, const Workload& workload) {
  std::vector<std::uint64_t> calls(workload.slots.size(), 0);
  for (const Op& op : program.ops) {
    if (op.kind != Op::Kind::kCommunicate) continue;
    const FamilyId family = workload.slots[op.slot.value].family;
    if (op.sends || !workload.families[family.value].directed) ++calls[op.slot.value];
  }
  return calls;
}

}  // namespace

std::uint64_t count_messages(const Fabric& fabric, const Workload& workload,
                             const CollectiveTuning& tuning, const Traffic& traffic,
                             std::span<const std::uint32_t> accelerator_of_rank) {
  if (fabric.router().ways() > 1) {
    throw Error(ErrorKind::kInvalid,
                "routing.policy ugal balances the traffic of groups; engine.detail steps needs "
                "minimal or valiant");
  }
  std::vector<std::vector<std::uint64_t>> calls;
  for (const Program& p : workload.programs) calls.push_back(calls_of(p, workload));
  Channels channels(fabric, workload, tuning, traffic, accelerator_of_rank);
  std::uint64_t messages = 0;
  for (std::uint32_t c = 0; c < traffic.coflows(); ++c) {
    const Channel channel = channels.of(c);
    const Group group = make_group(fabric, channel.accelerators);
    const RoleId role = traffic.role_of_rank[traffic.members[c].front().rank.value];
    for (const Ask& ask : traffic.asks[c]) {
      messages += calls[role.value][ask.slot.value] *
                  channel.kind->count_steps(channels.request(channel, group, ask));
    }
  }
  return messages;
}

void check_messages(const Fabric& fabric, const Workload& workload, const CollectiveTuning& tuning,
                    const Traffic& traffic, std::span<const std::uint32_t> accelerator_of_rank) {
  const std::uint64_t messages =
      count_messages(fabric, workload, tuning, traffic, accelerator_of_rank);
  if (messages <= kMostMessages) return;
  throw Error(ErrorKind::kInvalid,
              fmt::format("engine.detail steps would send {} messages, expected at most {}; use "
                          "engine.detail: coflow",
                          messages, kMostMessages));
}

Expansion expand(const Plan& plan, const Fabric& fabric, const Workload& workload,
                 const CollectiveTuning& tuning, const Traffic& traffic,
                 std::span<const std::uint32_t> accelerator_of_rank) {
  return Expander(plan, fabric, workload, tuning, traffic, accelerator_of_rank).run();
}

Timeline collapse(const Expansion& expansion, const Timeline& fine) {
  Timeline t = fine;
  t.start.resize(expansion.end_of.size());
  t.end.clear();
  for (const ActivityId a : expansion.end_of) t.end.push_back(fine.end[a.value]);
  return t;
}

}  // namespace tenk
