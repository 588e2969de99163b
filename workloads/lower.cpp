#include "workloads/lower.h"

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "sim/base/error.h"

namespace tenk {
namespace {

constexpr std::uint32_t kNone = 0xffffffff;

// All coflows that one group's operations of a family may use, as classes.
struct GroupClass {
  std::vector<ClassId> coflows;                  // Ascending.
  std::vector<std::pair<ClassId, End>> members;  // Rank classes, ascending, each end once.
  // The same without ends; twice where each rank of a class is the source of one coflow and the
  // destination of another, for both hold units of its device.
  std::vector<ClassId> ranks;
};

// One operation that the members of a group class carry out together.
struct Meeting {
  SlotId slot;
  RankId first_rank;                     // Who called it first, for messages.
  std::vector<std::uint32_t> transfers;  // Activities.
  std::uint32_t end = kNone;             // The activity after which all its bytes have arrived.
  std::uint32_t posted = 0;              // Members that have called it.
};

class Lowering {
 public:
  Lowering(const Workload& w, const Traffic& t, const Symmetry& s)
      : workload_(w), traffic_(t), symmetry_(s) {}

  Plan run() {
    find_group_classes();
    for (std::uint32_t k = 0; k < symmetry_.ranks.classes(); ++k) add_program(ClassId(k));
    check_meetings();
    connect();
    fill_quotient();
    check_acyclic();
    return std::move(plan_);
  }

 private:
  struct Edge {
    std::uint32_t from, to;
  };
  struct Label {  // Whose operation an activity is, for messages.
    RankId rank;
    SlotId slot;
    bool transfer = false;
  };

  void find_group_classes();
  std::uint32_t intern(const std::vector<ClassId>& coflows);
  void add_program(ClassId rank_class);
  Meeting& meet(std::uint32_t group_class, std::uint32_t number, SlotId slot, RankId rank);
  void open_meeting(Meeting& m, const GroupClass& g, RankId rank);
  std::uint32_t add(const Activity& a, const Label& label, std::span<const ClassId> ranks);
  void check_meetings() const;
  void connect();
  void fill_quotient();
  void check_acyclic() const;
  std::string describe(const Label& label) const;
  std::string describe(SlotId slot) const;

  const Workload& workload_;
  const Traffic& traffic_;
  const Symmetry& symmetry_;
  std::map<std::vector<ClassId>, std::uint32_t> group_class_ids_;
  std::vector<GroupClass> group_classes_;
  std::vector<std::vector<Meeting>> meetings_;  // [group class][number]
  // [rank class][family][end]: kNone where the class takes no part.
  std::vector<std::vector<std::array<std::uint32_t, 3>>> group_class_of_;
  std::vector<Label> labels_;
  std::vector<Edge> edges_;
  Plan plan_;
};

std::uint32_t Lowering::intern(const std::vector<ClassId>& coflows) {
  const auto [at, fresh] =
      group_class_ids_.emplace(coflows, static_cast<std::uint32_t>(group_classes_.size()));
  if (!fresh) return at->second;
  GroupClass g{coflows, {}, {}};
  const std::uint32_t one = symmetry_.coflows.representative[coflows.front().value];
  for (const Member& m : traffic_.members[one]) {
    g.members.emplace_back(symmetry_.ranks.class_of[m.rank.value], m.end);
  }
  std::sort(g.members.begin(), g.members.end());
  g.members.erase(std::unique(g.members.begin(), g.members.end()), g.members.end());
  for (const auto& member : g.members) g.ranks.push_back(member.first);
  group_classes_.push_back(std::move(g));
  meetings_.emplace_back();
  return at->second;
}

void Lowering::find_group_classes() {
  const std::size_t families = workload_.families.size();
  for (const std::uint32_t rank : symmetry_.ranks.representative) {
    std::vector<std::array<std::vector<ClassId>, 3>> found(families);
    for (const Membership& m : traffic_.of_rank[rank]) {
      found[traffic_.family[m.coflow.value].value][static_cast<std::size_t>(m.end)].push_back(
          symmetry_.coflows.class_of[m.coflow.value]);
    }
    auto& row = group_class_of_.emplace_back(families);
    for (std::size_t f = 0; f < families; ++f) {
      for (std::size_t e = 0; e < 3; ++e) {
        auto& classes = found[f][e];
        std::sort(classes.begin(), classes.end());
        classes.erase(std::unique(classes.begin(), classes.end()), classes.end());
        row[f][e] = classes.empty() ? kNone : intern(classes);
      }
    }
  }
}

std::uint32_t Lowering::add(const Activity& a, const Label& label, std::span<const ClassId> ranks) {
  plan_.activities.push_back(a);
  plan_.ranks_of.add(ranks);
  labels_.push_back(label);
  return static_cast<std::uint32_t>(plan_.activities.size() - 1);
}

void Lowering::open_meeting(Meeting& m, const GroupClass& g, RankId rank) {
  const Category category = workload_.families[workload_.slots[m.slot.value].family.value].category;
  int channels = 0;
  for (const ClassId c : g.coflows) {
    for (const Ask& ask : traffic_.asks[symmetry_.coflows.representative[c.value]]) {
      if (ask.slot != m.slot) continue;
      m.transfers.push_back(
          add({Activity::Kind::kTransfer, category, c, ask.latency, ask.bytes, ask.cap, m.slot},
              {rank, m.slot, true}, g.ranks));
      channels = traffic_.methods[ask.method].channels;
    }
  }
  TENK_CHECK(!m.transfers.empty(), "a slot that a program calls has a coflow");
  m.end = m.transfers.front();
  if (m.transfers.size() > 1) {  // They start together; the last to end ends the operation.
    Activity join;
    join.category = category;
    join.slot = m.slot;
    m.end = add(join, {rank, m.slot, true}, g.ranks);
    for (const std::uint32_t t : m.transfers) edges_.push_back({t, m.end});
  }
  plan_.activities[m.transfers.front()].takes = channels;
  plan_.activities[m.end].releases = channels;
}

Meeting& Lowering::meet(std::uint32_t group_class, std::uint32_t number, SlotId slot, RankId rank) {
  auto& list = meetings_[group_class];
  if (number == list.size()) {
    list.push_back({slot, rank, {}, kNone, 0});
    open_meeting(list.back(), group_classes_[group_class], rank);
  }
  Meeting& m = list[number];
  if (m.slot != slot) {
    throw Error(
        ErrorKind::kDeadlock,
        fmt::format("ranks of one group call different operations: operation {} of family "
                    "\"{}\" is {} on rank {} and {} on rank {}",
                    number, workload_.families[workload_.slots[slot.value].family.value].name,
                    describe(m.slot), m.first_rank.value, describe(slot), rank.value));
  }
  ++m.posted;
  return m;
}

void Lowering::add_program(ClassId rank_class) {
  const RankId rank(symmetry_.ranks.representative[rank_class.value]);
  const Program& program = workload_.programs[workload_.role_of_rank[rank.value].value];
  std::vector<std::uint32_t> end_of;  // By op: the activity that ends it.
  std::array<std::uint32_t, kStreams> last;
  last.fill(kNone);
  std::vector<std::array<std::uint32_t, 3>> numbers(workload_.families.size(), {0, 0, 0});
  std::vector<ActivityId> mine;
  for (const Op& op : program.ops) {
    std::uint32_t end;
    std::vector<std::uint32_t> starts;
    if (op.kind == Op::Kind::kCompute) {
      Activity a;
      a.category = op.category;
      a.time = op.duration;
      end = add(a, {rank, {}, false}, {&rank_class, 1});
      starts = {end};
    } else {
      const FamilyId family = workload_.slots[op.slot.value].family;
      const End e = !workload_.families[family.value].directed ? End::kMember
                    : op.sends                                 ? End::kSource
                                                               : End::kDestination;
      const auto ei = static_cast<std::size_t>(e);
      const std::uint32_t group = group_class_of_[rank_class.value][family.value][ei];
      if (group == kNone) {
        throw Error(ErrorKind::kDeadlock,
                    fmt::format("rank {} calls {} but is in no group of family \"{}\"", rank.value,
                                describe(op.slot), workload_.families[family.value].name));
      }
      const Meeting& m = meet(group, numbers[family.value][ei]++, op.slot, rank);
      starts = m.transfers;
      end = m.end;
    }
    for (const std::uint32_t s : starts) mine.push_back(ActivityId(s));
    std::uint32_t& previous = last[static_cast<std::size_t>(op.stream)];
    for (const std::uint32_t s : starts) {
      if (previous != kNone) edges_.push_back({previous, s});
      for (const std::uint32_t w : program.waits_of(op)) edges_.push_back({end_of[w], s});
    }
    previous = end;
    end_of.push_back(end);
  }
  plan_.of_rank_class.add(mine);
}

void Lowering::check_meetings() const {
  for (std::size_t g = 0; g < meetings_.size(); ++g) {
    for (std::size_t n = 0; n < meetings_[g].size(); ++n) {
      const Meeting& m = meetings_[g][n];
      const auto& members = group_classes_[g].members;
      if (m.posted == members.size()) continue;
      std::string others;
      for (const auto& [rank_class, end] : members) {
        others += fmt::format("{}{}", others.empty() ? "" : ", ",
                              symmetry_.ranks.representative[rank_class.value]);
      }
      throw Error(
          ErrorKind::kDeadlock,
          fmt::format("unmatched {}: operation {} of its family, called by rank {}, waits "
                      "for ranks like {}; only {} of {} call it",
                      describe(m.slot), n, m.first_rank.value, others, m.posted, members.size()));
    }
  }
}

// Edges to successor lists, each once.
void Lowering::connect() {
  std::sort(edges_.begin(), edges_.end(), [](const Edge& a, const Edge& b) {
    return a.from != b.from ? a.from < b.from : a.to < b.to;
  });
  edges_.erase(
      std::unique(edges_.begin(), edges_.end(),
                  [](const Edge& a, const Edge& b) { return a.from == b.from && a.to == b.to; }),
      edges_.end());
  plan_.waits_for.assign(plan_.activities.size(), 0);
  std::vector<ActivityId> next;
  std::size_t at = 0;
  for (std::uint32_t a = 0; a < plan_.activities.size(); ++a) {
    next.clear();
    for (; at < edges_.size() && edges_[at].from == a; ++at) {
      next.push_back(ActivityId(edges_[at].to));
      ++plan_.waits_for[edges_[at].to];
    }
    plan_.successors.add(next);
  }
}

// By double counting, the load that a coflow class puts on one trunk of a class is what one of its
// coflows puts on the whole class, times coflows, over trunks.
void Lowering::fill_quotient() {
  plan_.units = workload_.units;
  plan_.rank_count = symmetry_.ranks.count;
  plan_.coflow_count = symmetry_.coflows.count;
  plan_.trunk_count = symmetry_.trunks.count;
  for (const std::uint32_t t : symmetry_.trunks.representative) {
    plan_.capacity.push_back(traffic_.trunks[t].capacity);
  }
  for (std::uint32_t c = 0; c < symmetry_.coflows.classes(); ++c) {
    std::map<ClassId, double> over;
    for (const Usage& u : traffic_.usage[symmetry_.coflows.representative[c]]) {
      over[symmetry_.trunks.class_of[u.trunk.value]] += u.connections;
    }
    std::vector<ClassUsage> row;
    for (const auto& [trunk, connections] : over) {
      row.push_back(
          {trunk, connections * symmetry_.coflows.count[c] / symmetry_.trunks.count[trunk.value]});
    }
    plan_.usage.add(row);
  }
}

std::string Lowering::describe(SlotId slot) const {
  const Slot& s = workload_.slots[slot.value];
  return fmt::format("{} of {}", name_of(s.op), to_text(s.bytes));
}

std::string Lowering::describe(const Label& label) const {
  return fmt::format("rank {} in {}", label.rank.value,
                     label.transfer ? describe(label.slot) : std::string("compute"));
}

void Lowering::check_acyclic() const {
  std::vector<std::uint32_t> waiting = plan_.waits_for, ready;
  for (std::uint32_t a = 0; a < waiting.size(); ++a) {
    if (waiting[a] == 0) ready.push_back(a);
  }
  for (std::size_t i = 0; i < ready.size(); ++i) {
    for (const ActivityId s : plan_.successors[ready[i]]) {
      if (--waiting[s.value] == 0) ready.push_back(s.value);
    }
  }
  if (ready.size() == waiting.size()) return;
  std::string who;
  int shown = 0;
  for (std::uint32_t a = 0; a < waiting.size() && shown < 4; ++a) {
    if (waiting[a] == 0 || !labels_[a].transfer) continue;
    who += (shown++ == 0 ? "" : "; ") + describe(labels_[a]);
  }
  throw Error(ErrorKind::kDeadlock,
              fmt::format("deadlock: {} activities wait for each other in a circle, first {}",
                          waiting.size() - ready.size(), who));
}

}  // namespace

Plan lower(const Workload& workload, const Traffic& traffic, const Symmetry& symmetry) {
  return Lowering(workload, traffic, symmetry).run();
}

}  // namespace tenk
