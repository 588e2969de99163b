#include "analysis/repeat.h"

#include "sim/base/error.h"

namespace tenk {
namespace {

class Repetition {
 public:
  Repetition(const Plan& plan, std::span<const std::uint32_t> job_of_rank_class,
             std::span<const std::uint32_t> copies)
      : plan_(plan),
        job_of_rank_class_(job_of_rank_class),
        copies_(copies),
        steps_(copies.size()),
        place_(plan.activities.size()) {}

  Repeated run() {
    sort_by_job();
    for (std::size_t j = 0; j < steps_.size(); ++j) {
      TENK_CHECK(!steps_[j].activities.empty() && copies_[j] > 0, "each job does something");
      for (std::uint32_t n = 0; n < copies_[j]; ++n) add_step(j, n + 1 == copies_[j]);
    }
    add_ranks();
    result_.plan.units = plan_.units;
    result_.plan.usage = plan_.usage;
    result_.plan.capacity = plan_.capacity;
    result_.plan.rank_count = plan_.rank_count;
    result_.plan.coflow_count = plan_.coflow_count;
    result_.plan.trunk_count = plan_.trunk_count;
    return std::move(result_);
  }

 private:
  struct Step {  // Of one job, once.
    std::vector<std::uint32_t> activities;
    std::vector<std::uint32_t> sources;  // Places in `activities`.
    std::uint32_t sinks = 0;
    std::vector<std::uint32_t> starts;  // By copy: the first activity in the result.
    std::uint32_t size() const { return static_cast<std::uint32_t>(activities.size()) + 1; }
  };

  void sort_by_job();
  void add_step(std::size_t job, bool last);
  void add_ranks();

  const Plan& plan_;
  std::span<const std::uint32_t> job_of_rank_class_, copies_;
  std::vector<Step> steps_;
  std::vector<std::uint32_t> place_;  // By activity: in its step.
  Repeated result_;
};

void Repetition::sort_by_job() {
  result_.ends.resize(steps_.size());
  for (std::uint32_t a = 0; a < plan_.activities.size(); ++a) {
    const std::uint32_t job = job_of_rank_class_[plan_.ranks_of[a].front().value];
    for (const ClassId c : plan_.ranks_of[a]) {
      TENK_CHECK(job_of_rank_class_[c.value] == job, "no activity belongs to two jobs");
    }
    Step& step = steps_[job];
    place_[a] = static_cast<std::uint32_t>(step.activities.size());
    if (plan_.waits_for[a] == 0) step.sources.push_back(place_[a]);
    step.sinks += plan_.successors[a].empty() ? 1 : 0;
    step.activities.push_back(a);
  }
}

// One copy, and an activity without length that waits for all of it and starts the next.
void Repetition::add_step(std::size_t job, bool last) {
  Step& step = steps_[job];
  Plan& plan = result_.plan;
  const auto start = static_cast<std::uint32_t>(plan.activities.size());
  const std::uint32_t end = start + step.size() - 1;
  std::vector<ActivityId> next;
  for (const std::uint32_t a : step.activities) {
    plan.activities.push_back(plan_.activities[a]);
    plan.ranks_of.add(plan_.ranks_of[a]);
    const bool waits = plan_.waits_for[a] == 0 && !step.starts.empty();
    plan.waits_for.push_back(waits ? 1 : plan_.waits_for[a]);
    next.clear();
    for (const ActivityId s : plan_.successors[a]) {
      next.push_back(ActivityId(start + place_[s.value]));
    }
    if (next.empty()) next.push_back(ActivityId(end));
    plan.successors.add(next);
  }
  Activity barrier;
  barrier.category = Category::kOther;
  plan.activities.push_back(barrier);
  plan.ranks_of.add(plan_.ranks_of[step.activities.front()]);
  plan.waits_for.push_back(step.sinks);
  next.clear();
  for (const std::uint32_t source : step.sources) {
    if (!last) next.push_back(ActivityId(end + 1 + source));
  }
  plan.successors.add(next);
  step.starts.push_back(start);
  result_.ends[job].push_back(ActivityId(end));
}

void Repetition::add_ranks() {
  std::vector<ActivityId> all;
  for (std::size_t r = 0; r < plan_.of_rank_class.size(); ++r) {
    all.clear();
    for (const std::uint32_t start : steps_[job_of_rank_class_[r]].starts) {
      for (const ActivityId a : plan_.of_rank_class[r]) {
        all.push_back(ActivityId(start + place_[a.value]));
      }
    }
    result_.plan.of_rank_class.add(all);
  }
}

}  // namespace

Repeated repeat(const Plan& plan, std::span<const std::uint32_t> job_of_rank_class,
                std::span<const std::uint32_t> copies) {
  return Repetition(plan, job_of_rank_class, copies).run();
}

std::vector<std::size_t> activities_of(const Plan& plan,
                                       std::span<const std::uint32_t> job_of_rank_class,
                                       std::size_t jobs) {
  std::vector<std::size_t> count(jobs, 1);
  for (std::size_t a = 0; a < plan.activities.size(); ++a) {
    ++count[job_of_rank_class[plan.ranks_of[a].front().value]];
  }
  return count;
}

}  // namespace tenk
