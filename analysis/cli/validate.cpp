// tenk validate: how far off are the predictions on what others measured?
#include <fmt/format.h>

#include "analysis/cli/command.h"
#include "analysis/cli/output.h"
#include "analysis/report/validation.h"
#include "sim/base/error.h"
#include "sim/base/kinds.h"
#include "sim/base/text_file.h"

namespace tenk {

int execute(const ValidateCommand& command) {
  const ValidationKind* kind = find_kind(validation_kinds(), command.kind);
  TENK_CHECK(kind != nullptr, "the command line was checked");
  const ResultFolder folder(command.out);
  Validation all;
  all.kind = kind->name;
  const std::string& first = command.files.front();
  all.files = first.substr(first.rfind('/') + 1);
  if (command.files.size() > 1) {
    all.files += fmt::format(" and {} more", command.files.size() - 1);
  }
  for (const std::string& file : command.files) {
    kind->judge(read_text_file(file), file, all);
  }
  if (folder) {
    folder.write("result.json", validation_json(all));
    folder.write("rows.csv", validation_csv(all));
    folder.write("scatter.svg", validation_svg(all));
  }
  print(report(all, command.format, style_of_output(command.no_colour)));
  return 0;
}

}  // namespace tenk
