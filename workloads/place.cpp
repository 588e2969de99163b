#include "workloads/place.h"

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "sim/base/error.h"
#include "workloads/collectives/collective.h"
#include "workloads/collectives/inside.h"

namespace tenk {
namespace {

// By link kind: does it join nodes, rather than devices of one?
std::vector<bool> network_kinds_of(const Graph& graph) {
  std::vector<bool> network(graph.link_kinds(), false);
  for (const Link& l : graph.links()) {
    const std::uint32_t from = graph.device(l.from).node, to = graph.device(l.to).node;
    if (from != to || from == kNoNode) network[l.kind] = true;
  }
  return network;
}

// By link kind: of the link rate that transfers reach. NVLink inside nodes and everything between
// nodes have measured efficiencies; PCIe is never what limits them and keeps its rate.
std::vector<double> efficiency_by_kind(const Graph& graph, const std::vector<bool>& network,
                                       const CollectiveTuning& tuning) {
  std::vector<double> efficiency(graph.link_kinds(), 1);
  for (std::uint16_t k = 0; k < efficiency.size(); ++k) {
    if (network[k]) efficiency[k] = tuning.network_efficiency.value;
    const std::string& name = graph.link_kind(k);
    if (name.starts_with("nvlink") || name.starts_with("xgmi")) {
      efficiency[k] = tuning.nvlink_efficiency.value;
    }
  }
  return efficiency;
}

class Placer {
 public:
  Placer(const Fabric& fabric, const Workload& workload, const CollectiveTuning& tuning,
         std::span<const std::uint32_t> accelerator_of_rank)
      : fabric_(fabric),
        workload_(workload),
        tuning_(tuning),
        place_(accelerator_of_rank),
        network_kind_(network_kinds_of(fabric.graph())) {
    traffic_.role_of_rank = workload.role_of_rank;
    traffic_.trunks.assign(fabric.trunks().begin(), fabric.trunks().end());
    traffic_.efficiency = efficiency_by_kind(fabric.graph(), network_kind_, tuning);
    find_slots();
  }

  Traffic run() {
    for (std::size_t f = 0; f < workload_.families.size(); ++f) {
      const Family& family = workload_.families[f];
      for (std::size_t g = 0; g < family.groups(); ++g) add_group(FamilyId(f), family.group(g));
      mix_ways();
    }
    traffic_.index_ranks();
    return std::move(traffic_);
  }

 private:
  struct Chosen {
    Choice choice;
    std::uint16_t method = 0;
  };
  // All that choices depend on, beside the slot.
  struct Surroundings {
    GroupShape shape;
    Time path;
    Bandwidth node_bus;
    bool mesh = false;
    auto operator<=>(const Surroundings&) const = default;
  };

  void find_slots();
  void add_group(FamilyId family, std::span<const RankId> ranks);
  Time longest_path(const Group& group) const;
  Surroundings surroundings_of(const Group& group) const;
  const Chosen& choice_for(SlotId slot, const Surroundings& around);
  std::uint16_t method_of(const Choice& choice);
  Request request_for(SlotId slot, const Surroundings& around) const;
  void add_coflows(FamilyId family, std::span<const RankId> ranks, const Group& group,
                   const CollectiveKind& kind, std::span<const Ask> asks);
  void add_coflow(FamilyId family, std::span<const RankId> ranks, const Lane& lane,
                  std::span<const Ask> asks);
  void check_alive(std::span<const Usage> usage, RankId rank) const;
  double share_of_first_way() const;
  void mix_ways();

  const Fabric& fabric_;
  const Workload& workload_;
  const CollectiveTuning& tuning_;
  std::span<const std::uint32_t> place_;
  std::vector<bool> network_kind_;
  // A lane laid by both ways of an adaptive router, until its family's load is known.
  struct Undecided {
    FamilyId family;
    std::span<const RankId> ranks;
    Lane minimal, detour;
    std::vector<Ask> asks;
  };
  std::vector<Undecided> undecided_;
  std::vector<std::vector<bool>> uses_;                              // [role][slot]
  std::map<std::pair<std::uint32_t, Surroundings>, Chosen> chosen_;  // By slot.
  Traffic traffic_;
};

void Placer::find_slots() {
  for (const Program& p : workload_.programs) {
    std::vector<bool> used(workload_.slots.size(), false);
    for (const Op& op : p.ops) {
      if (op.kind == Op::Kind::kCommunicate) used[op.slot.value] = true;
    }
    uses_.push_back(std::move(used));
  }
}

// Latency of the longest of the connections that rings and trees make between nodes.
Time Placer::longest_path(const Group& group) const {
  Time longest;
  std::vector<Usage> unused;
  for (std::size_t n = 0; group.nodes.size() > 1 && n < group.nodes.size(); ++n) {
    const std::uint32_t a = group.nodes[n].front();
    const std::uint32_t next = group.nodes[(n + 1) % group.nodes.size()].front();
    longest = std::max(longest, fabric_.connect(a, next, {}, unused));
    unused.clear();
  }
  return longest;
}

Placer::Surroundings Placer::surroundings_of(const Group& group) const {
  Surroundings around;
  around.shape = shape_of(group);
  around.path = longest_path(group);
  around.node_bus =
      fabric_.facts().port_rate * (around.shape.rails * tuning_.network_efficiency.value);
  const auto smallest =
      std::min_element(group.nodes.begin(), group.nodes.end(),
                       [](const auto& a, const auto& b) { return a.size() < b.size(); });
  const std::uint32_t first = fabric_.local_of(smallest->front());
  if (smallest->size() > 1 && fabric_.peers(first, fabric_.local_of(smallest->back()))) {
    around.node_bus = ring_rate_inside(fabric_, *smallest, traffic_.efficiency);
    around.mesh = joined_directly(fabric_, *smallest);
  }
  return around;
}

Request Placer::request_for(SlotId slot, const Surroundings& around) const {
  const Slot& s = workload_.slots[slot.value];
  Request r;
  r.op = s.op;
  r.bytes = s.bytes;
  r.shape = around.shape;
  r.path = around.path;
  r.tuning = &tuning_;
  r.node_bus = around.node_bus;
  r.mesh = around.mesh;
  r.in_switch = fabric_.node().reduces_in_switch;
  r.network_bus =
      fabric_.facts().port_rate * (around.shape.rails * tuning_.network_efficiency.value);
  return r;
}

std::uint16_t Placer::method_of(const Choice& choice) {
  const Method method{std::string(choice.kind->name),
                      std::string(kProtocolNames[static_cast<std::size_t>(choice.protocol)]),
                      choice.terms.channels, wire_overhead(choice.protocol)};
  auto& methods = traffic_.methods;
  const auto same = std::find_if(methods.begin(), methods.end(), [&](const Method& m) {
    return m.algorithm == method.algorithm && m.protocol == method.protocol &&
           m.channels == method.channels;
  });
  if (same != methods.end()) return static_cast<std::uint16_t>(same - methods.begin());
  methods.push_back(method);
  return static_cast<std::uint16_t>(methods.size() - 1);
}

const Placer::Chosen& Placer::choice_for(SlotId slot, const Surroundings& around) {
  const auto key = std::pair(slot.value, around);
  const auto known = chosen_.find(key);
  if (known != chosen_.end()) return known->second;
  Chosen chosen;
  chosen.choice = choose(request_for(slot, around));
  chosen.method = method_of(chosen.choice);
  return chosen_.emplace(key, chosen).first->second;
}

void Placer::check_alive(std::span<const Usage> usage, RankId rank) const {
  for (const Usage& u : usage) {
    const Trunk& trunk = traffic_.trunks[u.trunk.value];
    if (trunk.capacity.value() > 0) continue;
    throw Error(ErrorKind::kInvalid,
                fmt::format("a {} link that rank {} needs is down and has no detour",
                            fabric_.graph().link_kind(trunk.kind), rank.value));
  }
}

void Placer::add_coflow(FamilyId family, std::span<const RankId> ranks, const Lane& lane,
                        std::span<const Ask> asks) {
  check_alive(lane.usage, ranks.front());
  std::vector<Usage> usage = lane.usage;
  bool leaves_node = false;
  for (Usage& u : usage) {
    const std::uint16_t kind = traffic_.trunks[u.trunk.value].kind;
    u.connections /= traffic_.efficiency[kind];
    leaves_node = leaves_node || network_kind_[kind];
  }
  traffic_.usage.add(usage);
  const bool directed = workload_.families[family.value].directed;
  std::vector<Member> members;
  for (std::size_t i = 0; i < ranks.size(); ++i) {
    const End end = !directed ? End::kMember : i == 0 ? End::kSource : End::kDestination;
    members.push_back({ranks[i], end});
  }
  traffic_.members.add(members);
  std::vector<Ask> capped(asks.begin(), asks.end());
  const Bandwidth own_cable =
      fabric_.router().private_rate() * (tuning_.network_efficiency.value / lane.per_pair);
  for (Ask& ask : capped) {
    if (leaves_node) ask.cap = std::min(ask.cap, own_cable);
  }
  traffic_.asks.add(capped);
  traffic_.family.push_back(family);
}

void Placer::add_coflows(FamilyId family, std::span<const RankId> ranks, const Group& group,
                         const CollectiveKind& kind, std::span<const Ask> asks) {
  std::vector<Lane> lanes = kind.lay(group, tuning_, 0);
  if (fabric_.router().ways() == 1) {
    for (const Lane& lane : lanes) add_coflow(family, ranks, lane, asks);
    return;
  }
  std::vector<Lane> detours = kind.lay(group, tuning_, 1);
  TENK_CHECK(detours.size() == lanes.size(), "both ways lay the same channels");
  for (std::size_t i = 0; i < lanes.size(); ++i) {
    undecided_.push_back(
        {family, ranks, std::move(lanes[i]), std::move(detours[i]), {asks.begin(), asks.end()}});
  }
}

// The share of minimal routes at which the busiest trunk is least busy, if all groups of the family
// move at once; of several such shares the largest.
double Placer::share_of_first_way() const {
  std::vector<double> minimal(traffic_.trunks.size(), 0), detour(traffic_.trunks.size(), 0);
  for (const Undecided& u : undecided_) {
    double bytes = 0;
    for (const Ask& ask : u.asks) bytes = std::max(bytes, ask.bytes);
    for (const Usage& x : u.minimal.usage) minimal[x.trunk.value] += bytes * x.connections;
    for (const Usage& x : u.detour.usage) detour[x.trunk.value] += bytes * x.connections;
  }
  const auto busiest = [&](double share) {
    double worst = 0;
    for (std::size_t t = 0; t < minimal.size(); ++t) {
      const double load = share * minimal[t] + (1 - share) * detour[t];
      if (load > 0) worst = std::max(worst, load / traffic_.trunks[t].capacity.value());
    }
    return worst;
  };
  double low = 0, high = 1;  // A convex function of the share.
  for (int i = 0; i < 60; ++i) {
    const double a = low + (high - low) / 3, b = high - (high - low) / 3;
    (busiest(a) < busiest(b) ? high : low) = busiest(a) < busiest(b) ? b : a;
  }
  return busiest(1) <= busiest(low) * (1 + 1e-9) ? 1 : low;
}

void Placer::mix_ways() {
  if (undecided_.empty()) return;
  const double share = share_of_first_way();
  for (Undecided& u : undecided_) {
    Lane mixed;
    mixed.per_pair = u.minimal.per_pair;
    for (Usage& x : u.minimal.usage) {
      if (share > 0) mixed.usage.push_back({x.trunk, x.connections * share});
    }
    for (Usage& x : u.detour.usage) {
      if (share < 1) mixed.usage.push_back({x.trunk, x.connections * (1 - share)});
    }
    merge_usage(mixed.usage);
    add_coflow(u.family, u.ranks, mixed, u.asks);
  }
  undecided_.clear();
}

void Placer::add_group(FamilyId family, std::span<const RankId> ranks) {
  TENK_CHECK(ranks.size() > 1, "a group that communicates has at least two members");
  std::vector<std::uint32_t> accelerators;
  for (const RankId r : ranks) accelerators.push_back(place_[r.value]);
  if (!workload_.families[family.value].directed) {
    std::sort(accelerators.begin(), accelerators.end());
  }
  const Group group = make_group(fabric_, accelerators);
  const Surroundings around = surroundings_of(group);
  std::map<const CollectiveKind*, std::vector<Ask>> by_kind;
  std::vector<const CollectiveKind*> order;  // Of first use: pointers have no order of their own.
  for (std::size_t s = 0; s < workload_.slots.size(); ++s) {
    if (workload_.slots[s].family != family) continue;
    const bool used = std::any_of(ranks.begin(), ranks.end(), [&](RankId r) {
      return uses_[workload_.role_of_rank[r.value].value][s];
    });
    if (!used) continue;
    const Chosen& chosen = choice_for(SlotId(s), around);
    const double overhead = wire_overhead(chosen.choice.protocol);
    const Terms& terms = chosen.choice.terms;
    if (by_kind.count(chosen.choice.kind) == 0) order.push_back(chosen.choice.kind);
    by_kind[chosen.choice.kind].push_back(
        {SlotId(s), terms.bytes * overhead, terms.cap * overhead, terms.latency, chosen.method});
  }
  for (const CollectiveKind* kind : order) {
    add_coflows(family, ranks, group, *kind, by_kind[kind]);
  }
}

}  // namespace

Traffic place(const Fabric& fabric, const Workload& workload, const CollectiveTuning& tuning,
              std::span<const std::uint32_t> accelerator_of_rank) {
  TENK_CHECK(accelerator_of_rank.size() == workload.ranks(), "each rank has an accelerator");
  return Placer(fabric, workload, tuning, accelerator_of_rank).run();
}

Time wire_bound(const Traffic& traffic, SlotId slot) {
  std::vector<double> seconds(traffic.trunks.size(), 0);
  for (std::size_t c = 0; c < traffic.coflows(); ++c) {
    for (const Ask& ask : traffic.asks[c]) {
      if (ask.slot != slot) continue;
      const double payload = ask.bytes / traffic.methods[ask.method].overhead;
      for (const Usage& u : traffic.usage[c]) {
        const Trunk& trunk = traffic.trunks[u.trunk.value];
        seconds[u.trunk.value] +=
            u.connections * traffic.efficiency[trunk.kind] * payload / trunk.capacity.value();
      }
    }
  }
  const auto busiest = std::max_element(seconds.begin(), seconds.end());
  return busiest == seconds.end() ? Time() : Time::seconds(*busiest);
}

}  // namespace tenk
