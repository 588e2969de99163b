#include "calibration/measurements.h"

#include <catch2/catch.hpp>

#include "sim/base/error.h"

namespace tenk {
namespace {

std::string complaint(const std::string& text) {
  try {
    read_measurements(text, "t.csv");
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST_CASE("a table that was written reads back equal") {
  Measurements all;
  KernelSample kernel;
  kernel.id = "a, \"b\"";
  kernel.gpu = "H100-SXM";
  kernel.kernel = "gemm";
  kernel.m = 4096;
  kernel.time_us = 0.1;
  all.kernels.push_back(kernel);
  const Measurements back = read_measurements(to_csv(all.kernels), "t.csv");
  REQUIRE(back.kernels.size() == 1);
  CHECK(back.kernels[0].id == kernel.id);
  CHECK(back.kernels[0].m == 4096);
  CHECK(back.kernels[0].time_us == 0.1);
  CHECK_FALSE(back.kernels[0].n.has_value());
  CHECK(to_csv(back.kernels) == to_csv(all.kernels));

  LinkSample link;
  link.id = "pcie";
  link.value = "2-5";
  link.unit = "GB/s";
  CHECK(to_csv(read_measurements(to_csv(std::vector{link}), "t.csv").links) ==
        to_csv(std::vector{link}));
  CollectiveSample row;
  row.collective = "allreduce";
  row.bytes = 1 << 20;
  CHECK(to_csv(read_measurements(to_csv(std::vector{row}), "t.csv").collectives) ==
        to_csv(std::vector{row}));
}

TEST_CASE("a link's value may be a bound or a range, which are no numbers to fit") {
  const auto links = [](const std::string& value) {
    return read_measurements("endpoints,value\nGPU-GPU," + value + "\n", "t.csv").links;
  };
  CHECK(number_of(links("396.4")[0]) == 396.4);
  CHECK_FALSE(number_of(links("<130")[0]).has_value());
  CHECK_FALSE(number_of(links("2-5")[0]).has_value());
  CHECK(complaint("endpoints,value\nGPU-GPU,fast\n").find("t.csv:2:1: value: found \"fast\"") !=
        std::string::npos);
}

TEST_CASE("the table is told by its columns, whatever their order") {
  CHECK(read_measurements("bytes,collective\n8,allreduce\n", "t").collectives.size() == 1);
  CHECK(read_measurements("endpoints,value\nGPU-GPU,3\n", "t").links.size() == 1);
  const Measurements products = read_measurements(
      "gpu,framework,version,kernel_source,dtype,m,n,k,latency_ms\nH100,x,1,cublas,bf16,1,2,3,4\n",
      "dir/t.csv");
  REQUIRE(products.kernels.size() == 1);
  CHECK(products.kernels[0].time_us == 4000.0);
  CHECK(products.kernels[0].id == "t.csv:2");
  CHECK(complaint("a,b\n1,2\n").find("of no table known") != std::string::npos);
}

TEST_CASE("an unknown column and a bad number are faults with their place") {
  CHECK(complaint("collective,byte\nx,1\n").find("unknown column \"byte\"; did you mean bytes?") !=
        std::string::npos);
  CHECK(complaint("collective,bytes\nallreduce,-8\n").find("t.csv:2:11: bytes: found \"-8\"") !=
        std::string::npos);
}

}  // namespace
}  // namespace tenk
