#include "analysis/validate/named_models.h"

#include <algorithm>
#include <array>
#include <cctype>

namespace tenk {
namespace {

// Lower case, letters and digits only.
std::string bare(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto u = static_cast<unsigned char>(c);
    if (std::isalnum(u) != 0) out += static_cast<char>(std::tolower(u));
  }
  return out;
}

struct Named {
  std::string_view word, preset;
};
constexpr std::array<Named, 9> kNamed = {{{"mixtral8x7b", "mixtral-8x7b"},
                                          {"mixtral8x22b", "mixtral-8x22b"},
                                          {"deepseekv3", "deepseek-v3"},
                                          {"grok1", "grok-1"},
                                          {"gptoss120b", "gpt-oss-120b"},
                                          {"gptoss20b", "gpt-oss-20b"},
                                          {"qwen3235ba22b", "qwen3-235b-a22b"},
                                          {"qwen330ba3b", "qwen3-30b-a3b"},
                                          {"kimik2", "kimi-k2"}}};
constexpr std::array<std::string_view, 9> kExpertWords = {
    "mixtral", "deepseek", "moe", "8x7b", "8x22b", "grok", "gptoss", "kimi", "a3b"};

bool has(const std::string& text, std::string_view word) {
  return text.find(word) != std::string::npos;
}

}  // namespace

std::optional<std::string> expert_model_named(std::string_view name) {
  const std::string text = bare(name);
  for (const Named& named : kNamed) {
    if (has(text, named.word)) return std::string(named.preset);
  }
  return std::nullopt;
}

bool names_experts(std::string_view name) {
  const std::string text = bare(name);
  return expert_model_named(name).has_value() ||
         std::any_of(kExpertWords.begin(), kExpertWords.end(),
                     [&](std::string_view word) { return has(text, word); });
}

std::optional<int> multi_token_named(std::string_view name) {
  const std::string text = bare(name);
  if (has(text, "womtp")) return 0;
  if (has(text, "wmtp")) return 1;
  return std::nullopt;
}

}  // namespace tenk
