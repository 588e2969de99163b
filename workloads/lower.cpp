#include "workloads/lower.h"

#include <algorithm>
#include <array>
#include <map>
#include <numeric>

#include <fmt/format.h>

#include "sim/base/error.h"

namespace tenk {
namespace {

constexpr std::uint32_t kNone = 0xffffffff;
constexpr double kLongestProgram = 1e6;  // Seconds that a rank computes.

Time at_speed(const Op& op, double speed) {
  if (op.category != Category::kCompute || speed == 1) return op.duration;
  return Time::seconds(op.duration.s() / speed);
}

// Speeds far below 1 must not carry times beyond what can be told.
void check_pace(const Program& program, double speed, RankId rank) {
  double seconds = 0;
  for (const Op& op : program.ops) {
    if (op.kind == Op::Kind::kCompute) seconds += op.duration.s() / std::min(speed, 1.0);
  }
  if (seconds <= kLongestProgram || speed >= 1) return;
  throw Error(ErrorKind::kInvalid,
              fmt::format("rank {} computes for {:.3g} s at speed {:.3g}; at most {:.3g} s can be "
                          "simulated",
                          rank.value, seconds, speed, kLongestProgram));
}

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
  RankId first_rank;            // Who called it first, for messages.
  std::uint32_t first = kNone;  // Of its transfers, activities in a row.
  std::uint32_t count = 0;
  std::uint32_t end = kNone;  // The activity after which all its bytes have arrived.
  std::uint32_t posted = 0;   // Members that have called it.
};

// How far the program of a rank class has been read.
struct Reader {
  ClassId rank_class;
  RankId rank;  // Its representative.
  const Program& program;
  std::vector<std::uint32_t> end_of;                  // By operation: the activity that ends it.
  std::array<std::uint32_t, kStreams> last;           // Operation of each stream.
  std::vector<std::array<std::uint32_t, 3>> numbers;  // [family][end]: operations so far.
  std::vector<ActivityId> mine;

  Reader(ClassId k, RankId r, const Program& p, std::size_t families)
      : rank_class(k), rank(r), program(p), numbers(families, {0, 0, 0}) {
    end_of.reserve(p.ops.size());
    mine.reserve(p.ops.size());
    last.fill(kNone);
  }
};

class Lowering {
 public:
  Lowering(const Workload& w, const Traffic& t, const Symmetry& s)
      : workload_(w), traffic_(t), symmetry_(s) {}

  Plan run() {
    find_group_classes();
    add_programs();
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
  void find_group_classes();
  std::uint32_t intern(const std::vector<ClassId>& coflows);
  void add_programs();
  void add_op(const Op& op, Reader& reader);
  std::uint32_t group_of(const Op& op, End end, const Reader& reader) const;
  Meeting& meet(std::uint32_t group_class, std::uint32_t number, SlotId slot, RankId rank);
  void open_meeting(Meeting& m, const GroupClass& g);
  std::uint32_t add(const Activity& a, std::span<const ClassId> ranks);
  void check_meetings() const;
  void connect();
  void fill_quotient();
  void check_acyclic() const;
  std::string describe_transfer(std::uint32_t activity) const;
  std::string describe(SlotId slot) const;

  const Workload& workload_;
  const Traffic& traffic_;
  const Symmetry& symmetry_;
  std::map<std::vector<ClassId>, std::uint32_t> group_class_ids_;
  std::vector<GroupClass> group_classes_;
  std::vector<std::vector<Meeting>> meetings_;  // [group class][number]
  // [rank class][family][end]: kNone where the class takes no part.
  std::vector<std::vector<std::array<std::uint32_t, 3>>> group_class_of_;
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

std::uint32_t Lowering::add(const Activity& a, std::span<const ClassId> ranks) {
  plan_.activities.push_back(a);
  plan_.ranks_of.add(ranks);
  return static_cast<std::uint32_t>(plan_.activities.size() - 1);
}

void Lowering::open_meeting(Meeting& m, const GroupClass& g) {
  const Category category = workload_.families[workload_.slots[m.slot.value].family.value].category;
  int channels = 0;
  for (const ClassId c : g.coflows) {
    for (const Ask& ask : traffic_.asks[symmetry_.coflows.representative[c.value]]) {
      if (ask.slot != m.slot) continue;
      const std::uint32_t transfer =
          add({Activity::Kind::kTransfer, category, c, ask.latency, ask.bytes, ask.cap, m.slot},
              g.ranks);
      if (m.count++ == 0) m.first = transfer;
      channels = traffic_.methods[ask.method].channels;
    }
  }
  TENK_CHECK(m.count > 0, "a slot that a program calls has a coflow");
  m.end = m.first;
  if (m.count > 1) {  // They start together; the last to end ends the operation.
    Activity join;
    join.category = category;
    join.slot = m.slot;
    m.end = add(join, g.ranks);
    for (std::uint32_t t = 0; t < m.count; ++t) edges_.push_back({m.first + t, m.end});
  }
  plan_.activities[m.first].takes = channels;
  plan_.activities[m.end].releases = channels;
}

Meeting& Lowering::meet(std::uint32_t group_class, std::uint32_t number, SlotId slot, RankId rank) {
  auto& list = meetings_[group_class];
  if (number == list.size()) {
    list.push_back({slot, rank});
    open_meeting(list.back(), group_classes_[group_class]);
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

// What happens at about the same time is made close together, so that the engine finds it in the
// cache: the first operation of every class, then the second, ...
void Lowering::add_programs() {
  std::vector<Reader> readers;
  std::size_t longest = 0, operations = 0, edges = 0;
  for (std::uint32_t k = 0; k < symmetry_.ranks.classes(); ++k) {
    const RankId rank(symmetry_.ranks.representative[k]);
    readers.emplace_back(ClassId(k), rank,
                         workload_.programs[workload_.role_of_rank[rank.value].value],
                         workload_.families.size());
    const Program& program = readers.back().program;
    longest = std::max(longest, program.ops.size());
    operations += program.ops.size();
    edges += program.ops.size() + program.waits.size();
    check_pace(program, traffic_.speed(rank.value), rank);
  }
  plan_.activities.reserve(operations);  // Nearly: members share a transfer, some have a join.
  edges_.reserve(edges);
  for (std::size_t i = 0; i < longest; ++i) {
    for (Reader& r : readers) {
      if (i < r.program.ops.size()) add_op(r.program.ops[i], r);
    }
  }
  for (Reader& r : readers) {
    plan_.of_rank_class.add(r.mine);
    r.mine = {};
  }
}

std::uint32_t Lowering::group_of(const Op& op, End end, const Reader& r) const {
  const FamilyId family = workload_.slots[op.slot.value].family;
  const std::uint32_t group =
      group_class_of_[r.rank_class.value][family.value][static_cast<std::size_t>(end)];
  if (group != kNone) return group;
  throw Error(ErrorKind::kDeadlock,
              fmt::format("rank {} calls {} but is in no group of family \"{}\"", r.rank.value,
                          describe(op.slot), workload_.families[family.value].name));
}

void Lowering::add_op(const Op& op, Reader& r) {
  std::uint32_t end, first, count = 1;  // Of the activities that the operation starts.
  if (op.kind == Op::Kind::kCompute) {
    Activity a;
    a.category = op.category;
    a.time = at_speed(op, traffic_.speed(r.rank.value));
    first = end = add(a, {&r.rank_class, 1});
  } else {
    const FamilyId family = workload_.slots[op.slot.value].family;
    const End e = !workload_.families[family.value].directed ? End::kMember
                  : op.sends                                 ? End::kSource
                                                             : End::kDestination;
    const std::uint32_t group = group_of(op, e, r);
    std::uint32_t& number = r.numbers[family.value][static_cast<std::size_t>(e)];
    const Meeting& m = meet(group, number++, op.slot, r.rank);
    first = m.first;
    count = m.count;
    end = m.end;
  }
  std::uint32_t& previous = r.last[static_cast<std::size_t>(op.stream)];
  for (std::uint32_t s = first; s < first + count; ++s) {
    r.mine.push_back(ActivityId(s));
    if (previous != kNone) edges_.push_back({previous, s});
    for (const std::uint32_t w : r.program.waits_of(op)) edges_.push_back({r.end_of[w], s});
  }
  previous = end;
  r.end_of.push_back(end);
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

// Edges to successor lists, each once, by counting: O(activities + edges).
void Lowering::connect() {
  const std::size_t n = plan_.activities.size();
  auto& offsets = plan_.successors.offsets;
  auto& items = plan_.successors.items;
  offsets.assign(n + 1, 0);
  for (const Edge& e : edges_) ++offsets[e.from + 1];
  std::partial_sum(offsets.begin(), offsets.end(), offsets.begin());
  items.resize(edges_.size());
  std::vector<std::uint32_t> next(offsets.begin(), offsets.end() - 1);
  for (const Edge& e : edges_) items[next[e.from]++] = ActivityId(e.to);
  edges_ = {};
  plan_.waits_for.assign(n, 0);
  std::uint32_t kept = 0;
  for (std::size_t a = 0; a < n; ++a) {
    const auto first = items.begin() + offsets[a], last = items.begin() + next[a];
    offsets[a] = kept;
    std::sort(first, last);
    for (auto s = first; s != last; ++s) {
      if (s != first && *s == *(s - 1)) continue;
      ++plan_.waits_for[s->value];
      items[kept++] = *s;
    }
  }
  offsets[n] = kept;
  items.resize(kept);
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

std::string Lowering::describe_transfer(std::uint32_t activity) const {
  const ClassId rank_class = plan_.ranks_of[activity].front();
  return fmt::format("rank {} in {}", symmetry_.ranks.representative[rank_class.value],
                     describe(plan_.activities[activity].slot));
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
    const bool transfer = plan_.activities[a].kind == Activity::Kind::kTransfer;
    if (waiting[a] == 0 || !transfer) continue;
    who += (shown++ == 0 ? "" : "; ") + describe_transfer(a);
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
