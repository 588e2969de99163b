// Which operations exist, and to which column of the breakdown does their time belong?
#pragma once
#include <array>
#include <cstdint>
#include <string_view>

namespace tenk {

// In order of priority: an instant of a rank belongs to the first category that is active then.
// kOther holds explicit overheads only; a rank without any activity is in a bubble.
enum class Category : std::uint8_t { kCompute, kTp, kCp, kEp, kPp, kDp, kOther, kBubble };
inline constexpr std::array<std::string_view, 8> kCategoryNames = {
    "compute", "tp", "cp", "ep", "pp", "dp", "other", "bubble"};
constexpr std::string_view name_of(Category c) {
  return kCategoryNames[static_cast<std::size_t>(c)];
}

enum class Collective : std::uint8_t {
  kAllReduce,
  kAllGather,
  kReduceScatter,
  kAllToAll,
  kBroadcast,
  kReduce,
  kSend
};
inline constexpr std::array<std::string_view, 7> kCollectiveNames = {
    "all_reduce", "all_gather", "reduce_scatter", "all_to_all", "broadcast", "reduce", "send"};
constexpr std::string_view name_of(Collective c) {
  return kCollectiveNames[static_cast<std::size_t>(c)];
}

}  // namespace tenk
