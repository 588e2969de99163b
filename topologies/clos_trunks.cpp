#include "topologies/clos_trunks.h"

#include <algorithm>

namespace tenk {

ClosTrunks::ClosTrunks(const ClosShape& shape, const Graph& graph, bool alone, TrunkTable& table)
    : d_(shape) {
  const auto links = graph.links().subspan(d_.host0, d_.links());
  for (const Link& l : links) alive_.push_back(l.capacity.value() > 0);
  find_broken();
  for (std::uint32_t p = 0; p < d_.ports; ++p) {
    table.single(d_.host_up(PortId(p)));
    table.single(d_.host_down(PortId(p)));
  }
  const auto lay = [&](const std::vector<Links>& of_switch, std::vector<Bundle>& bundles) {
    for (const Links& of : of_switch) {
      bundles.push_back(bundle(of.up, graph, alone, table));
      bundles.push_back(bundle(of.down, graph, alone, table));
    }
  };
  for (std::uint32_t leaf = 0; leaf < d_.leaves; ++leaf) lay(leaf_links(leaf), leaf_);
  for (std::uint32_t pod = 0; d_.core_up > 0 && pod < d_.pods; ++pod) {
    std::vector<Links> all = pod_links(pod);
    const std::vector<Links> broken(all.begin() + planes_, all.end());
    all.resize(planes_);
    lay(all, pod_);
    lay(broken, core_);
  }
  const auto first = table.trunk_of_link.begin() + d_.host0;
  trunk_.assign(first, first + d_.links());
}

// Numbers the planes and cores that have a dead link.
void ClosTrunks::find_broken() {
  std::vector<bool> plane(d_.spines_per_pod, false);
  std::vector<bool> core(std::size_t{d_.spines_per_pod} * d_.cores_per_plane, false);
  const auto cut = [&](LinkId up) { return !alive(up) || !alive(LinkId(up.value + 1)); };
  for (std::uint32_t leaf = 0; leaf < d_.leaves; ++leaf) {
    for (std::uint32_t t = 0; t < d_.up; ++t) {
      if (cut(d_.leaf_up(leaf, t))) plane[t / d_.leaf_parallel] = true;
    }
  }
  for (std::uint32_t s = 0; s < d_.pods * d_.spines_per_pod; ++s) {
    const std::uint32_t spine = s % d_.spines_per_pod;
    for (std::uint32_t t = 0; t < d_.core_up; ++t) {
      if (!cut(d_.core_up_link(s / d_.spines_per_pod, spine, t))) continue;
      plane[spine] = true;
      core[spine * d_.cores_per_plane + t / d_.core_parallel] = true;
    }
  }
  plane_of_.assign(d_.spines_per_pod, 0);
  const bool any_core = std::find(core.begin(), core.end(), true) != core.end();
  if (any_core) core_of_.assign(core.size(), 0);
  first_core_ = {1};
  for (std::uint32_t spine = 0; spine < d_.spines_per_pod; ++spine) {
    if (!plane[spine]) continue;
    plane_of_[spine] = planes_++;
    first_core_.push_back(cores_);
    for (std::uint32_t c = 0; c < d_.cores_per_plane; ++c) {
      if (core[spine * d_.cores_per_plane + c]) core_of_[spine * d_.cores_per_plane + c] = cores_++;
    }
  }
  first_core_.push_back(cores_);
}

// By plane.
std::vector<ClosTrunks::Links> ClosTrunks::leaf_links(std::uint32_t leaf) const {
  std::vector<Links> of(planes_);
  for (std::uint32_t t = 0; t < d_.up; ++t) {
    Links& links = of[plane(t / d_.leaf_parallel)];
    links.up.push_back(d_.leaf_up(leaf, t));
    links.down.push_back(d_.leaf_down(leaf, t));
  }
  return of;
}

// By plane, and behind them by broken core (core 0 stands for none and stays empty).
std::vector<ClosTrunks::Links> ClosTrunks::pod_links(std::uint32_t pod) const {
  std::vector<Links> of(planes_ + cores_);
  for (std::uint32_t spine = 0; spine < d_.spines_per_pod; ++spine) {
    for (std::uint32_t t = 0; t < d_.core_up; ++t) {
      const std::uint32_t broken = core(spine, t / d_.core_parallel);
      Links& links = of[broken > 0 ? planes_ + broken : plane(spine)];
      links.up.push_back(d_.core_up_link(pod, spine, t));
      links.down.push_back(d_.core_down_link(pod, spine, t));
    }
  }
  return of;
}

Bundle ClosTrunks::bundle(std::span<const LinkId> links, const Graph& graph, bool alone,
                          TrunkTable& table) {
  Bundle b;
  std::vector<std::vector<LinkId>> by_rate;  // In order of the first of each.
  for (const LinkId l : links) {
    if (alone) table.single(l);
    if (!alive(l)) continue;
    ++b.links;
    const auto same = std::find_if(by_rate.begin(), by_rate.end(), [&](const auto& of_rate) {
      return graph.link(of_rate.front()).capacity == graph.link(l).capacity;
    });
    if (same != by_rate.end()) {
      same->push_back(l);
    } else {
      by_rate.push_back({l});
    }
  }
  b.first = b.last = static_cast<std::uint32_t>(parts_.size());
  for (std::size_t i = 0; !alone && i < by_rate.size(); ++i, ++b.last) {
    const double share = static_cast<double>(by_rate[i].size()) / b.links;
    parts_.push_back({table.bundle(by_rate[i]), share});
  }
  return b;
}

}  // namespace tenk
