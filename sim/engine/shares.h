// How fast does each flow go while flows come and go?
//
// Max-min fair rates (max_min.h) kept up to date. Rates are max-min fair exactly when every flow is
// at its cap or has a bottleneck: a full link on which no flow is faster (Bertsekas and Gallager,
// Data Networks, 2nd ed., 6.5.2). So after a change only flows near it are solved again, with the
// rates of all others fixed, and then the condition is checked on every link they touch: whoever
// lost its bottleneck, or is too fast beside one that is held back, is solved too, until the
// condition holds everywhere. That is the solution, not an approximation of it. Where there
// are few flows, all that are connected to the change are solved at once. A flow that meets nobody
// has its own rate at once.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "sim/engine/max_min.h"

namespace tenk {

class Shares {
 public:
  // As for MaxMin.
  explicit Shares(std::span<const Bandwidth> capacity);

  // A flow comes; returns its number, those of flows that left first. What demand.usage points at
  // must stay. A flow on no link has its cap as rate at once, any other one after `solve`.
  std::uint32_t add(const Demand& demand);
  void remove(std::uint32_t flow);

  // Solves after the adds and removals since the last time; `solved` and `links` then tell which
  // flows have perhaps new rates, and which links perhaps carry another load. Deterministic. Links
  // hold their flows in order of coming; O(links of the flow x flows on each) to remove one.
  void solve();
  std::span<const std::uint32_t> solved() const { return group_; }
  std::span<const std::uint32_t> links() const { return scope_; }
  bool dirty() const { return !done_; }  // Something came or went since.
  // Bytes/s of one connection, of all that crosses a link.
  double rate(std::uint32_t flow) const { return flows_[flow].rate; }
  double used(std::uint32_t link) const { return links_[link].used; }

 private:
  struct Flow {
    Demand demand;
    double rate = 0;
    bool in_group = false;
  };
  struct OnLink {
    std::uint32_t flow;
    double connections;
  };
  struct Link {
    double capacity = 0;
    double used = 0, fastest = 0;          // As of the last solve.
    double was_used = 0, was_fastest = 0;  // The same before the solve under way.
    bool in_scope = false;
    std::vector<OnLink> flows;
  };

  bool full(double used, const Link& link) const;
  bool held(const Flow& flow) const;
  bool meets_nobody(std::uint32_t flow) const;
  void settle_alone();
  void solve_others();
  void enter(std::uint32_t link);
  void join(std::uint32_t flow);
  void clear();
  bool gather_component(std::size_t most);
  void gather_seeds();
  void solve_group(bool all);
  static void add_to(Link& link, double connections, double rate);
  bool extend();
  void extend_from(std::uint32_t flow);

  std::vector<Flow> flows_;
  std::vector<Link> links_;
  std::vector<std::uint32_t> free_;
  std::vector<std::uint32_t> came_;           // Since the last solve; perhaps gone again.
  std::vector<std::uint32_t> group_, scope_;  // What is solved; the links that it crosses, and ...
  std::size_t touched_ = 0;                   // ... first those of flows that came or went.
  // The same of flows that came and meet nobody; with links that nobody crosses any more.
  std::vector<std::uint32_t> alone_, quiet_;
  std::size_t live_ = 0, crossings_ = 0;  // Flows that cross links, and how many all together.
  bool done_ = true;                      // group_ and scope_ are of the last solve.
  std::vector<Demand> demands_;
  std::vector<double> taken_;  // By link: what flows outside of the group use.
  MaxMin solver_;
};

}  // namespace tenk
