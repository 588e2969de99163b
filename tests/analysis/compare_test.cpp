// Whose lead is real: the laws of ratios, and what a comparison says in every format.
#include "analysis/compare.h"

#include <catch2/catch.hpp>

#include <fstream>
#include <map>
#include <sstream>

#include "analysis/lead.h"
#include "analysis/link_traffic.h"
#include "analysis/predict.h"
#include "analysis/report/report.h"
#include "sim/base/error.h"
#include "sim/base/text.h"
#include "tests/analysis/schema_check.h"
#include "tests/support.h"

namespace tenk {
namespace {

using Catch::Contains;
using Catch::StartsWith;
using Json = nlohmann::json;

constexpr auto kDp = static_cast<std::size_t>(Category::kDp);

// A step of `step_s`, of which 6 s are computation and the rest dp over one kind of links; two
// uncertain numbers: one that makes all of it slower by 10 %, one the dp part by `network_ci`.
ComparedCluster cluster(const std::string& label, double step_s, double usd,
                        double network_ci = 0.1) {
  ComparedCluster c;
  c.label = label;
  Prediction& p = c.prediction;
  p.scenario = label + " of tests";
  p.accelerators = 1024;
  p.step_time = Time::seconds(step_s);
  p.tokens_per_s = 1e6 / step_s;
  p.interval_low_s = 0.9 * step_s;
  p.interval_high_s = 1.1 * step_s;
  p.breakdown_s[static_cast<std::size_t>(Category::kCompute)] = 6;
  p.breakdown_s[kDp] = step_s - 6;
  p.links = {{"nvlink out", 1024, 1, 0.5}, {"leaf-spine up", 512, 1, 0.3}};
  p.traffic = {{"nvlink out", Category::kTp, false, 3e12, 2},
               {"leaf-spine up", Category::kDp, true, 2e12, step_s - 6},
               {"leaf-spine up", Category::kPp, true, 1e12, 0.1}};
  p.variations = {{"card: speed", Time::seconds(1.1 * step_s)},
                  {"network: speed", Time::seconds(6 + (step_s - 6) * (1 + network_ci))}};
  p.cost.capex_usd = usd;
  p.cost.parts = {{"servers", 128, 0.8 * usd, 0.2 * usd, 0, false},
                  {"switches", 8, 0.2 * usd, 0.02 * usd, 0, true}};
  p.engine = {"fluid", "coflow", true, 1, 1, 1, 1, 1, 0.5};
  return c;
}

const Verdict& verdict(const Comparison& c, const std::string& question) {
  for (const Verdict& v : c.verdicts) {
    if (v.question == question) return v;
  }
  throw BugError("no such verdict");
}

// Widest line, in characters.
std::size_t widest(const std::string& text) {
  std::size_t most = 0;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) most = std::max(most, count_characters(line));
  return most;
}

Json schema() {
  return Json::parse(std::ifstream(std::string(TENK_SOURCE_DIR) + "/docs/result.schema.json"));
}

Scenario scenario(const std::string& fabric, const std::string& more = "") {
  return read_scenario(
      testing::yaml("{version: 1, name: small, cluster: {nodes: 8, node: hgx-h100-8, fabric: {" +
                    fabric +
                    "}}, job: {model: {layers: 8, hidden: 4096, heads: 32, vocab: 32000}, "
                    "parallel: {tp: 8, dp: 8}, batch: {global: 16, sequence: 4096}}" +
                    more + "}"),
      ScenarioUse::kWholeJob);
}
const std::string kLeafSpine =
    "kind: clos, tiers: 2, radix: 32, rails: 8, link: {rate: 400Gbps, latency: 600ns}";

}  // namespace

TEST_CASE("What two clusters have in common says nothing about their ratio") {
  const Prediction a = cluster("a", 8, 1e9).prediction;
  const Ratio same = step_ratio(a, a);
  CHECK(same.value == 1);
  CHECK(same.low == 1);
  CHECK(same.high == 1);
  CHECK(token_cost_ratio(a, a).high == 1);
  // 7 s to 8 s. The card makes both 10 % slower: 7.7 / 8.8 = 7 / 8. The network makes dp 10 %
  // longer: 7.1 / 8.2 - 7 / 8 = -0.009146.
  const Ratio r = step_ratio(cluster("b", 7, 1e9).prediction, a);
  CHECK(r.value == Approx(0.875));
  CHECK(r.high - r.value == Approx(0.009146).epsilon(1e-3));
  CHECK(r.value - r.low == Approx(0.009146).epsilon(1e-3));
}

TEST_CASE("Numbers of other profiles move alone, and widen the ratio") {
  const Prediction a = cluster("a", 8, 1e9).prediction;
  Prediction other = cluster("b", 7, 1e9).prediction;
  for (Variation& v : other.variations) v.number = "other " + v.number;
  // 7.7 / 8, 7 / 8.8, 7.1 / 8 and 7 / 8.2, each less 7 / 8, in quadrature: 0.0875, -0.0795, 0.0125
  // and -0.0213: 0.1208.
  const Ratio r = step_ratio(other, a);
  CHECK(r.high - r.value == Approx(0.1208).epsilon(1e-3));
}

TEST_CASE("The ratio of costs carries prices of the same name only as far as their shares differ") {
  Prediction a = cluster("a", 8, 1e9).prediction, b = a;
  CHECK(token_cost_ratio(b, a).high == 1);
  // The same step, but b saves all switches: 0.8. Servers 20 % of 1e9 dearer in both:
  // (0.8 + 0.2) / (1 + 0.2) - 0.8 = 0.0333; switches 2 % of 1e9 dearer in a: 0.8 / 1.02 - 0.8 =
  // -0.0157; together 0.0368.
  b.cost.capex_usd = 0.8e9;
  b.cost.parts.pop_back();
  const Ratio r = token_cost_ratio(b, a);
  CHECK(r.value == Approx(0.8));
  CHECK(r.high - r.value == Approx(0.0368).epsilon(2e-3));
  CHECK(leads(r));
}

TEST_CASE("A lead counts if its interval excludes 1 and it is not tiny") {
  CHECK(leads({0.9, 0.85, 0.95}));
  CHECK(!leads({0.9, 0.79, 1.01}));
  CHECK(!leads({0.998, 0.9979, 0.9981}));
  CHECK(!leads({1, 1, 1}));
}

TEST_CASE("Verdicts name the winner, or say that there is none and why") {
  const Comparison clear =
      compare_predictions({cluster("slow", 9, 1e9), cluster("fast", 7, 1.01e9)}, 0);
  CHECK(verdict(clear, "fastest").survives);
  CHECK(*verdict(clear, "fastest").leader == 1);
  CHECK_THAT(verdict(clear, "fastest").text,
             Contains("fast: 22.2 % +- ") && Contains("less time a step than slow"));
  CHECK(*verdict(clear, "cheapest_tokens").leader == 1);
  const Comparison level = compare_predictions({cluster("a", 8, 1e9), cluster("b", 8.01, 1e9)}, 0);
  CHECK(!verdict(level, "fastest").survives);
  CHECK(verdict(level, "fastest").text == "no winner: a and b are level (less than 0.5 % apart)");
  // All that a leads by depends on how fast the network really is.
  const Comparison unsure =
      compare_predictions({cluster("a", 8, 1e9, 0.2), cluster("b", 8.2, 1e9, 0.01)}, 1);
  CHECK(verdict(unsure, "fastest").text == "no winner: a leads b by 2.4 % +- 4.6 %");
}

TEST_CASE("A cluster that cannot be built is in the table but wins no verdict of the buildable") {
  ComparedCluster dream = cluster("dream", 6.5, 1e8);
  dream.prediction.buildable = false;
  dream.prediction.reason = "a switch needs 4,096 ports";
  const Comparison c = compare_predictions({cluster("a", 9, 1e9), dream, cluster("b", 8, 1e9)}, 0);
  CHECK(*verdict(c, "fastest").leader == 1);
  CHECK(*verdict(c, "fastest_buildable").leader == 2);
  CHECK(*verdict(c, "cheapest_tokens").leader == 1);
  CHECK(*verdict(c, "cheapest_tokens_buildable").leader == 2);
  CHECK_THAT(c.why, Contains("dream would take") && Contains("a switch needs 4,096 ports"));
  CHECK_THAT(compare_table(c, {}), Contains("no: ports") && Contains("Not feasible"));
  dream.prediction.buildable = true;
  dream.prediction.fits = false;
  const Comparison nobody = compare_predictions({dream}, 0);
  CHECK(!verdict(nobody, "fastest_buildable").leader);
  CHECK_THAT(verdict(nobody, "fastest_buildable").text, StartsWith("nobody"));
  CHECK(verdict(nobody, "fastest").text == "dream, which is the only one");
}

TEST_CASE("The why names category, traffic, links and price, all from the predictions") {
  const Comparison c = compare_predictions({cluster("a", 7, 1e9), cluster("b", 8, 0.9e9)}, 0);
  CHECK_THAT(
      c.why,
      Contains("a takes 7.00 s a step, 85.7 % of it compute.") &&
          Contains("b takes 1.00 s (14.3 %) longer, most of it data parallel (dp) (+1.00 s)") &&
          Contains("dp traffic meets leaf-spine up full for 2.00 s") &&
          Contains("mean utilisation 30.0 %") && Contains("in a for 1.00 s") &&
          Contains("costs 100.0 million USD (10.0 %) less and draws the same power"));
}

TEST_CASE("Hot links are those of the network where one is hot, each with its traffic") {
  ComparedCluster quiet = cluster("quiet", 8, 1e9);
  quiet.prediction.links[1].peak_utilisation = 0.1;
  const Comparison c = compare_predictions({cluster("a", 8, 1e9), quiet}, 0);
  REQUIRE(c.clusters[0].hot_links.size() == 1);
  const HotLink& hot = c.clusters[0].hot_links[0];
  CHECK(hot.use.kind == "leaf-spine up");
  CHECK(hot.traffic == Category::kDp);
  CHECK(hot.traffic_share == Approx(2.0 / 3));
  CHECK(hot.full_s == 2);
  REQUIRE(c.clusters[1].hot_links.size() == 2);
  CHECK(c.clusters[1].hot_links[0].use.kind == "nvlink out");
}

TEST_CASE("A comparison keeps to the schema, its table to 120 columns, its CSV to its columns") {
  ComparedCluster wide = cluster(std::string(80, 'w'), 9e6, 9e14);
  wide.prediction.accelerators = 1u << 21;
  wide.prediction.tokens_per_s = 1e300;
  wide.prediction.fits = wide.prediction.buildable = false;
  wide.prediction.reason = std::string(300, 'r');
  wide.prediction.breakdown_s.fill(1'125'000);
  wide.prediction.links.push_back({std::string(90, 'k'), 123'456'789'012, 1, 1});
  wide.prediction.cost.cables = wide.prediction.cost.switches = 1ull << 60;
  wide.prediction.cost.usd_per_million_tokens = 1e15;
  const Comparison c = compare_predictions({cluster("a,\"|", 8, 1e9), wide}, 0);
  CHECK(widest(compare_table(c, {.unicode = true})) <= 120);
  const Json document = Json::parse(compare_json(c));
  CHECK(schema_faults(document, schema(), "comparison") == std::vector<std::string>{});
  CHECK(schema_faults(document, schema()) == std::vector<std::string>{});
  std::istringstream csv(compare_csv(c));
  std::vector<std::size_t> commas;
  for (std::string line; std::getline(csv, line);) {
    bool quoted = false;
    commas.push_back(0);
    for (const char ch : line) {
      if (ch == '"') quoted = !quoted;
      commas.back() += ch == ',' && !quoted;
    }
  }
  CHECK(commas.size() == 3);
  CHECK(commas[1] == commas[0]);
  CHECK(commas[2] == commas[0]);
  CHECK_THAT(compare_markdown(c), Contains("\n## Speed\n") && Contains("a,\"\\|"));
}

TEST_CASE("Traffic by category is all that crosses a kind of links, and full is never too long") {
  const Prediction p = predict(scenario(kLeafSpine));
  std::map<std::string, double> by_kind;
  for (const LinkTraffic& t : p.traffic) {
    by_kind[t.kind] += t.bytes;
    CHECK(t.full_s <= p.step_time.s());
    CHECK(t.network == (t.kind.rfind("host", 0) == 0 || t.kind.rfind("leaf", 0) == 0));
  }
  std::map<std::string, double> whole;
  for (const TrunkClassUse& t : p.trunk_classes) {
    whole[t.kind] += static_cast<double>(t.trunks) * t.bytes;
  }
  // Transfers end on whole picoseconds: a short one moves a part in 10^8 more or less than asked.
  for (const auto& [kind, bytes] : by_kind) CHECK(bytes == Approx(whole[kind]).epsilon(1e-8));
}

TEST_CASE("Scenarios are compared in their order, and unequal jobs are warned of") {
  const std::vector<Scenario> scenarios = {
      scenario(kLeafSpine),
      scenario("kind: clos, levels: [{down: 8, up: 1}], rails: 1, link: "
               "{rate: 400Gbps, latency: 600ns}"),
      scenario(kLeafSpine, ", placement: {order: [dp, tp, pp]}")};
  const Comparison c = compare(scenarios, {.labels = {"a", "b", "c"}, .baseline = "b"});
  CHECK(c.baseline == 1);
  CHECK(c.clusters[1].step_ratio.value == 1);
  CHECK(c.clusters[0].step_ratio.value <= 1);
  CHECK(c.clusters[2].label == "c");
  CHECK(c.warnings == std::vector<std::string>{"a and c differ in their placement"});
  CHECK_THROWS_WITH(compare(scenarios, {.labels = {"aa", "bb", "cc"}, .baseline = "ba"}),
                    Contains("--baseline: none of the scenarios is \"ba\"; did you mean"));
}

}  // namespace tenk
