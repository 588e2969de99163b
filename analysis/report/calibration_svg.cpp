#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <set>

#include "analysis/report/calibration.h"
#include "analysis/report/layout.h"
#include "analysis/report/svg.h"
#include "sim/base/units.h"

namespace tenk {
namespace {

constexpr double kWidth = 1100, kHeight = 560;
constexpr Area kPlot{80, 60, 640, 420};
// Colours that differ for the colour-blind too (Okabe and Ito 2008), less yellow.
constexpr std::array<std::string_view, 7> kColours = {"#0072B2", "#D55E00", "#009E73", "#CC79A7",
                                                      "#56B4E9", "#E69F00", "#444444"};
constexpr std::size_t kMostNames = 20;
constexpr std::size_t kMostDots = 2000;  // Of one model.
constexpr double kMostRatio = 2;         // Ratios outside of 1/2 to 2 are drawn at the border.

using Models = std::vector<const FittedModel*>;

struct Axes {
  double low = 0, high = 1;  // log2 of x.
  double x(double value) const {
    return kPlot.x + (std::log2(value) - low) / (high - low) * kPlot.width;
  }
  double y(double ratio) const {
    const double share = std::log2(std::clamp(ratio, 1 / kMostRatio, kMostRatio));
    return kPlot.centre().y - share / std::log2(kMostRatio) * kPlot.height / 2;
  }
};

Axes axes_of(const Models& models) {
  double low = 1e300, high = -1e300;
  for (const FittedModel* model : models) {
    for (const Residual& point : model->residuals) {
      low = std::min(low, std::log2(point.x));
      high = std::max(high, std::log2(point.x));
    }
  }
  if (low > high) return {};
  return {std::floor(low), std::max(std::ceil(high), std::floor(low) + 1)};
}

std::string size_text(double x, const std::string& what) {
  if (what == "bytes") return to_text(Bytes(std::llround(x)));
  return prefixed(x, what);
}

void draw_axes(const Axes& axes, const std::string& what, Svg& svg) {
  svg.rect(kPlot, {.colour = "#ffffff", .border = "#888888", .radius = 0});
  const double step = std::max(1.0, std::ceil((axes.high - axes.low) / 8));
  for (double log = axes.low; log <= axes.high + 1e-9; log += step) {
    const double x = axes.x(std::exp2(log));
    svg.line({{x, kPlot.y}, {x, kPlot.bottom()}}, {.colour = "#dddddd"});
    svg.text({x, kPlot.bottom() + 20}, size_text(std::exp2(log), what),
             {.size = 11, .anchor = Anchor::kMiddle});
  }
  for (const double ratio : {0.5, 0.8, 0.9, 1.0, 1.11, 1.25, 2.0}) {
    const double y = axes.y(ratio);
    const bool truth = ratio == 1.0;
    svg.line({{kPlot.x, y}, {kPlot.right(), y}},
             {.colour = truth ? "#222222" : "#dddddd", .width = truth ? 1.2 : 1});
    svg.text({kPlot.x - 8, y + 4}, fmt::format("{}", ratio), {.size = 11, .anchor = Anchor::kEnd});
  }
  svg.text({kPlot.x, kPlot.y - 8}, "predicted / measured time", {.size = 12});
  svg.text({kPlot.centre().x, kPlot.bottom() + 42}, what == "bytes" ? "size" : what,
           {.size = 12, .anchor = Anchor::kMiddle});
}

std::string picture_of(const std::string& title, const Models& models) {
  Svg svg(kWidth, kHeight, title + ": what the fit leaves",
          "Each dot is one measured row; on the dark line the fit is exact.");
  svg.text({kPlot.x, 28}, title, {.size = 16, .bold = true}, kWidth - 120);
  const Axes axes = axes_of(models);
  draw_axes(axes, models.front()->x, svg);
  double y = kPlot.y;
  for (std::size_t i = 0; i < models.size(); ++i) {
    const std::string_view colour = kColours[i % kColours.size()];
    // Of many rows only as many, evenly taken.
    const std::vector<Residual>& rows = models[i]->residuals;
    const std::size_t stride = rows.size() / kMostDots + 1;
    for (std::size_t row = 0; row < rows.size(); row += stride) {
      svg.circle({axes.x(rows[row].x), axes.y(rows[row].ratio)}, 2.4,
                 {.colour = colour, .border = "none"});
    }
    if (i >= kMostNames) continue;
    y += 20;
    svg.circle({kPlot.right() + 22, y - 4}, 5, {.colour = colour, .border = "none"});
    svg.text({kPlot.right() + 34, y},
             fmt::format("{} ({})", models[i]->subject, percent(models[i]->errors.median)),
             {.size = 11}, kWidth - kPlot.right() - 44);
  }
  if (models.size() > kMostNames) {
    svg.text({kPlot.right() + 34, y + 20}, fmt::format("and {} more", models.size() - kMostNames),
             {.size = 11});
  }
  return std::move(svg).finish();
}

}  // namespace

std::vector<std::pair<std::string, std::string>> residual_svgs(const Calibration& calibration) {
  std::map<std::string, Models> pictures;
  for (const FittedModel& model : calibration.models) {
    if (!model.picture.empty()) pictures[model.picture].push_back(&model);
  }
  std::vector<std::pair<std::string, std::string>> files;
  std::set<std::string> names;
  for (const auto& [title, models] : pictures) {
    std::string name = file_name_of(title);
    while (!names.insert(name).second) name += "-2";
    files.emplace_back("residuals-" + name + ".svg", picture_of(title, models));
  }
  return files;
}

}  // namespace tenk
