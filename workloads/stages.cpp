#include "workloads/stages.h"

#include "sim/base/error.h"

namespace tenk {
namespace {

// Part i of n of `total`, as even as possible: the larger parts spread out, the first among them.
std::int64_t even_part(std::int64_t total, std::int64_t n, std::int64_t i) {
  const auto up_to = [&](std::int64_t k) { return (k * total + n - 1) / n; };
  return up_to(i + 1) - up_to(i);
}

// Units of each chunk, by virtual stage, when embedding and head are units like layers.
std::vector<std::int64_t> spread(std::int64_t units, std::int64_t pp, std::int64_t vpp) {
  std::vector<std::int64_t> chunks(static_cast<std::size_t>(pp * vpp));
  for (std::int64_t s = 0; s < pp; ++s) {
    const std::int64_t of_stage = even_part(units, pp, s);
    for (std::int64_t c = 0; c < vpp; ++c) {
      chunks[static_cast<std::size_t>(c * pp + s)] = even_part(of_stage, vpp, c);
    }
  }
  return chunks;
}

}  // namespace

std::vector<Chunk> assign_chunks(const LayoutSpec& layout, std::int64_t layers) {
  const std::int64_t n = layout.chunks();
  std::vector<std::int64_t> count = layout.chunk_layers;
  if (count.empty() && layers % n == 0) {
    count.assign(static_cast<std::size_t>(n), layers / n);
  } else if (count.empty()) {
    TENK_CHECK(layers + 2 >= n, "each chunk has a layer, the embedding or the head");
    count = spread(layers + 2, layout.pp, layout.vpp);
    --count.front();
    --count.back();
  }
  TENK_CHECK(static_cast<std::int64_t>(count.size()) == n, "a number of layers for each chunk");
  std::vector<Chunk> chunks(count.size());
  for (std::size_t i = 0; i < chunks.size(); ++i) {
    chunks[i].layers = count[i];
    if (i > 0) chunks[i].first = chunks[i - 1].first + count[i - 1];
  }
  chunks.front().embedding = true;
  chunks.back().head = true;
  return chunks;
}

std::vector<Chunk> chunks_of_stage(const LayoutSpec& layout, const std::vector<Chunk>& all,
                                   std::int64_t stage) {
  std::vector<Chunk> own;
  for (std::int64_t c = 0; c < layout.vpp; ++c) {
    own.push_back(all[static_cast<std::size_t>(c * layout.pp + stage)]);
  }
  return own;
}

}  // namespace tenk
