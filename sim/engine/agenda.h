// What happens next, while what is to come may still move?
//
// A queue of events by (time, order in which they were put there), each of which can be put at
// another time. It holds what is to come and nothing else, so it stays small enough for the cache
// however often rates change: a heap of four children a node (Johnson, 1975) that knows where each
// event stands.
#pragma once
#include <cstdint>
#include <vector>

#include "sim/base/units.h"

namespace tenk {

class Agenda {
 public:
  // Adds an event, `what` as the caller likes; returns its number, valid until it is popped.
  std::uint32_t add(Time time, std::uint64_t what) {
    if (free_.empty()) {
      free_.push_back(static_cast<std::uint32_t>(events_.size()));
      events_.push_back({});
    }
    const std::uint32_t event = free_.back();
    free_.pop_back();
    events_[event].what = what;
    heap_.emplace_back();
    rise(heap_.size() - 1, {time, sequence_++, event});
    return event;
  }
  // To another time; behind all that are there already at that time.
  void move(std::uint32_t event, Time time) {
    const Entry entry{time, sequence_++, event};
    const std::size_t at = events_[event].at;
    entry < heap_[at] ? rise(at, entry) : sink(at, entry);
  }

  bool empty() const { return heap_.empty(); }
  Time next() const { return heap_.front().time; }  // Of the first; there must be one.
  // Removes the first; returns its `what`.
  std::uint64_t pop() {
    const std::uint32_t event = heap_.front().event;
    const Entry last = heap_.back();
    heap_.pop_back();
    if (!heap_.empty()) sink(0, last);
    free_.push_back(event);
    return events_[event].what;
  }

 private:
  struct Entry {
    Time time;
    std::uint64_t sequence = 0;
    std::uint32_t event = 0;
    bool operator<(const Entry& o) const {
      return time != o.time ? time < o.time : sequence < o.sequence;
    }
  };
  struct Event {
    std::uint64_t what = 0;
    std::uint32_t at = 0;  // In the heap.
  };

  void put(std::size_t at, const Entry& entry) {
    heap_[at] = entry;
    events_[entry.event].at = static_cast<std::uint32_t>(at);
  }
  void rise(std::size_t at, const Entry& entry) {
    for (; at > 0 && entry < heap_[(at - 1) / 4]; at = (at - 1) / 4) put(at, heap_[(at - 1) / 4]);
    put(at, entry);
  }
  void sink(std::size_t at, const Entry& entry) {
    for (;;) {
      const std::size_t first = 4 * at + 1;
      if (first >= heap_.size()) break;
      std::size_t least = first;
      for (std::size_t child = first + 1; child < heap_.size() && child < first + 4; ++child) {
        if (heap_[child] < heap_[least]) least = child;
      }
      if (!(heap_[least] < entry)) break;
      put(at, heap_[least]);
      at = least;
    }
    put(at, entry);
  }

  std::vector<Entry> heap_;
  std::vector<Event> events_;
  std::vector<std::uint32_t> free_;
  std::uint64_t sequence_ = 0;
};

}  // namespace tenk
