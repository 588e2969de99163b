// Which kinds of index exist, and how are they kept apart?
//
// An Id<Tag> is a 32-bit index into one vector. Ids of different kinds do not convert.
#pragma once
#include <compare>
#include <cstdint>

namespace tenk {

template <class Tag>
struct Id {
  std::uint32_t value = 0;
  constexpr Id() = default;
  constexpr explicit Id(std::uint32_t v) : value(v) {}
  constexpr explicit Id(std::size_t v) : value(static_cast<std::uint32_t>(v)) {}
  constexpr auto operator<=>(const Id&) const = default;
};

using DeviceId = Id<struct DeviceTag>;  // A GPU, NIC, switch, ... of a Graph.
using LinkId = Id<struct LinkTag>;      // A directed link of a Graph.
using TrunkId = Id<struct TrunkTag>;    // Parallel equal links that are filled as one.
using PortId = Id<struct PortTag>;      // A NIC port of the fabric: node * NICs per node + NIC.
using RankId = Id<struct RankTag>;      // A process of the job, one per accelerator.
using RoleId = Id<struct RoleTag>;      // Ranks that run the same program.
using FamilyId = Id<struct FamilyTag>;  // A family of groups: tp, pp, dp, ...
using SlotId = Id<struct SlotTag>;      // One kind of operation that programs call.
using CoflowId = Id<struct CoflowTag>;
using ClassId = Id<struct ClassTag>;  // Of ranks, coflows or trunks; see Symmetry.
using ActivityId = Id<struct ActivityTag>;

}  // namespace tenk
