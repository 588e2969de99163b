// Which devices are there, and which links join them?
//
// A Graph is frozen: devices and directed links in flat arrays, out-links of a device contiguous
// (CSR). A cable is two directed links that follow each other: 2c from a to b, 2c + 1 back. Kinds
// are words ("leaf", "leaf-spine up") held once, so that a new topology adds no enumerator here.
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sim/base/ids.h"
#include "sim/base/units.h"

namespace tenk {

inline constexpr std::uint32_t kNoNode = 0xffffffff;

struct Device {
  std::uint16_t kind = 0;
  std::uint16_t units = 1;       // Chips that this device stands for (4 NVSwitches work as one).
  std::uint32_t node = kNoNode;  // The server it is in; kNoNode for switches of the fabric.
  std::uint32_t index = 0;       // Among its kind, in that node or in the fabric.
};

struct Link {
  DeviceId from, to;
  Bandwidth capacity;  // 0: down.
  Time latency;        // Propagation and the switch behind it.
  std::uint16_t kind = 0;
  std::uint16_t lanes = 1;  // Physical links bundled in it (18 NVLinks).
};

// A trunk is a set of parallel links whose members carry the same load by construction; usage is
// expressed by trunk. A link that is addressed alone is a trunk of one.
struct Trunk {
  Bandwidth capacity;       // Of all members together.
  std::uint32_t links = 0;  // Members.
  std::uint16_t kind = 0;   // Of the members.
};

class Graph {
 public:
  std::span<const Device> devices() const { return devices_; }
  std::span<const Link> links() const { return links_; }
  std::span<const LinkId> out_links(DeviceId d) const;
  const Device& device(DeviceId d) const { return devices_[d.value]; }
  const Link& link(LinkId l) const { return links_[l.value]; }
  const std::string& device_kind(std::uint16_t k) const { return device_kinds_[k]; }
  const std::string& link_kind(std::uint16_t k) const { return link_kinds_[k]; }
  std::size_t link_kinds() const { return link_kinds_.size(); }
  // "leaf3", "node5.gpu0": unique.
  std::string name(DeviceId d) const;
  // Devices of a kind, in units; 0 if there is no such kind.
  std::uint64_t count(std::string_view kind) const;

 private:
  friend class GraphBuilder;
  std::vector<Device> devices_;
  std::vector<Link> links_;
  std::vector<std::uint32_t> first_out_;
  std::vector<LinkId> out_;
  std::vector<std::string> device_kinds_, link_kinds_;
};

struct Cable {
  DeviceId a, b;
  Bandwidth rate;  // Each direction.
  Time latency;
  std::uint16_t kind_ab = 0, kind_ba = 0;
  std::uint16_t lanes = 1;
};

class GraphBuilder {
 public:
  std::uint16_t device_kind(std::string_view name);  // The same word, the same number.
  std::uint16_t link_kind(std::string_view name);
  DeviceId add(Device d);
  LinkId add(const Cable& c);  // The link from a to b; the one back is the next.
  void set_capacity(LinkId l, Bandwidth capacity) { graph_.links_[l.value].capacity = capacity; }
  const Graph& peek() const { return graph_; }  // Devices and links so far; no out_links yet.
  Graph freeze() &&;

 private:
  Graph graph_;
};

}  // namespace tenk
