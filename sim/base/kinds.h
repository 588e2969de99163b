// Which variants does a family have, by name? For the list of pointers that a family's list.cpp
// returns; a kind is anything with a `name`.
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace tenk {

template <class Kinds>
std::vector<std::string> names_of(const Kinds& kinds) {
  std::vector<std::string> names;
  for (const auto* kind : kinds) names.emplace_back(kind->name);
  return names;
}

// nullptr if there is none of that name.
template <class Kinds>
auto find_kind(const Kinds& kinds, std::string_view name) -> typename Kinds::value_type {
  for (const auto* kind : kinds) {
    if (kind->name == name) return kind;
  }
  return nullptr;
}

}  // namespace tenk
