// D = alpha op(A) op(B) + beta C, column-major, in FP64. The environment's TENK_EMULATED_FAULT
// makes the first element of D wrong, to see that a probe finds it.
#include <cublasLt.h>

#include <cstdlib>
#include <cstring>

#include "calibration/probes/number.h"

namespace {

using tenk::probe::Bf16;
using tenk::probe::Fp16;
using tenk::probe::Fp8;

template <class T>
double decoded(const void* data, std::int64_t at) {
  return static_cast<double>(tenk::probe::decode(static_cast<const T*>(data)[at]));
}

double element(const void* data, cudaDataType_t type, std::int64_t at) {
  switch (type) {
    case CUDA_R_16BF:
      return decoded<Bf16>(data, at);
    case CUDA_R_16F:
      return decoded<Fp16>(data, at);
    case CUDA_R_8F_E4M3:
      return decoded<Fp8>(data, at);
    case CUDA_R_32F:
      return decoded<float>(data, at);
    case CUDA_R_64F:
      return decoded<double>(data, at);
    case CUDA_R_8I:
      return decoded<std::int8_t>(data, at);
    case CUDA_R_32I:
      break;
  }
  return decoded<std::int32_t>(data, at);
}

void assign(void* data, cudaDataType_t type, std::int64_t at, double value) {
  if (type == CUDA_R_16BF) {
    static_cast<Bf16*>(data)[at] = tenk::probe::to_bf16(static_cast<float>(value));
  } else if (type == CUDA_R_16F) {
    tenk::probe::encode(static_cast<float>(value), static_cast<Fp16*>(data)[at]);
  } else if (type == CUDA_R_32F) {
    static_cast<float*>(data)[at] = static_cast<float>(value);
  } else if (type == CUDA_R_64F) {
    static_cast<double*>(data)[at] = value;
  } else {
    static_cast<std::int32_t*>(data)[at] = static_cast<std::int32_t>(value);
  }
}

struct Operand {
  const void* data;
  const EmulatedLayout& layout;
  bool transposed;

  std::int64_t rows() const {
    return static_cast<std::int64_t>(transposed ? layout.columns : layout.rows);
  }
  std::int64_t columns() const {
    return static_cast<std::int64_t>(transposed ? layout.rows : layout.columns);
  }
  double at(std::int64_t batch, std::int64_t row, std::int64_t column) const {
    if (transposed) std::swap(row, column);
    return element(data, layout.type, batch * layout.stride + column * layout.leading + row);
  }
};

}  // namespace

extern "C" {

cublasStatus_t cublasLtCreate(cublasLtHandle_t* handle) {
  *handle = new int(0);
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtDestroy(cublasLtHandle_t handle) {
  delete handle;
  return CUBLAS_STATUS_SUCCESS;
}
std::size_t cublasLtGetVersion() { return 990102; }

cublasStatus_t cublasLtMatmul(cublasLtHandle_t, cublasLtMatmulDesc_t desc, const void* alpha,
                              const void* a, cublasLtMatrixLayout_t a_layout, const void* b,
                              cublasLtMatrixLayout_t b_layout, const void* beta, const void* c,
                              cublasLtMatrixLayout_t c_layout, void* d,
                              cublasLtMatrixLayout_t d_layout, const cublasLtMatmulAlgo_t* algo,
                              void*, std::size_t, cudaStream_t) {
  const Operand x{a, *a_layout, desc->a == CUBLAS_OP_T};
  const Operand y{b, *b_layout, desc->b == CUBLAS_OP_T};
  const Operand old{c, *c_layout, false};
  const Operand out{d, *d_layout, false};
  if (x.columns() != y.rows() || out.rows() != x.rows() || out.columns() != y.columns() ||
      algo->chosen != 1) {
    return CUBLAS_STATUS_NOT_SUPPORTED;
  }
  const double one = element(alpha, desc->scale, 0);
  const double zero = element(beta, desc->scale, 0);
  for (std::int64_t batch = 0; batch < d_layout->batch; ++batch) {
    for (std::int64_t j = 0; j < out.columns(); ++j) {
      for (std::int64_t i = 0; i < out.rows(); ++i) {
        double sum = zero == 0 ? 0 : zero * old.at(batch, i, j);
        for (std::int64_t k = 0; k < x.columns(); ++k) {
          sum += one * x.at(batch, i, k) * y.at(batch, k, j);
        }
        if (i + j == 0 && std::getenv("TENK_EMULATED_FAULT") != nullptr) sum += 1;
        assign(d, d_layout->type, batch * d_layout->stride + j * d_layout->leading + i, sum);
      }
    }
  }
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmulAlgoGetHeuristic(cublasLtHandle_t, cublasLtMatmulDesc_t,
                                              cublasLtMatrixLayout_t, cublasLtMatrixLayout_t,
                                              cublasLtMatrixLayout_t, cublasLtMatrixLayout_t,
                                              cublasLtMatmulPreference_t, int,
                                              cublasLtMatmulHeuristicResult_t* results,
                                              int* found) {
  results[0].algo.chosen = 1;
  *found = 1;
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmulDescCreate(cublasLtMatmulDesc_t* desc, cublasComputeType_t compute,
                                        cudaDataType_t scale) {
  *desc = new EmulatedDesc{compute, scale, CUBLAS_OP_N, CUBLAS_OP_N};
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulDescDestroy(cublasLtMatmulDesc_t desc) {
  delete desc;
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulDescSetAttribute(cublasLtMatmulDesc_t desc,
                                              cublasLtMatmulDescAttributes_t name,
                                              const void* value, std::size_t bytes) {
  if (name == CUBLASLT_MATMUL_DESC_TRANSA) std::memcpy(&desc->a, value, bytes);
  if (name == CUBLASLT_MATMUL_DESC_TRANSB) std::memcpy(&desc->b, value, bytes);
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatrixLayoutCreate(cublasLtMatrixLayout_t* layout, cudaDataType_t type,
                                          std::uint64_t rows, std::uint64_t columns,
                                          std::int64_t leading) {
  *layout = new EmulatedLayout{type, rows, columns, leading, 0, 1};
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatrixLayoutDestroy(cublasLtMatrixLayout_t layout) {
  delete layout;
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatrixLayoutSetAttribute(cublasLtMatrixLayout_t layout,
                                                cublasLtMatrixLayoutAttribute_t name,
                                                const void* value, std::size_t bytes) {
  if (name == CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT) std::memcpy(&layout->batch, value, bytes);
  if (name == CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET) {
    std::memcpy(&layout->stride, value, bytes);
  }
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmulPreferenceCreate(cublasLtMatmulPreference_t* preference) {
  *preference = new int(0);
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulPreferenceDestroy(cublasLtMatmulPreference_t preference) {
  delete preference;
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulPreferenceSetAttribute(cublasLtMatmulPreference_t,
                                                    cublasLtMatmulPreferenceAttributes_t,
                                                    const void*, std::size_t) {
  return CUBLAS_STATUS_SUCCESS;
}

}  // extern "C"
