// What if every card had a cable to every other card? An ideal to compare with, not to build.
//
// n ports need n (n - 1) / 2 cables, n - 1 at each card. The graph does not hold them one by one
// (52 million for 10,240 ports): all cables of a port are one link up and one down of their summed
// rate, and private_rate() is what one pair of ports can have.
#include <algorithm>

#include <fmt/format.h>

#include "topologies/network.h"

namespace tenk {
namespace {

constexpr std::int64_t kMostPortsOfCard = 18;  // NVLinks of an H100, the most links of a card.

class FullMeshRouter : public Router {
 public:
  FullMeshRouter(LinkSpec link, std::vector<TrunkId> up, std::vector<TrunkId> down)
      : link_(link), up_(std::move(up)), down_(std::move(down)) {}

  Time connect(PortId from, PortId to, const Wire& wire, std::vector<Usage>& out) const override {
    out.push_back({up_[from.value], wire.weight});
    out.push_back({down_[to.value], wire.weight});
    return link_.latency;
  }
  Time connect_all_pairs(std::span<const PortId> ports, const Wire& wire,
                         std::vector<Usage>& out) const override {
    const double weight = wire.weight * static_cast<double>(ports.size() - 1);
    for (const PortId p : ports) {
      out.push_back({up_[p.value], weight});
      out.push_back({down_[p.value], weight});
    }
    return link_.latency;
  }
  Bandwidth private_rate() const override { return link_.rate; }

 private:
  LinkSpec link_;
  std::vector<TrunkId> up_, down_;  // By port.
};

class FullMesh : public Network {
 public:
  FullMesh(LinkSpec link, std::int64_t ports) : link_(link), ports_(ports) {}

  void build(GraphBuilder& b, std::span<const DeviceId> ports) const override {
    const DeviceId mesh = b.add({b.device_kind("mesh"), 1, kNoNode, 0});
    const Time half =
        Time::picoseconds(link_.latency.ps() / 2);  // A path is a link up and one down.
    const std::int64_t others = std::max<std::int64_t>(ports_ - 1, 1);
    const auto lanes = static_cast<std::uint16_t>(std::min<std::int64_t>(others, 0xffff));
    for (const DeviceId p : ports) {
      b.add({p, mesh, link_.rate * static_cast<double>(others), half, b.link_kind("mesh up"),
             b.link_kind("mesh down"), lanes});
    }
  }

  std::shared_ptr<const Router> route(const Graph&, LinkId first_link,
                                      TrunkTable& trunks) const override {
    std::vector<TrunkId> up, down;
    for (std::uint32_t p = 0; p < ports_; ++p) {
      up.push_back(trunks.single(LinkId(first_link.value + 2 * p)));
      down.push_back(trunks.single(LinkId(first_link.value + 2 * p + 1)));
    }
    return std::make_shared<FullMeshRouter>(link_, std::move(up), std::move(down));
  }

  NetworkFacts facts() const override {
    NetworkFacts facts;
    facts.cables = {{"mesh", static_cast<std::uint64_t>(ports_ * (ports_ - 1) / 2), link_.rate}};
    facts.port_rate = link_.rate;  // What a card has towards one other.
    facts.diameter_hops = 0;
    const std::int64_t half = ports_ / 2, pairs = half * (ports_ - half);
    facts.bisection = link_.rate * static_cast<double>(pairs);
    facts.bisection_how = "formula";
    if (ports_ - 1 > kMostPortsOfCard) {
      facts.buildable = false;
      facts.reason = fmt::format(
          "each card needs {} ports for {} cables in all ({} connections), and a card has {} at "
          "best (a NIC 1 or 2)",
          fmt::group_digits(ports_ - 1), fmt::group_digits(ports_ * (ports_ - 1) / 2),
          fmt::group_digits(ports_ * (ports_ - 1)), kMostPortsOfCard);
    }
    return facts;
  }

 private:
  LinkSpec link_;
  std::int64_t ports_;
};

std::shared_ptr<const Network> read_full_mesh(Section& s, const NetworkShape& shape) {
  const LinkSpec link = read_link(s.section("link"));
  return std::make_shared<FullMesh>(link, std::int64_t{shape.nodes} * shape.ports_per_node);
}

}  // namespace

extern const NetworkKind kFullMesh{
    .name = "full-mesh",
    .summary = "a cable between every two ports: an ideal, not built",
    .parameters = "  link: {rate: 400Gbps, latency: 600ns}  # of each cable\n",
    .read = read_full_mesh};

}  // namespace tenk
