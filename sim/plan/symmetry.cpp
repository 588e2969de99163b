#include "sim/plan/symmetry.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <numeric>

#include "sim/base/error.h"
#include "sim/base/hash.h"

namespace tenk {
namespace {

constexpr double kTolerance = 1e-9;  // Relative, of usages that are summed in different orders.

bool close(double a, double b) {
  return std::abs(a - b) <= kTolerance * std::max(std::abs(a), std::abs(b));
}

// The bits of x without the last twelve, so that sums in different orders look alike.
std::uint64_t rough_bits(double x) { return (std::bit_cast<std::uint64_t>(x) + 0x800) >> 12; }

std::uint64_t exact_bits(double x) { return std::bit_cast<std::uint64_t>(x); }

bool same_ask(const Ask& a, const Ask& b) {
  return a.slot == b.slot && a.bytes == b.bytes && a.cap == b.cap && a.latency == b.latency &&
         a.method == b.method;
}

std::uint64_t hash_ask(const Ask& a) {
  std::uint64_t h = combine(a.slot.value, a.method);
  h = combine(h, exact_bits(a.bytes));
  h = combine(h, exact_bits(a.cap.value()));
  return combine(h, static_cast<std::uint64_t>(a.latency.ps()));
}

// Gives the same new class to members of the same old class with the same hash.
class Renumber {
 public:
  explicit Renumber(std::size_t elements)
      : mask_(std::bit_ceil(2 * elements + 2) - 1), table_(mask_ + 1, kEmpty) {}

  void run(const std::vector<std::uint64_t>& hashes, Partition& p) {
    std::fill(table_.begin(), table_.end(), kEmpty);
    old_.assign(p.class_of.begin(), p.class_of.end());
    p.representative.clear();
    p.count.clear();
    for (std::uint32_t i = 0; i < hashes.size(); ++i) {
      std::size_t at = combine(hashes[i], old_[i].value) & mask_;
      while (table_[at] != kEmpty && !same(hashes, p.representative[table_[at]], i)) {
        at = (at + 1) & mask_;
      }
      if (table_[at] == kEmpty) {
        table_[at] = static_cast<std::uint32_t>(p.classes());
        p.representative.push_back(i);
        p.count.push_back(0);
      }
      p.class_of[i] = ClassId(table_[at]);
      ++p.count[table_[at]];
    }
  }

 private:
  static constexpr std::uint32_t kEmpty = 0xffffffff;
  bool same(const std::vector<std::uint64_t>& hashes, std::uint32_t a, std::uint32_t b) const {
    return hashes[a] == hashes[b] && old_[a] == old_[b];
  }
  std::size_t mask_;
  std::vector<std::uint32_t> table_;
  std::vector<ClassId> old_;
};

// Usages by trunk: which coflows cross it, how often.
struct Crossing {
  CoflowId coflow;
  double connections = 0;
};
Lists<Crossing> transpose(const Traffic& traffic) {
  Lists<Crossing> by_trunk;
  by_trunk.offsets.assign(traffic.trunks.size() + 1, 0);
  for (const Usage& u : traffic.usage.items) ++by_trunk.offsets[u.trunk.value + 1];
  for (std::size_t t = 0; t < traffic.trunks.size(); ++t) {
    by_trunk.offsets[t + 1] += by_trunk.offsets[t];
  }
  by_trunk.items.resize(traffic.usage.items.size());
  std::vector<std::uint32_t> next(by_trunk.offsets.begin(), by_trunk.offsets.end() - 1);
  for (std::size_t c = 0; c < traffic.coflows(); ++c) {
    for (const Usage& u : traffic.usage[c]) {
      by_trunk.items[next[u.trunk.value]++] = {CoflowId(c), u.connections};
    }
  }
  return by_trunk;
}

class Refiner {
 public:
  Refiner(const Traffic& traffic, const RefineOptions& options)
      : traffic_(traffic),
        crossing_(transpose(traffic)),
        mask_(options.colour_bits >= 64 ? ~0ull : (1ull << options.colour_bits) - 1),
        number_ranks_(traffic.ranks()),
        number_coflows_(traffic.coflows()),
        number_trunks_(traffic.trunks.size()) {}

  Symmetry run() {
    start();
    do {
      refine();
    } while (!verify());
    return std::move(s_);
  }

 private:
  void start();
  void refine();
  bool verify();
  bool verify_trunks();
  bool verify_coflows();
  bool verify_ranks();
  void split(const std::vector<bool>& wrong, Partition& p, Renumber& numbering);

  std::vector<std::uint64_t> hash_coflows() const;
  std::vector<std::uint64_t> hash_trunks() const;
  std::vector<std::uint64_t> hash_ranks() const;
  std::size_t classes() const {
    return s_.ranks.classes() + s_.coflows.classes() + s_.trunks.classes();
  }
  bool same_asks(std::uint32_t a, std::uint32_t b) const;

  const Traffic& traffic_;
  Lists<Crossing> crossing_;
  std::uint64_t mask_;
  Renumber number_ranks_, number_coflows_, number_trunks_;
  Symmetry s_;
};

void Refiner::start() {
  s_.ranks.class_of.assign(traffic_.ranks(), ClassId());
  s_.coflows.class_of.assign(traffic_.coflows(), ClassId());
  s_.trunks.class_of.assign(traffic_.trunks.size(), ClassId());
  std::vector<std::uint64_t> h;
  for (std::size_t r = 0; r < traffic_.ranks(); ++r) {
    h.push_back(combine(traffic_.role_of_rank[r].value, exact_bits(traffic_.speed(r))) & mask_);
  }
  number_ranks_.run(h, s_.ranks);
  h.clear();
  for (std::size_t c = 0; c < traffic_.coflows(); ++c) {
    std::uint64_t sum = traffic_.family[c].value;
    for (const Ask& a : traffic_.asks[c]) sum = combine(sum, hash_ask(a));
    h.push_back(sum & mask_);
  }
  number_coflows_.run(h, s_.coflows);
  h.clear();
  for (const Trunk& t : traffic_.trunks) {
    h.push_back(combine(combine(t.kind, t.links), exact_bits(t.capacity.value())) & mask_);
  }
  number_trunks_.run(h, s_.trunks);
}

// Each hash is a sum over the neighbours, hence a hash of their multiset.
std::vector<std::uint64_t> Refiner::hash_coflows() const {
  std::vector<std::uint64_t> h(traffic_.coflows());
  for (std::size_t c = 0; c < h.size(); ++c) {
    std::uint64_t over_trunks = 0, over_ranks = 0;
    for (const Usage& u : traffic_.usage[c]) {
      over_trunks += combine(s_.trunks.class_of[u.trunk.value].value, rough_bits(u.connections));
    }
    for (const Member& m : traffic_.members[c]) {
      over_ranks +=
          combine(s_.ranks.class_of[m.rank.value].value, static_cast<std::uint64_t>(m.end) + 17);
    }
    h[c] = combine(over_trunks, over_ranks) & mask_;
  }
  return h;
}

std::vector<std::uint64_t> Refiner::hash_trunks() const {
  std::vector<std::uint64_t> h(traffic_.trunks.size());
  for (std::size_t t = 0; t < h.size(); ++t) {
    std::uint64_t sum = 0;
    for (const Crossing& x : crossing_[t]) {
      sum += combine(s_.coflows.class_of[x.coflow.value].value, rough_bits(x.connections));
    }
    h[t] = mix(sum) & mask_;
  }
  return h;
}

std::vector<std::uint64_t> Refiner::hash_ranks() const {
  std::vector<std::uint64_t> h(traffic_.ranks(), 0);
  for (std::size_t c = 0; c < traffic_.coflows(); ++c) {
    const std::uint32_t k = s_.coflows.class_of[c].value;
    for (const Member& m : traffic_.members[c]) {
      h[m.rank.value] += combine(k, static_cast<std::uint64_t>(m.end) + 31);
    }
  }
  for (std::uint64_t& x : h) x = mix(x) & mask_;
  return h;
}

void Refiner::refine() {
  for (std::size_t before = 0; before != classes();) {
    before = classes();
    number_coflows_.run(hash_coflows(), s_.coflows);
    number_trunks_.run(hash_trunks(), s_.trunks);
    number_ranks_.run(hash_ranks(), s_.ranks);
  }
}

// Members that differ from their representative leave its class together.
void Refiner::split(const std::vector<bool>& wrong, Partition& p, Renumber& numbering) {
  numbering.run({wrong.begin(), wrong.end()}, p);
}

// Members in order of class, so that each is compared with the representative just before it.
std::vector<std::uint32_t> by_class(const Partition& p) {
  std::vector<std::uint32_t> order(p.class_of.size());
  std::iota(order.begin(), order.end(), 0u);
  std::stable_sort(order.begin(), order.end(),
                   [&](std::uint32_t a, std::uint32_t b) { return p.class_of[a] < p.class_of[b]; });
  return order;
}

bool Refiner::verify_trunks() {
  std::vector<double> sum(s_.coflows.classes(), 0), expected(s_.coflows.classes(), 0);
  std::vector<std::uint32_t> touched, expected_touched;
  std::vector<bool> wrong(traffic_.trunks.size(), false);
  bool all_right = true;
  for (const std::uint32_t t : by_class(s_.trunks)) {
    const std::uint32_t first = s_.trunks.representative[s_.trunks.class_of[t].value];
    for (const std::uint32_t k : touched) sum[k] = 0;
    touched.clear();
    for (const Crossing& x : crossing_[t]) {
      const std::uint32_t k = s_.coflows.class_of[x.coflow.value].value;
      if (sum[k] == 0) touched.push_back(k);
      sum[k] += x.connections;
    }
    if (t == first) {
      for (const std::uint32_t k : expected_touched) expected[k] = 0;
      for (const std::uint32_t k : touched) expected[k] = sum[k];
      expected_touched = touched;
      continue;
    }
    const Trunk &a = traffic_.trunks[t], &b = traffic_.trunks[first];
    bool same = a.capacity == b.capacity && a.kind == b.kind && a.links == b.links &&
                touched.size() == expected_touched.size();
    for (const std::uint32_t k : touched) same = same && close(sum[k], expected[k]);
    wrong[t] = !same;
    all_right = all_right && same;
  }
  if (!all_right) split(wrong, s_.trunks, number_trunks_);
  return all_right;
}

// What a neighbour is seen as: its class, and in which way it is one.
using UsageKey = std::pair<std::uint32_t, double>;
using MemberKey = std::pair<std::uint32_t, End>;

template <class T, class Key, class KeyOf>
void sort_keys(std::span<const T> items, const KeyOf& key_of, std::vector<Key>& keys) {
  keys.clear();
  for (const T& item : items) keys.push_back(key_of(item));
  std::sort(keys.begin(), keys.end());
}

bool Refiner::same_asks(std::uint32_t a, std::uint32_t b) const {
  const auto asks_a = traffic_.asks[a], asks_b = traffic_.asks[b];
  return traffic_.family[a] == traffic_.family[b] &&
         std::equal(asks_a.begin(), asks_a.end(), asks_b.begin(), asks_b.end(), same_ask);
}

bool Refiner::verify_coflows() {
  const auto usage_key = [&](const Usage& u) -> UsageKey {
    return {s_.trunks.class_of[u.trunk.value].value, u.connections};
  };
  const auto member_key = [&](const Member& m) -> MemberKey {
    return {s_.ranks.class_of[m.rank.value].value, m.end};
  };
  const auto alike = [](const UsageKey& x, const UsageKey& y) {
    return x.first == y.first && close(x.second, y.second);
  };
  std::vector<UsageKey> usage, expected_usage;
  std::vector<MemberKey> members, expected_members;
  std::vector<bool> wrong(traffic_.coflows(), false);
  bool all_right = true;
  for (const std::uint32_t c : by_class(s_.coflows)) {
    const ClassId k = s_.coflows.class_of[c];
    const std::uint32_t first = s_.coflows.representative[k.value];
    if (s_.coflows.count[k.value] == 1) continue;  // Nobody to compare it with.
    sort_keys(traffic_.usage[c], usage_key, usage);
    sort_keys(traffic_.members[c], member_key, members);
    if (c == first) {
      usage.swap(expected_usage);
      members.swap(expected_members);
      continue;
    }
    wrong[c] = !same_asks(c, first) || members != expected_members ||
               !std::equal(usage.begin(), usage.end(), expected_usage.begin(), expected_usage.end(),
                           alike);
    all_right = all_right && !wrong[c];
  }
  if (!all_right) split(wrong, s_.coflows, number_coflows_);
  return all_right;
}

bool Refiner::verify_ranks() {
  const auto key = [&](const Membership& m) -> MemberKey {
    return {s_.coflows.class_of[m.coflow.value].value, m.end};
  };
  std::vector<MemberKey> keys, expected;
  std::vector<bool> wrong(traffic_.ranks(), false);
  bool all_right = true;
  for (const std::uint32_t r : by_class(s_.ranks)) {
    const ClassId k = s_.ranks.class_of[r];
    const std::uint32_t first = s_.ranks.representative[k.value];
    if (s_.ranks.count[k.value] == 1) continue;
    sort_keys(traffic_.of_rank[r], key, keys);
    if (r == first) {
      keys.swap(expected);
      continue;
    }
    wrong[r] = traffic_.role_of_rank[r] != traffic_.role_of_rank[first] ||
               traffic_.speed(r) != traffic_.speed(first) || keys != expected;
    all_right = all_right && !wrong[r];
  }
  if (!all_right) split(wrong, s_.ranks, number_ranks_);
  return all_right;
}

bool Refiner::verify() { return verify_ranks() && verify_coflows() && verify_trunks(); }

}  // namespace

Symmetry find_symmetry(const Traffic& traffic, const RefineOptions& options) {
  return Refiner(traffic, options).run();
}

Symmetry no_symmetry(const Traffic& traffic) {
  const auto discrete = [](std::size_t n) {
    Partition p;
    p.class_of.resize(n);
    p.representative.resize(n);
    p.count.assign(n, 1);
    for (std::uint32_t i = 0; i < n; ++i) {
      p.class_of[i] = ClassId(i);
      p.representative[i] = i;
    }
    return p;
  };
  return {discrete(traffic.ranks()), discrete(traffic.coflows()), discrete(traffic.trunks.size())};
}

}  // namespace tenk
