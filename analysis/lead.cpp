#include "analysis/lead.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <utility>

#include "sim/base/error.h"

namespace tenk {
namespace {

// By name: what each side becomes when that number moves. `here` is what a side is anyway.
using Moved = std::map<std::string, std::pair<double, double>>;

void move(const std::string& name, double value, bool second, double a, double b, Moved& moved) {
  auto& pair = moved.try_emplace(name, a, b).first->second;
  (second ? pair.second : pair.first) = value;
}

Moved moved_steps(const Prediction& a, const Prediction& b) {
  Moved moved;
  const double at = a.step_time.s(), bt = b.step_time.s();
  for (const Variation& v : a.variations) move(v.number, v.step_time.s(), false, at, bt, moved);
  for (const Variation& v : b.variations) move(v.number, v.step_time.s(), true, at, bt, moved);
  return moved;
}

double squares_of(const Moved& moved, double ratio) {
  double squares = 0;
  for (const auto& [name, pair] : moved) squares += std::pow(pair.first / pair.second - ratio, 2);
  return squares;
}

Ratio around(double value, double squares) {
  const double half = std::sqrt(squares);
  return {value, std::max(0.0, value - half), value + half};
}

}  // namespace

Ratio step_ratio(const Prediction& a, const Prediction& b) {
  TENK_CHECK(a.step_time.ps() > 0 && b.step_time.ps() > 0, "a step takes time");
  const double ratio = a.step_time.s() / b.step_time.s();
  return around(ratio, squares_of(moved_steps(a, b), ratio));
}

Ratio token_cost_ratio(const Prediction& a, const Prediction& b) {
  const bool known = a.cost.usd_per_million_tokens > 0 && b.cost.usd_per_million_tokens > 0;
  const double at = known ? a.cost.usd_per_million_tokens : a.cost.capex_usd * a.step_time.s();
  const double bt = known ? b.cost.usd_per_million_tokens : b.cost.capex_usd * b.step_time.s();
  if (at <= 0 || bt <= 0) return {};  // Nothing is known to cost anything.
  const double ratio = at / bt;
  // Capital in proportion: what energy adds is taken to be as uncertain as the rest.
  Moved prices;
  const auto add = [&](const Prediction& p, double token, bool second) {
    for (const CostPart& part : p.cost.parts) {
      const double dearer = token * (1 + part.usd_half_width / p.cost.capex_usd);
      move(part.name, dearer, second, at, bt, prices);
    }
  };
  add(a, at, false);
  add(b, bt, true);
  const double steps = step_ratio(a, b).value;
  const double of_steps = squares_of(moved_steps(a, b), steps) * std::pow(ratio / steps, 2);
  return around(ratio, of_steps + squares_of(prices, ratio));
}

bool leads(const Ratio& ratio) { return ratio.value <= 1 - kSmallestLead && ratio.high < 1; }

}  // namespace tenk
