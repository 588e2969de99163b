#include "sim/base/presets.h"

#include <algorithm>

#include <fmt/format.h>

#include "sim/base/embedded.h"
#include "sim/base/error.h"

namespace tenk {

std::vector<std::string> preset_names(std::string_view folder) {
  const std::string prefix = fmt::format("profiles/{}/", folder);
  constexpr std::string_view kEnding = ".yaml";
  std::vector<std::string> names;
  for (const EmbeddedFile& f : embedded_files()) {
    if (!f.path.starts_with(prefix)) continue;
    const std::size_t length = f.path.size() - prefix.size() - kEnding.size();
    names.emplace_back(f.path.substr(prefix.size(), length));
  }
  return names;
}

Config load_preset(std::string_view folder, std::string_view name) {
  const std::string path = fmt::format("profiles/{}/{}.yaml", folder, name);
  const auto files = embedded_files();
  const auto file = std::find_if(files.begin(), files.end(),
                                 [&](const EmbeddedFile& f) { return f.path == path; });
  TENK_CHECK(file != files.end(), path + " is embedded");
  return Config::parse(file->text, path);
}

}  // namespace tenk
