#include "workloads/stages.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <numeric>

using namespace tenk;

namespace {

std::vector<std::int64_t> layers_of(std::int64_t layers, std::int64_t pp, std::int64_t vpp,
                                    std::vector<std::int64_t> list = {}) {
  LayoutSpec layout;
  layout.pp = pp;
  layout.vpp = vpp;
  layout.chunk_layers = std::move(list);
  std::vector<std::int64_t> counts;
  for (const Chunk& chunk : assign_chunks(layout, layers)) counts.push_back(chunk.layers);
  return counts;
}

}  // namespace

TEST_CASE("Llama 3's 126 layers, embedding and head are one each on 16 x 8 chunks") {
  const auto counts = layers_of(126, 16, 8);
  REQUIRE(counts.size() == 128);
  CHECK(counts.front() == 0);
  CHECK(counts.back() == 0);
  CHECK(std::count(counts.begin(), counts.end(), 1) == 126);
}

TEST_CASE("Layers that divide evenly are cut evenly, embedding and head come on top") {
  CHECK(layers_of(96, 8, 1) == std::vector<std::int64_t>(8, 12));
  CHECK(layers_of(96, 8, 3) == std::vector<std::int64_t>(24, 4));
}

TEST_CASE("126 layers on 16 stages are 8 less the embedding's and the head's one") {
  std::vector<std::int64_t> expected(16, 8);
  expected.front() = expected.back() = 7;
  CHECK(layers_of(126, 16, 1) == expected);
}

TEST_CASE("Listed layers are taken as they are") {
  CHECK(layers_of(10, 2, 2, {1, 4, 3, 2}) == std::vector<std::int64_t>{1, 4, 3, 2});
}

TEST_CASE("Units of chunks and of stages differ by one at most and add up") {
  for (std::int64_t pp = 1; pp <= 9; ++pp) {
    for (std::int64_t vpp = 1; vpp <= 5; ++vpp) {
      for (std::int64_t layers = std::max<std::int64_t>(pp * vpp - 2, 1); layers <= 60; ++layers) {
        auto units = layers_of(layers, pp, vpp);
        REQUIRE(std::accumulate(units.begin(), units.end(), std::int64_t{0}) == layers);
        if (layers % (pp * vpp) != 0) {
          ++units.front();
          ++units.back();
        }
        const auto [least, most] = std::minmax_element(units.begin(), units.end());
        REQUIRE(*most - *least <= 1);
        std::vector<std::int64_t> stages(static_cast<std::size_t>(pp));
        for (std::size_t i = 0; i < units.size(); ++i) stages[i % stages.size()] += units[i];
        const auto [few, many] = std::minmax_element(stages.begin(), stages.end());
        REQUIRE(*many - *few <= 1);
      }
    }
  }
}

TEST_CASE("The first chunk has the embedding and the last the head, of all chunks and of stages") {
  LayoutSpec layout;
  layout.pp = 3;
  layout.vpp = 2;
  const auto all = assign_chunks(layout, 12);
  const auto first = chunks_of_stage(layout, all, 0);
  const auto last = chunks_of_stage(layout, all, 2);
  REQUIRE(first.size() == 2);
  CHECK((first[0].embedding && !first[1].embedding && !first[0].head && !first[1].head));
  CHECK((last[1].head && !last[0].head && !last[0].embedding && !last[1].embedding));
}
