#include "analysis/interference.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <span>
#include <string_view>

#include <fmt/format.h>

#include "analysis/collisions.h"
#include "analysis/pipeline.h"
#include "analysis/repeat.h"
#include "sim/base/error.h"
#include "sim/engine/engine.h"
#include "workloads/benchmark.h"
#include "workloads/lower.h"
#include "workloads/merge.h"
#include "workloads/training.h"

namespace tenk {
namespace {

// How much longer than alone a step is first thought to take, and how far beyond the need a job is
// repeated where it took longer still.
constexpr double kRoom = 1.5;
constexpr double kSpare = 1.25;

struct Running {
  Workload workload;
  Seats seats;
  Time alone;
};

Workload workload_of(const JobSpec& job, const Scenario& s) {
  if (job.training) return build_training(*job.training, *s.device);
  const std::array sizes = {job.bytes};
  return one_after_another(static_cast<std::uint32_t>(job.ranks()), job.op, sizes);
}

std::vector<Running> run_alone(const Scenario& s, const Fabric& fabric) {
  std::vector<Running> jobs;
  Room room = room_of(fabric);
  for (const JobSpec& spec : s.jobs) {
    Running job;
    job.workload = workload_of(spec, s);
    job.seats = seats_on(s.cluster, allocate(spec.allocation, spec.ranks(), room));
    const Placed placed = place_and_fold(fabric, job.workload, s.tuning, job.seats, s.engine.fold);
    job.alone = simulate(job.workload, placed, s.engine).timeline.makespan;
    TENK_CHECK(job.alone > Time(), "a step takes time");
    jobs.push_back(std::move(job));
  }
  return jobs;
}

Seats seats_together(const std::vector<Running>& jobs) {
  Seats all;
  for (const Running& job : jobs) {
    const auto& places = job.seats.accelerator_of_rank;
    const auto& speeds = job.seats.speed_of_rank;
    all.accelerator_of_rank.insert(all.accelerator_of_rank.end(), places.begin(), places.end());
    all.speed_of_rank.insert(all.speed_of_rank.end(), speeds.begin(), speeds.end());
  }
  return all;
}

std::vector<std::uint32_t> jobs_of_rank_classes(const std::vector<Running>& jobs,
                                                const Partition& ranks) {
  std::vector<std::uint32_t> first = {0};
  for (const Running& job : jobs) {
    first.push_back(first.back() + static_cast<std::uint32_t>(job.workload.ranks()));
  }
  std::vector<std::uint32_t> job_of;
  for (const std::uint32_t rank : ranks.representative) {
    const auto after = std::upper_bound(first.begin(), first.end(), rank);
    job_of.push_back(static_cast<std::uint32_t>(after - first.begin()) - 1);
  }
  return job_of;
}

struct Together {
  Repeated repeated;
  Timeline timeline;
};

// Repeats each job until all have done kSteps, or as often as it may: doing so slows the others,
// so what was enough is known afterwards only. Each round repeats some job kSpare times as often.
Together run_together(const Plan& once, std::span<const std::uint32_t> job_of,
                      const std::vector<Running>& jobs, std::string_view engine) {
  const std::vector<std::size_t> activities = activities_of(once, job_of, jobs.size());
  Time slowest;
  for (const Running& job : jobs) slowest = std::max(slowest, job.alone);
  std::vector<std::uint32_t> copies, most;
  for (std::size_t j = 0; j < jobs.size(); ++j) {
    const double ratio = slowest.s() / jobs[j].alone.s();
    const double wanted = ratio > 1 ? std::ceil(kSteps * kRoom * ratio) : kSteps;
    const std::size_t limit = kMostActivities / jobs.size() / activities[j];
    most.push_back(static_cast<std::uint32_t>(std::max<std::size_t>(1, limit)));
    copies.push_back(static_cast<std::uint32_t>(std::min<double>(wanted, most.back())));
  }
  for (;;) {
    Together t;
    t.repeated = repeat(once, job_of, copies);
    t.timeline = simulate(t.repeated.plan, engine);
    const auto end_of = [&](std::size_t j, std::size_t step) {
      return t.timeline.end[t.repeated.ends[j][step].value];
    };
    Time needed;
    for (std::size_t j = 0; j < jobs.size(); ++j) {
      needed = std::max(needed, end_of(j, std::min(kSteps, copies[j]) - 1));
    }
    bool enough = true;
    for (std::size_t j = 0; j < jobs.size(); ++j) {
      const Time end = end_of(j, copies[j] - 1);
      if (end >= needed || copies[j] == most[j]) continue;
      const double wanted = std::ceil(copies[j] * kSpare * (needed.s() / end.s()));
      copies[j] = static_cast<std::uint32_t>(std::min<double>(wanted, most[j]));
      enough = false;
    }
    if (enough) return t;
  }
}

// Steps that ended while all jobs ran.
void time_steps(const Repeated& repeated, const Timeline& timeline, JobsTable& table) {
  Time all_run = Time::max();
  for (const auto& ends : repeated.ends) {
    all_run = std::min(all_run, timeline.end[ends.back().value]);
  }
  for (std::size_t j = 0; j < table.jobs.size(); ++j) {
    JobOutcome& job = table.jobs[j];
    const auto& ends = repeated.ends[j];
    while (job.steps < ends.size() && timeline.end[ends[job.steps].value] <= all_run) ++job.steps;
    if (job.steps == 0) {
      job.steps = 1;
      table.warnings.push_back(
          fmt::format("job \"{}\": another job, repeated as often as {} activities allow, ended "
                      "during its first step; its slowdown is understated",
                      job.name, kMostActivities));
    }
    job.together = Time::picoseconds(timeline.end[ends[job.steps - 1].value].ps() /
                                     static_cast<std::int64_t>(job.steps));
  }
}

void add_assumptions(const Scenario& s, const Fabric& fabric, JobsTable& table) {
  table.assumptions = fabric.facts().assumptions;
  table.assumptions.emplace_back("all jobs start their first step at the same time");
  table.assumptions.emplace_back(
      "a job's next step starts when all its ranks have ended the one before");
  if (const std::string text = about_stragglers(s.cluster.stragglers); !text.empty()) {
    table.assumptions.push_back(text);
  }
}

}  // namespace

JobsTable predict_jobs(const Scenario& s) {
  TENK_CHECK(!s.jobs.empty(), "the scenario was read with its jobs");
  const auto since = Clock::now();
  const Fabric fabric = build_fabric(s.cluster);
  const std::vector<Running> jobs = run_alone(s, fabric);
  std::vector<Workload> workloads;
  for (const Running& job : jobs) workloads.push_back(job.workload);
  const Workload all = merge(workloads);
  const Placed placed = place_and_fold(fabric, all, s.tuning, seats_together(jobs), s.engine.fold);
  const Plan once = lower(all, placed.traffic, placed.symmetry);
  const auto job_of = jobs_of_rank_classes(jobs, placed.symmetry.ranks);
  auto [repeated, timeline] = run_together(once, job_of, jobs, s.engine.name);

  JobsTable table;
  table.scenario = s.name;
  table.accelerators = fabric.accelerators();
  for (std::size_t j = 0; j < jobs.size(); ++j) {
    table.jobs.push_back({s.jobs[j].name, s.jobs[j].ranks(), jobs[j].alone, {}, 0, 0});
  }
  table.warnings = s.warnings;
  time_steps(repeated, timeline, table);
  for (std::size_t j = 0; j < jobs.size(); ++j) {
    if (!s.jobs[j].training) continue;
    table.jobs[j].tokens_per_s =
        static_cast<double>(s.jobs[j].training->tokens_per_step()) / table.jobs[j].together.s();
  }
  table.collisions = collisions_of(fabric, all, placed.traffic);
  const std::size_t activities = repeated.plan.activities.size();
  table.engine =
      report_engine(s.engine, placed, {std::move(repeated.plan), timeline, activities}, since);
  table.fingerprint = timeline.fingerprint();
  add_assumptions(s, fabric, table);
  if (placed.slowest_of_node) {
    table.assumptions.emplace_back("every rank computes at the speed of the slowest on its node");
  }
  return table;
}

}  // namespace tenk
