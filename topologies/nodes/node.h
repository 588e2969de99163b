// What does the inside of a server look like, and which servers do we know?
//
// A node kind is code for a shape (HGX: GPUs around NVSwitches); a preset is data for it
// (profiles/nodes/*.yaml). A kind is one .cpp that ends in a `const NodeKind`, plus one word in
// list.cpp.
#pragma once
#include <span>
#include <string>
#include <string_view>

#include "sim/base/section.h"
#include "sim/graph/fabric.h"

namespace tenk {

struct NodeKind {
  std::string_view name;
  std::string_view summary;
  NodeTemplate (*read)(Section& preset);  // Reads the preset's own keys; faults to the section.
};

std::span<const NodeKind* const> node_kinds();

// Reads a preset; its name is left empty. Throws Error with all faults.
NodeTemplate read_node(const Config& preset);

}  // namespace tenk
