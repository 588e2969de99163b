// The SimGrid engine: the same plan on another simulator, as independent evidence.
//
// Casanova, Giersch, Legrand, Quinson, Suter, "Versatile, scalable, and accurate simulation of
// distributed applications and platforms", JPDC 2014. Its max-min solver knows whole crossings of
// links only: where all that crosses a link crosses it a whole number of times the same share, that
// share becomes the unit and the capacity is divided by it, which changes no rate.
#include <algorithm>
#include <cmath>
#include <map>
#include <tuple>

#include <fmt/format.h>

#include "sim/base/error.h"
#include "sim/engine/clock.h"
#include "sim/engine/engine.h"
#include "sim/engine/simgrid/helper.h"

namespace tenk {
namespace {

using simgrid_protocol::Answer;
using simgrid_protocol::Job;
using simgrid_protocol::kNone;

constexpr double kMostCrossings = 4096;  // Of one link by one message.
constexpr double kWhole = 1e-9;          // Relative, of what counts as a whole number.

// The largest number that both are whole multiples of (Euclid); 0 is one of every number.
double common_unit(double a, double b) {
  const double least = kWhole * std::max(a, b);
  while (b > least) {
    const double rest = std::abs(a - b * std::round(a / b));
    a = b;
    b = rest;
  }
  return a;
}

class Writer {
 public:
  explicit Writer(const Plan& plan) : plan_(plan) {}

  Job job() {
    find_links();
    job_.units = static_cast<std::uint64_t>(plan_.units);
    job_.ranks = plan_.rank_count.size();
    job_.path_first = job_.next_first = job_.rank_first = {0};
    for (std::uint32_t a = 0; a < plan_.activities.size(); ++a) add(a);
    return std::move(job_);
  }
  // By trunk class: the link of the job, or kNone.
  const std::vector<std::uint64_t>& links() const { return link_; }

 private:
  void find_links();
  void add(std::uint32_t activity);
  std::uint64_t path_of(const Activity& a);

  const Plan& plan_;
  std::vector<std::uint64_t> link_;
  std::vector<double> unit_;  // By trunk class: the share that is crossed whole times.
  std::map<std::tuple<std::uint32_t, double, Time>, std::uint64_t> paths_;
  Job job_;
};

void Writer::find_links() {
  link_.assign(plan_.capacity.size(), kNone);
  unit_.assign(plan_.capacity.size(), 0);
  for (const ClassUsage& u : plan_.usage.items) {
    double& unit = unit_[u.trunk.value];
    unit = common_unit(unit, u.connections);
  }
  for (const ClassUsage& u : plan_.usage.items) {
    if (u.connections <= kMostCrossings * unit_[u.trunk.value]) continue;
    throw Error(
        ErrorKind::kInvalid,
        fmt::format(
            "engine simgrid shares links among whole connections: found {:.6g} of one on a "
            "link that others cross with shares of no common unit, expected paths that are "
            "not sprayed, as by routing.policy ecmp-hash or minimal; engine fluid runs this",
            u.connections));
  }
  for (std::size_t t = 0; t < unit_.size(); ++t) {
    if (unit_[t] == 0) continue;
    link_[t] = job_.capacity.size();
    job_.capacity.push_back(plan_.capacity[t].value() / unit_[t]);
  }
}

std::uint64_t Writer::path_of(const Activity& a) {
  const auto [at, fresh] =
      paths_.try_emplace({a.coflow.value, a.cap.value(), a.time}, job_.path_cap.size());
  if (!fresh) return at->second;
  for (const ClassUsage& u : plan_.usage[a.coflow.value]) {
    const auto times = static_cast<std::size_t>(std::llround(u.connections / unit_[u.trunk.value]));
    job_.path_links.insert(job_.path_links.end(), times, link_[u.trunk.value]);
  }
  job_.path_first.push_back(job_.path_links.size());
  job_.path_cap.push_back(a.cap.finite() ? a.cap.value() : 0);
  job_.path_latency.push_back(a.time.s());
  return at->second;
}

void Writer::add(std::uint32_t activity) {
  const Activity& a = plan_.activities[activity];
  const bool moves = a.kind == Activity::Kind::kTransfer && a.bytes > 0;
  const bool shares = moves && !plan_.usage[a.coflow.value].empty();
  double seconds = a.time.s();
  if (moves && !shares && a.cap.finite()) seconds += a.bytes / a.cap.value();
  const bool slows = plan_.units > 0 && a.kind == Activity::Kind::kCompute &&
                     a.category == Category::kCompute && a.time > Time();
  job_.path.push_back(shares ? path_of(a) : kNone);
  job_.seconds.push_back(seconds);
  job_.bytes.push_back(shares ? a.bytes : 0);
  job_.slows.push_back(slows ? 1 : 0);
  job_.takes.push_back(a.takes);
  job_.releases.push_back(a.releases);
  job_.waits_for.push_back(plan_.waits_for[activity]);
  for (const ActivityId next : plan_.successors[activity]) job_.next.push_back(next.value);
  job_.next_first.push_back(job_.next.size());
  for (const ClassId rank : plan_.ranks_of[activity]) job_.rank.push_back(rank.value);
  job_.rank_first.push_back(job_.rank.size());
}

Time moment(double seconds) {
  const Time t = after(Time(), seconds);
  if (t == Time::max()) refuse_endless();
  return t;
}

Timeline run_simgrid(const Plan& plan) {
  Writer writer(plan);
  const Answer answer = ask_simgrid(writer.job());
  TENK_CHECK(answer.end.size() == plan.activities.size(), "SimGrid tells of each activity");
  Timeline timeline;
  timeline.events = answer.events;
  for (const double s : answer.start) timeline.start.push_back(moment(s));
  for (const double s : answer.end) timeline.end.push_back(moment(s));
  for (const Time t : timeline.end) timeline.makespan = std::max(timeline.makespan, t);
  timeline.loads.resize(plan.capacity.size());
  for (const Activity& a : plan.activities) {
    if (a.kind != Activity::Kind::kTransfer) continue;
    for (const ClassUsage& u : plan.usage[a.coflow.value]) {
      timeline.loads[u.trunk.value].bytes += a.bytes * u.connections;
    }
  }
  for (std::size_t t = 0; t < plan.capacity.size(); ++t) {
    const std::uint64_t link = writer.links()[t];
    if (link != kNone) timeline.loads[t].peak_utilisation = answer.peak[link];
  }
  return timeline;
}

}  // namespace

extern const EngineKind kSimgrid{
    .name = "simgrid",
    .summary = "the messages of a plan on SimGrid, for an outside opinion; needs detail steps",
    .messages_only = true,
    .run = run_simgrid};

}  // namespace tenk
