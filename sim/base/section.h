// How does a kind read its own section of a file, so that every fault is reported and none twice?
//
// A `Section` wraps one map. Each read names a key once; `finish()` reports keys nobody read, with
// the nearest name among those that were. A read that fails adds a fault to `Faults` and returns a
// harmless value inside the allowed range (the default, if there is one), so that reading goes on
// and all faults of a file come out together. The caller ends with `faults.throw_if_any()`.
// A key whose value is null (`seed:`, `"seed": null`) counts as absent.
#pragma once
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sim/base/config.h"
#include "sim/base/units.h"

namespace tenk {

class Faults {
 public:
  void add(const Where& where, std::string message);
  bool empty() const { return faults_.empty(); }
  bool full() const { return faults_.size() >= kMost; }  // The rest is counted only.
  // Error{kInvalid} with all faults in order of position, each (position, message) once.
  void throw_if_any() const;

 private:
  static constexpr std::size_t kMost = 100;
  std::vector<Fault> faults_;
  std::size_t uncounted_ = 0;
};

struct IntegerRange {
  std::int64_t min = std::numeric_limits<std::int64_t>::min();
  std::int64_t max = std::numeric_limits<std::int64_t>::max();
};
struct NumberRange {
  double min = -std::numeric_limits<double>::infinity();
  double max = std::numeric_limits<double>::infinity();
};

class Section {
 public:
  // `what` names the section in messages ("cluster.fabric"; empty: the whole file). If `node` is no
  // map, that is a fault and the section reads as empty without further faults.
  Section(const Config& node, std::string what, Faults& faults);

  bool has(std::string_view key) const;     // Present and not null; does not count as read.
  const Config* raw(std::string_view key);  // Marks the key as read; nullptr if absent, or null.

  // A missing key without a default is a fault. Integers accept 1_000 and 1,000 style? No: digits
  // only (and an exponent form such as 1e6 when whole). NaN and infinities are faults.
  std::int64_t integer(std::string_view key, IntegerRange range,
                       std::optional<std::int64_t> otherwise = {});
  double number(std::string_view key, NumberRange range, std::optional<double> otherwise = {});
  bool boolean(std::string_view key, std::optional<bool> otherwise = {});  // true | false only.
  std::string text(std::string_view key, std::optional<std::string> otherwise = {});
  // One of `allowed`; anything else is a fault with the nearest one.
  std::string word(std::string_view key, const std::vector<std::string>& allowed,
                   std::optional<std::string> otherwise = {});
  // Quantities carry their unit: a bare number is a fault that shows an example. Not negative.
  Time time(std::string_view key, std::optional<Time> otherwise = {});
  Bytes bytes(std::string_view key, std::optional<Bytes> otherwise = {});
  Bandwidth bandwidth(std::string_view key, std::optional<Bandwidth> otherwise = {});

  // A map below this one. Absent: a fault if `required`, and then none follow from it; else it
  // reads as empty: defaults, and faults for keys without one.
  Section section(std::string_view key, bool required = true);
  std::vector<Section> sections(std::string_view key);   // A list of maps; absent: empty.
  std::vector<std::string> texts(std::string_view key);  // A list of scalars; absent: empty.
  std::vector<std::int64_t> integers(std::string_view key, IntegerRange range);

  void fail(std::string_view key, std::string message);  // A fault at that key's value, or here.
  void fail(std::string message);                        // A fault at this section.
  Where where() const { return node_.where(); }
  const Config& node() const { return node_; }
  const std::string& what() const { return what_; }
  void finish();  // Reports unread keys. Call once, after the last read.

 private:
  // The value to read; nullptr if absent, which is a fault without a default.
  const Config* value(std::string_view key, bool has_default);
  const Config* list(std::string_view key);  // The same for an optional list.
  std::string label(std::string_view key) const;
  void fault(const Place& where, std::string message);
  std::optional<std::int64_t> to_integer(const Config& node, const std::string& label,
                                         IntegerRange range);
  template <class Quantity, class Parse>
  Quantity quantity(std::string_view key, const std::optional<Quantity>& otherwise, Parse parse,
                    const char* example);

  Config node_;
  std::string what_;
  Faults* faults_;
  bool broken_ = false;  // It is no map: everything else about it would follow from that.
  std::vector<std::string> read_;
};

// Text to quantity: "600ns", "2.5 us"; "80GB", "512MiB", "8B"; "400Gbps", "50 GB/s", "900GBps".
// nullopt if it is not a finite number with a unit of that kind (case matters: b is bit, B byte).
std::optional<Time> parse_time(std::string_view text);
std::optional<Bytes> parse_bytes(std::string_view text);
std::optional<Bandwidth> parse_bandwidth(std::string_view text);

}  // namespace tenk
