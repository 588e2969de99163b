// What does one map of a tool's JSON say under a key, with a fault where it says something else?
//
// Keys that nobody asks for are passed over: tools add some with every release. "N/A" and null
// count as absent; numbers may stand in quotes, as some tools print them.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "calibration/measurements.h"
#include "sim/base/config.h"

namespace tenk {

class JsonFields {
 public:
  // `map` may be nullptr: then everything is absent. `what` names it in messages.
  JsonFields(const Config* map, std::string what, std::vector<Fault>& faults)
      : map_(map), what_(std::move(what)), faults_(&faults) {}

  bool has(std::string_view key) const { return find(key) != nullptr; }
  Amount number(std::string_view key) const;  // Finite and not negative; else a fault.
  Count whole(std::string_view key) const;    // Whole and at most kMostNumber; else a fault.
  std::string text(std::string_view key) const;
  JsonFields map(std::string_view key) const;
  const std::vector<Config>& list(std::string_view key) const;

  void fail(std::string_view key, std::string message) const;  // At that value, or at the map.

 private:
  const Config* find(std::string_view key) const;

  const Config* map_;
  std::string what_;
  std::vector<Fault>* faults_;
};

constexpr std::size_t kMostJsonFaults = 20;

}  // namespace tenk
