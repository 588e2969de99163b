// What does attention cost, forward and backward?
//
// Exact attention in tiles with running softmax (Milakov and Gimelshein, 2018; Dao et al.,
// FlashAttention, 2022): O = softmax(Q K^T / sqrt(d)) V. Backward computes the products again in
// two kernels, one over keys (dK, dV) and one over queries (dQ): 7 products where 5 are counted, no
// atomics, equal bits each time. mma.m16n8k16: none of Hopper's or Blackwell's own instructions.
#pragma once
#include "calibration/probes/device.h"
#include "calibration/probes/number.h"
#include "calibration/probes/shapes.h"

namespace tenk::probe {

// [batch, heads, sequence, head size] for Q, O, dO, dQ; kv_heads for K, V, dK, dV; BF16. heads is a
// multiple of kv_heads, the head size 64 or 128. lse, delta: FP32 [batch, heads, sequence].
struct Attention {
  const Bf16* q;
  const Bf16* k;
  const Bf16* v;
  Bf16* o;
  float* lse;  // Natural logarithm of the sum of exponentials, scaled scores.
  const Bf16* d_o;
  float* delta;  // Row sums of dO times O.
  Bf16* dq;
  Bf16* dk;
  Bf16* dv;
  std::int64_t batch, heads, kv_heads, head_dim, sequence;
  bool causal;
};

// Throw NotPossible for other head sizes or too little shared memory.
void attention_forward(const Attention& p, cudaStream_t stream);
void attention_backward(const Attention& p, cudaStream_t stream);  // Writes delta itself.

}  // namespace tenk::probe
