#include "analysis/validate/collective_rows.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "analysis/validate/hardware.h"
#include "sim/base/csv.h"
#include "sim/base/presets.h"
#include "sim/plan/device_profile.h"
#include "topologies/nodes/node.h"
#include "workloads/benchmark.h"

namespace tenk {
namespace {

constexpr std::int64_t kMostGpus = 65536;
constexpr std::int64_t kOneLeaf = 32;    // Ports down of the smallest leaf.
constexpr std::int64_t kMostRails = 64;  // Of a CLOS.

bool has(const std::string& text, std::string_view word) {
  return text.find(word) != std::string::npos;
}

std::optional<Collective> collective_named(const std::string& name) {
  if (name == "allreduce") return Collective::kAllReduce;
  if (name == "allgather") return Collective::kAllGather;
  if (name == "reducescatter") return Collective::kReduceScatter;
  if (name == "alltoall") return Collective::kAllToAll;
  if (name == "broadcast") return Collective::kBroadcast;
  if (name == "reduce") return Collective::kReduce;
  return std::nullopt;
}

// Servers that are usual for what sweeps of collectives are run on, beside those for training.
struct Server {
  std::string node;
  int gpus = 8;
  NodeNetwork network;
};

std::optional<Server> server_of(const std::string& accelerator) {
  struct Other {
    std::string_view accelerator, node;
    int gpus;
    NodeNetwork network;
  };
  static constexpr std::array kOthers = {Other{"gh200", "gh200-4", 4, {4, 200}},
                                         Other{"l40s", "l40s-8", 8, {8, 200}},
                                         Other{"rtx-pro-6000", "rtx-pro-6000-8", 8, {8, 400}},
                                         Other{"arc-b60", "arc-b60-4", 4, {4, 100}}};
  for (const Other& o : kOthers) {
    if (o.accelerator == accelerator) return Server{std::string(o.node), o.gpus, o.network};
  }
  const UsualServer* usual = usual_server(accelerator);
  if (usual == nullptr) return std::nullopt;
  return Server{std::string(usual->node), usual->gpus, usual->network};
}

std::string nic_family(const std::string& text) {
  if (has(text, "EFA")) return "efa";
  if (has(text, "Slingshot")) return "slingshot-11";
  if (has(text, "TCPXO")) return "gpudirect-tcpxo";
  if (has(text, "TCPX")) return "gpudirect-tcpx";
  return "infiniband";
}

std::vector<std::string> forbidden(const CollectiveMeasurement& row) {
  const std::string& a = row.algo_proto;
  if (has(a, "Ring") || has(a, "RING")) return {"tree", "nvls", "nvls-tree"};
  if (has(a, "NVLS off") || has(a, "NVLS_ENABLE=0") || has(row.notes, "int8")) {
    return {"nvls", "nvls-tree"};
  }
  return {};
}

bool preset_known(const std::string& node) {
  const std::vector<std::string> names = preset_names("nodes");
  return std::find(names.begin(), names.end(), node) != names.end();
}

// Section `cluster`: `servers` of them with `per` GPUs used.
std::string cluster_yaml(const CollectiveMeasurement& row, Server server, std::int64_t servers,
                         std::int64_t per, std::vector<std::string>& assumptions) {
  NodeNetwork network = server.network;
  if (servers > 1) {
    if (const auto named = node_network_named(row.nic_fabric)) {
      network = *named;  // Of what the row calls a node; a rack has several.
      network.nics *= static_cast<int>(*row.nodes / servers);
    } else {
      assumptions.push_back(fmt::format("network of a {}: {} x {:.0f} Gb/s", server.node,
                                        network.nics, network.gbps));
    }
    assumptions.emplace_back("the network between servers blocks nowhere");
  }
  const std::string fewer = fmt::format("{}-{}nic", server.node, network.nics);
  if (network.nics < per && preset_known(fewer)) server.node = fewer;
  const NodeTemplate node = read_node(load_preset("nodes", server.node));
  const auto nics = static_cast<int>(node.ports.size());
  if (servers > 1 && network.nics != nics) {
    assumptions.push_back(
        fmt::format("{} NICs on a server that we know with {}: their sum is "
                    "shared evenly",
                    network.nics, nics));
  }
  const double rate = network.nics * network.gbps / nics;
  const std::int64_t ports = 1 + node.port_of[static_cast<std::size_t>(per - 1)];
  std::int64_t rails = std::min(ports, kMostRails);
  while (ports % rails != 0) --rails;
  const std::int64_t radix = 2 * std::max(kOneLeaf, servers * ports / rails);
  return fmt::format(
      "{{nodes: {}, node: {}, gpus-per-node: {}, nic: {}, fabric: {{kind: clos, tiers: 2, radix: "
      "{}, rails: {}, link: {{rate: {:.6g}Gbps, latency: 600ns}}}}}}",
      servers, server.node, per, nic_family(row.nic_fabric), radix, rails, rate);
}

CollectiveCase skip(std::string why) {
  CollectiveCase c;
  c.skipped = std::move(why);
  return c;
}

}  // namespace

std::vector<CollectiveMeasurement> read_collective_rows(const std::string& text,
                                                        const std::string& file) {
  CsvReader csv(text, file);
  const auto at = [&](const char* name) { return csv.column(name); };
  const std::size_t id = at("sweep_id"), gpu = at("gpu"), nodes = at("nodes"), gpus = at("gpus"),
                    op = at("collective"), bytes = at("bytes"), algbw = at("algbw_GBps"),
                    busbw = at("busbw_GBps"), time = at("time_us"), intra = at("intra_link"),
                    nic = at("nic_fabric"), algo = at("algo_proto"), source = at("source"),
                    notes = at("notes"), lib = at("lib_version");
  std::vector<CollectiveMeasurement> rows;
  while (csv.next()) {
    CollectiveMeasurement r;
    r.id = csv.text(id);
    r.gpu = csv.text(gpu);
    r.collective = csv.text(op);
    r.intra_link = csv.text(intra);
    r.nic_fabric = csv.text(nic);
    r.algo_proto = csv.text(algo);
    r.source = csv.text(source);
    r.notes = csv.text(notes);
    r.library = csv.text(lib);
    r.nodes = csv.integer(nodes, {1, kMostGpus});
    r.gpus = csv.integer(gpus, {1, kMostGpus});
    r.bytes = csv.number(bytes, {1, 1e15});
    r.algbw_gbps = csv.number(algbw, {0, 1e6});
    r.busbw_gbps = csv.number(busbw, {0, 1e6});
    r.time_us = csv.number(time, {0, 1e12});
    rows.push_back(std::move(r));
  }
  csv.finish();
  return rows;
}

std::string excluded_by_rule(const CollectiveMeasurement& row) {
  if (!row.bytes) return "no bytes: time by tokens of an expert kernel";
  if (has(row.notes, "SUSPECT")) return "its source calls it suspect";
  if (has(row.source, "nccl-benchmark-on-alps") && !row.id.ends_with("def113")) {
    return "Alps: settings differ up to 17 times; only those as delivered (def113) count";
  }
  return {};
}

CollectiveCase case_of(const CollectiveMeasurement& row) {
  if (row.collective.starts_with("moe_")) return skip("experts: later work");
  const std::optional<Collective> op = collective_named(row.collective);
  if (!op) return skip(row.collective + ": not modelled yet");
  if (has(row.algo_proto, "SHARP")) return skip("reduction in the network's switches (SHARP)");
  if (!row.nodes || !row.gpus || *row.gpus < 2) return skip("number of servers or GPUs missing");
  CollectiveCase c;
  c.op = *op;
  c.bytes = *row.bytes;
  if (has(row.library, "ONECCL") && *op == Collective::kAllGather) {
    c.bytes *= static_cast<double>(*row.gpus);
    c.assumptions.emplace_back("oneCCL's benchmark counts what one rank of an all-gather sends");
  }
  const bool arc = has(row.gpu, "Arc B60");
  const auto named = accelerator_named(row.gpu, c.assumptions);
  if (!named && !arc) return skip("GPU not stated or not known");
  c.accelerator = arc ? "arc-b60" : *named;
  const std::optional<Server> server = server_of(c.accelerator);
  if (!server || !preset_known(server->node)) return skip("no server known for " + c.accelerator);
  std::int64_t servers = *row.nodes, per = *row.gpus / servers;
  if (server->gpus > 8) {  // A rack is one NVLink domain.
    per = std::min<std::int64_t>(*row.gpus, server->gpus);
    servers = *row.gpus / per;
  }
  if (per > server->gpus || per * servers != *row.gpus) {
    return skip("GPUs do not fill servers evenly");
  }
  c.cluster = cluster_yaml(row, *server, servers, per, c.assumptions);
  c.without = forbidden(row);
  if (has(row.algo_proto, "single process -g")) c.launches = *row.gpus - 1;
  return c;
}

double launch_seconds(const CollectiveCase& c) {
  if (c.launches == 0) return 0;
  for (const std::string& name : preset_names("accelerators")) {
    if (name != c.accelerator) continue;
    const DeviceProfile device = read_device_profile(load_preset("accelerators", name));
    return device.launch.value * static_cast<double>(c.launches);
  }
  return 0;
}

std::optional<double> measured_seconds(const CollectiveMeasurement& row, Collective op) {
  if (row.time_us && *row.time_us > 0) return *row.time_us * 1e-6;
  if (row.algbw_gbps && *row.algbw_gbps > 0) return *row.bytes / (*row.algbw_gbps * 1e9);
  if (!row.busbw_gbps || *row.busbw_gbps <= 0) return std::nullopt;
  const double factor = bus_factor(op, static_cast<std::uint32_t>(*row.gpus));
  return *row.bytes * factor / (*row.busbw_gbps * 1e9);
}

}  // namespace tenk
