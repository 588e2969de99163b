// Who uses which trunks, before anyone asks what is symmetric?
//
// Traffic holds one coflow for each (group, algorithm, channel) that the job's operations need:
// its sparse usage of trunks, its members, and what each slot asks of it. Operations are not
// repeated: a thousand all-gathers of one group are one coflow here. O(ranks + hops).
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "sim/base/ids.h"
#include "sim/base/units.h"
#include "sim/graph/fabric.h"

namespace tenk {

// What one operation of a slot asks of a coflow.
struct Ask {
  SlotId slot;
  double bytes = 0;                        // On each connection, protocol overhead included.
  Bandwidth cap = Bandwidth::unlimited();  // The most one connection can do, > 0.
  Time latency;                            // From the start until bytes flow.
  std::uint16_t method = 0;                // Into Traffic::methods.
};

// How an operation is carried out, for people.
struct Method {
  std::string algorithm, protocol;
  int channels = 1;
  double overhead = 1;  // Bytes on the wire for each byte of payload.
};

// A list of lists in two flat arrays.
template <class T>
struct Lists {
  std::vector<std::uint32_t> offsets = {0};
  std::vector<T> items;

  std::size_t size() const { return offsets.size() - 1; }
  std::span<const T> operator[](std::size_t i) const {
    return {items.data() + offsets[i], items.data() + offsets[i + 1]};
  }
  void add(std::span<const T> list) {
    items.insert(items.end(), list.begin(), list.end());
    offsets.push_back(static_cast<std::uint32_t>(items.size()));
  }
};

// A member's place in a coflow: all members of a collective are alike, the ends of a pair differ.
enum class End : std::uint8_t { kMember, kSource, kDestination };
struct Member {
  RankId rank;
  End end = End::kMember;
};

struct Membership {
  CoflowId coflow;
  End end = End::kMember;
};

struct Traffic {
  std::vector<RoleId> role_of_rank;
  // At which each rank's device computes, as a share of what its program says; empty: all 1. So a
  // slow rank needs no program of its own.
  std::vector<double> speed_of_rank;
  std::vector<Trunk> trunks;
  // By coflow:
  Lists<Usage> usage;  // Ascending by trunk, each trunk once.
  Lists<Member> members;
  Lists<Ask> asks;  // Ascending by slot, each slot once.
  std::vector<FamilyId> family;
  // By rank: the coflows it takes part in, ascending, once for each end it is.
  Lists<Membership> of_rank;
  std::vector<Method> methods;
  std::vector<double> efficiency;  // By link kind: of the link rate that transfers reach. Usage is
                                   // already divided by it.

  std::size_t ranks() const { return role_of_rank.size(); }
  std::size_t coflows() const { return usage.size(); }
  double speed(std::size_t rank) const { return speed_of_rank.empty() ? 1 : speed_of_rank[rank]; }
  // Fills of_rank from members.
  void index_ranks();
};

}  // namespace tenk
