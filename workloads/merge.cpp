#include "workloads/merge.h"

#include <algorithm>

#include "sim/base/error.h"

namespace tenk {
namespace {

void append(const Workload& job, Workload& all) {
  TENK_CHECK(all.units == 0 || job.units == 0 || all.units == job.units,
             "jobs run on one kind of accelerator");
  const auto ranks = static_cast<std::uint32_t>(all.ranks());
  const auto roles = static_cast<std::uint32_t>(all.programs.size());
  const auto families = static_cast<std::uint32_t>(all.families.size());
  const auto slots = static_cast<std::uint32_t>(all.slots.size());
  all.units = std::max(all.units, job.units);
  for (const RoleId r : job.role_of_rank) all.role_of_rank.emplace_back(r.value + roles);
  for (Slot slot : job.slots) {
    slot.family.value += families;
    all.slots.push_back(slot);
  }
  for (Family family : job.families) {
    for (RankId& r : family.members) r.value += ranks;
    all.families.push_back(std::move(family));
  }
  for (Program program : job.programs) {
    for (Op& op : program.ops) op.slot.value += slots;
    all.programs.push_back(std::move(program));
  }
}

}  // namespace

Workload merge(std::span<const Workload> jobs) {
  Workload all;
  for (const Workload& job : jobs) append(job, all);
  return all;
}

}  // namespace tenk
