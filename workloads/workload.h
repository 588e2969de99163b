// What does a job do, rank by rank, without writing it down rank by rank?
//
// A Workload is one program per *role* (say, a pipeline stage), a role per rank, and the families
// of groups (tp, pp, dp, ...) that the programs' communications refer to. Nothing here knows the
// network: an operation names a slot, a slot names a family, and which group of that family is
// meant follows from the rank.
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "sim/base/ids.h"
#include "sim/base/units.h"
#include "sim/plan/category.h"

namespace tenk {

// Disjoint groups of ranks. In an undirected family each rank is in at most one group. In a
// directed one each group is a pair (source, destination), and each rank is the source of at most
// one pair and the destination of at most one.
struct Family {
  std::string name;
  Category category = Category::kOther;
  bool directed = false;
  std::vector<std::uint32_t> offsets = {0};  // groups + 1
  std::vector<RankId> members;

  std::size_t groups() const { return offsets.size() - 1; }
  std::span<const RankId> group(std::size_t g) const {
    return {members.data() + offsets[g], members.data() + offsets[g + 1]};
  }
  void add(std::span<const RankId> ranks) {
    members.insert(members.end(), ranks.begin(), ranks.end());
    offsets.push_back(static_cast<std::uint32_t>(members.size()));
  }
};

// One kind of communication. Bytes as nccl-tests counts them: all-reduce, broadcast and reduce the
// buffer; all-gather the output, reduce-scatter the input, all-to-all the whole send buffer of one
// rank; send the message.
struct Slot {
  FamilyId family;
  Collective op = Collective::kAllReduce;
  Bytes bytes;
};

// Operations of one stream run in order, like those of a CUDA stream; streams run side by side.
enum class Stream : std::uint8_t {
  kCompute,
  kTp,
  kCp,
  kEp,
  kDp,
  kSendForward,
  kReceiveForward,
  kSendBackward,
  kReceiveBackward,
  kHost,  // The CPU that issues the work of the others.
  kCpReceive,
  kBackSendForward,  // Of pipelines that run both ways: the other direction.
  kBackReceiveForward,
  kBackSendBackward,
  kBackReceiveBackward,
  kToHost,  // Copies between the device and host memory,
  kOnHost,  // and what the host computes itself.
  kFromHost
};
inline constexpr std::size_t kStreams = 18;

// An operation starts when the one before it in its stream and all it waits for have ended. A
// communication is *posted* then, and starts when all members of the group have posted theirs: the
// n-th of a slot's family on one rank meets the n-th on the others (on a pair: the n-th send meets
// the n-th receive).
struct Op {
  enum class Kind : std::uint8_t { kCompute, kCommunicate };
  Kind kind = Kind::kCompute;
  Stream stream = Stream::kCompute;
  Category category = Category::kCompute;
  bool sends = false;            // On a directed family: this end is the source.
  SlotId slot;                   // kCommunicate
  Time duration;                 // kCompute
  std::uint32_t first_wait = 0;  // Into Program::waits.
  std::uint32_t wait_count = 0;
};

struct Program {
  std::vector<Op> ops;
  std::vector<std::uint32_t> waits;  // Indices of earlier ops of this program.

  std::span<const std::uint32_t> waits_of(const Op& op) const {
    return {waits.data() + op.first_wait, op.wait_count};
  }
  // Appends `op` waiting for the ops named; returns its index.
  std::uint32_t add(Op op, std::span<const std::uint32_t> wait_for = {}) {
    op.first_wait = static_cast<std::uint32_t>(waits.size());
    op.wait_count = static_cast<std::uint32_t>(wait_for.size());
    waits.insert(waits.end(), wait_for.begin(), wait_for.end());
    ops.push_back(op);
    return static_cast<std::uint32_t>(ops.size() - 1);
  }
};

struct Workload {
  // Units ("SMs") of a device that computes: each channel of a communication occupies one (NCCL
  // runs one thread block a channel), so computation beside it slows by that share. 0: it does not.
  int units = 0;
  std::vector<RoleId> role_of_rank;
  std::vector<Program> programs;  // By role.
  std::vector<Family> families;
  std::vector<Slot> slots;

  std::size_t ranks() const { return role_of_rank.size(); }
};

}  // namespace tenk
