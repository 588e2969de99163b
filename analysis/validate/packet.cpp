// Packet-level simulations of raw flows: does the fluid engine say what packets do?
//
// The cases are those of `tenk flows` (analysis/packet_case.h). What was measured is when the
// sender saw its last acknowledgement: the prediction adds its way back.
#include <fmt/format.h>

#include <algorithm>

#include "analysis/congestion/congestion.h"
#include "analysis/packet_case.h"
#include "analysis/validate/validation.h"
#include "sim/base/error.h"
#include "sim/base/kinds.h"

namespace tenk {
namespace {

Judged judged_time(const PacketCase& c, std::string id, std::string what, double measured_us,
                   double us) {
  Judged row;
  row.id = std::move(id);
  row.part = c.name;
  row.gpu = c.roce ? "RoCE with PFC" : "Ultra Ethernet";
  row.cell = std::move(what) + (c.sprayed ? ", sprayed" : ", single path");
  row.measured_s = measured_us * 1e-6;
  row.predicted_s = us * 1e-6;
  return row;
}

void judge_case(const PacketCase& c, const FlowTable& table, const std::string& file,
                Validation& all) {
  double last_measured = 0, last = 0;
  for (std::size_t i = 0; i < table.rows.size(); ++i) {
    const Flow& flow = c.routed.flows[i];
    if (c.measured_us[i] <= 0) {
      throw Error(ErrorKind::kInvalid, fmt::format("flow {}: has no finish_us", flow.id),
                  Where{.file = file});
    }
    all.rows.push_back(judged_time(c, fmt::format("{}:{}", c.name, flow.id), "flow",
                                   c.measured_us[i], table.rows[i].fct_us + c.back_us[i]));
    last_measured = std::max(last_measured, flow.start_us + c.measured_us[i]);
    last = std::max(last, table.rows[i].finish_us + c.back_us[i]);
  }
  if (!table.rows.empty())
    all.rows.push_back(judged_time(c, c.name, "makespan", last_measured, last));
}

void judge_packet(const std::string& text, const std::string& file, Validation& all) {
  const PacketCase c = read_packet_case(text, file);
  judge_case(c, predict_flows(c), file, all);
}

// A model that needs paths cannot correct sprayed flows.
void judge_transport(const std::string& text, const std::string& file, Validation& all) {
  const PacketCase c = read_packet_case(text, file);
  const bool serves = !find_kind(congestion_kinds(), c.congestion)->paths || c.routed.paths;
  if (!serves) {
    all.skipped.push_back({.id = c.name,
                           .part = c.name,
                           .why = "sprayed flows, and its model needs paths"});
    return;
  }
  judge_case(c, predict_flows(c, c.congestion), file, all);
}

}  // namespace

extern const ValidationKind kPacketValidation{
    .name = "packet",
    .summary = "packet-level simulations of raw flows (JSON cases)",
    .judge = judge_packet};

extern const ValidationKind kTransportValidation{
    .name = "packet-transport",
    .summary = "the same, with rates corrected by the congestion model of each case's transport",
    .judge = judge_transport};

}  // namespace tenk
