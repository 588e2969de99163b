#include "calibration/probes/matmul.h"

#include <array>
#include <cstdlib>
#include <utility>

#include "calibration/probes/gemm_kernel.h"
#include "calibration/probes/library.h"

#if __has_include(<cublasLt.h>)
#include <cublasLt.h>
#define TENK_HAS_CUBLAS 1
#endif

namespace tenk::probe {
namespace {

struct FormatFacts {
  const char* name;
  std::int64_t in, out;
  Tolerance tolerance;
};

// Tolerances: the output's last place (BF16 2^-9, FP16 2^-12; doubled), and of the terms: sums of
// tensor cores are truncated (2^-13 allows for 16,384 terms), FP8's keep about 14 bits, TF32 rounds
// both inputs to 11 bits, FP32 and FP64 sum in their own precision, integers are exact.
const FormatFacts& facts(Format format) {
  static const std::array<FormatFacts, 7> kFacts = {{{"bfloat16", 2, 2, {0x1p-8, 0x1p-13}},
                                                     {"float16", 2, 2, {0x1p-11, 0x1p-13}},
                                                     {"fp8", 1, 2, {0x1p-8, 0x1p-10}},
                                                     {"tf32", 4, 4, {0, 0x1p-10}},
                                                     {"float32", 4, 4, {0, 0x1p-18}},
                                                     {"float64", 8, 8, {0, 0x1p-44}},
                                                     {"int8", 1, 4, {0, 0}}}};
  return kFacts[static_cast<std::size_t>(format)];
}

std::int64_t groups_of(const GemmShape& s) { return s.groups > 0 ? s.groups : 1; }

template <class In, class Out>
void check_as(const GemmShape& s, const void* a, const void* b, const void* c, Format format,
              cudaStream_t stream) {
  Product<In, Out> p{static_cast<const In*>(a),
                     static_cast<const In*>(b),
                     static_cast<const Out*>(c),
                     {},
                     {},
                     {},
                     s.m,
                     s.n,
                     s.k,
                     groups_of(s)};
  p.a_at = {s.k, 1, s.m * s.k};
  p.b_at = {s.n, 1, s.n * s.k};
  p.c_at = {s.n, 1, s.m * s.n};
  if (s.pass == Pass::kForward) p.b_at = {1, s.k, s.n * s.k};
  if (s.pass == Pass::kWeightGradient) p.a_at = {1, s.m, s.m * s.k};
  const std::string what = std::string("product of ") + name_of(format) + " " + name_of(s.pass) +
                           " " + std::to_string(s.m) + " x " + std::to_string(s.n) + " x " +
                           std::to_string(s.k);
  check_written(p.c, p.groups * s.m * s.n, what, stream);
  check_product(p, tolerance_of(format), what, stream);
}

template <class T>
void fill(const Memory& memory, std::uint64_t seed, cudaStream_t stream) {
  fill_random(memory.as<T>(), memory.bytes() / static_cast<std::int64_t>(sizeof(T)), seed, stream);
}

void fill_as(Format format, const Memory& memory, std::uint64_t seed, cudaStream_t stream) {
  switch (format) {
    case Format::kBf16:
      return fill<Bf16>(memory, seed, stream);
    case Format::kFp16:
      return fill<Fp16>(memory, seed, stream);
    case Format::kFp8:
      return fill<Fp8>(memory, seed, stream);
    case Format::kTf32:
    case Format::kFp32:
      return fill<float>(memory, seed, stream);
    case Format::kFp64:
      return fill<double>(memory, seed, stream);
    case Format::kInt8:
      return fill<std::int8_t>(memory, seed, stream);
  }
}

}  // namespace

const char* name_of(Format format) { return facts(format).name; }
std::int64_t in_bytes(Format format) { return facts(format).in; }
std::int64_t out_bytes(Format format) { return facts(format).out; }
Tolerance tolerance_of(Format format) { return facts(format).tolerance; }
const char* name_of(Pass pass) {
  if (pass == Pass::kForward) return "fwd";
  return pass == Pass::kDataGradient ? "dgrad" : "wgrad";
}

// --- cuBLASLt -----------------------------------------------------------------------------------

#ifdef TENK_HAS_CUBLAS

namespace {

constexpr std::int64_t kWorkspace = 64ll << 20;

struct Functions {
  decltype(&cublasLtCreate) create = nullptr;
  decltype(&cublasLtDestroy) destroy = nullptr;
  decltype(&cublasLtGetVersion) version = nullptr;
  decltype(&cublasLtMatmul) multiply = nullptr;
  decltype(&cublasLtMatmulAlgoGetHeuristic) choose = nullptr;
  decltype(&cublasLtMatmulDescCreate) make_product = nullptr;
  decltype(&cublasLtMatmulDescDestroy) free_product = nullptr;
  decltype(&cublasLtMatmulDescSetAttribute) set_product = nullptr;
  decltype(&cublasLtMatrixLayoutCreate) make_layout = nullptr;
  decltype(&cublasLtMatrixLayoutDestroy) free_layout = nullptr;
  decltype(&cublasLtMatrixLayoutSetAttribute) set_layout = nullptr;
  decltype(&cublasLtMatmulPreferenceCreate) make_preference = nullptr;
  decltype(&cublasLtMatmulPreferenceDestroy) free_preference = nullptr;
  decltype(&cublasLtMatmulPreferenceSetAttribute) set_preference = nullptr;
};

bool find_all(const Library& library, Functions& f) {
  return library.find("cublasLtCreate", f.create) && library.find("cublasLtDestroy", f.destroy) &&
         library.find("cublasLtGetVersion", f.version) &&
         library.find("cublasLtMatmul", f.multiply) &&
         library.find("cublasLtMatmulAlgoGetHeuristic", f.choose) &&
         library.find("cublasLtMatmulDescCreate", f.make_product) &&
         library.find("cublasLtMatmulDescDestroy", f.free_product) &&
         library.find("cublasLtMatmulDescSetAttribute", f.set_product) &&
         library.find("cublasLtMatrixLayoutCreate", f.make_layout) &&
         library.find("cublasLtMatrixLayoutDestroy", f.free_layout) &&
         library.find("cublasLtMatrixLayoutSetAttribute", f.set_layout) &&
         library.find("cublasLtMatmulPreferenceCreate", f.make_preference) &&
         library.find("cublasLtMatmulPreferenceDestroy", f.free_preference) &&
         library.find("cublasLtMatmulPreferenceSetAttribute", f.set_preference);
}

// Of the headers' major version: the name of the library carries it.
std::vector<std::string> library_names() {
  const std::string file = "libcublasLt.so." + std::to_string(CUBLAS_VER_MAJOR);
  std::vector<std::string> names = {file};
  const char* const home = std::getenv("CUDA_HOME");
  if (home != nullptr) names.push_back(std::string(home) + "/lib64/" + file);
  names.push_back("/usr/local/cuda/lib64/" + file);
  return names;
}

void check_cublas(cublasStatus_t status, const char* what) {
  if (status == CUBLAS_STATUS_SUCCESS) return;
  throw CudaError(std::string(what) + ": cuBLASLt status " +
                  std::to_string(static_cast<int>(status)));
}

struct Types {
  cudaDataType_t in, out, scale;
  cublasComputeType_t compute;
};

Types types_of(Format format) {
  switch (format) {
    case Format::kBf16:
      return {CUDA_R_16BF, CUDA_R_16BF, CUDA_R_32F, CUBLAS_COMPUTE_32F};
    case Format::kFp16:
      return {CUDA_R_16F, CUDA_R_16F, CUDA_R_32F, CUBLAS_COMPUTE_32F};
    case Format::kFp8:
      return {CUDA_R_8F_E4M3, CUDA_R_16BF, CUDA_R_32F, CUBLAS_COMPUTE_32F};
    case Format::kTf32:
      return {CUDA_R_32F, CUDA_R_32F, CUDA_R_32F, CUBLAS_COMPUTE_32F_FAST_TF32};
    case Format::kFp32:
      return {CUDA_R_32F, CUDA_R_32F, CUDA_R_32F, CUBLAS_COMPUTE_32F};
    case Format::kFp64:
      return {CUDA_R_64F, CUDA_R_64F, CUDA_R_64F, CUBLAS_COMPUTE_64F};
    case Format::kInt8:
      break;
  }
  return {CUDA_R_8I, CUDA_R_32I, CUDA_R_32I, CUBLAS_COMPUTE_32I};
}

// 1 and 0 in the type of the scale.
struct Scale {
  float one_float = 1, zero_float = 0;
  double one_double = 1, zero_double = 0;
  std::int32_t one_int = 1, zero_int = 0;

  std::pair<const void*, const void*> one_and_zero(cudaDataType_t type) const {
    if (type == CUDA_R_64F) return {&one_double, &zero_double};
    if (type == CUDA_R_32I) return {&one_int, &zero_int};
    return {&one_float, &zero_float};
  }
};

}  // namespace

struct MatmulLibrary::State {
  Library library{library_names()};
  Functions call;
  cublasLtHandle_t handle = nullptr;
  std::unique_ptr<Memory> workspace;
  std::string missing;

  explicit State(bool wanted) {
    if (!wanted) {
      missing = "not asked for";
    } else if (!library.is_open()) {
      missing = "the library " + library_names()[0] + " was not found";
    } else if (!find_all(library, call)) {
      missing = library.name() + " lacks a function";
    } else {
      check_cublas(call.create(&handle), "cublasLtCreate");
      workspace = std::make_unique<Memory>(kWorkspace);
    }
  }
  ~State() {
    if (handle != nullptr) call.destroy(handle);
  }
};

struct CublasPlan {
  const MatmulLibrary::State& lib;
  Types types;
  Scale scale;
  cublasLtMatmulDesc_t product = nullptr;
  cublasLtMatrixLayout_t a = nullptr, b = nullptr, c = nullptr;
  cublasLtMatmulPreference_t preference = nullptr;
  cublasLtMatmulHeuristicResult_t choice{};

  CublasPlan(const MatmulLibrary::State& state, Format format, const GemmShape& s)
      : lib(state), types(types_of(format)) {
    check_cublas(lib.call.make_product(&product, types.compute, types.scale), "MatmulDescCreate");
    // Row-major C is column-major C^T = B^T A^T: our B is the library's first operand.
    const bool forward = s.pass == Pass::kForward;
    const bool weight = s.pass == Pass::kWeightGradient;
    set(CUBLASLT_MATMUL_DESC_TRANSA, forward ? CUBLAS_OP_T : CUBLAS_OP_N);
    set(CUBLASLT_MATMUL_DESC_TRANSB, weight ? CUBLAS_OP_T : CUBLAS_OP_N);
    if (format == Format::kFp8) set(CUBLASLT_MATMUL_DESC_FAST_ACCUM, static_cast<std::int8_t>(1));
    a = forward ? layout(types.in, s.k, s.n, s) : layout(types.in, s.n, s.k, s);
    b = weight ? layout(types.in, s.m, s.k, s) : layout(types.in, s.k, s.m, s);
    c = layout(types.out, s.n, s.m, s);
    choose(format, s);
  }
  CublasPlan(const CublasPlan&) = delete;
  CublasPlan& operator=(const CublasPlan&) = delete;
  ~CublasPlan() {
    if (preference != nullptr) lib.call.free_preference(preference);
    for (const cublasLtMatrixLayout_t each : {a, b, c}) {
      if (each != nullptr) lib.call.free_layout(each);
    }
    if (product != nullptr) lib.call.free_product(product);
  }

  template <class T>
  void set(cublasLtMatmulDescAttributes_t name, T value) const {
    check_cublas(lib.call.set_product(product, name, &value, sizeof(value)),
                 "MatmulDescSetAttribute");
  }

  // Column-major, packed; groups lie one after the other.
  cublasLtMatrixLayout_t layout(cudaDataType_t type, std::int64_t rows, std::int64_t columns,
                                const GemmShape& s) const {
    cublasLtMatrixLayout_t out = nullptr;
    check_cublas(lib.call.make_layout(&out, type, static_cast<std::uint64_t>(rows),
                                      static_cast<std::uint64_t>(columns), rows),
                 "MatrixLayoutCreate");
    if (groups_of(s) > 1) {
      const auto count = static_cast<std::int32_t>(s.groups);
      const std::int64_t stride = rows * columns;
      check_cublas(
          lib.call.set_layout(out, CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT, &count, sizeof(count)),
          "BATCH_COUNT");
      check_cublas(lib.call.set_layout(out, CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET, &stride,
                                       sizeof(stride)),
                   "STRIDED_BATCH_OFFSET");
    }
    return out;
  }

  void choose(Format format, const GemmShape& s) {
    check_cublas(lib.call.make_preference(&preference), "MatmulPreferenceCreate");
    const auto bytes = static_cast<std::size_t>(kWorkspace);
    check_cublas(lib.call.set_preference(preference, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES,
                                         &bytes, sizeof(bytes)),
                 "MAX_WORKSPACE_BYTES");
    int found = 0;
    const cublasStatus_t status =
        lib.call.choose(lib.handle, product, a, b, c, c, preference, 1, &choice, &found);
    if (status != CUBLAS_STATUS_SUCCESS || found == 0) {
      throw NotPossible(std::string("cuBLASLt has no ") + name_of(format) + " " + name_of(s.pass) +
                        " product of these sizes (status " +
                        std::to_string(static_cast<int>(status)) + ")");
    }
  }

  void call(const void* x, const void* y, void* z, cudaStream_t stream) const {
    const auto [one, zero] = scale.one_and_zero(types.scale);
    check_cublas(
        lib.call.multiply(lib.handle, product, one, y, a, x, b, zero, z, c, z, c, &choice.algo,
                          lib.workspace->as(), static_cast<std::size_t>(kWorkspace), stream),
        "cublasLtMatmul");
  }
};

bool MatmulLibrary::is_cublas() const { return state_->handle != nullptr; }

std::string MatmulLibrary::name() const {
  if (!is_cublas()) return "tenk-probe mma.sync";
  const std::size_t v = state_->call.version();
  return "cuBLASLt " + std::to_string(v / 10000) + "." + std::to_string(v / 100 % 100) + "." +
         std::to_string(v % 100);
}

#else

struct MatmulLibrary::State {
  std::string missing = "cublasLt.h was not there when this program was built";
  explicit State(bool) {}
};

// Never made: there is no library that asks for it.
struct CublasPlan {
  CublasPlan(const MatmulLibrary::State&, Format, const GemmShape&) {}
  void call(const void*, const void*, void*, cudaStream_t) const {}
};

bool MatmulLibrary::is_cublas() const { return false; }
std::string MatmulLibrary::name() const { return "tenk-probe mma.sync"; }

#endif

MatmulLibrary::MatmulLibrary(bool wanted) : state_(std::make_unique<State>(wanted)) {}
MatmulLibrary::~MatmulLibrary() = default;
std::string MatmulLibrary::why_not() const { return state_->missing; }

// --- One product --------------------------------------------------------------------------------

struct Matmul::Plan {
  GemmShape shape;
  const void* a;
  const void* b;
  void* c;
  std::unique_ptr<CublasPlan> cublas;
};

Matmul::Matmul(const MatmulLibrary& library, Format format, const GemmShape& shape, const void* a,
               const void* b, void* c)
    : plan_(new Plan{shape, a, b, c, nullptr}) {
  if (library.is_cublas()) {
    plan_->cublas = std::make_unique<CublasPlan>(library.state(), format, shape);
  } else if (format != Format::kBf16 || shape.pass != Pass::kForward) {
    throw NotPossible("our kernel has BF16 forward products alone, and " + library.why_not());
  } else if (shape.k % 8 != 0 || shape.n % 2 != 0) {
    throw NotPossible("our kernel needs k a multiple of 8 and n of 2");
  }
}
Matmul::~Matmul() = default;
Matmul::Matmul(Matmul&&) noexcept = default;

void Matmul::operator()(cudaStream_t stream) const {
  const Plan& p = *plan_;
  if (p.cublas) return p.cublas->call(p.a, p.b, p.c, stream);
  const GemmShape& s = p.shape;
  const PlainGemm plain = {static_cast<const Bf16*>(p.a),
                           static_cast<const Bf16*>(p.b),
                           static_cast<Bf16*>(p.c),
                           s.m,
                           s.n,
                           s.k,
                           s.m * s.k,
                           s.n * s.k,
                           s.m * s.n};
  const dim3 grid(blocks_for(s.m, kGemmTile), blocks_for(s.n, kGemmTile),
                  static_cast<unsigned>(groups_of(s)));
  launch_shared(plain_gemm, grid, kGemmThreads, kGemmShared, stream, plain);
}

MatmulBuffers::MatmulBuffers(Format format, const GemmShape& shape, cudaStream_t stream)
    : format_(format),
      shape_(shape),
      groups_(groups_of(shape)),
      a_(groups_ * shape.m * shape.k * in_bytes(format)),
      b_(groups_ * shape.n * shape.k * in_bytes(format)),
      c_(groups_ * shape.m * shape.n * out_bytes(format)) {
  fill_as(format, a_, 1, stream);
  fill_as(format, b_, 2, stream);
}

Matmul MatmulBuffers::product(const MatmulLibrary& library) const {
  return {library, format_, shape_, a_.as(), b_.as(), c_.as()};
}

void MatmulBuffers::poison_result(cudaStream_t stream) const {
  poison(c_, stream, format_ == Format::kInt8 ? kIntegerPoison : kPoison);
}

void MatmulBuffers::check(cudaStream_t stream) const {
  check_matmul(format_, shape_, a_.as(), b_.as(), c_.as(), stream);
}

void check_matmul(Format format, const GemmShape& s, const void* a, const void* b, const void* c,
                  cudaStream_t stream) {
  switch (format) {
    case Format::kBf16:
      return check_as<Bf16, Bf16>(s, a, b, c, format, stream);
    case Format::kFp16:
      return check_as<Fp16, Fp16>(s, a, b, c, format, stream);
    case Format::kFp8:
      return check_as<Fp8, Bf16>(s, a, b, c, format, stream);
    case Format::kTf32:
    case Format::kFp32:
      return check_as<float, float>(s, a, b, c, format, stream);
    case Format::kFp64:
      return check_as<double, double>(s, a, b, c, format, stream);
    case Format::kInt8:
      return check_as<std::int8_t, std::int32_t>(s, a, b, c, format, stream);
  }
}

}  // namespace tenk::probe
