#include <catch2/catch.hpp>

#include "analysis/validate/hardware.h"

namespace tenk {
namespace {

std::string accelerator(std::string_view text) {
  std::vector<std::string> assumptions;
  return accelerator_named(text, assumptions).value_or("none");
}

TEST_CASE("an accelerator is known by its words, whatever joins them") {
  CHECK(accelerator("A100 SXM 80GB") == "a100-sxm-80");
  CHECK(accelerator("a100_40gb") == "a100-sxm-40");
  CHECK(accelerator("A100-SXM4-80GB") == "a100-sxm-80");
  CHECK(accelerator("NVIDIA H100-SXM5-80GB") == "h100-sxm");
  CHECK(accelerator("h100_pcie") == "h100-pcie");
  CHECK(accelerator("NVIDIA Blackwell GPU (GB200)") == "gb200");
  CHECK(accelerator("NVIDIA Blackwell GPU (B200-SXM-180GB)") == "b200");
  CHECK(accelerator("GH200 (H100 96GB)") == "gh200");
  CHECK(accelerator("RTX PRO 6000 Blackwell Server") == "rtx-pro-6000");
  CHECK(accelerator("TPU v4") == "none");
  CHECK(accelerator("BI150 (iluvatar)") == "none");
}

TEST_CASE("a text that leaves the card's size open says what was assumed") {
  std::vector<std::string> assumptions;
  CHECK(accelerator_named("A100", assumptions) == "a100-sxm-80");
  CHECK(assumptions.size() == 1);
}

TEST_CASE("a node's network is the largest product of a count and a rate in the text") {
  const auto found = [](std::string_view text) {
    const auto n = node_network_named(text);
    return n ? std::pair{n->nics, n->gbps} : std::pair{0, 0.0};
  };
  CHECK(found("Selene DGX A100: NVLink3 + 8x HDR200 IB") == std::pair{8, 200.0});
  CHECK(found("NVLink5; 8x CX-7 NDR400 per node") == std::pair{8, 400.0});
  CHECK(found("NVLink3 intra, 4x Omni-Path 100 Gb/s per node") == std::pair{4, 100.0});
  CHECK(found("Storage: 2x ConnectX-7 IB NDR 400Gb/s, Compute: 8x ConnectX-7 IB NDR 400Gb/s") ==
        std::pair{8, 400.0});
  CHECK(found("8x 200G NIC per node, Tomahawk 4 CLOS") == std::pair{8, 200.0});
  CHECK(found("NVLink3 single node") == std::pair{0, 0.0});
  CHECK(found("") == std::pair{0, 0.0});
}

}  // namespace
}  // namespace tenk
