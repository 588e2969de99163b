#include "workloads/place.h"

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "sim/base/error.h"
#include "workloads/collectives/collective.h"

namespace tenk {
namespace {

// By link kind: of the link rate that transfers reach. NVLink inside nodes and everything between
// nodes have measured efficiencies; PCIe is never what limits them and keeps its rate.
std::vector<double> efficiency_by_kind(const Graph& graph, const CollectiveTuning& tuning) {
  std::vector<double> efficiency(graph.link_kinds(), 1);
  for (const Link& l : graph.links()) {
    const bool network = graph.device(l.from).node == kNoNode || graph.device(l.to).node == kNoNode;
    if (network) {
      efficiency[l.kind] = tuning.network_efficiency.value;
    } else if (graph.link_kind(l.kind).starts_with("nvlink")) {
      efficiency[l.kind] = tuning.nvlink_efficiency.value;
    }
  }
  return efficiency;
}

class Placer {
 public:
  Placer(const Fabric& fabric, const Workload& workload, const CollectiveTuning& tuning,
         std::span<const std::uint32_t> accelerator_of_rank)
      : fabric_(fabric), workload_(workload), tuning_(tuning), place_(accelerator_of_rank) {
    traffic_.role_of_rank = workload.role_of_rank;
    traffic_.trunks.assign(fabric.trunks().begin(), fabric.trunks().end());
    traffic_.efficiency = efficiency_by_kind(fabric.graph(), tuning);
    find_slots();
  }

  Traffic run() {
    for (std::size_t f = 0; f < workload_.families.size(); ++f) {
      const Family& family = workload_.families[f];
      for (std::size_t g = 0; g < family.groups(); ++g) add_group(FamilyId(f), family.group(g));
    }
    traffic_.index_ranks();
    return std::move(traffic_);
  }

 private:
  struct Chosen {
    Choice choice;
    std::uint16_t method = 0;
  };
  struct ShapeKey {
    std::uint32_t slot;
    GroupShape shape;
    Time path;
    auto operator<=>(const ShapeKey&) const = default;
  };

  void find_slots();
  void add_group(FamilyId family, std::span<const RankId> ranks);
  Time longest_path(const Group& group) const;
  const Chosen& choice_for(SlotId slot, const GroupShape& shape, Time path);
  std::uint16_t method_of(const Choice& choice, const Request& request);
  Request request_for(SlotId slot, const GroupShape& shape, Time path) const;
  void add_coflows(FamilyId family, std::span<const RankId> ranks, const Group& group,
                   const CollectiveKind& kind, std::span<const Ask> asks);

  const Fabric& fabric_;
  const Workload& workload_;
  const CollectiveTuning& tuning_;
  std::span<const std::uint32_t> place_;
  std::vector<std::vector<bool>> uses_;  // [role][slot]
  std::map<ShapeKey, Chosen> chosen_;
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
    longest = std::max(longest, fabric_.connect(a, next, 1, 0, unused));
    unused.clear();
  }
  return longest;
}

Request Placer::request_for(SlotId slot, const GroupShape& shape, Time path) const {
  const Slot& s = workload_.slots[slot.value];
  Request r;
  r.op = s.op;
  r.bytes = s.bytes;
  r.shape = shape;
  r.path = path;
  r.tuning = &tuning_;
  r.network_bus = fabric_.facts().port_rate * (shape.rails * tuning_.network_efficiency.value);
  r.node_bus = r.network_bus;
  const NodeTemplate& node = fabric_.node();
  if (fabric_.per_node() > 1 && !node.to_peer[1].empty()) {
    r.node_bus = node.cables[node.to_peer[1].front() / 2].rate * tuning_.nvlink_efficiency.value;
  }
  return r;
}

std::uint16_t Placer::method_of(const Choice& choice, const Request& request) {
  const Method method{std::string(choice.kind->name),
                      std::string(kProtocolNames[static_cast<std::size_t>(choice.protocol)]),
                      request.channels(), wire_overhead(choice.protocol)};
  auto& methods = traffic_.methods;
  const auto same = std::find_if(methods.begin(), methods.end(), [&](const Method& m) {
    return m.algorithm == method.algorithm && m.protocol == method.protocol &&
           m.channels == method.channels;
  });
  if (same != methods.end()) return static_cast<std::uint16_t>(same - methods.begin());
  methods.push_back(method);
  return static_cast<std::uint16_t>(methods.size() - 1);
}

const Placer::Chosen& Placer::choice_for(SlotId slot, const GroupShape& shape, Time path) {
  const ShapeKey key{slot.value, shape, path};
  const auto known = chosen_.find(key);
  if (known != chosen_.end()) return known->second;
  const Request request = request_for(slot, shape, path);
  Chosen chosen;
  chosen.choice = choose(request);
  chosen.method = method_of(chosen.choice, request);
  return chosen_.emplace(key, chosen).first->second;
}

void Placer::add_coflows(FamilyId family, std::span<const RankId> ranks, const Group& group,
                         const CollectiveKind& kind, std::span<const Ask> asks) {
  const bool directed = workload_.families[family.value].directed;
  std::vector<Member> members;
  for (std::size_t i = 0; i < ranks.size(); ++i) {
    const End end = !directed ? End::kMember : i == 0 ? End::kSource : End::kDestination;
    members.push_back({ranks[i], end});
  }
  for (std::vector<Usage>& row : kind.lay(group, tuning_)) {
    for (Usage& u : row) {
      const Trunk& trunk = traffic_.trunks[u.trunk.value];
      if (trunk.capacity.value() <= 0) {
        throw Error(ErrorKind::kInvalid,
                    fmt::format("a {} link that rank {} needs is down and has no detour",
                                fabric_.graph().link_kind(trunk.kind), ranks[0].value));
      }
      u.connections /= traffic_.efficiency[trunk.kind];
    }
    traffic_.usage.add(row);
    traffic_.members.add(members);
    traffic_.asks.add(asks);
    traffic_.family.push_back(family);
  }
}

void Placer::add_group(FamilyId family, std::span<const RankId> ranks) {
  TENK_CHECK(ranks.size() > 1, "a group that communicates has at least two members");
  std::vector<std::uint32_t> accelerators;
  for (const RankId r : ranks) accelerators.push_back(place_[r.value]);
  if (!workload_.families[family.value].directed) {
    std::sort(accelerators.begin(), accelerators.end());
  }
  const Group group = make_group(fabric_, accelerators);
  const GroupShape shape = shape_of(group);
  const Time path = longest_path(group);
  std::map<const CollectiveKind*, std::vector<Ask>> by_kind;
  std::vector<const CollectiveKind*> order;  // Of first use: pointers have no order of their own.
  for (std::size_t s = 0; s < workload_.slots.size(); ++s) {
    if (workload_.slots[s].family != family) continue;
    const bool used = std::any_of(ranks.begin(), ranks.end(), [&](RankId r) {
      return uses_[workload_.role_of_rank[r.value].value][s];
    });
    if (!used) continue;
    const Chosen& chosen = choice_for(SlotId(s), shape, path);
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
