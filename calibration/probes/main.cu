// tenk-probe: what to measure, in which order, and what comes of it.
#include <algorithm>
#include <ctime>

#include "calibration/probes/device.h"
#include "calibration/probes/files.h"

namespace {

using namespace tenk::probe;

constexpr int kDone = 0;
constexpr int kWrong = 1;
constexpr int kUsage = 2;
constexpr int kFile = 4;
constexpr int kNoDevice = 5;

std::vector<std::string> names() {
  std::vector<std::string> out;
  for (const Probe* probe : probes()) out.emplace_back(probe->name);
  return out;
}

void list() {
  for (const Probe* probe : probes()) {
    std::printf("%-18s %4.0f s  %s\n", probe->name, probe->seconds, probe->summary);
  }
}

std::string today() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  char text[16];
  std::strftime(text, sizeof(text), "%Y-%m-%d", &parts);
  return text;
}

void describe(Results& results, const DeviceInfo& d, const Nvml& nvml, const Options& options) {
  results.meta("format_version", "1");
  results.meta("program", "tenk-probe 1");
  results.meta("date", today());
  results.meta("trial", options.shrink > 1 ? "1" : "0");
  results.meta("gpu", d.name);
  results.meta("gpus", std::to_string(d.count));
  results.meta("compute_capability", std::to_string(d.major) + "." + std::to_string(d.minor));
  results.meta("multiprocessors", std::to_string(d.multiprocessors));
  results.meta("memory", std::to_string(d.memory_bytes), "B");
  results.meta("memory_free", std::to_string(d.free_bytes), "B");
  results.meta("l2", std::to_string(d.l2_bytes), "B");
  results.meta("sm_clock_stated", number_text(d.sm_clock_MHz), "MHz");
  results.meta("sm_clock_most", number_text(nvml.most_sm_clock_MHz()), "MHz");
  results.meta("memory_clock_stated", number_text(d.memory_clock_MHz), "MHz");
  results.meta("memory_bus", std::to_string(d.bus_bits), "bit");
  results.meta("memory_rate_stated", number_text(d.memory_rate() / 1e9), "GB/s");
  results.meta("power_limit", number_text(nvml.power_limit_W()), "W");
  const PcieLink pcie = nvml.pcie();
  results.meta("pcie_generation", std::to_string(pcie.generation));
  results.meta("pcie_width", std::to_string(pcie.width));
  results.meta("pcie_most_generation", std::to_string(pcie.most_generation));
  results.meta("pcie_most_width", std::to_string(pcie.most_width));
  results.meta("driver", nvml.driver());
  results.meta("driver_cuda", version_text(d.driver_version));
  results.meta("cuda", version_text(d.runtime_version));
  results.meta("nvml", nvml.is_open() ? "1" : "0");
  results.meta("seconds", number_text(options.seconds), "s");
  results.meta("method",
               "median of repeats between CUDA events after 3 untimed calls; cold: twice the L2 "
               "cache is read before each");
}

// Appends the samples from number `first` on; gives their count and keeps the highest clock.
std::size_t write_clocks(Results& results, const Sampler& sampler, std::size_t first,
                         double& highest) {
  const std::vector<ClockSample> samples = sampler.samples();
  for (std::size_t i = first; i < samples.size(); ++i) {
    const ClockSample& s = samples[i];
    results.clocks({number_text(s.seconds), s.probe, number_text(s.sm_MHz),
                    number_text(s.memory_MHz), number_text(s.power_W),
                    number_text(s.temperature_C)});
    highest = std::max(highest, s.sm_MHz);
  }
  return samples.size();
}

void run_probes(Context& context, Sampler& sampler) {
  Results& results = context.session.results();
  std::size_t written = 0;
  double highest = 0;
  for (const Probe* probe : probes()) {
    if (!is_wanted(context.options, probe->name)) continue;
    sampler.name(probe->name);
    const double begin = context.session.elapsed();
    const double share = probe->seconds * std::max(1.0, context.options.seconds / 480);
    const bool good = context.session.run(probe->name, share, [&] { probe->run(context); });
    const PowerAndClocks found = summarize(sampler.samples(), begin, context.session.elapsed());
    const std::string prefix = std::string("probe.") + probe->name + ".";
    written = write_clocks(results, sampler, written, highest);
    if (found.sm_MHz.repeats > 0) {
      results.meta(prefix + "sm_clock", number_text(found.sm_MHz.median), "MHz");
      results.meta(prefix + "sm_clock_highest", number_text(found.most_sm_MHz), "MHz");
      results.meta(prefix + "power", number_text(found.power_W.median), "W");
    }
    // After a fault in a kernel no later call works.
    if (!good && cudaDeviceSynchronize() != cudaSuccess) {
      results.say("the GPU answers no more: the rest is skipped");
      break;
    }
  }
  results.meta("sm_clock_highest_sampled", number_text(highest), "MHz");
}

int measure(const Options& options) {
  std::string reason;
  const int count = device_count(reason);
  if (options.device >= count) {
    if (count > 0) reason = "there are " + std::to_string(count) + " GPUs, numbered from 0";
    std::fprintf(stderr, "tenk-probe: no GPU to measure: %s\n", reason.c_str());
    return kNoDevice;
  }
  const auto start = Session::Clock::now();
  const DeviceInfo device = describe_device(options.device);
  const Nvml nvml(device.pci_bus);
  const std::string directory = options.directory.empty()
                                    ? "tenk-probe-" + slug(device.name) + "-" + today()
                                    : options.directory;
  Results results(directory, {device.name, "tenk-probe 1; " + today(), options.shrink > 1});
  describe(results, device, nvml, options);
  results.say(device.name + ", " + std::to_string(device.multiprocessors) +
              " multiprocessors; results go to " + directory);
  if (!nvml.is_open()) results.say("no NVML: clocks, power and PCIe stay unknown");
  Session session(results, options.seconds, start);
  {
    Sampler sampler(nvml, start);
    Bench bench(device, options.shrink > 1);
    Context context{options, device, nvml, sampler, session, bench};
    run_probes(context, sampler);
  }
  results.meta("total", number_text(session.elapsed()), "s");
  if (session.failures() > 0) {
    results.say(std::to_string(session.failures()) + " probes failed and report nothing");
  }
  write_hdf5(results);
  return session.failures() > 0 ? kWrong : kDone;
}

}  // namespace

int main(int count, char** words) {
  try {
    const Options options =
        parse_options(std::vector<std::string>(words + 1, words + count), names());
    if (options.help) {
      std::fputs(usage_text().c_str(), stdout);
      return kDone;
    }
    if (options.list) {
      list();
      return kDone;
    }
    return measure(options);
  } catch (const UsageError& fault) {
    std::fprintf(stderr, "tenk-probe: %s\n", fault.what());
    return kUsage;
  } catch (const FileError& fault) {
    std::fprintf(stderr, "tenk-probe: %s\n", fault.what());
    return kFile;
  } catch (const std::exception& fault) {
    std::fprintf(stderr, "tenk-probe: %s\n", fault.what());
    return kWrong;
  }
}
