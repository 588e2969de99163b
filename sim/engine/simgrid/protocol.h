// What do the SimGrid engine and its helper program say to each other?
//
// SimGrid has one engine a process, so it runs in a helper process: one Job in on standard input,
// one Answer back on standard output, each as a count of bytes and those bytes. A list is its
// length and its elements, all numbers 8 bytes in the machine's own order: both ends are one build
// on one machine, and a number that starts every message says which.
#pragma once
#include <cstdint>
#include <cstring>
#include <span>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <vector>

namespace tenk::simgrid_protocol {

inline constexpr std::uint64_t kVersion = 0x74656e6b'00000001;
inline constexpr std::uint64_t kNone = 0xffffffff;

// A plan of single messages (sim/plan/plan.h) as SimGrid sees it. List of lists: the second index
// runs from first[i] to first[i + 1].
struct Job {
  std::uint64_t units = 0, ranks = 0;  // As of Plan.
  double stop_s = 0;  // > 0: stop then and tell what has moved, all activities being flows.
  std::vector<double> capacity;  // By link: bytes/s.
  // By path:
  std::vector<std::uint64_t> path_first, path_links;  // A link as often as it is crossed.
  std::vector<double> path_cap, path_latency;         // 0: no cap; seconds.
  // By activity:
  std::vector<std::uint64_t> path;     // kNone: it takes `seconds`, nothing moves.
  std::vector<double> seconds, bytes;  // bytes: with a path.
  std::vector<std::uint64_t> slows;    // 1: slower while its rank's units are taken.
  std::vector<std::int64_t> takes, releases;
  std::vector<std::uint64_t> waits_for;
  std::vector<std::uint64_t> next_first, next;  // Activities that wait for it.
  std::vector<std::uint64_t> rank_first, rank;  // Ranks that take part.
};

struct Answer {
  std::string fault;  // Empty: all went well.
  std::uint64_t events = 0;
  double solve_s = 0;              // With stop_s: CPU seconds of the first solve.
  std::vector<double> start, end;  // By activity: seconds.
  std::vector<double> peak;        // By link: of its capacity.
  std::vector<double> moved;       // With stop_s: bytes of each activity until then.
};

template <class Visit>
void each_field(Job& job, Visit visit) {
  visit(job.units), visit(job.ranks), visit(job.stop_s), visit(job.capacity);
  visit(job.path_first), visit(job.path_links), visit(job.path_cap), visit(job.path_latency);
  visit(job.path), visit(job.seconds), visit(job.bytes), visit(job.slows);
  visit(job.takes), visit(job.releases), visit(job.waits_for);
  visit(job.next_first), visit(job.next), visit(job.rank_first), visit(job.rank);
}
template <class Visit>
void each_field(Answer& answer, Visit visit) {
  visit(answer.fault), visit(answer.events), visit(answer.solve_s);
  visit(answer.start), visit(answer.end), visit(answer.peak), visit(answer.moved);
}

template <class Message>
std::vector<char> pack(Message message) {
  std::vector<char> bytes;
  const auto put = [&](const void* from, std::size_t size) {
    const char* first = static_cast<const char*>(from);
    bytes.insert(bytes.end(), first, first + size);
  };
  put(&kVersion, sizeof(kVersion));
  each_field(message, [&](const auto& field) {
    if constexpr (std::is_arithmetic_v<std::decay_t<decltype(field)>>) {
      put(&field, sizeof(field));
    } else {
      const std::uint64_t count = field.size();
      put(&count, sizeof(count));
      put(field.data(), count * sizeof(*field.data()));
    }
  });
  return bytes;
}

// Throws std::runtime_error where the bytes are no such message.
template <class Message>
Message unpack(std::span<const char> bytes) {
  const auto take = [&](void* to, std::size_t size) {
    if (size > bytes.size()) throw std::runtime_error("a message that ends early");
    if (size > 0) std::memcpy(to, bytes.data(), size);
    bytes = bytes.subspan(size);
  };
  std::uint64_t version = 0;
  take(&version, sizeof(version));
  if (version != kVersion) throw std::runtime_error("a message of another version");
  Message message;
  each_field(message, [&](auto& field) {
    if constexpr (std::is_arithmetic_v<std::decay_t<decltype(field)>>) {
      take(&field, sizeof(field));
    } else {
      std::uint64_t count = 0;
      take(&count, sizeof(count));
      if (count > bytes.size()) throw std::runtime_error("a list longer than its message");
      field.resize(count);
      take(field.data(), count * sizeof(*field.data()));
    }
  });
  return message;
}

}  // namespace tenk::simgrid_protocol
