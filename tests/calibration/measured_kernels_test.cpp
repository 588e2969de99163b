#include "calibration/measured_kernels.h"

#include <catch2/catch.hpp>
#include <string>

using namespace tenk;

namespace {

const std::string kHeader = "gpu,framework,version,kernel_source,dtype,m,n,k,latency_ms\n";

std::string faults_of(const std::string& text) {
  try {
    parse_measured_gemms(text, "rows.csv");
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::kFile);
    return error.what();
  }
  return "";
}

}  // namespace

TEST_CASE("a timed product is read with its origin, in seconds") {
  const auto rows = parse_measured_gemms(
      kHeader + "H100-SXM,TRTLLM,1.3.0rc20,torch_flow,bfloat16,4353,65536,51200,39.301\r\n" +
          "H100-SXM,TRTLLM,1.3.0rc20,torch_flow,fp8,1,2,3,5e-3",
      "rows.csv");
  REQUIRE(rows.size() == 2);
  CHECK(rows[0].origin.gpu == "H100-SXM");
  CHECK(rows[0].origin.version == "1.3.0rc20");
  CHECK(rows[0].origin.dtype == "bfloat16");
  CHECK(rows[0].m == 4353);
  CHECK(rows[0].n == 65536);
  CHECK(rows[0].k == 51200);
  CHECK(rows[0].seconds == Approx(0.039301));
  CHECK(rows[1].seconds == Approx(5e-6));
  CHECK(select_gemms(rows, "bfloat16", 512).size() == 1);
  CHECK(select_gemms(rows, "fp8", 512).empty());
  CHECK(select_gemms(rows, "fp8", 1).size() == 1);
}

TEST_CASE("a header alone is no rows") { CHECK(parse_measured_gemms(kHeader, "rows.csv").empty()); }

TEST_CASE("malformed rows are refused with file and line") {
  const std::string good = "g,f,v,s,bfloat16,8,8,8,0.1\n";
  CHECK_THAT(faults_of(""), Catch::Contains("rows.csv:1"));
  CHECK_THAT(faults_of("m,n,k\n" + good), Catch::Contains("header"));
  CHECK_THAT(faults_of(kHeader + good + "g,f,v,s,bfloat16,8,8,8\n"),
             Catch::Contains("rows.csv:3") && Catch::Contains("8 fields"));
  CHECK_THAT(faults_of(kHeader + good + "\n" + good), Catch::Contains("rows.csv:3"));
  CHECK_THAT(faults_of(kHeader + "g,f,v,s,bfloat16,8,0,8,0.1\n"),
             Catch::Contains("rows.csv:2:20") && Catch::Contains("n: found \"0\""));
  for (const std::string bad : {"1.5", "-1", "", "9999999999", "x", "1 ", "nan"}) {
    CHECK_THAT(faults_of(kHeader + "g,f,v,s,bfloat16," + bad + ",8,8,0.1\n"),
               Catch::Contains("m: found"));
  }
  for (const std::string bad : {"0", "-1", "", "nan", "inf", "1e999", "0.1ms"}) {
    CHECK_THAT(faults_of(kHeader + "g,f,v,s,bfloat16,8,8,8," + bad + "\n"),
               Catch::Contains("latency_ms: found"));
  }
  CHECK_THAT(faults_of(kHeader + "\"g\",f,v,s,bfloat16,8,8,8,0.1\n"), Catch::Contains("quote"));
}

TEST_CASE("a file of nothing but faults stops after some") {
  std::string text = kHeader;
  for (int i = 0; i < 10000; ++i) text += "bad\n";
  try {
    parse_measured_gemms(text, "rows.csv");
    FAIL("accepted");
  } catch (const Error& error) {
    CHECK(error.faults().size() <= 25);
  }
}

TEST_CASE("a file that is not there is an error of the file") {
  CHECK_THROWS_AS(load_measured_gemms("/nowhere/rows.csv"), Error);
  CHECK_THROWS_AS(load_measured_gemms(TENK_SOURCE_DIR), Error);
}

TEST_CASE("a timed attention call is read with its shape") {
  const auto rows = parse_measured_attention(
      "gpu,framework,version,kernel_source,dtype,batch,heads,kv_heads,head_dim,sequence,"
      "latency_ms\nH100-SXM,TRTLLM,1.3.0rc20,torch_flow,bfloat16,16,96,1,128,8192,53.49678\n",
      "rows.csv");
  REQUIRE(rows.size() == 1);
  CHECK(rows[0].shape.batch == 16);
  CHECK(rows[0].shape.heads == 96);
  CHECK(rows[0].shape.kv_heads == 1);
  CHECK(rows[0].shape.head_dim == 128);
  CHECK(rows[0].shape.sequence == 8192);
  CHECK(rows[0].seconds == Approx(0.05349678));
}
