#include "tests/workloads/training_cases.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <tuple>

namespace tenk::cases {

DeviceProfile h100() {
  return read_device_profile(
      Config::load(std::string(TENK_SOURCE_DIR) + "/profiles/accelerators/h100-sxm.yaml"));
}

TrainingSpec read(const std::string& yaml, const std::string& file) {
  Faults faults;
  Section scenario(Config::parse(yaml, file), "", faults);
  TrainingSpec training =
      read_training(scenario.section("job"), scenario.section("placement", false), faults);
  scenario.finish();
  faults.throw_if_any();
  return training;
}

std::string faults_of(const std::string& yaml) {
  try {
    read(yaml);
  } catch (const Error& error) {
    std::string text;
    for (const Fault& fault : error.faults()) {
      text += fmt::format("{}{}: {}", text.empty() ? "" : "\n", fault.where.line, fault.message);
    }
    return text;
  }
  return "";
}

std::string tiny_gpt(int layers, int micro_batches, const std::string& parallel, int dp,
                     const std::string& more) {
  return fmt::format(
      "job:\n"
      "  model: {{layers: {}, hidden: 64, heads: 4, vocab: 512}}\n"
      "  parallel: {{dp: {}, {}}}\n"
      "  batch: {{global: {}, micro: 1, sequence: 128}}\n"
      "  host: {{forward: 0ns, backward: 0ns}}\n{}",
      layers, dp, parallel, micro_batches * dp, more);
}

TemporaryFile::TemporaryFile(const std::string& name, const std::string& text) {
  const auto directory =
      std::filesystem::temp_directory_path() / fmt::format("tenk-test-{}", ::getpid());
  std::filesystem::create_directories(directory);
  path_ = (directory / name).string();
  std::ofstream(path_) << text;
}

TemporaryFile::~TemporaryFile() {
  std::error_code ignored;
  std::filesystem::remove(path_, ignored);
  std::filesystem::remove(std::filesystem::path(path_).parent_path(), ignored);
}

namespace {

// The members of a group that have posted their n-th communication.
struct Meeting {
  std::size_t posted = 0;
  Time start;
};

class Stage {  // Where a workload is performed.
 public:
  explicit Stage(const Workload& workload) : w_(workload) {
    for (std::size_t f = 0; f < w_.families.size(); ++f) {
      for (std::size_t g = 0; g < w_.families[f].groups(); ++g) {
        const auto members = w_.families[f].group(g);
        for (std::size_t i = 0; i < members.size(); ++i) {
          const bool source = w_.families[f].directed && i == 0;
          groups_[{f, members[i].value, source}] = g;
        }
      }
    }
    for (std::size_t r = 0; r < w_.ranks(); ++r) {
      const Program& program = program_of(r);
      ends_.emplace_back(program.ops.size());
      cursors_.emplace_back();
      auto& ordinals = ordinals_.emplace_back(program.ops.size());
      std::map<std::pair<std::uint32_t, bool>, std::size_t> count;
      for (std::size_t i = 0; i < program.ops.size(); ++i) {
        const Op& op = program.ops[i];
        if (op.kind == Op::Kind::kCommunicate) {
          ordinals[i] = count[{w_.slots[op.slot.value].family.value, op.sends}]++;
        }
        streams_of(r, op.stream).push_back(i);
      }
    }
  }

  Rehearsal run() {
    while (sweep()) {}
    Rehearsal result{true, {}};
    for (const auto& rank : ends_) {
      for (const auto& end : rank) {
        result.finished = result.finished && end.has_value();
        if (end) result.end = std::max(result.end, *end);
      }
    }
    return result;
  }

 private:
  using Key = std::tuple<std::size_t, std::size_t, std::size_t>;  // Family, group, ordinal.

  const Program& program_of(std::size_t rank) const {
    return w_.programs[w_.role_of_rank[rank].value];
  }
  std::vector<std::size_t>& streams_of(std::size_t rank, Stream stream) {
    return order_[{rank, stream}];
  }

  // When an operation can start, if it can.
  std::optional<Time> ready(std::size_t rank, std::size_t index, std::optional<Time> before) {
    Time at = before.value_or(Time{});
    const Program& program = program_of(rank);
    for (const std::uint32_t wait : program.waits_of(program.ops[index])) {
      if (!ends_[rank][wait]) return std::nullopt;
      at = std::max(at, *ends_[rank][wait]);
    }
    return at;
  }

  // Ends the next operation of a stream if possible.
  bool step(std::size_t rank, Stream stream) {
    const auto& order = streams_of(rank, stream);
    std::size_t& cursor = cursors_[rank][static_cast<std::size_t>(stream)];
    if (cursor == order.size()) return false;
    const std::size_t index = order[cursor];
    const Op& op = program_of(rank).ops[index];
    const auto before = cursor == 0 ? std::optional<Time>{} : ends_[rank][order[cursor - 1]];
    const auto at = ready(rank, index, before);
    if (!at) return false;
    if (op.kind == Op::Kind::kCompute) {
      ends_[rank][index] = *at + op.duration;
      ++cursor;
      return true;
    }
    const std::size_t family = w_.slots[op.slot.value].family.value;
    const std::size_t group = groups_.at({family, rank, op.sends});
    Meeting& meeting = meetings_[Key{family, group, ordinals_[rank][index]}];
    bool progress = false;
    if (posted_.insert({{rank, index}, true}).second) {
      ++meeting.posted;
      meeting.start = std::max(meeting.start, *at);
      progress = true;
    }
    if (meeting.posted < w_.families[family].group(group).size()) return progress;
    ends_[rank][index] = meeting.start;
    ++cursor;
    return true;
  }

  bool sweep() {
    bool any = false;
    for (std::size_t r = 0; r < w_.ranks(); ++r) {
      for (std::size_t s = 0; s < kStreams; ++s) {
        while (step(r, static_cast<Stream>(s))) any = true;
      }
    }
    return any;
  }

  const Workload& w_;
  std::map<std::tuple<std::size_t, std::size_t, bool>, std::size_t> groups_;
  std::map<std::pair<std::size_t, Stream>, std::vector<std::size_t>> order_;
  std::vector<std::array<std::size_t, kStreams>> cursors_;
  std::vector<std::vector<std::size_t>> ordinals_;
  std::vector<std::vector<std::optional<Time>>> ends_;
  std::map<Key, Meeting> meetings_;
  std::map<std::pair<std::size_t, std::size_t>, bool> posted_;
};

}  // namespace

Rehearsal rehearse(const Workload& workload) { return Stage(workload).run(); }

}  // namespace tenk::cases
