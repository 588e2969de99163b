// Which links of a CLOS does every sprayed route load alike, and where do dead links change paths?
//
// While all is up, all uplinks of a leaf carry the same, all uplinks of a pod, and so for those
// down: a bundle each. A dead link changes only the paths through its spine plane (spine j of each
// pod and the cores it reaches), and among those between pods only the ones over its core. So a
// plane with a dead link, a *broken* one, has bundles of its own at every leaf and pod, a broken
// core of such a plane at every pod, and everything else stays together. Links of a bundle that are
// not equally fast are trunks apart, each with its share of what the bundle carries.
#pragma once
#include <span>
#include <vector>

#include "topologies/clos_spec.h"

namespace tenk {

// Live links that carry the same.
struct Bundle {
  struct Part {
    TrunkId trunk;
    double share = 0;  // Of the bundle's links.
  };
  std::uint32_t links = 0;
  std::uint32_t first = 0, last = 0;  // Parts.
};

// Broken planes and broken cores are numbered from 1, everything whole is number 0.
class ClosTrunks {
 public:
  // Adds the trunks of all links of this CLOS to `table`. `alone`: hashed connections address
  // single links, so each is a trunk of its own, and bundles have no parts. O(links).
  ClosTrunks(const ClosShape& shape, const Graph& graph, bool alone, TrunkTable& table);

  bool alive(LinkId link) const { return alive_[link.value - d_.host0]; }
  TrunkId of(LinkId link) const { return trunk_[link.value - d_.host0]; }
  std::span<const Bundle::Part> parts(const Bundle& b) const {
    return {parts_.data() + b.first, parts_.data() + b.last};
  }

  std::uint32_t planes() const { return planes_; }  // 1 and the broken ones.
  std::uint32_t plane(std::uint32_t spine) const { return plane_of_[spine]; }
  // Broken cores of a broken plane: [first_core(plane), first_core(plane + 1)).
  std::uint32_t first_core(std::uint32_t plane) const { return first_core_[plane]; }
  std::uint32_t core(std::uint32_t spine, std::uint32_t core) const {
    return core_of_.empty() ? 0 : core_of_[spine * d_.cores_per_plane + core];
  }

  const Bundle& leaf_up(std::uint32_t leaf, std::uint32_t plane) const {
    return leaf_[2 * (leaf * planes_ + plane)];
  }
  const Bundle& leaf_down(std::uint32_t leaf, std::uint32_t plane) const {
    return leaf_[2 * (leaf * planes_ + plane) + 1];
  }
  // Between a pod and the whole cores of a plane, or (plane 0) all cores of all whole planes.
  const Bundle& pod_up(std::uint32_t pod, std::uint32_t plane) const {
    return pod_[2 * (pod * planes_ + plane)];
  }
  const Bundle& pod_down(std::uint32_t pod, std::uint32_t plane) const {
    return pod_[2 * (pod * planes_ + plane) + 1];
  }
  // Between a pod and a broken core.
  const Bundle& core_up(std::uint32_t pod, std::uint32_t core) const {
    return core_[2 * (pod * cores_ + core)];
  }
  const Bundle& core_down(std::uint32_t pod, std::uint32_t core) const {
    return core_[2 * (pod * cores_ + core) + 1];
  }

 private:
  struct Links {
    std::vector<LinkId> up, down;
  };
  void find_broken();
  std::vector<Links> leaf_links(std::uint32_t leaf) const;
  std::vector<Links> pod_links(std::uint32_t pod) const;
  Bundle bundle(std::span<const LinkId> links, const Graph& graph, bool alone, TrunkTable& table);

  ClosShape d_;
  std::vector<bool> alive_;     // From host0 on.
  std::vector<TrunkId> trunk_;  // From host0 on; of dead links only where all stand alone.
  std::uint32_t planes_ = 1, cores_ = 1;  // Whole and broken.
  std::vector<std::uint32_t> plane_of_;   // By spine.
  std::vector<std::uint32_t> core_of_;    // By spine and its core; empty: no core is broken.
  std::vector<std::uint32_t> first_core_;
  std::vector<Bundle> leaf_, pod_, core_;  // Up and down in turn.
  std::vector<Bundle::Part> parts_;
};

}  // namespace tenk
