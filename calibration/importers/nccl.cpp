#include "calibration/importers/nccl.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>

#include "sim/base/config.h"
#include "sim/base/error.h"
#include "sim/base/text.h"

namespace tenk {
namespace {

enum class Factor : std::uint8_t { kTwice, kOnce, kOne, kNone };
struct Known {
  std::string_view name;
  Factor factor = Factor::kNone;
  bool all_shares = false;
};
constexpr std::array<Known, 10> kCollectives = {{{"allreduce", Factor::kTwice},
                                                 {"allgather", Factor::kOnce, true},
                                                 {"reducescatter", Factor::kOnce, true},
                                                 {"alltoall", Factor::kOnce, true},
                                                 {"broadcast", Factor::kOne},
                                                 {"reduce", Factor::kOne},
                                                 {"sendrecv", Factor::kOne},
                                                 {"gather", Factor::kOnce, true},
                                                 {"scatter", Factor::kOnce, true},
                                                 {"alltoallv", Factor::kNone, true}}};

const Known* find(std::string_view name) {
  const auto found = std::find_if(kCollectives.begin(), kCollectives.end(),
                                  [&](const Known& known) { return known.name == name; });
  return found == kCollectives.end() ? nullptr : &*found;
}

}  // namespace

const std::vector<std::string>& collective_names() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all;
    for (const Known& known : kCollectives) all.emplace_back(known.name);
    return all;
  }();
  return names;
}

std::optional<std::string> collective_of(std::string_view name) {
  std::string plain;
  for (const char c : name) {
    if (c == '_' || c == '-' || c == ' ') continue;
    plain += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  if (plain.starts_with("mpi")) plain.erase(0, 3);
  if (plain.ends_with("perf")) plain.resize(plain.size() - 4);
  if (plain == "bcast") plain = "broadcast";
  if (plain == "reducescatterblock") plain = "reducescatter";
  if (find(plain) == nullptr) return std::nullopt;
  return plain;
}

std::string checked_collective(std::string_view name) {
  if (const auto known = collective_of(name)) return *known;
  const std::string nearest = nearest_name(name, collective_names());
  throw Error(ErrorKind::kUsage,
              fmt::format("--collective: \"{}\" is none of {}{}", shown(name),
                          fmt::join(collective_names(), ", "),
                          nearest.empty() ? "" : "; did you mean " + nearest + "?"));
}

std::optional<double> bus_factor(std::string_view collective, double n) {
  const Known* known = find(collective);
  if (known == nullptr || n < 1) return std::nullopt;
  switch (known->factor) {
    case Factor::kTwice:
      return 2 * (n - 1) / n;
    case Factor::kOnce:
      return (n - 1) / n;
    case Factor::kOne:
      return 1;
    case Factor::kNone:
      break;
  }
  return std::nullopt;
}

bool counts_all_shares(std::string_view collective) {
  const Known* known = find(collective);
  return known != nullptr && known->all_shares;
}

std::string nccl_version_text(std::int64_t code) {
  constexpr std::int64_t kNewForm = 10000;  // Since 2.9: major, two digits minor, two digits patch.
  if (code >= kNewForm) {
    return fmt::format("{}.{}.{}", code / kNewForm, code / 100 % 100, code % 100);
  }
  return fmt::format("{}.{}.{}", code / 1000, code / 100 % 10, code % 100);
}

void set_bandwidths(CollectiveSample& row) {
  if (!row.bytes) return;
  const Amount time = row.time_us ? row.time_us : row.inplace_time_us;
  if (!time || !(*time > 0)) return;
  constexpr double kMegaToGiga = 1e-3;  // Bytes per us are MB/s.
  row.algbw_GBps = *row.bytes / *time * kMegaToGiga;
  if (!row.gpus) return;
  const auto factor = bus_factor(row.collective, static_cast<double>(*row.gpus));
  if (factor) row.busbw_GBps = *row.algbw_GBps * *factor;
}

}  // namespace tenk
