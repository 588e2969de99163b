#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>

#include "analysis/report/layout.h"
#include "analysis/report/svg.h"
#include "analysis/report/validation.h"

namespace tenk {
namespace {

constexpr double kWidth = 1000, kHeight = 760;
constexpr Area kPlot{90, 60, 640, 620};
// Colours that differ for the colour-blind too (Okabe and Ito 2008), less yellow.
constexpr std::array<std::string_view, 7> kColours = {"#0072B2", "#D55E00", "#009E73", "#CC79A7",
                                                      "#56B4E9", "#E69F00", "#444444"};
constexpr std::size_t kMostNames = 24;

// Seconds, as powers of ten, to pixels of both axes.
struct Axes {
  double low = 0, high = 1;  // log10 of seconds.
  double x(double log) const { return kPlot.x + (log - low) / (high - low) * kPlot.width; }
  double y(double log) const { return kPlot.bottom() - (log - low) / (high - low) * kPlot.height; }
};

Axes axes_of(const Validation& v) {
  double low = 1e300, high = -1e300;
  for (const Judged& row : v.rows) {
    for (const double t : {row.measured_s, row.predicted_s}) {
      low = std::min(low, std::log10(t));
      high = std::max(high, std::log10(t));
    }
  }
  if (low > high) return {-1, 0};
  return {std::floor(low), std::max(std::ceil(high), std::floor(low) + 1)};
}

void draw_axes(const Axes& axes, Svg& svg) {
  svg.rect(kPlot, {.colour = "#ffffff", .border = "#888888", .radius = 0});
  for (double log = axes.low; log <= axes.high + 1e-9; ++log) {
    const std::string text = duration_text(std::pow(10.0, log));
    const double x = axes.x(log), y = axes.y(log);
    svg.line({{x, kPlot.y}, {x, kPlot.bottom()}}, {.colour = "#dddddd"});
    svg.line({{kPlot.x, y}, {kPlot.right(), y}}, {.colour = "#dddddd"});
    svg.text({x, kPlot.bottom() + 20}, text, {.anchor = Anchor::kMiddle});
    svg.text({kPlot.x - 8, y + 4}, text, {.anchor = Anchor::kEnd});
  }
  svg.text({kPlot.centre().x, kPlot.bottom() + 45}, "measured time",
           {.size = 13, .anchor = Anchor::kMiddle});
  svg.text({kPlot.x, kPlot.y - 10}, "predicted time", {.size = 13});
}

// The line predicted = factor x measured, as far as it lies inside.
void draw_factor(const Axes& axes, double factor, const Stroke& stroke, Svg& svg) {
  const double shift = std::log10(factor);
  const double from = std::max(axes.low, axes.low - shift);
  const double to = std::min(axes.high, axes.high - shift);
  svg.line({{axes.x(from), axes.y(from + shift)}, {axes.x(to), axes.y(to + shift)}}, stroke);
}

// Discs in seven colours, then rings, then squares.
void draw_mark(Point at, double radius, std::size_t number, Svg& svg) {
  const std::string_view colour = kColours[number % kColours.size()];
  const std::size_t form = number / kColours.size();
  if (form == 0) return svg.circle(at, radius, {.colour = colour, .border = "none"});
  if (form == 1) return svg.circle(at, radius, {.border = colour});
  svg.rect({at.x - radius, at.y - radius, 2 * radius, 2 * radius},
           {.colour = colour, .border = "none", .radius = 0});
}

}  // namespace

std::string validation_svg(const Validation& v) {
  Svg svg(kWidth, kHeight, fmt::format("{}: predicted over measured time", v.kind),
          "Each dot is one measured row; on the diagonal the prediction is exact.");
  svg.text({kPlot.x, 28},
           fmt::format("{}: {} rows, median error {}, 90 % within {}", v.kind, v.rows.size(),
                       percent(summarize(v).median_ape), percent(summarize(v).p90_ape)),
           {.size = 16, .bold = true}, kWidth - 120);
  const Axes axes = axes_of(v);
  draw_axes(axes, svg);
  std::map<std::string, std::size_t> parts;
  for (const Judged& row : v.rows) parts.emplace(row.part, 0);
  std::size_t next = 0;
  for (auto& [name, number] : parts) number = next++;
  for (const Judged& row : v.rows) {
    draw_mark({axes.x(std::log10(row.measured_s)), axes.y(std::log10(row.predicted_s))}, 2.2,
              parts[row.part], svg);
  }
  draw_factor(axes, 1, {.colour = "#222222", .width = 1.2}, svg);
  for (const double factor : {0.8, 1.25}) {
    draw_factor(axes, factor, {.colour = "#666666", .width = 1, .dashed = true}, svg);
  }
  double y = kPlot.y + 8;
  svg.text({kPlot.right() + 20, y}, "dashed: 0.8 and 1.25 x measured", {.size = 11});
  for (const auto& [name, number] : parts) {
    if (number >= kMostNames) break;
    y += 22;
    draw_mark({kPlot.right() + 26, y - 4}, 5, number, svg);
    svg.text({kPlot.right() + 38, y}, name, {.size = 12}, kWidth - kPlot.right() - 50);
  }
  return std::move(svg).finish();
}

}  // namespace tenk
