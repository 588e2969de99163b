#include "analysis/validate/training_rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <map>
#include <string_view>
#include <variant>

#include "analysis/validate/named_models.h"
#include "sim/base/csv.h"

namespace tenk {
namespace {

using Text = std::string TrainingRow::*;
using Number = std::optional<double> TrainingRow::*;
using Integer = std::optional<std::int64_t> TrainingRow::*;
struct Column {
  std::string_view name;
  std::variant<Text, Number, Integer> field;
};

using R = TrainingRow;
constexpr Column kColumns[] = {{"id", &R::id},
                               {"model", &R::model},
                               {"params_b", &R::params_b},
                               {"layers", &R::layers},
                               {"hidden", &R::hidden},
                               {"heads", &R::heads},
                               {"kv_heads", &R::kv_heads},
                               {"ffn", &R::ffn},
                               {"vocab", &R::vocab},
                               {"seq_len", &R::sequence},
                               {"global_batch", &R::global_batch},
                               {"micro_batch", &R::micro_batch},
                               {"gpus", &R::gpus},
                               {"gpu_type", &R::gpu_type},
                               {"tp", &R::tp},
                               {"pp", &R::pp},
                               {"dp", &R::dp},
                               {"ep", &R::ep},
                               {"cp", &R::cp},
                               {"vpp", &R::vpp},
                               {"seq_parallel", &R::sequence_parallel},
                               {"recompute", &R::recompute},
                               {"precision", &R::precision},
                               {"opt_sharding", &R::opt_sharding},
                               {"framework", &R::framework},
                               {"network", &R::network},
                               {"iter_time_s", &R::iter_time_s},
                               {"source", &R::source},
                               {"arch_how", &R::arch_how},
                               {"fully_specified", &R::fully_specified},
                               {"part", &R::part}};

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

bool has(const std::string& text, std::string_view word) {
  return text.find(word) != std::string::npos;
}

// Everything that makes two rows the same configuration.
std::string configuration_of(const TrainingRow& row) {
  const auto whole = [](const std::optional<std::int64_t>& v) { return v.value_or(-1); };
  return fmt::format("{}|{}|{}|{}|{}|{}|{}|{}|{}|{}|{}|{}|{}|{}|{}|{}", row.part, row.model,
                     row.gpu_type, row.precision, row.opt_sharding, whole(row.gpus),
                     whole(row.sequence), whole(row.global_batch), whole(row.micro_batch),
                     whole(row.tp), whole(row.pp), whole(row.dp), whole(row.ep), whole(row.cp),
                     whole(row.vpp), row.recompute);
}

// "26.04.01" from "... section 26.04.01 NeMo Container ..."; empty: the source names no release.
std::string release_of(const std::string& source) {
  constexpr std::string_view kMark = "section ";
  const std::size_t at = source.find(kMark);
  if (at == std::string::npos) return "";
  const std::size_t from = at + kMark.size();
  const std::size_t to = source.find_first_not_of("0123456789.", from);
  return source.substr(from, to == std::string::npos ? to : to - from);
}

}  // namespace

std::vector<TrainingRow> read_training_rows(const std::string& text, const std::string& file) {
  CsvReader csv(text, file);
  csv.column("iter_time_s");  // Else it is another table.
  std::vector<std::pair<std::size_t, const Column*>> columns;
  for (const Column& column : kColumns) {
    if (csv.has(column.name)) columns.emplace_back(csv.column(column.name), &column);
  }
  std::vector<TrainingRow> rows;
  while (csv.next()) {
    TrainingRow& row = rows.emplace_back();
    for (const auto& [index, column] : columns) {
      if (const Text* field = std::get_if<Text>(&column->field)) {
        row.*(*field) = csv.text(index);
      } else if (const Number* number = std::get_if<Number>(&column->field)) {
        row.*(*number) = csv.number(index, {.min = 0, .max = 1e15});
      } else if (const Integer* whole = std::get_if<Integer>(&column->field)) {
        row.*(*whole) = csv.integer(index, {.min = 0, .max = std::int64_t{1} << 40});
      }
    }
  }
  csv.finish();
  return rows;
}

std::string incomplete(const TrainingRow& row) {
  if (!row.iter_time_s || *row.iter_time_s <= 0) return "no step time is printed";
  const std::array<std::pair<std::string_view, const std::optional<std::int64_t>*>, 7> needed = {
      {{"layers", &row.layers},
       {"hidden size", &row.hidden},
       {"sequence length", &row.sequence},
       {"global batch", &row.global_batch},
       {"number of GPUs", &row.gpus},
       {"tensor-parallel size", &row.tp},
       {"pipeline-parallel size", &row.pp}}};
  for (const auto& [name, value] : needed) {
    if (!value->has_value() || **value < 1)
      return fmt::format("the row does not state its {}", name);
  }
  const std::int64_t cp = row.cp.value_or(1);
  const std::int64_t replica = *row.tp * *row.pp * std::max<std::int64_t>(cp, 1);
  if (*row.gpus % replica != 0 ||
      (row.dp && *row.dp * replica != *row.gpus && row.ep.value_or(1) <= 1)) {
    return "the stated parallel degrees do not multiply to the number of GPUs";
  }
  return "";
}

std::vector<std::string> superseded(const std::vector<TrainingRow>& rows) {
  std::map<std::string, std::vector<std::size_t>> same;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (!release_of(rows[i].source).empty() && rows[i].iter_time_s) {
      same[configuration_of(rows[i])].push_back(i);
    }
  }
  std::vector<std::string> why(rows.size());
  for (auto& [configuration, members] : same) {
    std::stable_sort(members.begin(), members.end(), [&](std::size_t a, std::size_t b) {
      return release_of(rows[a].source) > release_of(rows[b].source);  // Newest first.
    });
    std::size_t counts = members.back();
    for (std::size_t i = 0; i + 1 < members.size(); ++i) {
      const double time = *rows[members[i]].iter_time_s;
      const bool beats_one =
          std::any_of(members.begin() + i + 1, members.end(),
                      [&](std::size_t m) { return time <= *rows[m].iter_time_s; });
      if (!beats_one) continue;
      counts = members[i];
      break;
    }
    for (const std::size_t m : members) {
      if (m != counts) why[m] = "another software release of the same configuration counts";
    }
  }
  return why;
}

std::string missing_feature(const TrainingRow& row) {
  const std::string model = lower(row.model + " " + row.id);
  if (has(model, "lora") || has(model, "sft") || has(model, "finetune")) {
    return "fine-tuning (LoRA, SFT) is not modelled yet";
  }
  if (has(model, "mamba") || has(model, "nemotron_3") || has(model, "nemotron-h")) {
    return "state-space (Mamba) layers are not modelled";
  }
  const bool experts = names_experts(row.model) || row.ep.value_or(1) > 1;
  if (experts && !expert_model_named(row.model)) {
    return "the model's experts have no public configuration that tenk knows";
  }
  if (row.cp.value_or(1) > 1) return "context parallelism is not modelled yet";
  return "";
}

}  // namespace tenk
