// The main of all tests: Catch2's own, after each test case got its folder as a tag.
#define CATCH_CONFIG_RUNNER
#include <catch2/catch.hpp>

#include <algorithm>
#include <string>

namespace {

// tests/base/units_test.cpp -> "base"; tests/tidy_test.cpp -> "tidy". As in tests/CMakeLists.txt.
std::string group_of(const std::string& file) {
  const std::string folder = "tests/";
  const std::string path = file.substr(file.rfind(folder) + folder.size());
  return path.substr(0, std::min({path.find('/'), path.rfind("_test.cpp"), path.rfind(".cpp")}));
}

}  // namespace

int main(int argc, char** argv) {
  for (const Catch::TestCase& test : Catch::getRegistryHub().getTestCaseRegistry().getAllTests()) {
    auto tags = test.tags;
    tags.push_back(group_of(test.lineInfo.file));
    Catch::setTags(const_cast<Catch::TestCase&>(test), tags);  // As Catch2's own `-#` does.
  }
  return Catch::Session().run(argc, argv);
}
