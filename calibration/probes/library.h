// Is a shared library there, and does it have this function?
//
// cuBLASLt, NVML and NCCL are opened when the program runs, so that it builds without them on the
// link line and runs where they are missing. Host-only C++17; no CUDA.
#pragma once
#include <string>
#include <vector>

namespace tenk::probe {

// Stays open until the program ends: what it gave out may be used until then.
class Library {
 public:
  // The first of these names that opens.
  explicit Library(const std::vector<std::string>& names);

  bool is_open() const { return handle_ != nullptr; }
  const std::string& name() const { return name_; }  // As opened; empty: none.

  // Sets `function`, a function pointer; false if it is not there.
  template <class Function>
  bool find(const char* symbol, Function& function) const {
    function = reinterpret_cast<Function>(address(symbol));
    return function != nullptr;
  }

 private:
  void* address(const char* symbol) const;

  void* handle_ = nullptr;
  std::string name_;
};

}  // namespace tenk::probe
