#include <algorithm>
#include <utility>
#include <vector>

#include "analysis/report/document.h"
#include "analysis/report/report.h"

namespace tenk {
namespace {

using Json = nlohmann::ordered_json;
using Cell = std::pair<std::string, std::string>;  // Column, value.

std::string quoted(const std::string& text) {
  const bool edge_space = text.starts_with(' ') || text.ends_with(' ');
  if (text.find_first_of(",\"\r\n") == std::string::npos && !edge_space) return text;
  std::string out = "\"";
  for (const char c : text) out += c == '"' ? "\"\"" : std::string(1, c);
  return out + "\"";
}

std::string value_of(const Json& scalar) {
  return scalar.is_string() ? scalar.get<std::string>() : scalar.dump();
}

std::string joined(const Json& texts) {
  std::string out;
  for (const Json& text : texts) out += (out.empty() ? "" : "; ") + value_of(text);
  return out;
}

void flatten(const Json& value, const std::string& path, std::vector<Cell>& cells) {
  if (value.is_object()) {
    for (const auto& [key, below] : value.items()) {
      flatten(below, path.empty() ? key : path + "." + key, cells);
    }
  } else if (path == "interval_s" || path == "cost.capex_interval_usd") {
    cells.emplace_back(path + ".low", value_of(value[0]));
    cells.emplace_back(path + ".high", value_of(value[1]));
  } else if (value.is_array()) {
    cells.emplace_back(path, joined(value));
  } else {
    cells.emplace_back(path, value_of(value));
  }
}

std::string line_of(const std::vector<Cell>& cells, std::string Cell::*part) {
  std::string line;
  for (const Cell& cell : cells) line += quoted(cell.*part) + ",";
  line.back() = '\n';
  return line;
}

// Of the links and of collisions only the busiest; parts of the cost by name.
Json flat_document(const Prediction& prediction) {
  Json document = run_document(prediction);
  const auto& links = prediction.links;
  const auto busiest = std::max_element(
      links.begin(), links.end(),
      [](const LinkUse& a, const LinkUse& b) { return a.peak_utilisation < b.peak_utilisation; });
  document["links"] = Json::object();
  document["links"]["busiest"] = busiest == links.end() ? "" : busiest->kind;
  document["links"]["peak_utilisation"] = busiest == links.end() ? 0 : busiest->peak_utilisation;
  document["collisions"] = Json::object();
  document["collisions"]["busiest"] = prediction.collisions ? prediction.collisions->busiest : 0;
  Json parts = Json::object();
  for (Json& part : document["cost"]["parts"]) {
    const std::string name = part["name"];
    part.erase("name");
    parts[name] = std::move(part);
  }
  document["cost"]["parts"] = std::move(parts);
  return document;
}

// What a comparison adds to the prediction of one cluster.
Json comparison_of(const Json& cluster, const Comparison& c) {
  Json wins = Json::array();
  for (const Verdict& v : c.verdicts) {
    if (v.survives && c.clusters[*v.leader].label == cluster["label"]) wins.push_back(v.question);
  }
  const Json& to = cluster["to_baseline"];
  Json j = {{"label", cluster["label"]}, {"wins", wins}};
  for (const char* key : {"step_time", "token_cost"}) {
    j["to_baseline"][key] = {{"ratio", to[key]["ratio"]},
                             {"low", to[key]["interval"][0]},
                             {"high", to[key]["interval"][1]}};
  }
  for (const char* key : {"tokens_per_s", "capex_usd", "power_w"}) j["to_baseline"][key] = to[key];
  const Json& hot = cluster["hot_links"];
  j["hottest"] = {{"class", hot.empty() ? Json("") : hot[0]["class"]},
                  {"traffic", hot.empty() ? Json("") : hot[0]["traffic"]},
                  {"mean_utilisation", hot.empty() ? Json(0) : hot[0]["mean_utilisation"]}};
  return j;
}

}  // namespace

// Parts of the cost are left out: clusters without switches have other columns.
std::string compare_csv(const Comparison& comparison) {
  const Json document = compare_document(comparison);
  std::string text;
  for (std::size_t i = 0; i < comparison.clusters.size(); ++i) {
    Json prediction = flat_document(comparison.clusters[i].prediction);
    prediction["cost"].erase("parts");
    std::vector<Cell> cells;
    flatten(comparison_of(document["clusters"][i], comparison), "", cells);
    flatten(prediction, "", cells);
    if (i == 0) text += line_of(cells, &Cell::first);
    text += line_of(cells, &Cell::second);
  }
  return text;
}

std::string run_csv(const Prediction& prediction) {
  std::vector<Cell> cells;
  flatten(flat_document(prediction), "", cells);
  return line_of(cells, &Cell::first) + line_of(cells, &Cell::second);
}

std::string collective_csv(const CollectiveTable& table) {
  std::string text =
      "op,bytes,time_us,algbw_GBps,busbw_GBps,algorithm,protocol,channels,bound_us\n";
  const Json document = collective_document(table);
  for (const Json& row : document["rows"]) {
    std::vector<Cell> cells;
    flatten(row, "", cells);
    text += line_of(cells, &Cell::second);
  }
  return text;
}

std::string topo_csv(const TopoReport& topology) {
  std::vector<Cell> cells;
  flatten(topo_document(topology), "", cells);
  return line_of(cells, &Cell::first) + line_of(cells, &Cell::second);
}

}  // namespace tenk
