// What does one attention problem hold in memory, and is its result right?
#pragma once
#include "calibration/probes/attention.h"

namespace tenk::probe {

class AttentionBuffers {
 public:
  explicit AttentionBuffers(const AttentionSize& size);  // Throws NotPossible: too little memory.
  void fill(cudaStream_t stream) const;                  // Random inputs, poisoned outputs.
  Attention problem() const;

 private:
  AttentionSize size_;
  std::int64_t queries_, keys_;  // Elements.
  Memory q_, k_, v_, o_, d_o_, dq_, dk_, dv_, lse_, delta_;
};

// After forward and backward: every element is written; the output, its log-sum-exp and all three
// gradients of sampled rows agree with FP64. Throws WrongResult.
void check_attention(const Attention& p, cudaStream_t stream);

}  // namespace tenk::probe
