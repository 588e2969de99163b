#include <fmt/format.h>

#include <cctype>
#include <nlohmann/json.hpp>

#include "analysis/report/calibration.h"
#include "analysis/report/layout.h"
#include "sim/base/csv.h"

namespace tenk {
namespace {

using Json = nlohmann::ordered_json;

Json errors_of(const FitErrors& errors) {
  return {{"rows", errors.rows},
          {"mape", finite(errors.mean)},
          {"median_ape", finite(errors.median)},
          {"p90_ape", finite(errors.p90)},
          {"bias", finite(errors.bias)}};
}

Json constant_of(const FittedConstant& c) {
  Json constant = {{"name", c.name}, {"unit", c.unit}, {"identified", c.identified}};
  if (!c.identified) return constant;
  constant["value"] = finite(c.value);
  constant["interval"] = {finite(c.low), finite(c.high)};
  return constant;
}

Json fit_of(const FittedModel& model) {
  Json constants = Json::array();
  for (const FittedConstant& constant : model.constants) {
    constants.push_back(constant_of(constant));
  }
  Json fit = {{"family", model.family},
              {"subject", model.subject},
              {"source", model.source},
              {"constants", std::move(constants)}};
  if (model.errors.rows > 0) fit["errors"] = errors_of(model.errors);
  if (model.held_out.rows > 0) fit["held_out"] = errors_of(model.held_out);
  for (const HeldOutPart& part : model.parts) {
    fit["parts"].push_back({{"name", part.name}, {"held_out", errors_of(part.errors)}});
  }
  return fit;
}

}  // namespace

std::string calibration_json(const Calibration& c) {
  Json fits = Json::array();
  for (const FittedModel& model : c.models) fits.push_back(fit_of(model));
  Json refused = Json::array();
  for (const Refusal& refusal : c.refused) {
    refused.push_back(
        {{"subject", refusal.subject}, {"why", refusal.reason}, {"rows", refusal.rows}});
  }
  const Json document = {
      {"fits", std::move(fits)}, {"refused", std::move(refused)}, {"remarks", c.remarks}};
  return document.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string calibration_csv(const Calibration& c) {
  std::string text =
      "family,subject,constant,value,unit,low,high,rows,median_ape,p90_ape,held_out_median_ape,"
      "held_out_p90_ape,source\n";
  for (const FittedModel& model : c.models) {
    for (const FittedConstant& constant : model.constants) {
      for (const std::string* field : {&model.family, &model.subject, &constant.name}) {
        text += csv_field(*field) + ",";
      }
      text += constant.identified
                  ? fmt::format("{},{},{},{}", finite(constant.value), csv_field(constant.unit),
                                finite(constant.low), finite(constant.high))
                  : fmt::format(",{},,", csv_field(constant.unit));
      text += fmt::format(",{}", model.errors.rows);
      for (const FitErrors* errors : {&model.errors, &model.held_out}) {
        text += errors->rows > 0
                    ? fmt::format(",{},{}", finite(errors->median), finite(errors->p90))
                    : ",,";
      }
      text += "," + csv_field(model.source) + "\n";
    }
  }
  return text;
}

std::string file_name_of(std::string_view text) {
  constexpr std::size_t kLongest = 80;
  std::string name;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80 && std::isalnum(byte) != 0) {
      name += static_cast<char>(std::tolower(byte));
    } else if (!name.empty() && name.back() != '-') {
      name += '-';
    }
  }
  name = name.substr(0, kLongest);
  while (name.ends_with('-')) name.pop_back();
  return name.empty() ? "unnamed" : name;
}

}  // namespace tenk
