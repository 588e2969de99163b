// The helper program of the SimGrid engine: one job from standard input, SimGrid's answer to
// standard output (protocol.h).
//
// SimGrid as a plain max-min solver: model CM02 without cross traffic, TCP window and correction
// factors. Its shares are weighted by 1 / latency, so all routes have the same latency, and the
// true one is a factor on it. Messages have whole numbers of bytes there: amounts and capacities
// are multiplied by a power of two. A cap is a fat pipe on the path, which no flow shares. Rates
// are solved in full at each event: SimGrid 3.32's default, to solve again only what changed
// (network/optim:Lazy), lets a flow whose latency ends beside busy links run above their capacity.
#include <sys/prctl.h>
#include <unistd.h>
#include <xbt/log.h>
#include <simgrid/kernel/resource/NetworkModelIntf.hpp>
#include <simgrid/kernel/routing/NetPoint.hpp>
#include <simgrid/kernel/routing/NetZoneImpl.hpp>
#include <simgrid/s4u.hpp>

#include <algorithm>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <ctime>
#include <limits>

#include "sim/engine/simgrid/protocol.h"

namespace tenk::simgrid_protocol {
namespace {

namespace sg = simgrid::s4u;

constexpr double kRouteLatency = 1;  // Of every route, seconds; the factor on it is the true one.
constexpr double kFlops = 1e9;       // That a card computes in a second at full speed.

// Hosts without links between them but paths: from host 0 to host 1 + i goes path i.
class Paths : public simgrid::kernel::routing::NetZoneImpl {
 public:
  Paths(const Job& job, double scale) : NetZoneImpl("paths"), job_(job) {
    for (std::size_t l = 0; l < job.capacity.size(); ++l) {
      links.push_back(create_link("l" + std::to_string(l), {job.capacity[l] * scale}));
    }
    hosts.push_back(create_host("h", {kFlops}));
    for (std::size_t p = 0; p < job.path_cap.size(); ++p) {
      hosts.push_back(create_host("h" + std::to_string(p), {kFlops}));
      caps_.push_back(nullptr);
      if (job.path_cap[p] <= 0) continue;
      caps_.back() = create_link("c" + std::to_string(p), {job.path_cap[p] * scale});
      caps_.back()->set_sharing_policy(sg::Link::SharingPolicy::FATPIPE);
    }
  }

  void get_local_route(const simgrid::kernel::routing::NetPoint* from,
                       const simgrid::kernel::routing::NetPoint* to,
                       simgrid::kernel::routing::Route* route, double* latency) override {
    *latency += kRouteLatency;
    const std::size_t p = std::max(from->id(), to->id()) - 1;
    for (std::uint64_t i = job_.path_first[p]; i < job_.path_first[p + 1]; ++i) {
      route->link_list_.push_back(links[job_.path_links[i]]->get_impl());
    }
    if (caps_[p] != nullptr) route->link_list_.push_back(caps_[p]->get_impl());
  }

  std::vector<sg::Link*> links;
  std::vector<sg::Host*> hosts;

 private:
  const Job& job_;
  std::vector<sg::Link*> caps_;
};

class Run {
 public:
  explicit Run(const Job& job) : job_(job), waiting_(job.waits_for), taken_(job.ranks, 0) {
    double most = 1;
    for (const double b : job.bytes) most = std::max(most, b);
    scale_ = std::exp2(std::floor(52 - std::log2(most)));
    answer_.start.assign(job.path.size(), 0);
    answer_.end.assign(job.path.size(), 0);
    answer_.peak.assign(job.capacity.size(), 0);
  }

  Answer all(sg::Engine& engine) {
    build(engine);
    engine.on_time_advance_cb([this](double) {
      ++answer_.events;
      for (std::size_t l = 0; l < job_.capacity.size(); ++l) {
        const double used = paths_->links[l]->get_usage() / (job_.capacity[l] * scale_);
        answer_.peak[l] = std::max(answer_.peak[l], used);
      }
    });
    for (std::size_t a = 0; a < job_.path.size(); ++a) {
      if (waiting_[a] == 0) spawn(a);
    }
    engine.run();
    if (finished_ != job_.path.size()) answer_.fault = "not every activity ended";
    return std::move(answer_);
  }

  // All flows from the start until stop_s.
  Answer first_rates(sg::Engine& engine) {
    build(engine);
    double started = 0;
    engine.on_time_advance_cb([&](double) {
      if (answer_.events++ == 0) answer_.solve_s = cpu_seconds() - started;
    });
    answer_.moved.assign(job_.path.size(), 0);
    sg::Actor::create("all", paths_->hosts[0], [&] {
      std::vector<sg::CommPtr> flows;
      for (std::size_t a = 0; a < job_.path.size(); ++a) {
        flows.push_back(sg::Comm::sendto_async(paths_->hosts[0], paths_->hosts[1 + job_.path[a]],
                                               amount(job_.bytes[a])));
      }
      started = cpu_seconds();
      sg::this_actor::sleep_until(job_.stop_s);
      for (std::size_t a = 0; a < flows.size(); ++a) {
        answer_.moved[a] = job_.bytes[a] - flows[a]->get_remaining() / scale_;
      }
      finish(std::move(answer_));
    });
    engine.run();
    answer_.fault = "flows ended before the time to stop";
    return std::move(answer_);
  }

  // Writes the answer and leaves without taking SimGrid apart: flows may still be under way.
  [[noreturn]] static void finish(Answer answer) {
    const std::vector<char> bytes = pack(std::move(answer));
    const std::uint64_t size = bytes.size();
    bool written = std::fwrite(&size, sizeof(size), 1, stdout) == 1;
    written = written && std::fwrite(bytes.data(), 1, size, stdout) == size;
    written = written && std::fflush(stdout) == 0;
    _exit(written ? 0 : 1);
  }

 private:
  static double cpu_seconds() {
    timespec t{};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
  }

  std::uint64_t amount(double bytes) const {
    return static_cast<std::uint64_t>(std::llround(bytes * scale_));
  }

  void build(sg::Engine& engine) {
    paths_ = new Paths(job_, scale_);  // SimGrid owns zones and deletes them.
    for (std::size_t r = 0; r < job_.ranks; ++r) {
      std::vector<double> speeds;  // By units taken; one is always left.
      for (std::uint64_t u = 0; u < std::max<std::uint64_t>(1, job_.units); ++u) {
        speeds.push_back(kFlops *
                         (1 - static_cast<double>(u) /
                                  static_cast<double>(std::max<std::uint64_t>(1, job_.units))));
      }
      ranks_.push_back(paths_->create_host("r" + std::to_string(r), speeds));
      ranks_.back()->set_core_count(1000);  // Its computations do not share.
    }
    const std::size_t hosts = paths_->hosts.size();
    paths_->seal();
    engine.get_netzone_root()->get_network_model()->set_lat_factor_cb(
        [this, hosts](double, const sg::Host*, const sg::Host* to, const auto&, const auto&) {
          const std::size_t p = to->get_netpoint()->id();
          return p == 0 || p >= hosts ? 1 : job_.path_latency[p - 1] / kRouteLatency;
        });
  }

  void spawn(std::size_t activity) {
    sg::Actor::create("a", paths_->hosts[0], [this, activity] { perform(activity); });
  }

  void occupy(std::size_t activity, std::int64_t units) {
    if (units == 0 || job_.units == 0) return;
    for (std::uint64_t i = job_.rank_first[activity]; i < job_.rank_first[activity + 1]; ++i) {
      std::int64_t& taken = taken_[job_.rank[i]];
      taken += units;
      const auto most = static_cast<std::int64_t>(job_.units) - 1;
      ranks_[job_.rank[i]]->set_pstate(static_cast<unsigned long>(std::min(taken, most)));
    }
  }

  void wait_or_move(std::size_t a) const {
    if (job_.path[a] != kNone) {
      sg::Comm::sendto(paths_->hosts[0], paths_->hosts[1 + job_.path[a]], amount(job_.bytes[a]));
    } else if (job_.slows[a] != 0) {
      sg::Host* own = ranks_[job_.rank[job_.rank_first[a]]];  // Host::execute stays on this one.
      sg::this_actor::exec_init(job_.seconds[a] * kFlops)->set_host(own)->start()->wait();
    } else {
      sg::this_actor::sleep_for(job_.seconds[a]);
    }
  }

  // An activity, and then the first of those that become ready by its end, and so on.
  void perform(std::size_t a) {
    for (bool more = true; more;) {
      answer_.start[a] = sg::Engine::get_clock();
      occupy(a, job_.takes[a]);
      wait_or_move(a);
      answer_.end[a] = sg::Engine::get_clock();
      occupy(a, -job_.releases[a]);
      ++finished_;
      more = false;
      const std::uint64_t last = job_.next_first[a + 1];
      std::size_t own = 0;
      for (std::uint64_t i = job_.next_first[a]; i < last; ++i) {
        if (--waiting_[job_.next[i]] != 0) continue;
        if (more) spawn(job_.next[i]);
        if (!more) own = job_.next[i];
        more = true;
      }
      a = own;
    }
  }

  const Job& job_;
  double scale_ = 1;
  Paths* paths_ = nullptr;
  std::vector<sg::Host*> ranks_;
  std::vector<std::uint64_t> waiting_;
  std::vector<std::int64_t> taken_;
  std::size_t finished_ = 0;
  Answer answer_;
};

std::vector<char> read_job() {
  std::uint64_t size = 0;
  if (std::fread(&size, sizeof(size), 1, stdin) != 1) throw std::runtime_error("no job");
  std::vector<char> bytes(size);
  if (std::fread(bytes.data(), 1, size, stdin) != size) throw std::runtime_error("a cut job");
  return bytes;
}

Answer answer_to(const Job& job, int* argc, char** argv) {
  xbt_log_control_set("root.thres:critical");
  sg::Engine engine(argc, argv);
  for (const char* setting :
       {"network/model:CM02", "network/crosstraffic:0", "network/TCP-gamma:1e300",
        "network/weight-S:0", "network/optim:Full", "cpu/optim:Full", "network/bandwidth-factor:1",
        "surf/precision:1e-13", "maxmin/precision:1e-13", "contexts/stack-size:64"}) {
    sg::Engine::set_config(setting);
  }
  Run run(job);
  return job.stop_s > 0 ? run.first_rates(engine) : run.all(engine);
}

}  // namespace
}  // namespace tenk::simgrid_protocol

int main(int argc, char** argv) try {
  using namespace tenk::simgrid_protocol;
  prctl(PR_SET_PDEATHSIG, SIGKILL);  // Nobody would read the answer.
  const Job job = unpack<Job>(read_job());
  Run::finish(answer_to(job, &argc, argv));
} catch (const std::exception& error) {
  tenk::simgrid_protocol::Answer answer;
  answer.fault = error.what();
  tenk::simgrid_protocol::Run::finish(std::move(answer));
}
