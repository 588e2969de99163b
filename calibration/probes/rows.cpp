#include "calibration/probes/rows.h"

#include <array>
#include <cctype>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <cstdlib>

namespace tenk::probe {

const char* const kKernelHeader =
    "id,gpu,kernel,dtype,m,n,k,groups,batch,heads,kv_heads,head_dim,seq_q,seq_k,causal,direction,"
    "tflops,GBps,time_us,software,source,how,notes\n";
const char* const kLinkHeader =
    "id,kind,device,endpoints,metric,value,unit,conditions,source,how,notes\n";

namespace {

std::string dimension(std::int64_t value) { return value > 0 ? std::to_string(value) : ""; }

std::string how(const RunOrigin& origin) { return origin.trial ? "trial" : "measured"; }

// Adds "-m4096" unless the dimension does not apply.
void add(std::string& id, const char* letter, std::int64_t value) {
  if (value > 0) id += "-" + std::string(letter) + std::to_string(value);
}

}  // namespace

std::string csv_field(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string out = "\"";
  for (const char c : text) out += c == '"' ? std::string("\"\"") : std::string(1, c);
  return out + "\"";
}

std::string csv_line(const std::vector<std::string>& fields) {
  std::string line;
  for (std::size_t i = 0; i < fields.size(); ++i) {
    line += (i == 0 ? "" : ",") + csv_field(fields[i]);
  }
  return line + "\n";
}

std::string number_text(double value) {
  std::array<char, 64> text{};
  const double size = std::fabs(value);
  if (size >= 1e6 && size < 1e15) {
    std::snprintf(text.data(), text.size(), "%.0f", value);
  } else {
    std::snprintf(text.data(), text.size(), "%.6g", value);
  }
  return text.data();
}

std::string spread_text(const Spread& spread, const std::string& unit) {
  return "median of " + std::to_string(spread.repeats) + ", p10 " + number_text(spread.p10) + " " +
         unit + ", p90 " + number_text(spread.p90) + " " + unit;
}

std::string slug(const std::string& text) {
  std::string out;
  for (const char c : text) {
    const auto letter = static_cast<unsigned char>(c);
    if (std::isalnum(letter) != 0) {
      out += static_cast<char>(std::tolower(letter));
    } else if (!out.empty() && out.back() != '-') {
      out += '-';
    }
  }
  while (!out.empty() && out.back() == '-') out.pop_back();
  return out;
}

std::string kernel_id(const RunOrigin& origin, const KernelRow& row) {
  std::string id = "probe-" + slug(origin.gpu) + "-" + slug(row.kernel);
  if (!row.dtype.empty()) id += "-" + slug(row.dtype);
  if (!row.direction.empty()) id += "-" + slug(row.direction);
  add(id, "m", row.m);
  add(id, "n", row.n);
  add(id, "k", row.k);
  add(id, "g", row.groups);
  add(id, "b", row.batch);
  add(id, "h", row.heads);
  add(id, "kv", row.kv_heads);
  add(id, "d", row.head_dim);
  add(id, "q", row.seq_q);
  add(id, "s", row.seq_k);
  if (row.causal >= 0) id += row.causal == 1 ? "-causal" : "-full";
  return id;
}

std::string link_id(const RunOrigin& origin, const LinkRow& row) {
  return "probe-" + slug(origin.gpu) + "-" + slug(row.endpoints) + "-" + slug(row.metric) + "-" +
         slug(row.conditions);
}

std::string kernel_line(const RunOrigin& origin, const KernelRow& row) {
  const double seconds = row.seconds.median;
  const auto rate = [&](double amount, double unit) {
    return amount > 0 && seconds > 0 ? number_text(amount / seconds / unit) : std::string();
  };
  std::string notes = spread_text(scaled(row.seconds, 1e6), "us");
  if (!row.notes.empty()) notes += "; " + row.notes;
  return csv_line({kernel_id(origin, row),
                   origin.gpu,
                   row.kernel,
                   row.dtype,
                   dimension(row.m),
                   dimension(row.n),
                   dimension(row.k),
                   dimension(row.groups),
                   dimension(row.batch),
                   dimension(row.heads),
                   dimension(row.kv_heads),
                   dimension(row.head_dim),
                   dimension(row.seq_q),
                   dimension(row.seq_k),
                   row.causal < 0 ? "" : std::to_string(row.causal),
                   row.direction,
                   rate(row.flop, 1e12),
                   rate(row.bytes, 1e9),
                   number_text(seconds * 1e6),
                   row.software,
                   origin.source,
                   how(origin),
                   notes});
}

std::string link_line(const RunOrigin& origin, const LinkRow& row) {
  std::string notes = spread_text(row.value, row.unit);
  if (!row.notes.empty()) notes += "; " + row.notes;
  return csv_line({link_id(origin, row), row.kind, origin.gpu, row.endpoints, row.metric,
                   number_text(row.value.median), row.unit, row.conditions, origin.source,
                   how(origin), notes});
}

}  // namespace tenk::probe
