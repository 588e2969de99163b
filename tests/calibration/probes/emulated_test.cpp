// Does tenk-probe compute the right thing and keep its promises, as far as that can be seen without
// a GPU? The program's own .cu files run on the emulator of emulated/: all kernels with their FP64
// checks, the flow, the files and the exit codes. No time measured here means anything.
#include <sys/wait.h>

#include <catch2/catch.hpp>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <string>

#include "calibration/measurements.h"

using Catch::Contains;

namespace {

namespace fs = std::filesystem;
const fs::path kBuild = fs::path(TENK_BINARY).parent_path();

struct Outcome {
  int code = 0;
  std::string text;  // stdout and stderr
};

// `environment`: VARIABLE=value before the command.
Outcome run_probe(const std::string& arguments, const std::string& environment = "") {
  const std::string command = "env " + environment + " " +
                              (kBuild / "tenk-probe-emulated").string() + " " + arguments + " 2>&1";
  std::FILE* pipe = popen(command.c_str(), "r");
  REQUIRE(pipe != nullptr);
  Outcome out;
  char part[4096];
  for (std::size_t n = 0; (n = std::fread(part, 1, sizeof(part), pipe)) > 0;) {
    out.text.append(part, n);
  }
  out.code = WEXITSTATUS(pclose(pipe));
  return out;
}

const std::string kWithCublas = "CUDA_HOME=" + (kBuild / "emulated_cuda").string();

// A name for a directory that is not there yet, and is removed when the test ends.
class Output {
 public:
  explicit Output(const std::string& name)
      : path_(fs::temp_directory_path() / (name + "-" + std::to_string(getpid()))) {
    fs::remove_all(path_);
  }
  ~Output() { fs::remove_all(path_); }
  std::string path() const { return path_.string(); }
  std::string text(const std::string& name) const {
    std::ifstream file(path_ / name);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  tenk::Measurements table(const std::string& name) const {
    return tenk::load_measurements((path_ / name).string());
  }

 private:
  fs::path path_;
};

}  // namespace

TEST_CASE("every probe agrees with FP64 on the emulator, with cuBLASLt's calls and without") {
  const Output out("probe-all");
  const Outcome all = run_probe("--shrink 2048 --seconds 900 -o " + out.path(), kWithCublas);
  INFO(all.text);
  CHECK(all.code == 0);
  CHECK_THAT(all.text, !Contains("FAILED") && !Contains("its time was over"));
  const auto kernels = out.table("kernels.csv").kernels;
  std::set<std::string> ids, names;
  for (const auto& row : kernels) {
    CHECK(ids.insert(row.id).second);
    CHECK(row.how == "trial");  // No importer may take it for a measurement.
    CHECK_THAT(row.notes, Catch::StartsWith("median of "));
    names.insert(row.kernel.substr(0, row.kernel.find(',')) + "/" + row.dtype + "/" +
                 row.direction);
  }
  for (const char* wanted : {"gemm/bfloat16/fwd",
                             "gemm/bfloat16/dgrad",
                             "gemm/bfloat16/wgrad",
                             "gemm/fp8/fwd",
                             "gemm/float16/fwd",
                             "gemm/tf32/fwd",
                             "gemm/float32/fwd",
                             "gemm/float64/fwd",
                             "gemm/int8/fwd",
                             "gemm grouped/bfloat16/fwd",
                             "gemm per expert/bfloat16/fwd",
                             "attention/bfloat16/fwd",
                             "attention/bfloat16/bwd",
                             "RMS norm/bfloat16/bwd",
                             "layer norm/bfloat16/fwd",
                             "softmax/bfloat16/bwd",
                             "GeLU/bfloat16/fwd",
                             "SwiGLU/bfloat16/bwd",
                             "residual add/bfloat16/fwd",
                             "rotary/bfloat16/fwd",
                             "cross-entropy/bfloat16/fwd+bwd",
                             "Adam step/float32/",
                             "cast to fp8 e4m3/bfloat16/",
                             "expert permutation/bfloat16/fwd",
                             "copy//",
                             "triad//",
                             "read//",
                             "strided read//",
                             "gather//",
                             "launch//",
                             "graph replay and wait//",
                             "stream switch//",
                             "transformer layer/bfloat16/fwd+bwd",
                             "gemm sustained/bfloat16/fwd"}) {
    CAPTURE(wanted);
    CHECK(names.count(wanted) == 1);
  }
  const auto links = out.table("links.csv").links;
  CHECK(links.size() > 20);
  CHECK_THAT(out.text("meta.csv"), Contains("gpu,Emulated GPU") && Contains("trial,1"));
  CHECK(out.text("run.h5").substr(1, 3) == "HDF");
  const Output plain("probe-plain");
  const Outcome bare = run_probe("--shrink 2048 --only gemm -o " + plain.path(), "-u CUDA_HOME");
  CHECK(bare.code == 0);
  CHECK_THAT(bare.text, Contains("skipped gemm-fp8: fp8 products need cuBLASLt"));
  const auto products = plain.table("kernels.csv").kernels;
  REQUIRE_FALSE(products.empty());
  CHECK(products[0].software == "tenk-probe mma.sync");
  CHECK(products[0].kernel == "gemm, plain");  // Not to be fitted as cuBLASLt's.
}

TEST_CASE("a wrong result fails its probe, leaves no row of it and ends with 1") {
  const Output out("probe-fault");
  const Outcome fault = run_probe("--shrink 2048 --only gemm-bf16,launch -o " + out.path(),
                                  kWithCublas + " TENK_EMULATED_FAULT=1");
  CHECK(fault.code == 1);
  CHECK_THAT(fault.text, Contains("FAILED gemm-bf16") && Contains("the FP64 reference is"));
  for (const auto& row : out.table("kernels.csv").kernels) CHECK(row.kernel != "gemm");
  CHECK_FALSE(out.table("kernels.csv").kernels.empty());  // The launches came after it.
}

TEST_CASE("tenk-probe says why it ends: 5 without a GPU, 2 on a wrong word, 4 on a bad folder") {
  const Outcome none = run_probe("", "TENK_EMULATED_GPUS=0");
  CHECK(none.code == 5);
  CHECK(none.text == "tenk-probe: no GPU to measure: no CUDA device\n");
  const Outcome second = run_probe("--device 1");
  CHECK(second.code == 5);
  CHECK_THAT(second.text, Contains("there are 1 GPUs"));
  const Outcome word = run_probe("--sceonds 5");
  CHECK(word.code == 2);
  CHECK_THAT(word.text, Contains("did you mean --seconds?"));
  const Outcome folder = run_probe("-o /nowhere/at/all");
  CHECK(folder.code == 4);
  CHECK_THAT(folder.text, Contains("/nowhere/at/all"));
}

TEST_CASE("the probes are listed by value, and those of one GPU fit into eight minutes") {
  const Outcome list = run_probe("--list");
  CHECK(list.code == 0);
  CHECK_THAT(list.text, Catch::StartsWith("gemm-bf16"));
  double seconds = 0;
  std::size_t lines = 0;
  for (std::size_t at = 0; at < list.text.size(); at = list.text.find('\n', at) + 1) {
    const std::string line = list.text.substr(at, list.text.find('\n', at) - at);
    // These two need more than one GPU.
    const bool several = line.rfind("nccl", 0) == 0 || line.rfind("links-peer", 0) == 0;
    if (!several) seconds += std::stod(line.substr(18));
    ++lines;
  }
  CHECK(lines >= 20);
  CHECK(seconds <= 450);
}

TEST_CASE("a run cut short keeps the most valuable rows and says what it skipped") {
  const Output out("probe-cut");
  const Outcome cut = run_probe("--shrink 2048 --seconds 1 -o " + out.path(), kWithCublas);
  CHECK(cut.code == 0);
  CHECK_THAT(cut.text, Contains("no time left of 1 s"));
  const auto rows = out.table("kernels.csv").kernels;
  REQUIRE_FALSE(rows.empty());
  CHECK(rows[0].kernel == "gemm");
}
