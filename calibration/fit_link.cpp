#include "calibration/fit_link.h"

#include <fmt/format.h>

#include <array>
#include <map>
#include <utility>

#include "calibration/importers/text_lines.h"
#include "sim/base/section.h"

namespace tenk {
namespace {

struct Unit {
  std::string_view name;
  double to_base = 1;  // Bytes/s or seconds.
  bool rate = false;
};
constexpr std::array<Unit, 11> kUnits = {{{"GB/s", 1e9, true},
                                          {"MB/s", 1e6, true},
                                          {"TB/s", 1e12, true},
                                          {"GiB/s", 1073741824.0, true},
                                          {"Gb/s", 0.125e9, true},
                                          {"Gbps", 0.125e9, true},
                                          {"s", 1, false},
                                          {"ms", 1e-3, false},
                                          {"us", 1e-6, false},
                                          {"ns", 1e-9, false},
                                          {"ps", 1e-12, false}}};

const Unit* find_unit(std::string_view name) {
  for (const Unit& unit : kUnits) {
    if (unit.name == name) return &unit;
  }
  return nullptr;
}

// "65536 B, rest" or "64 KiB, rest": the size, and what is left.
struct Conditions {
  std::optional<Bytes> size;
  std::string rest;
};
Conditions split(std::string_view text) {
  const std::size_t comma = std::min(text.find(','), text.size());
  const std::optional<Bytes> size = parse_bytes(trimmed(text.substr(0, comma)));
  if (!size) return {std::nullopt, std::string(text)};
  return {size, std::string(trimmed(text.substr(std::min(comma + 1, text.size()))))};
}

// Why a row cannot be fitted; empty: it can.
std::string unfit(const LinkSample& row) {
  if (row.how == "recalled") return "recalled, not measured";
  if (row.how == "trial") return "a trial run";
  const Amount value = number_of(row);
  if (!value || !(*value > 0)) return "no plain number above 0";
  if (find_unit(row.unit) == nullptr) return "a unit that is no rate and no time";
  return {};
}

}  // namespace

std::string LinkKey::text() const {
  std::string text;
  for (const std::string* part : {&kind, &endpoints, &metric}) {
    if (!part->empty()) text += (text.empty() ? "" : " ") + *part;
  }
  if (!device.empty()) text += " of " + device;
  if (!conditions.empty()) text += ", " + conditions;
  return text;
}

LinkFits fit_links(std::span<const LinkSample> rows, const CurveOptions& options) {
  LinkFits fits;
  std::map<LinkKey, LinkFit> series;
  std::map<std::string, std::size_t> unfit_rows;
  for (const LinkSample& row : rows) {
    if (const std::string why = unfit(row); !why.empty()) {
      ++unfit_rows[why];
      continue;
    }
    const Conditions conditions = split(row.conditions);
    const Unit& unit = *find_unit(row.unit);
    if (!conditions.size || conditions.size->count() < 1) {
      fits.refused.push_back({row.id, "no size: latency and bandwidth cannot be told apart", 1});
      continue;
    }
    const LinkKey key{.device = row.device,
                      .kind = row.kind,
                      .endpoints = row.endpoints,
                      .metric = row.metric,
                      .conditions = conditions.rest,
                      .rate = unit.rate};
    const double value = *number_of(row) * unit.to_base;
    const double bytes = conditions.size->value();
    LinkFit& fit = series[key];
    fit.key = key;
    fit.points.push_back({bytes, unit.rate ? bytes / value : value});
    if (fit.source.empty()) fit.source = row.source;
  }
  for (const auto& [why, count] : unfit_rows) {
    fits.refused.push_back({"rows of links", why, count});
  }
  for (auto& [key, fit] : series) {
    fit.curve = fit_latency_curve(fit.points, options);
    if (fit.curve.refused.empty()) {
      fits.series.push_back(std::move(fit));
    } else {
      fits.refused.push_back({key.text(), fit.curve.refused, fit.points.size()});
    }
  }
  return fits;
}

}  // namespace tenk
