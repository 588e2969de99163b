// Max-min fair sharing of links: how fast does each coflow go while all of them are active?
//
// Rates are max-min fair when no coflow can speed up except by slowing one that is no faster.
// Such rates exist, are unique, and do not depend on the order of links or coflows
// (Bertsekas and Gallager, Data Networks, 2nd ed., 6.5.2). Progressive filling: all rates rise
// together until a link is full or a cap is reached; what crosses it freezes; repeat.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "sim/plan/plan.h"

namespace tenk {

struct Demand {
  std::span<const ClassUsage> usage;       // Empty: stays inside a device, goes at its cap.
  Bandwidth cap = Bandwidth::unlimited();  // The most one connection can do, > 0.
};

// A solver for one set of links, with its workspace: solving allocates nothing once warm.
class MaxMin {
 public:
  // `capacity` is indexed by ClassUsage::trunk, all >= 0; those in use must be > 0.
  explicit MaxMin(std::span<const Bandwidth> capacity);

  // Bytes/s of one connection of each demand, in the order given; valid until the next call.
  // Deterministic. O((n + m) log n) for n demands and m usages; independent of idle links.
  // `taken`, by link: bytes/s of the capacity that others have; none if empty.
  std::span<const double> solve(std::span<const Demand> demands,
                                std::span<const double> taken = {});

 private:
  struct Crossing {
    std::uint32_t slot;  // Of links_.
    double connections;
  };
  struct Level {
    double rate;
    std::uint32_t id;  // A slot of `links_`; or a demand, for caps.
    bool operator<(const Level& o) const { return rate != o.rate ? rate < o.rate : id < o.id; }
  };
  struct Busy {  // A link in use.
    double spare = 0, load = 0;
    std::uint32_t open = 0;  // Crossings not yet frozen.
    std::uint32_t first = 0, next = 0;
  };

  void collect(std::span<const Demand> demands, std::span<const double> taken);
  void limit(std::span<const Demand> demands);
  void freeze(std::uint32_t demand, double rate);
  void sink(std::size_t at);
  bool refill(double floor);
  void fill();

  std::vector<double> capacity_;
  std::vector<std::uint32_t> slot_of_link_;  // Valid where stamp_ is current.
  std::vector<std::uint32_t> stamp_;
  std::uint32_t epoch_ = 0;
  std::vector<Busy> links_;
  std::vector<std::uint32_t> of_link_;  // Demands.
  std::vector<Crossing> of_demand_;
  std::vector<std::uint32_t> first_of_demand_;
  // Links that are not yet full. Those that fill next are in the heap (no child below its parent,
  // four children each), all others wait in no order and are looked at again when it is empty:
  // their levels have risen meanwhile, and one pass finds them all anew.
  std::vector<Level> heap_;
  std::vector<std::uint32_t> waiting_;
  double reach_ = 1;  // Levels up to `most_`, the least times this, go into the heap.
  double most_ = 0;
  std::vector<double> own_;   // By demand: what it could do if it were alone, ...
  std::vector<Level> caps_;   // ... ascending, where that is a limit.
  std::vector<double> rate_;  // By demand; below 0: not yet frozen.
  std::size_t left_ = 0;      // Demands that are not.
};

// One solve, for tests and small uses.
std::vector<Bandwidth> max_min_rates(std::span<const Bandwidth> capacity,
                                     std::span<const Demand> demands);

}  // namespace tenk
