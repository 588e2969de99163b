// How is one matrix product asked for, whatever computes it?
//
// C (m x n) = A (m x k) B (k x n), for each group. The passes of a linear layer y = x W^T differ in
// how the operands lie in memory, all row-major, W as outputs x inputs:
//   forward          A = x [m][k]             B = W stored [n][k]   ("TN" in BLAS's words)
//   data gradient    A = dy [m][k]            B = W stored [k][n]   ("NN")
//   weight gradient  A = dy stored [k][m]     B = x stored [k][n]   ("NT")
// cuBLASLt does it where it was there at build time and is at run time: its first heuristic choice,
// as frameworks take it. Else our plain kernel, which knows BF16 forward alone.
#pragma once
#include <memory>
#include <string>

#include "calibration/probes/check.h"
#include "calibration/probes/device.h"
#include "calibration/probes/shapes.h"

namespace tenk::probe {

enum class Format { kBf16, kFp16, kFp8, kTf32, kFp32, kFp64, kInt8 };

const char* name_of(Format format);  // "bfloat16", ...
const char* name_of(Pass pass);      // "fwd", "dgrad", "wgrad"
std::int64_t in_bytes(Format format);
std::int64_t out_bytes(Format format);  // FP8 gives BF16, INT8 gives INT32.

// Of the FP64 reference, by format: rounding of the output and of inputs, products and sums.
Tolerance tolerance_of(Format format);

class MatmulLibrary {
 public:
  // `wanted` false: our kernel even where cuBLASLt is there.
  explicit MatmulLibrary(bool wanted = true);
  ~MatmulLibrary();
  MatmulLibrary(const MatmulLibrary&) = delete;
  MatmulLibrary& operator=(const MatmulLibrary&) = delete;

  bool is_cublas() const;
  std::string name() const;     // "cuBLASLt 13.0.2" or "tenk-probe mma.sync"
  std::string why_not() const;  // No cuBLASLt; empty if there is.

  struct State;
  const State& state() const { return *state_; }

 private:
  std::unique_ptr<State> state_;
};

// One product, ready to be called again and again on one stream at a time.
class Matmul {
 public:
  // Throws NotPossible if the library has nothing for it. The memory must outlive it.
  Matmul(const MatmulLibrary& library, Format format, const GemmShape& shape, const void* a,
         const void* b, void* c);
  ~Matmul();
  Matmul(Matmul&&) noexcept;

  void operator()(cudaStream_t stream) const;

 private:
  struct Plan;
  std::unique_ptr<Plan> plan_;
};

// Every element of C is written and sampled ones agree with FP64; throws WrongResult.
void check_matmul(Format format, const GemmShape& shape, const void* a, const void* b,
                  const void* c, cudaStream_t stream);

// Operands of one product: random A and B, and C poisoned.
class MatmulBuffers {
 public:
  MatmulBuffers(Format format, const GemmShape& shape, cudaStream_t stream);
  Matmul product(const MatmulLibrary& library) const;
  void poison_result(cudaStream_t stream) const;
  void check(cudaStream_t stream) const;

 private:
  Format format_;
  GemmShape shape_;
  std::int64_t groups_;
  Memory a_, b_, c_;
};

}  // namespace tenk::probe
