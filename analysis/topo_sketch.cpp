#include "analysis/topo_sketch.h"

#include <algorithm>
#include <array>
#include <map>
#include <numeric>
#include <set>
#include <unordered_map>

namespace tenk {
namespace {

using Form = TopoSketch::Form;
using Indices = std::vector<std::uint32_t>;

constexpr std::uint32_t kNone = 0xffffffff;

struct Joint {
  std::uint32_t to = 0, cable = 0;
  double rate = 0;
};

// The cluster with each node as one vertex: nodes first, then the switches of the fabric.
struct Map {
  std::uint32_t nodes = 0;
  std::vector<std::vector<Joint>> joints;  // By vertex.
  Indices tier, index;                     // By vertex; the index is that among its kind.
  std::vector<std::string> kinds;          // By tier.
  std::vector<std::string> cables;
};

// "leaf-spine up" -> "leaf-spine".
std::string cable_of(const std::string& link_kind) {
  for (const char* way : {" up", " down", " out", " in"}) {
    if (link_kind.ends_with(way)) return link_kind.substr(0, link_kind.rfind(' '));
  }
  return link_kind;
}

std::uint32_t number_of(std::vector<std::string>& names, const std::string& name) {
  const auto at = std::find(names.begin(), names.end(), name);
  if (at != names.end()) return static_cast<std::uint32_t>(at - names.begin());
  names.push_back(name);
  return static_cast<std::uint32_t>(names.size() - 1);
}

// Tiers are kinds, in order of the distance from the nodes to the nearest of the kind.
void set_tiers(const Graph& graph, const Indices& kind_of_vertex, Map& map) {
  Indices level(map.joints.size(), kNone), front(map.nodes);
  std::iota(front.begin(), front.end(), 0u);
  for (std::uint32_t distance = 0; !front.empty(); ++distance) {
    Indices next;
    for (const std::uint32_t v : front) level[v] = distance;
    for (const std::uint32_t v : front) {
      for (const Joint& j : map.joints[v]) {
        if (level[j.to] != kNone) continue;
        level[j.to] = distance + 1;
        next.push_back(j.to);
      }
    }
    front = std::move(next);
  }
  std::map<std::uint32_t, std::uint32_t> nearest;  // By kind.
  for (std::uint32_t v = map.nodes; v < level.size(); ++v) {
    std::uint32_t& least = nearest.emplace(kind_of_vertex[v], kNone).first->second;
    least = std::min(least, level[v]);
  }
  std::vector<std::pair<std::uint32_t, std::uint32_t>> order;  // Level and kind.
  for (const auto& [kind, least] : nearest) order.emplace_back(least, kind);
  std::sort(order.begin(), order.end());
  map.kinds = {"node"};
  std::map<std::uint32_t, std::uint32_t> tier_of;
  for (const auto& [least, kind] : order) {
    tier_of[kind] = static_cast<std::uint32_t>(map.kinds.size());
    map.kinds.push_back(graph.device_kind(static_cast<std::uint16_t>(kind)));
  }
  map.tier.assign(level.size(), 0);
  for (std::uint32_t v = map.nodes; v < level.size(); ++v) {
    map.tier[v] = tier_of.at(kind_of_vertex[v]);
  }
}

Map map_of(const Fabric& fabric) {
  const Graph& graph = fabric.graph();
  Map map;
  map.nodes = fabric.nodes();
  map.index.resize(map.nodes);
  std::iota(map.index.begin(), map.index.end(), 0u);
  Indices kinds(map.nodes, 0), vertex;
  for (const Device& d : graph.devices()) {
    const bool inside = d.node != kNoNode;
    vertex.push_back(inside ? d.node : static_cast<std::uint32_t>(map.index.size()));
    if (inside) continue;
    map.index.push_back(d.index);
    kinds.push_back(d.kind);
  }
  map.joints.resize(map.index.size());
  Indices cable_of_kind;
  for (std::uint32_t k = 0; k < graph.link_kinds(); ++k) cable_of_kind.push_back(kNone);
  for (const Link& l : graph.links()) {
    const std::uint32_t from = vertex[l.from.value], to = vertex[l.to.value];
    if (from == to) continue;
    std::uint32_t& cable = cable_of_kind[l.kind];
    if (cable == kNone) cable = number_of(map.cables, cable_of(graph.link_kind(l.kind)));
    map.joints[from].push_back({to, cable, l.capacity.value()});
  }
  set_tiers(graph, kinds, map);
  return map;
}

// Groups of vertices that hang together over the joints that `keep` lets through, numbered by
// their first vertex. Vertices that `use` refuses are in no group.
template <class Use, class Keep>
Indices components(const Map& map, const Use& use, const Keep& keep, std::uint32_t& count) {
  Indices group(map.joints.size(), kNone), front;
  count = 0;
  for (std::uint32_t first = 0; first < group.size(); ++first) {
    if (!use(first) || group[first] != kNone) continue;
    group[first] = count;
    front = {first};
    while (!front.empty()) {
      const std::uint32_t v = front.back();
      front.pop_back();
      for (const Joint& j : map.joints[v]) {
        if (!use(j.to) || group[j.to] != kNone || !keep(j)) continue;
        group[j.to] = count;
        front.push_back(j.to);
      }
    }
    ++count;
  }
  return group;
}

struct Grouping {
  Form form = Form::kTiers;
  std::string word;
  std::uint32_t count = 1;
  Indices of;  // By vertex; kNone: outside all groups.
};

Grouping whole(Form form, const Map& map) {
  Grouping all;
  all.form = form;
  all.of.assign(map.joints.size(), 0);
  return all;
}

bool joined_among_themselves(const Map& map) {
  for (std::uint32_t v = map.nodes; v < map.joints.size(); ++v) {
    for (const Joint& j : map.joints[v]) {
      if (j.to >= map.nodes) return true;
    }
  }
  return false;
}

Grouping grouping_of(const Map& map, const NetworkFacts& facts) {
  const auto is_mesh = [](const NetworkFacts::Cables& c) { return c.tier == "mesh"; };
  const bool mesh = std::any_of(facts.cables.begin(), facts.cables.end(), is_mesh);
  const auto switches = static_cast<std::uint32_t>(map.joints.size()) - map.nodes;
  if (switches == 0 || mesh) return whole(Form::kMesh, map);
  Grouping g;
  const auto any = [](auto&&) { return true; };
  const auto global = std::find(map.cables.begin(), map.cables.end(), "global");
  if (global != map.cables.end()) {
    const auto number = static_cast<std::uint32_t>(global - map.cables.begin());
    const auto stays = [&](const Joint& j) { return j.cable != number; };
    g.of = components(map, any, stays, g.count);
    if (g.count > 1 && g.count < switches) {
      g.form = Form::kGroups;
      g.word = "group";
      return g;
    }
  }
  const auto is_switch = [&](std::uint32_t v) { return v >= map.nodes; };
  g.of = components(map, is_switch, any, g.count);
  if (g.count > 1) {
    g.form = Form::kPlanes;
    g.word = "plane";
    return g;
  }
  const auto top = static_cast<std::uint32_t>(map.kinds.size() - 1);
  if (top == 1) {
    return whole(joined_among_themselves(map) ? Form::kRouters : Form::kTiers, map);
  }
  g.of = components(
      map, [&](std::uint32_t v) { return map.tier[v] < top; }, any, g.count);
  g.word = top >= 3 ? "pod" : "unit";
  return g;
}

// How many may be drawn side by side.
struct Room {
  std::size_t slots = 4;     // Groups, counting the gap that stands for the rest.
  std::size_t inside = 4;    // Members of a tier in one group.
  std::size_t outside = 12;  // Of a tier that is in no group.
};

Room room_for(const Grouping& g, const Map& map) {
  const bool rows = map.kinds.size() > 2;
  switch (g.form) {
    case Form::kGroups:
      return {16, rows ? std::size_t{6} : std::size_t{12}, 0};
    case Form::kPlanes:
      return {8, g.count <= 2 ? std::size_t{6} : g.count <= 4 ? std::size_t{3} : std::size_t{1}, 8};
    case Form::kMesh:
    case Form::kRouters:
      return {1, 24, 0};
    case Form::kTiers:
      break;
  }
  return {4, g.count == 1 ? std::size_t{12} : g.count == 2 ? std::size_t{6} : std::size_t{4}, 12};
}

// All of `members`, or as many of the first as there is room for with a gap, and the last.
Indices first_and_last(const Indices& members, std::size_t room) {
  if (members.size() <= room) return members;
  if (room == 1) return {members.front()};
  Indices chosen(members.begin(),
                 members.begin() + static_cast<std::ptrdiff_t>(std::max<std::size_t>(room, 3) - 2));
  chosen.push_back(members.back());
  return chosen;
}

// So many of `members` (ascending), preferably joined to `seeds`: each seed in turn brings the
// first that nobody has chosen, the last of several seeds the last. None is added that hangs on
// none of the seeds, but to make two.
Indices near(const Map& map, const Indices& members, const Indices& seeds, std::size_t room) {
  if (members.size() <= room || seeds.empty() || room == 1) return first_and_last(members, room);
  const std::size_t want = std::max<std::size_t>(room, 3) - 1;
  Indices some = seeds;  // At most `want` of them.
  if (some.size() > want) {
    some.resize(want);
    some.back() = seeds.back();
  }
  std::set<std::uint32_t> chosen;
  for (bool found = true; found && chosen.size() < want;) {
    found = false;
    for (const std::uint32_t seed : some) {
      if (chosen.size() >= want) break;
      Indices free;
      for (const Joint& j : map.joints[seed]) {
        const bool member = std::binary_search(members.begin(), members.end(), j.to);
        if (member && chosen.count(j.to) == 0) free.push_back(j.to);
      }
      if (free.empty()) continue;
      const auto [least, most] = std::minmax_element(free.begin(), free.end());
      const bool last = seed == some.back() && (some.size() > 1 || chosen.size() + 1 == want);
      chosen.insert(last ? *most : *least);
      found = true;
    }
  }
  for (const std::uint32_t m : members) {
    if (chosen.size() < 2) chosen.insert(m);
  }
  return {chosen.begin(), chosen.end()};
}

class Sketcher {
 public:
  Sketcher(const Map& map, Grouping grouping)
      : map_(map), g_(std::move(grouping)), room_(room_for(g_, map)) {}

  TopoSketch sketch() {
    s_.form = g_.form;
    s_.group_word = g_.word;
    s_.groups = g_.count;
    s_.cables = map_.cables;
    Indices groups(g_.count);
    std::iota(groups.begin(), groups.end(), 0u);
    s_.drawn = first_and_last(groups, room_.slots);
    count_members();
    choose_boxes();
    join_boxes();
    if (g_.form == Form::kGroups) join_groups();
    return std::move(s_);
  }

 private:
  std::uint32_t tiers() const { return static_cast<std::uint32_t>(map_.kinds.size()); }

  Indices slot_of_groups() const {  // kNone: not drawn.
    Indices slots(g_.count, kNone);
    for (std::uint32_t i = 0; i < s_.drawn.size(); ++i) slots[s_.drawn[i]] = i;
    return slots;
  }

  void count_members() {
    std::vector<std::vector<std::uint64_t>> in_group(tiers());
    for (auto& counts : in_group) counts.assign(g_.count, 0);
    members_.assign(tiers(), std::vector<Indices>(s_.drawn.size()));
    outside_.assign(tiers(), {});
    s_.tiers.resize(tiers());
    const Indices slots = slot_of_groups();
    for (std::uint32_t v = 0; v < map_.joints.size(); ++v) {
      const std::uint32_t t = map_.tier[v], group = g_.of[v];
      ++s_.tiers[t].count;
      measure(v, s_.tiers[t]);
      if (group == kNone) {
        outside_[t].push_back(v);
        continue;
      }
      ++in_group[t][group];
      if (slots[group] != kNone) members_[t][slots[group]].push_back(v);
    }
    for (std::uint32_t t = 0; t < tiers(); ++t) {
      TopoSketch::Tier& tier = s_.tiers[t];
      tier.kind = map_.kinds[t];
      tier.grouped = outside_[t].empty();
      const auto [least, most] = std::minmax_element(in_group[t].begin(), in_group[t].end());
      tier.in_group = tier.grouped ? *most : tier.count;
      s_.even = s_.even && (!tier.grouped || *least == *most);
    }
    for (std::size_t slot = 0; slot < s_.drawn.size(); ++slot) {
      s_.members.emplace_back();
      for (std::uint32_t t = 0; t < tiers(); ++t) {
        const bool outside = !outside_[t].empty();
        s_.members[slot].push_back(outside ? outside_[t].size() : members_[t][slot].size());
      }
    }
  }

  void measure(std::uint32_t v, TopoSketch::Tier& tier) const {
    std::array<std::uint64_t, 3> cables{};  // Down, across, up.
    std::array<double, 3> rate{};
    std::vector<std::uint64_t> by_cable(map_.cables.size(), 0);
    for (const Joint& j : map_.joints[v]) {
      const std::uint32_t other = map_.tier[j.to], own = map_.tier[v];
      const std::size_t way = other < own ? 0 : other == own ? 1 : 2;
      ++cables[way];
      ++by_cable[j.cable];
      rate[way] += j.rate;
    }
    const bool first = tier.down + tier.across + tier.up == 0;
    if (!first && cables[0] <= tier.down) return;
    tier.down = cables[0];
    tier.across = cables[1];
    tier.up = cables[2];
    tier.by_cable = std::move(by_cable);
    tier.ratio = rate[2] > 0 ? rate[0] / rate[2] : 0;
  }

  // The edge switches first, then what hangs on them, then what they hang on.
  void choose_boxes() {
    const std::uint32_t slots =
        g_.form == Form::kGroups ? 1u : static_cast<std::uint32_t>(s_.drawn.size());
    chosen_.assign(tiers(), std::vector<Indices>(slots));
    const std::uint32_t edge = g_.form == Form::kMesh ? 0 : 1;
    for (std::uint32_t slot = 0; slot < slots; ++slot) choose(edge, slot, edge);
    if (g_.form != Form::kMesh && g_.form != Form::kGroups && g_.form != Form::kRouters) {
      for (std::uint32_t slot = 0; slot < slots; ++slot) choose(0, slot, 1);
    }
    for (std::uint32_t t = 2; t < tiers(); ++t) {
      for (std::uint32_t slot = 0; slot < slots; ++slot) choose(t, slot, t - 1);
    }
    for (std::uint32_t t = 0; t < tiers(); ++t) {
      for (std::uint32_t slot = 0; slot < slots; ++slot) {
        for (const std::uint32_t v : chosen_[t][slot]) {
          box_of_.emplace(v, static_cast<std::uint32_t>(s_.boxes.size()));
          s_.boxes.push_back({t, slot, map_.index[v]});
          vertex_.push_back(v);
        }
      }
    }
  }

  // Members of a tier that is in no group are boxes of slot 0, near those of its slot 0.
  void choose(std::uint32_t t, std::uint32_t slot, std::uint32_t from) {
    const bool outside = !outside_[t].empty();
    if (outside && slot > 0) return;
    const Indices seeds = from == t ? Indices{} : chosen_[from][slot];
    chosen_[t][slot] = near(map_, outside ? outside_[t] : members_[t][slot], seeds,
                            outside ? room_.outside : room_.inside);
  }

  void join_boxes() {
    for (std::uint32_t a = 0; a < s_.boxes.size(); ++a) {
      TopoSketch::Box& box = s_.boxes[a];
      std::map<std::uint32_t, std::size_t> joined;  // Box to edge.
      bool up = false, down = false, drawn_up = false, drawn_down = false;
      for (const Joint& j : map_.joints[vertex_[a]]) {
        const auto found = box_of_.find(j.to);
        const std::uint32_t other = map_.tier[j.to];
        const bool drawn = found != box_of_.end();
        up = up || other > box.tier;
        down = down || other < box.tier;
        drawn_up = drawn_up || (drawn && other > box.tier);
        drawn_down = drawn_down || (drawn && other < box.tier);
        if (!drawn || found->second < a) continue;
        const auto [edge, fresh] = joined.emplace(found->second, s_.edges.size());
        if (fresh) {
          s_.edges.push_back({a, found->second, j.cable, 1});
        } else {
          ++s_.edges[edge->second].count;
        }
      }
      box.open_up = up && !drawn_up;
      box.open_down = down && !drawn_down;
    }
    if (g_.form != Form::kMesh || !s_.edges.empty()) return;
    const auto mesh = number_of(s_.cables, "mesh");  // Its cables are not in the graph one by one.
    for (std::uint32_t a = 0; a < s_.boxes.size(); ++a) {
      for (std::uint32_t b = a + 1; b < s_.boxes.size(); ++b) s_.edges.push_back({a, b, mesh, 1});
    }
  }

  void join_groups() {
    std::set<std::pair<std::uint32_t, std::uint32_t>> pairs;
    const Indices slots = slot_of_groups();
    for (std::uint32_t v = map_.nodes; v < map_.joints.size(); ++v) {
      const std::uint32_t a = slots[g_.of[v]];
      if (a == kNone) continue;
      for (const Joint& j : map_.joints[v]) {
        const std::uint32_t b = slots[g_.of[j.to]];
        if (b != kNone && a < b) pairs.emplace(a, b);
      }
    }
    s_.group_edges.assign(pairs.begin(), pairs.end());
  }

  const Map& map_;
  Grouping g_;
  Room room_;
  TopoSketch s_;
  std::vector<std::vector<Indices>> members_;  // By tier and slot.
  std::vector<Indices> outside_;               // By tier.
  std::vector<std::vector<Indices>> chosen_;   // By tier and slot.
  std::unordered_map<std::uint32_t, std::uint32_t> box_of_;
  Indices vertex_;  // By box.
};

}  // namespace

TopoSketch sketch_of(const Fabric& fabric) {
  const Map map = map_of(fabric);
  return Sketcher(map, grouping_of(map, fabric.facts())).sketch();
}

}  // namespace tenk
