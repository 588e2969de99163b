#include "calibration/probes/shapes.h"

#include <algorithm>
#include <tuple>

namespace tenk::probe {
namespace {

// Width, columns of query/key/value, columns of gate and up (or of the one up), inner width.
struct LayerWidths {
  std::int64_t h, qkv, up, inner;
};

const std::vector<LayerWidths>& layers() {
  static const std::vector<LayerWidths> kLayers = {
      {4096, 6144, 28672, 14336},     // Llama 3 8B
      {8192, 10240, 57344, 28672},    // Llama 3 70B
      {12288, 36864, 49152, 49152},   // GPT-3 175B
      {2048, 6144, 8192, 8192},       // GPT 1.3B
      {16384, 18432, 106496, 53248},  // Llama 3 405B
      {5120, 7168, 55296, 27648},     // Qwen 2.5 32B
      {1024, 3072, 4096, 4096},       // GPT 0.35B
      {18432, 55296, 73728, 73728}};  // the widest, plain: 3 h, 4 h
  return kLayers;
}

bool equal(const GemmShape& a, const GemmShape& b) {
  return std::tie(a.m, a.n, a.k, a.groups, a.pass) == std::tie(b.m, b.n, b.k, b.groups, b.pass);
}

void add(std::vector<GemmShape>& shapes, const GemmShape& shape) {
  const bool known = std::any_of(shapes.begin(), shapes.end(),
                                 [&](const GemmShape& other) { return equal(shape, other); });
  if (!known) shapes.push_back(shape);
}

void add_squares(std::vector<GemmShape>& shapes, std::int64_t most) {
  for (const std::int64_t side : {8192, 4096, 2048, 16384, 1024, 512}) {
    if (side <= most) add(shapes, {side, side, side});
  }
}

void add_layer(std::vector<GemmShape>& shapes, const LayerWidths& w, std::int64_t tokens) {
  add(shapes, {tokens, w.qkv, w.h});
  add(shapes, {tokens, w.h, w.h});
  add(shapes, {tokens, w.up, w.h});
  add(shapes, {tokens, w.h, w.inner});
}

// One of 8 cards under tensor parallelism.
void add_shard(std::vector<GemmShape>& shapes, const LayerWidths& w, std::int64_t tokens) {
  constexpr std::int64_t kShards = 8;
  add(shapes, {tokens, w.qkv / kShards, w.h});
  add(shapes, {tokens, w.h, w.h / kShards});
  add(shapes, {tokens, w.up / kShards, w.h});
  add(shapes, {tokens, w.h, w.inner / kShards});
}

}  // namespace

std::vector<GemmShape> forward_shapes() {
  std::vector<GemmShape> shapes;
  add_squares(shapes, 16384);
  for (const std::int64_t tokens : {4096, 8192}) {
    for (std::size_t i = 0; i < 4; ++i) add_layer(shapes, layers()[i], tokens);
  }
  add_shard(shapes, layers()[1], 8192);
  add_shard(shapes, layers()[4], 8192);
  add_shard(shapes, layers()[2], 4096);
  for (const std::int64_t tokens : {4096, 8192}) {  // Vocabularies of Llama 3 and GPT.
    add(shapes, {tokens, 128256, 4096});
    add(shapes, {tokens, 16032, 8192});
    add(shapes, {tokens, 51200, 4096});
  }
  // Steps of tiles and waves: all other sides stay.
  for (std::int64_t n = 1024; n <= 8192; n += 512) add(shapes, {4096, n, 4096});
  for (std::int64_t n = 2176; n <= 3072; n += 128) add(shapes, {2048, n, 4096});
  for (const std::int64_t tokens : {1, 16, 64, 128, 256, 512, 1024, 2048, 16384}) {
    for (std::size_t i = 0; i < 2; ++i) add_layer(shapes, layers()[i], tokens);
  }
  for (const std::int64_t k : {256, 512, 1024, 2048, 16384, 32768}) add(shapes, {4096, 4096, k});
  for (const std::int64_t tokens : {2048, 16384, 4096}) {
    for (std::size_t i = 4; i < 8; ++i) add_layer(shapes, layers()[i], tokens);
  }
  return shapes;
}

std::vector<GemmShape> backward_shapes() {
  std::vector<GemmShape> shapes;
  for (const std::int64_t tokens : {4096, 8192, 1024}) {
    std::vector<GemmShape> forward;
    for (std::size_t i = 0; i < 4; ++i) add_layer(forward, layers()[i], tokens);
    for (const GemmShape& f : forward) {
      add(shapes, {f.m, f.k, f.n, 0, Pass::kDataGradient});
      add(shapes, {f.n, f.k, f.m, 0, Pass::kWeightGradient});
    }
  }
  return shapes;
}

std::vector<GemmShape> few_shapes() {
  std::vector<GemmShape> shapes;
  add_squares(shapes, 8192);
  for (const std::int64_t tokens : {4096, 1024}) {
    for (const std::size_t i : {0u, 3u, 1u}) add_layer(shapes, layers()[i], tokens);
  }
  for (std::int64_t n = 1024; n <= 6144; n += 1024) add(shapes, {4096, n, 4096});
  return shapes;
}

std::vector<GemmShape> grouped_shapes() {
  std::vector<GemmShape> shapes;
  // Inner width x model width of public mixtures: DeepSeek V3, Mixtral 8x7B, Qwen 3 235B.
  struct Expert {
    std::int64_t groups, h, up, inner;
  };
  const std::vector<Expert> experts = {
      {8, 4096, 28672, 14336}, {32, 7168, 4096, 2048}, {16, 4096, 3072, 1536}};
  for (const std::int64_t tokens : {512, 128, 2048}) {
    for (const Expert& e : experts) {
      add(shapes, {tokens, e.up, e.h, e.groups});
      add(shapes, {tokens, e.h, e.inner, e.groups});
    }
  }
  return shapes;
}

std::vector<AttentionSize> attention_sizes() {
  return {{1, 32, 8, 128, 4096, true},  {1, 32, 8, 128, 8192, true}, {2, 32, 32, 128, 2048, true},
          {1, 64, 8, 128, 4096, true},  {4, 16, 16, 64, 2048, true}, {1, 8, 1, 128, 8192, true},
          {1, 32, 8, 128, 16384, true}, {8, 16, 16, 64, 1024, true}, {1, 32, 32, 128, 4096, false},
          {1, 12, 12, 128, 2048, true}, {4, 32, 8, 128, 1024, true}, {16, 32, 8, 128, 512, true},
          {1, 96, 96, 128, 2048, true}, {1, 16, 16, 64, 8192, true}, {4, 16, 16, 64, 512, false},
          {1, 8, 1, 128, 2048, true},   {1, 2, 1, 128, 32768, true}};
}

std::vector<std::int64_t> memory_sizes() {
  std::vector<std::int64_t> sizes;
  for (std::int64_t bytes = 4096; bytes <= std::int64_t{1} << 34; bytes *= 4)
    sizes.push_back(bytes);
  return sizes;
}

std::vector<std::int64_t> link_sizes() {
  std::vector<std::int64_t> sizes;
  for (std::int64_t bytes = 8; bytes <= std::int64_t{1} << 30; bytes *= 8) sizes.push_back(bytes);
  sizes.push_back(std::int64_t{1} << 32);
  return sizes;
}

}  // namespace tenk::probe
