// Which presets travel inside the program, by folder of profiles/?
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "sim/base/config.h"

namespace tenk {

// Names of profiles/<folder>/*.yaml, in order of the alphabet.
std::vector<std::string> preset_names(std::string_view folder);

// Parses one of them; its positions name "profiles/<folder>/<name>.yaml".
Config load_preset(std::string_view folder, std::string_view name);

}  // namespace tenk
