// Does a topology report say what the fabric is, and is its picture one that can be read?
#include "analysis/topo.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <fstream>
#include <map>

#include "analysis/catalogue.h"
#include "analysis/report/catalogue_text.h"
#include "analysis/report/report.h"
#include "analysis/report/svg.h"
#include "tests/analysis/schema_check.h"
#include "tests/analysis/svg_check.h"
#include "tests/support.h"

namespace tenk {
namespace {

using Json = nlohmann::json;
using Form = TopoSketch::Form;

TopoReport topo(const std::string& cluster, const std::string& name = "test") {
  const Config file = testing::yaml("version: 1\nname: '" + name + "'\ncluster: " + cluster + "\n");
  return describe_topology(read_scenario(file, ScenarioUse::kClusterOnly));
}

std::string on(const std::string& node, int nodes, const std::string& fabric) {
  return "{nodes: " + std::to_string(nodes) + ", node: " + node + ", fabric: {" + fabric +
         ", link: {rate: 400Gbps, latency: 600ns}}}";
}

// Small and large, one rail and eight, two tiers and three, and all other forms of a picture.
std::vector<std::string> clusters() {
  using testing::endpoints;
  using testing::servers;
  return {endpoints(16, "levels: [{down: 8, up: 8}]"),
          endpoints(1, "tiers: 2, radix: 4"),
          servers(2, "tiers: 2, radix: 64, rails: 8"),
          servers(4, "tiers: 2, radix: 32"),
          servers(32, "tiers: 2, radix: 64, rails: 8"),
          servers(32, "tiers: 3, radix: 16"),
          servers(1280, "tiers: 3, radix: 64, rails: 8"),
          servers(1280, "tiers: 3, radix: 64, oversubscription: {leaf: 2, spine: 2}"),
          servers(12500, "tiers: 3, radix: 128, rails: 8"),
          endpoints(100000, "tiers: 3, radix: 128"),
          on("endpoint", 128, "kind: fat-tree, k: 8"),
          on("hgx-h100-8", 127, "kind: superpod"),
          on("hgx-h100-8", 32, "kind: rail-only, tiers: 2, radix: 16"),
          on("hgx-h100-8", 32, "kind: rail-only, rails: 4, tiers: 2, radix: 16"),
          on("hgx-h100-8", 1280, "kind: rail-only, rails: 2, tiers: 2, radix: 512"),
          on("endpoint", 72, "kind: dragonfly, p: 2, a: 4, h: 2"),
          on("hgx-h100-8", 1280, "kind: dragonfly, p: 8, a: 16, h: 8"),
          on("endpoint", 16, "kind: full-mesh"),
          on("hgx-h100-8", 1280, "kind: full-mesh")};
}

}  // namespace

TEST_CASE("a report counts what the graph holds: the k = 8 fat tree by hand") {
  const TopoReport r = topo(on("endpoint", 128, "kind: fat-tree, k: 8"));
  CHECK(r.accelerators == 128);
  CHECK(r.nodes == 128);
  const Json j = Json::parse(topo_json(r));
  CHECK(j["switches"] == Json{{"leaf", 32}, {"spine", 32}, {"core", 16}});
  CHECK(j["cables"] == Json{{"host", 128}, {"leaf-spine", 128}, {"spine-core", 128}});
  CHECK(j["diameter_hops"] == 4);
  CHECK(j["bisection_GBps"] == 64 * 50.0);  // k^3 / 8 cables of 50 GB/s.
  CHECK(j["oversubscription"] == 1.0);
  CHECK(j["buildable"] == true);
  CHECK(j["cost"]["capex_usd"].get<double>() > 0);
}

TEST_CASE("counts of the sketch are those of the facts, for every form") {
  for (const std::string& cluster : clusters()) {
    CAPTURE(cluster);
    const TopoReport r = topo(cluster);
    const TopoSketch& s = r.sketch;
    CHECK(s.tiers[0].count == r.nodes);
    if (s.form == Form::kMesh) continue;  // Its switch stands for no device.
    std::map<std::string, std::uint64_t> facts, sketch;
    for (const auto& kind : r.network.switches) facts[kind.kind] = kind.count;
    for (std::size_t t = 1; t < s.tiers.size(); ++t) sketch[s.tiers[t].kind] = s.tiers[t].count;
    CHECK(facts == sketch);
    for (const TopoSketch::Edge& e : s.edges) REQUIRE((e.a < e.b && e.b < s.boxes.size()));
    for (std::size_t slot = 0; slot < s.drawn.size(); ++slot) {
      for (std::size_t t = 0; t < s.tiers.size(); ++t) {
        const auto drawn = std::count_if(s.boxes.begin(), s.boxes.end(), [&](const auto& b) {
          return b.slot == slot && b.tier == t;
        });
        CHECK(static_cast<std::uint64_t>(drawn) <= s.members[slot][t]);
      }
    }
  }
}

TEST_CASE("the form of a picture and its groups come from the graph") {
  const auto shape = [](const std::string& cluster) {
    const TopoSketch s = topo(cluster).sketch;
    return std::tuple(s.form, s.group_word, s.groups);
  };
  using testing::servers;
  CHECK(shape(servers(32, "tiers: 2, radix: 64, rails: 8")) ==
        std::tuple(Form::kTiers, "unit", 1u));
  CHECK(shape(servers(64, "tiers: 2, radix: 64, rails: 8")) ==
        std::tuple(Form::kTiers, "unit", 2u));
  CHECK(shape(servers(1280, "tiers: 3, radix: 64, rails: 8")) ==
        std::tuple(Form::kTiers, "pod", 10u));
  CHECK(shape(on("hgx-h100-8", 32, "kind: rail-only, tiers: 2, radix: 16")) ==
        std::tuple(Form::kPlanes, "plane", 8u));
  CHECK(shape(on("endpoint", 72, "kind: dragonfly, p: 2, a: 4, h: 2")) ==
        std::tuple(Form::kGroups, "group", 9u));
  CHECK(std::get<0>(shape(on("endpoint", 16, "kind: full-mesh"))) == Form::kMesh);
}

TEST_CASE("the checker of pictures finds what it is for") {
  CHECK(xml_fault("<a b=\"1\"><c/>x &amp; y</a>\n") == "");
  for (const char* bad :
       {"", "<a>", "<a></b>", "<a/><b/>", "<a>&</a>", "<a>&nbsp;</a>", "<a b=1/>",
        "<a b=\"1\" b=\"2\"/>", "<a>\x1b</a>", "<a>\xff</a>", "<a b=\"<\"/>", "x"}) {
    CAPTURE(bad);
    CHECK(xml_fault(bad) != "");
  }
  const SvgText text{100, 50, 12, "middle", "abcdef", false};  // 40 pixels wide.
  CHECK(text.overlaps({115, 55, 12, "start", "x", false}));
  CHECK(text.overlaps({79, 50, 12, "end", "x", false}) == false);
  CHECK(text.overlaps({100, 64, 12, "middle", "abcdef", false}) == false);
}

TEST_CASE("a picture is well-formed, its texts are large enough and lie on nothing") {
  for (const std::string& cluster : clusters()) {
    CAPTURE(cluster);
    const std::string svg = topo_svg(topo(cluster));
    CHECK(xml_fault(svg) == "");
    const std::vector<SvgText> texts = svg_texts(svg);
    CHECK(texts.size() > 10);
    for (std::size_t i = 0; i < texts.size(); ++i) {
      const SvgText& t = texts[i];
      CAPTURE(t.text, t.x, t.y);
      CHECK(t.size >= 11);
      CHECK((t.left() >= 0 && t.right() <= 1200 && t.top() >= 0 && t.y <= 800));
      for (std::size_t k = 0; k < i; ++k) {
        CAPTURE(texts[k].text, texts[k].x, texts[k].y);
        CHECK_FALSE(t.overlaps(texts[k]));
      }
    }
    CHECK(svg.size() < 150'000);
  }
}

TEST_CASE("a picture shows name, counts, rates and what is in a node; equal bytes each time") {
  const std::string cluster = testing::servers(1280, "tiers: 3, radix: 64, rails: 8");
  const std::string svg = topo_svg(topo(cluster, "A & B <16> \"x\""));
  CHECK(svg == topo_svg(topo(cluster, "A & B <16> \"x\"")));
  CHECK(xml_fault(svg) == "");
  std::string all;
  for (const SvgText& t : svg_texts(svg)) all += t.text + "\n";
  for (const char* part :
       {"A & B <16> \"x\"", "10,240 accelerators, 1,280 nodes of hgx-h100-8", "896 switches",
        "30,720 cables", "\u00d7 320", "pod 0", "128 nodes, 32 leaf, 32 spine", "400 Gb/s",
        "1 : 1 down to up", "nvlink", "pcie-switch", "4 chips as one", "oversubscription"}) {
    CHECK_THAT(all, Catch::Contains(part));
  }
}

TEST_CASE("hostile names neither break the XML nor run out of the page") {
  const TopoReport plain = topo(testing::endpoints(4, "tiers: 2, radix: 4"));
  for (const std::string& name :
       {std::string(5000, 'W'), std::string("\x1b[2J\xff</svg><script>"),
        std::string("\xef\xbf\xbf ]]> &amp; \xe2\x80\xae"), std::string()}) {
    TopoReport r = plain;
    r.scenario = r.node.name = r.network.reason = name;
    r.network.cables.push_back({name, 1, Bandwidth::per_second(1)});
    r.network.buildable = false;
    r.network.assumptions = {name};
    const std::string svg = topo_svg(r);
    CHECK(xml_fault(svg) == "");
    CHECK(svg.find("<script") == std::string::npos);
    for (const SvgText& t : svg_texts(svg)) CHECK(t.right() <= 1200);
  }
}

TEST_CASE("the JSON of a topology, of the kinds and of a list keep to the schema") {
  const Json schema =
      Json::parse(std::ifstream(std::string(TENK_SOURCE_DIR) + "/docs/result.schema.json"));
  for (const std::string& cluster : clusters()) {
    CAPTURE(cluster);
    const Json j = Json::parse(topo_json(topo(cluster)));
    CHECK(schema_faults(j, schema) == std::vector<std::string>{});
    CHECK(j.size() == schema["$defs"]["topology"]["properties"].size());
  }
  CHECK(schema_faults(Json::parse(kinds_json(catalogue())), schema).empty());
  for (const CatalogueKind& kind : catalogue()) {
    CHECK(schema_faults(Json::parse(entries_json(kind)), schema).empty());
  }
}

TEST_CASE("a topology's table fits 100 columns; CSV has a header and a row; Markdown a title") {
  const auto widest = [](const std::string& text) {
    std::size_t most = 0;
    for (std::size_t begin = 0; begin < text.size();) {
      const std::size_t end = std::min(text.find('\n', begin), text.size());
      most = std::max(most, end - begin);
      begin = end + 1;
    }
    return most;
  };
  TopoReport r = topo(testing::servers(1280, "tiers: 3, radix: 64, rails: 8"), "x|y");
  CHECK_THAT(topo_table(r, {}), Catch::Contains("10,240 accelerators in 1,280 nodes"));
  CHECK_THAT(topo_markdown(r), Catch::StartsWith("# x\\|y\n"));
  const std::string csv = topo_csv(r);
  CHECK(std::count(csv.begin(), csv.end(), '\n') == 2);
  CHECK_THAT(csv, Catch::Contains(",switches.leaf,switches.spine,switches.core,"));
  r.scenario = r.network.reason = r.node.name = r.network.switches[0].kind = std::string(300, 'z');
  r.network.buildable = false;
  r.network.assumptions = {std::string(300, 'a')};
  r.network.switches[0].count = 1ull << 62;
  CHECK(widest(topo_table(r, {})) <= 100);
  CHECK(widest(kinds_table(catalogue())) <= 100);
  for (const CatalogueKind& kind : catalogue()) CHECK(widest(entries_table(kind)) <= 100);
}

TEST_CASE("every entry of the catalogue has a name of its own and a summary") {
  for (const CatalogueKind& kind : catalogue()) {
    CAPTURE(kind.name);
    CHECK_FALSE(kind.entries.empty());
    std::map<std::string, int> names;
    for (const CatalogueEntry& e : kind.entries) {
      CAPTURE(e.name);
      CHECK(++names[e.name] == 1);
      CHECK_FALSE(e.summary.empty());
      const bool full = kind.presets || kind.name == "fabrics";  // Text to copy from.
      CHECK((full ? e.details.size() > 20 : e.details.find('\n') + 1 >= e.details.size()));
    }
  }
}

}  // namespace tenk
