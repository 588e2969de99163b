#include "sim/engine/shares.h"

#include <algorithm>

#include "sim/base/error.h"

namespace tenk {
namespace {

constexpr double kSlack = 1e-11;    // Relative: sums of rates are good to that.
constexpr std::size_t kFew = 1024;  // Up to so many crossings of flows and links, all that are
                                    // connected are solved at once.

}  // namespace

Shares::Shares(std::span<const Bandwidth> capacity)
    : links_(capacity.size()), taken_(capacity.size(), 0), solver_(capacity) {
  for (std::size_t l = 0; l < capacity.size(); ++l) links_[l].capacity = capacity[l].value();
}

bool Shares::full(double used, const Link& link) const {
  return used >= link.capacity * (1 - kSlack);
}

// At its cap, or with a bottleneck, as far as `used` and `fastest` of its links are right.
bool Shares::held(const Flow& flow) const {
  const double least = flow.rate * (1 + kSlack);
  if (least >= flow.demand.cap.value()) return true;
  return std::any_of(flow.demand.usage.begin(), flow.demand.usage.end(), [&](const ClassUsage& u) {
    const Link& link = links_[u.trunk.value];
    return full(link.used, link) && least >= link.fastest;
  });
}

void Shares::clear() {
  if (!done_) return;
  for (const std::uint32_t l : scope_) links_[l].in_scope = false;
  for (const std::uint32_t f : group_) flows_[f].in_group = false;
  scope_.clear();
  group_.clear();
  done_ = false;
}

void Shares::enter(std::uint32_t index) {
  Link& link = links_[index];
  if (link.in_scope) return;
  link.in_scope = true;
  link.was_used = link.used;
  link.was_fastest = link.fastest;
  scope_.push_back(index);
}

void Shares::join(std::uint32_t index) {
  Flow& flow = flows_[index];
  if (flow.in_group) return;
  flow.in_group = true;
  group_.push_back(index);
}

std::uint32_t Shares::add(const Demand& demand) {
  if (free_.empty()) {
    free_.push_back(static_cast<std::uint32_t>(flows_.size()));
    flows_.emplace_back();
  }
  const std::uint32_t index = free_.back();
  free_.pop_back();
  if (demand.usage.empty()) {
    flows_[index] = {demand, demand.cap.value(), false};
    return index;
  }
  clear();
  flows_[index] = {demand, 0, false};
  came_.push_back(index);
  ++live_;
  crossings_ += demand.usage.size();
  for (const ClassUsage& u : demand.usage) {
    links_[u.trunk.value].flows.push_back({index, u.connections});
    enter(u.trunk.value);
  }
  return index;
}

void Shares::remove(std::uint32_t index) {
  Flow& flow = flows_[index];
  if (!flow.demand.usage.empty()) {
    clear();
    --live_;
    crossings_ -= flow.demand.usage.size();
  }
  for (const ClassUsage& u : flow.demand.usage) {
    auto& list = links_[u.trunk.value].flows;
    list.erase(
        std::find_if(list.begin(), list.end(), [&](const OnLink& on) { return on.flow == index; }));
    enter(u.trunk.value);
  }
  flow.demand = {};
  free_.push_back(index);
}

// The group becomes all flows connected to it or to a touched link through links in use; false if
// they are too many.
bool Shares::gather_component(std::size_t most) {
  for (const std::uint32_t f : group_) {
    for (const ClassUsage& u : flows_[f].demand.usage) enter(u.trunk.value);
  }
  for (std::size_t i = 0; i < scope_.size(); ++i) {
    for (const OnLink& on : links_[scope_[i]].flows) {
      if (flows_[on.flow].in_group) continue;
      if (group_.size() == most) return false;
      join(on.flow);
      for (const ClassUsage& u : flows_[on.flow].demand.usage) enter(u.trunk.value);
    }
  }
  return true;
}

// Who is certainly affected: the flows that came, those too fast beside them, and those that were
// held by a link which a flow has left.
void Shares::gather_seeds() {
  for (const std::uint32_t f : group_) flows_[f].in_group = false;
  group_.clear();
  for (std::size_t i = touched_; i < scope_.size(); ++i) links_[scope_[i]].in_scope = false;
  scope_.resize(touched_);
  for (const std::uint32_t f : came_) {
    if (!flows_[f].demand.usage.empty()) join(f);
  }
  for (const std::uint32_t l : scope_) {
    const Link& link = links_[l];
    double connections = 0, asked = 0;
    for (const OnLink& on : link.flows) connections += on.connections;
    const double fair = link.capacity / connections;  // No flow that this link holds is slower.
    for (const OnLink& on : link.flows) {
      const double rate = flows_[on.flow].rate;
      asked += on.connections * (rate > 0 ? rate : fair);
    }
    const bool was_full = full(link.was_used, link), crowded = asked > link.capacity;
    for (const OnLink& on : link.flows) {
      const double rate = flows_[on.flow].rate;
      if (crowded ? rate > fair : was_full && rate * (1 + kSlack) >= link.was_fastest)
        join(on.flow);
    }
  }
}

void Shares::add_to(Link& link, double connections, double rate) {
  link.used += connections * rate;
  link.fastest = std::max(link.fastest, rate);
}

// New rates for the group, while all other flows keep theirs; `all`: there are no others.
void Shares::solve_group(bool all) {
  demands_.clear();
  for (const std::uint32_t f : group_) {
    demands_.push_back(flows_[f].demand);
    if (all) continue;
    for (const ClassUsage& u : flows_[f].demand.usage) enter(u.trunk.value);
  }
  for (std::size_t i = 0; !all && i < scope_.size(); ++i) {
    double& taken = taken_[scope_[i]];
    taken = 0;
    for (const OnLink& on : links_[scope_[i]].flows) {
      const Flow& flow = flows_[on.flow];
      if (!flow.in_group) taken += on.connections * flow.rate;
    }
  }
  const std::span<const double> rates =
      all ? solver_.solve(demands_) : solver_.solve(demands_, taken_);
  for (std::size_t i = 0; i < group_.size(); ++i) flows_[group_[i]].rate = rates[i];
  for (const std::uint32_t l : scope_) links_[l].used = links_[l].fastest = 0;
  for (std::size_t i = 0; all && i < group_.size(); ++i) {
    for (const ClassUsage& u : demands_[i].usage)
      add_to(links_[u.trunk.value], u.connections, rates[i]);
  }
  for (std::size_t i = 0; !all && i < scope_.size(); ++i) {
    Link& link = links_[scope_[i]];
    for (const OnLink& on : link.flows) add_to(link, on.connections, flows_[on.flow].rate);
  }
}

// `flow` is held by a full link only because others there, which were not solved, are faster.
void Shares::extend_from(std::uint32_t index) {
  const Flow& flow = flows_[index];
  for (const ClassUsage& u : flow.demand.usage) {
    const Link& link = links_[u.trunk.value];
    if (!full(link.used, link)) continue;
    double connections = 0;
    for (const OnLink& on : link.flows) connections += on.connections;
    const double fair = link.capacity / connections;
    for (const OnLink& on : link.flows) {
      const double rate = flows_[on.flow].rate;
      if (rate > flow.rate * (1 + kSlack) && rate > fair * (1 - kSlack)) join(on.flow);
    }
  }
}

// Adds flows for which the condition does not hold; false if all is well.
bool Shares::extend() {
  bool well = true;
  const std::size_t solved = group_.size();
  for (std::size_t i = 0; i < solved; ++i) {
    if (held(flows_[group_[i]])) continue;
    well = false;
    extend_from(group_[i]);
  }
  for (const std::uint32_t l : scope_) {
    const Link& link = links_[l];
    if (!full(link.was_used, link)) continue;                                 // It held nobody.
    if (full(link.used, link) && link.fastest <= link.was_fastest) continue;  // It still does.
    for (const OnLink& on : link.flows) {
      const Flow& flow = flows_[on.flow];
      if (flow.in_group || flow.rate * (1 + kSlack) < link.was_fastest || held(flow)) continue;
      well = false;
      join(on.flow);
    }
  }
  return !well;
}

bool Shares::meets_nobody(std::uint32_t flow) const {
  const auto& usage = flows_[flow].demand.usage;
  return !usage.empty() && std::all_of(usage.begin(), usage.end(), [&](const ClassUsage& u) {
    return links_[u.trunk.value].flows.size() == 1;
  });
}

// Takes what concerns nobody else out of `came_` and `scope_`, into `alone_` and `quiet_`.
void Shares::settle_alone() {
  alone_.clear();
  quiet_.clear();
  std::size_t others = 0;
  for (const std::uint32_t f : came_) {
    Flow& flow = flows_[f];
    if (!meets_nobody(f)) {
      came_[others++] = f;
      continue;
    }
    if (flow.in_group) continue;  // Came, went, and its number came again.
    flow.in_group = true;
    alone_.push_back(f);
    flow.rate = flow.demand.cap.value();
    for (const ClassUsage& u : flow.demand.usage) {
      flow.rate = std::min(flow.rate, links_[u.trunk.value].capacity / u.connections);
    }
    for (const ClassUsage& u : flow.demand.usage) {
      Link& link = links_[u.trunk.value];
      link.used = u.connections * flow.rate;
      link.fastest = flow.rate;
    }
  }
  came_.resize(others);
  others = 0;
  for (const std::uint32_t l : scope_) {
    Link& link = links_[l];
    const bool alone = link.flows.size() == 1 && flows_[link.flows.front().flow].in_group;
    if (link.flows.empty()) link.used = link.fastest = 0;
    if (alone || link.flows.empty()) {
      quiet_.push_back(l);
    } else {
      scope_[others++] = l;
    }
  }
  scope_.resize(others);
}

void Shares::solve_others() {
  touched_ = scope_.size();
  bool all = crossings_ <= kFew && gather_component(live_);
  if (!all) gather_seeds();
  solve_group(all);
  for (std::size_t before = 0; !all && extend(); before = group_.size()) {
    // Where nearly all are affected, or nobody is found, all is the shorter way.
    if (group_.size() == before || group_.size() > live_ / 4) {
      all = gather_component(live_);
      TENK_CHECK(all, "no more flows are connected than there are");
    }
    solve_group(all);
  }
}

void Shares::solve() {
  clear();
  settle_alone();
  if (!scope_.empty()) solve_others();
  group_.insert(group_.end(), alone_.begin(), alone_.end());
  scope_.insert(scope_.end(), quiet_.begin(), quiet_.end());
  came_.clear();
  done_ = true;
}

}  // namespace tenk
