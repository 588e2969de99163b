#include <vector>

#include "analysis/report/layout.h"
#include "analysis/report/report.h"
#include "sim/base/hdf5.h"
#include "sim/base/version.h"

namespace tenk {
namespace {

using Reals = std::vector<double>;
using Counts = std::vector<std::int64_t>;
using Texts = std::vector<std::string>;

std::int64_t whole(std::uint64_t count) { return static_cast<std::int64_t>(count); }

void write_summary(const Prediction& p, Hdf5File& file) {
  const auto real = [&](const char* name, double value, const char* unit, const char* what) {
    file.write(std::string("/summary/") + name, Reals{finite(value)}, unit, what);
  };
  const auto count = [&](const char* name, std::int64_t value, const char* unit, const char* what) {
    file.write(std::string("/summary/") + name, Counts{value}, unit, what);
  };
  real("step_time_s", seconds(p.step_time), "s", "one training step");
  file.write("/summary/interval_s", Reals{finite(p.interval_low_s), finite(p.interval_high_s)}, "s",
             "90 % interval of the step time: low, high");
  real("tokens_per_s", p.tokens_per_s, "1/s", "all accelerators together");
  real("tflops_per_gpu", p.tflops_per_gpu, "TFLOP/s", "model FLOPs, attention in full");
  real("mfu", p.mfu, "1", "of the peak of all accelerators");
  real("model_flops", p.model_flops, "FLOP", "one step, attention in full");
  real("model_flops_causal", p.model_flops_causal, "FLOP", "one step, causal attention half");
  count("accelerators", whole(p.accelerators), "1", "in the cluster");
  count("parameters", p.parameters, "1", "of the model");
  count("memory_per_gpu_bytes", p.memory_per_gpu.count(), "B", "of the fullest accelerator");
  count("fits", p.fits, "1", "1 if that memory is there");
  count("buildable", p.buildable, "1", "1 if the fabric can be built");
  real("capex_usd", p.cost.capex_usd, "USD", "servers, network, racks, cooling, installation");
  real("power_w", p.cost.power_w, "W", "all of these");
  count("switches", whole(p.cost.switches), "1", "in the fabric");
  count("cables", whole(p.cost.cables), "1", "from NICs to switches and between switches");
  count("optics", whole(p.cost.optics), "1", "transceivers");
  file.attribute("/summary", "scenario", p.scenario);
  file.attribute("/summary", "reason", p.reason);
}

void write_breakdown(const Prediction& p, Hdf5File& file) {
  Texts names;
  Reals times, hidden;
  for (std::size_t i = 0; i < kCategoryNames.size(); ++i) {
    names.emplace_back(kCategoryNames[i]);
    times.push_back(finite(p.breakdown_s[i]));
    hidden.push_back(finite(p.hidden_s[i]));
  }
  file.write("/breakdown/category", names, "in order of priority");
  file.write("/breakdown/time_s", times, "s", "mean over accelerators; adds up to step_time_s");
  file.write("/breakdown/hidden_s", hidden, "s", "beside a category of higher priority");
}

void write_links(const Prediction& p, Hdf5File& file) {
  Texts classes;
  Counts counts;
  Reals peaks, means;
  for (const LinkUse& use : p.links) {
    classes.push_back(use.kind);
    counts.push_back(whole(use.count));
    peaks.push_back(finite(use.peak_utilisation));
    means.push_back(finite(use.mean_utilisation));
  }
  file.write("/links/class", classes, "kind of directed link");
  file.write("/links/count", counts, "1", "links of the class");
  file.write("/links/peak_utilisation", peaks, "1", "busiest link at its busiest instant");
  file.write("/links/mean_utilisation", means, "1", "all links of the class, the whole step");
}

void write_trunk_classes(const Prediction& p, Hdf5File& file) {
  Texts classes;
  Counts trunks, links;
  Reals bytes, peaks;
  for (const TrunkClassUse& use : p.trunk_classes) {
    classes.push_back(use.kind);
    trunks.push_back(whole(use.trunks));
    links.push_back(whole(use.links_per_trunk));
    bytes.push_back(finite(use.bytes));
    peaks.push_back(finite(use.peak_utilisation));
  }
  file.write("/trunk_classes/class", classes, "kind of directed link");
  file.write("/trunk_classes/trunks", trunks, "1", "trunks that behave the same");
  file.write("/trunk_classes/links_per_trunk", links, "1", "parallel equal links of one trunk");
  file.write("/trunk_classes/bytes", bytes, "B", "through one trunk in the step");
  file.write("/trunk_classes/peak_utilisation", peaks, "1", "of one trunk");
}

void write_provenance(const Prediction& p, Hdf5File& file) {
  file.write("/provenance/sources", p.provenance, "tenk's version and the profiles used");
  file.write("/provenance/assumptions", p.assumptions, "what the model takes for granted");
  file.write("/provenance/warnings", p.warnings, "what of the scenario was ignored or doubtful");
  const EngineReport& e = p.engine;
  file.attribute("/provenance", "fingerprint", p.fingerprint);
  file.attribute("/provenance", "engine", e.name);
  file.attribute("/provenance", "detail", e.detail);
  file.attribute("/provenance", "fold", std::int64_t{e.fold});
  file.attribute("/provenance", "rank_classes", whole(e.rank_classes));
  file.attribute("/provenance", "coflow_classes", whole(e.coflow_classes));
  file.attribute("/provenance", "link_classes", whole(e.link_classes));
  file.attribute("/provenance", "activities", whole(e.activities));
  file.attribute("/provenance", "events", whole(e.events));
}

}  // namespace

void write_result_h5(const std::string& path, const Prediction& prediction) {
  Hdf5File file = Hdf5File::create(path);
  file.attribute("/", "format", "tenk-result");
  file.attribute("/", "format_version", std::int64_t{1});
  file.attribute("/", "tenk_version", std::string_view(kVersion));
  write_summary(prediction, file);
  write_breakdown(prediction, file);
  write_links(prediction, file);
  write_trunk_classes(prediction, file);
  write_provenance(prediction, file);
  file.close();
}

}  // namespace tenk
