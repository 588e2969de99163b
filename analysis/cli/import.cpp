// tenk import: other tools' measurements into tenk's tables.
#include <fmt/format.h>

#include "analysis/cli/command.h"
#include "analysis/cli/output.h"
#include "calibration/importers/importer.h"
#include "calibration/measurements_hdf5.h"
#include "sim/base/error.h"
#include "sim/base/kinds.h"
#include "sim/base/text_file.h"

namespace tenk {
namespace {

struct Table {
  std::string_view name;
  std::size_t rows = 0;
  std::string text;
};

std::vector<Table> tables_of(const Measurements& all) {
  std::vector<Table> tables;
  if (!all.kernels.empty()) {
    tables.push_back({"kernels.csv", all.kernels.size(), to_csv(all.kernels)});
  }
  if (!all.collectives.empty()) {
    tables.push_back({"collectives.csv", all.collectives.size(), to_csv(all.collectives)});
  }
  if (!all.links.empty()) tables.push_back({"links.csv", all.links.size(), to_csv(all.links)});
  return tables;
}

}  // namespace

int execute(const ImportCommand& command) {
  const ImportKind* kind = find_kind(import_kinds(), command.kind);
  TENK_CHECK(kind != nullptr, "the command line was checked");
  Measurements all;
  for (const std::string& file : command.files) {
    all.append(kind->read(read_text_file(file), file, command.options));
  }
  for (const std::string& remark : all.remarks) print_message(remark);
  const std::vector<Table> tables = tables_of(all);
  if (tables.empty()) {
    throw Error(ErrorKind::kFile, "no measurement was found in it",
                Where{.file = command.files.front()});
  }
  const ResultFolder folder(command.out);
  if (folder) {
    for (const Table& table : tables) {
      folder.write(table.name, table.text);
      print_message(fmt::format("{}: {} rows", folder.path_of(table.name), table.rows));
    }
    write_measurements_hdf5(all, folder.path_of("measurements.h5"));
    print_message(folder.path_of("measurements.h5"));
    return 0;
  }
  if (tables.size() > 1) {
    throw Error(ErrorKind::kUsage,
                fmt::format("the files hold {} tables; -o DIR writes each to a file of its own",
                            tables.size()));
  }
  print(tables.front().text);
  return 0;
}

}  // namespace tenk
