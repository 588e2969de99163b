// Which public model configuration does a published row's name mean?
//
// Tables print the widths of a model but not the shape of its experts; the rule is to take these
// from the named public configuration (assumed). The rules look at the name alone.
#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace tenk {

// A preset of profiles/models ("DeepSeekV3 (w/o MTP)": deepseek-v3); nullopt: not a model with
// experts that tenk has the configuration of.
std::optional<std::string> expert_model_named(std::string_view name);

// Does the name speak of experts?
bool names_experts(std::string_view name);

// How many tokens beyond the next the row's model predicts, if its name says: "(w/o MTP)".
std::optional<int> multi_token_named(std::string_view name);

}  // namespace tenk
