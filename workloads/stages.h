// Which layers does each pipeline stage hold?
//
// A token passes pp x vpp chunks; chunk number c x pp + s is the c-th of stage s (Narayanan et al.
// 2021, section 2.2). Layers divide evenly if they can, with the embedding on the first chunk and
// the head on the last for nothing. Else embedding and head count as a layer each, and layers + 2
// are spread as evenly as possible, first over stages, then over the chunks of a stage: so Llama 3
// ran 126 layers on 16 x 8 chunks (Grattafiori et al. 2024, section 3.3.2). Or as listed.
#pragma once
#include <cstdint>
#include <vector>

#include "workloads/layout.h"

namespace tenk {

struct Chunk {
  std::int64_t first = 0;  // Number of its first layer.
  std::int64_t layers = 0;
  bool embedding = false;
  bool head = false;
};

// All chunks in the order a token passes them. Needs layers % chunks == 0, layers + 2 >= chunks, or
// a list. O(chunks).
std::vector<Chunk> assign_chunks(const LayoutSpec& layout, std::int64_t layers);

// Those of one stage, by chunk number.
std::vector<Chunk> chunks_of_stage(const LayoutSpec& layout, const std::vector<Chunk>& all,
                                   std::int64_t stage);

}  // namespace tenk
