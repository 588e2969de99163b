// What does one rank compute and exchange with its tensor-parallel peers, layer by layer?
//
// A pass is the work of one micro-batch in one direction, in order. Forward, of each half of a
// block, as Megatron-LM runs it: norm, [all-gather], product, inner kernels, product,
// [reduce-scatter], dropout and residual; without sequence parallelism one all-reduce after the
// second product instead. Backward is the mirror image, data and weight gradient of each product;
// there Megatron always overlaps the re-gather of the first product's input with its data gradient,
// and the reduce-scatter (all-reduce) of the result with its weight gradient (megatron/core/
// tensor_parallel/layers.py, LinearWithGradAccumulationAndAsyncCommunication). We do the same; what
// the overlap costs is the engine's business. Full recomputation runs the forward pass of a layer,
// with its communication, before its backward.
//
// Latent attention first makes its narrow vectors of the tokens between the regions, gathers those,
// and unpacks them for the heads of this rank. A layer of experts has in place of the second half:
// norm, router, dispatch, experts, combine, the shared expert like a perceptron, residual, one
// after the other (workloads/experts.h; sorting tokens by expert streams them). Multi-token modules
// are part of the head: two norms, a product, a layer and a head each.
//
// What stands between the projections of attention is workloads/attention.h.
//
// With overlap.tp gathers and reductions also run beside the product they feed or follow, cut in tp
// parts (Wang et al., ASPLOS 2023; Transformer Engine's user buffers); only the first part before
// and the last part after it are exposed (assumed).
//
// Precision: under fp8 the three products of each linear layer of a block are in FP8 and all else
// (attention, logits, what is sent) is as under bf16, as Transformer Engine trains (Micikevicius et
// al. 2022, "FP8 Formats for Deep Learning", section 3.1). Each operand is cast once, to itself and
// its transpose; scales are of the step before (assumed: casts are kernels of their own).
//
// Matrix products and attention are at sustained power (workloads/kernels.h). Weight gradients add
// to FP32 sums in the product's epilogue (Megatron: gradient_accumulation_fusion); that traffic is
// assumed not to hide behind the main loop. The rest streams: norms, rotary, activation functions,
// dropout with residual, cross-entropy and Adam, each by the bytes a fused kernel must move
// (assumed; the numbers stand in layer_times.cpp).
#pragma once
#include <cstdint>
#include <vector>

#include "sim/base/units.h"
#include "sim/plan/category.h"
#include "sim/plan/device_profile.h"
#include "workloads/layout.h"

namespace tenk {

// With whom: ranks that share a layer, its experts, each expert, or sequences; of the last, also
// the next one in their ring.
enum class Peers : std::uint8_t { kTp, kEp, kEtp, kCp, kCpNext };

// Computation of some time, or (if `communicates`) a collective; kSend goes to the next of a ring,
// and as much comes from the one before.
struct Piece {
  Time compute = {};
  Time host = {};  // Of the CPU, to issue this and (in a pass) what follows.
  bool communicates = false;
  Peers peers = Peers::kTp;
  bool beside_next = false;  // Runs beside the computation that follows; then both are awaited.
  Collective op = Collective::kAllReduce;
  Bytes bytes = {};  // As workloads/workload.h counts them.
};
using Pass = std::vector<Piece>;

// Backward includes what `recompute` repeats. It may be cut in two: gradients of the inputs, with
// what is repeated, and of the weights (Qi et al. 2023); then what is gathered or reduced has no
// other product to run beside.
struct LayerPasses {
  LayerKind kind;
  Pass forward, backward, inputs, weights;
};

struct ModelPasses {
  Pass embedding_forward, embedding_backward;
  std::vector<LayerPasses> layers;   // Of each kind that the model has.
  Pass head_forward, head_backward;  // Final norm, logits, cross-entropy; multi-token modules.
  Pass head_inputs, head_weights;

  const LayerPasses& of(const LayerKind& kind) const;
};
// A layer's passes carry the host's time; what embedding and head need is left out (assumed small).
ModelPasses model_passes(const TrainingSpec& training, const DeviceProfile& device);

// Adds `more` at the end of `pass`; neighbouring computations become one where nothing in between
// can tell. Throws Error{kInvalid} if that one takes longer than kLongestStep.
void append(Pass& pass, const Pass& more);

// A streaming kernel that moves so many bytes.
Time streamed(const DeviceProfile& device, double bytes);

inline constexpr double kLongestStep = 1e6;  // Seconds; int64 picoseconds end at 9.2e6.
[[noreturn]] void fail_too_long();           // That Error.

}  // namespace tenk
