// Which job do Megatron-LM's arguments describe?
//
// A shell line ("--num-layers 32 --hidden-size 4096 --swiglu ..."; what stands before the first
// argument, line ends behind a backslash and quotes are fine) or YAML with the same names
// (NVIDIA/Megatron-LM, megatron/training/arguments.py and its --yaml-cfg; `_` is as `-`, maps in it
// are flattened). Defaults are Megatron's. It is not our file: arguments that we do not need are
// fine.
#pragma once
#include "workloads/model.h"

namespace tenk {

// A map from names without their dashes to text, true, or a list of texts; places are those in
// `given`. Faults: text that is neither arguments nor a map.
Config megatron_arguments(const Config& given, Faults& faults);

// `vocab`: what the scenario says, since Megatron takes it from the tokenizer; 0: the arguments
// must have --padded-vocab-size or --vocab-size, which is padded as Megatron does. `sequence` as in
// read_model.
TransformerSpec read_megatron_model(const Config& arguments, std::int64_t vocab,
                                    std::int64_t sequence, Faults& faults);

// `job` with what its model.megatron-args say of parallel {tp, cp, pp, vpp, ep, etp, dp,
// sequence-parallel, zero}, batch, router, precision, recompute and overlap where it says nothing
// itself; dp comes from --nnodes and --nproc-per-node. Without such arguments: `job`.
Section with_megatron_arguments(Section job, Faults& faults);

}  // namespace tenk
