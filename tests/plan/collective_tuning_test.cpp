// The tables that collectives are chosen by, as files.
#include <catch2/catch.hpp>

#include "sim/base/presets.h"
#include "sim/plan/collective_tuning.h"
#include "tests/support.h"

namespace tenk {
namespace {

TEST_CASE("Every collective tuning and every NIC reads, with a source for each number") {
  for (const std::string& name : preset_names("collectives")) {
    CAPTURE(name);
    const CollectiveTuning t = read_collective_tuning(load_preset("collectives", name));
    CHECK(!t.name.empty());
    for (const RingPace& pace : t.pace) {
      CHECK(pace.base.value > 0);
      CHECK(!pace.base.source.empty());
    }
    CHECK(t.pairs.ll_base.value <= t.pairs.base.value);
    CHECK(t.own_copy.value > 0);
  }
  for (const std::string& name : preset_names("nics")) {
    CAPTURE(name);
    const NicTuning nic = read_nic_tuning(load_preset("nics", name));
    CHECK(nic.name == name);
    CHECK(nic.tree_efficiency.value <= nic.efficiency.value);
  }
}

TEST_CASE("A tuning takes its network efficiency from its NIC") {
  const CollectiveTuning t = load_collective_tuning("nccl-hopper", "slingshot-11");
  CHECK(t.network_efficiency.value == t.nic.efficiency.value);
  CHECK(t.nic.name == "slingshot-11");
  CHECK_FALSE(t.nic.ll128);
}

TEST_CASE("Wrong tunings are refused with every fault named") {
  const auto message = [](const std::string& text, auto read) {
    try {
      read(testing::yaml(text));
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  const std::string nic = message("{nic: x, efficiency: 1}", read_nic_tuning);
  CHECK_THAT(nic, Catch::Contains("tree-efficiency") && Catch::Contains("ll128"));
  const std::string tuning = message(
      "{source: x, ring: {base: [1us, 2us], nvlink: [1us, 1us, 1us]}, nvls: {channel-speeds: [0]}}",
      read_collective_tuning);
  CHECK_THAT(tuning, Catch::Contains("expected three values; found 2") &&
                         Catch::Contains("is no number between 0 and 1000"));
}

}  // namespace
}  // namespace tenk
