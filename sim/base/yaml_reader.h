// How does YAML or JSON text become a Config, in bounded memory and time whatever the text?
//
// yaml-cpp 0.7 does the parsing, event by event. What it leaves open is closed here: it keeps the
// first of equal keys, reads a byte 4 as the end, holds all of a flow collection's tokens in memory
// (about 100 bytes each, so their number is limited first) and knows no surrogate pairs.
#pragma once
#include <string>

#include "sim/base/config.h"

namespace tenk {

// Throws as Config::parse.
Config read_yaml(std::string text, std::string file_name);

}  // namespace tenk
