// What do jobs do that begin again whenever they have ended?
//
// The plan of several jobs side by side, each copied as often as asked: a job's next step starts
// when all its ranks have ended the one before (training steps end in a norm over all ranks).
// Jobs share trunks and nothing else.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "sim/plan/plan.h"

namespace tenk {

struct Repeated {
  Plan plan;
  std::vector<std::vector<ActivityId>> ends;  // By job, by step: what ends with the step.
};

// `job_of_rank_class`: below copies.size(); no activity belongs to two jobs. Each job has at least
// one activity and one copy. O(activities x copies).
Repeated repeat(const Plan& plan, std::span<const std::uint32_t> job_of_rank_class,
                std::span<const std::uint32_t> copies);

// Activities of each job's step, the end included.
std::vector<std::size_t> activities_of(const Plan& plan,
                                       std::span<const std::uint32_t> job_of_rank_class,
                                       std::size_t jobs);

}  // namespace tenk
