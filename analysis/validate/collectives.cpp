// Published sweeps of nccl-tests and their like: does a collective take as long as we say?
#include <map>

#include <fmt/format.h>

#include "analysis/predict.h"
#include "analysis/validate/collective_rows.h"
#include "analysis/validate/validation.h"
#include "sim/base/error.h"

namespace tenk {
namespace {

constexpr double kSmall = 65536, kLarge = 16777216;

// Rows of one cluster, operation and choice of algorithms: predicted together.
struct Sweep {
  CollectiveCase cases;
  std::vector<const CollectiveMeasurement*> rows;
  std::vector<Bytes> sizes;  // Of the rows.
};

Scenario scenario_of(const CollectiveCase& c) {
  Faults faults;
  Scenario s;
  s.name = "row";
  s.cluster = read_cluster(Section(Config::parse(c.cluster, "row"), "cluster", faults));
  faults.throw_if_any();
  s.tuning = load_collective_tuning(s.cluster.node.collectives, s.cluster.node.nic);
  s.tuning.without = c.without;
  return s;
}

Judged judged_row(const CollectiveMeasurement& row, const CollectiveCase& c, double predicted_s,
                  double measured_s) {
  const double bytes = *row.bytes;
  Judged j;
  j.id = fmt::format("{} {:.0f} B", row.id, bytes);
  j.part = row.id.substr(0, row.id.find('-'));
  j.gpu = c.accelerator;
  j.cell = fmt::format("{}, {}", row.collective,
                       bytes < kSmall   ? "below 64 KiB"
                       : bytes < kLarge ? "64 KiB to 16 MiB"
                                        : "16 MiB and more");
  j.workload = fmt::format("{} of {} on {} x {}", row.collective,
                           to_text(Bytes(static_cast<std::int64_t>(bytes))), *row.nodes,
                           *row.gpus / *row.nodes);
  j.measured_s = measured_s;
  j.predicted_s = predicted_s;
  return j;
}

void judge_sweep(const Sweep& sweep, Validation& all) {
  const CollectiveCase& c = sweep.cases;
  const CollectiveTable table = predict_collective(scenario_of(c), c.op, sweep.sizes);
  const double launches = launch_seconds(c);
  for (std::size_t i = 0; i < sweep.rows.size(); ++i) {
    const CollectiveMeasurement& row = *sweep.rows[i];
    const std::optional<double> measured = measured_seconds(row, c.op);
    if (!measured) {
      all.skipped.push_back({row.id, row.id.substr(0, row.id.find('-')), "no time", true});
      continue;
    }
    all.rows.push_back(judged_row(row, c, table.rows[i].time_us * 1e-6 + launches, *measured));
    for (const std::string& text : c.assumptions) ++all.assumptions[text];
  }
}

void judge_collectives(const std::string& text, const std::string& file, Validation& all) {
  const std::vector<CollectiveMeasurement> rows = read_collective_rows(text, file);
  std::map<std::string, Sweep> sweeps;
  for (const CollectiveMeasurement& row : rows) {
    const std::string part = row.id.substr(0, row.id.find('-'));
    if (const std::string why = excluded_by_rule(row); !why.empty()) {
      all.skipped.push_back({row.id, part, why, true});
      continue;
    }
    CollectiveCase c = case_of(row);
    if (!c.skipped.empty()) {
      all.skipped.push_back({row.id, part, c.skipped, false});
      continue;
    }
    const std::string key = fmt::format("{} {} {} {}", c.cluster, static_cast<int>(c.op),
                                        fmt::join(c.without, " "), c.launches);
    Sweep& sweep = sweeps[key];
    sweep.rows.push_back(&row);
    sweep.sizes.emplace_back(static_cast<std::int64_t>(c.bytes));
    if (sweep.rows.size() == 1) sweep.cases = std::move(c);
  }
  for (const auto& [key, sweep] : sweeps) {
    try {
      judge_sweep(sweep, all);
    } catch (const Error& error) {
      for (const auto* row : sweep.rows) {
        all.skipped.push_back(
            {row->id, row->id.substr(0, row->id.find('-')), error.faults().front().message, false});
      }
    }
  }
}

}  // namespace

extern const ValidationKind kCollectivesValidation{
    .name = "collectives",
    .summary = "sweeps of collective operations by size",
    .judge = judge_collectives};

}  // namespace tenk
