// Reads the `linux` part of config.json.
#include "container/spec/read_spec.h"
#include "container/spec/word_table.h"

#include <sys/mount.h>
#include <sys/personality.h>

#include <algorithm>
#include <charconv>

namespace strata::container {
namespace {

constexpr Word<NamespaceKind> namespace_kinds[] = {{"user", NamespaceKind::user},       {"pid", NamespaceKind::pid},
                                                   {"network", NamespaceKind::network}, {"mount", NamespaceKind::mount},
                                                   {"ipc", NamespaceKind::ipc},         {"uts", NamespaceKind::uts},
                                                   {"cgroup", NamespaceKind::cgroup},   {"time", NamespaceKind::time}};

constexpr Word<unsigned long> propagations[] = {{"", 0},
                                                {"shared", MS_SHARED},
                                                {"slave", MS_SLAVE},
                                                {"private", MS_PRIVATE},
                                                {"unbindable", MS_UNBINDABLE},
                                                {"rshared", MS_SHARED | MS_REC},
                                                {"rslave", MS_SLAVE | MS_REC},
                                                {"rprivate", MS_PRIVATE | MS_REC},
                                                {"runbindable", MS_UNBINDABLE | MS_REC}};

constexpr Word<unsigned long> personality_domains[] = {{"LINUX", PER_LINUX}, {"LINUX32", PER_LINUX32}};

constexpr Word<char> device_types[] = {{"c", 'c'}, {"u", 'c'}, {"b", 'b'}, {"p", 'p'}};

std::vector<Namespace> read_namespaces(const JsonReader& json) {
  std::vector<Namespace> all;
  json.each([&](const JsonReader& element) {
    const Namespace one{.kind = read_word(element["type"].required(), namespace_kinds), .path = element["path"].text()};
    if (!one.path.empty() && !one.path.starts_with('/')) element["path"].complain("must be an absolute path");
    for (const auto& other : all)
      if (other.kind == one.kind) element["type"].complain("is listed twice");
    all.push_back(one);
  });
  return all;
}

DeviceNode read_device(const JsonReader& json) {
  DeviceNode node{.path = json["path"].required().text(), .type = read_word(json["type"].required(), device_types)};
  if (!node.path.starts_with('/')) json["path"].complain("must be an absolute path");
  if (node.type != 'p') {
    node.major = json["major"].number<unsigned>();
    node.minor = json["minor"].number<unsigned>();
  }
  if (const auto mode = json["fileMode"]) node.mode = mode.number<mode_t>() & 07777;
  node.uid = json["uid"].number<uid_t>();
  node.gid = json["gid"].number<gid_t>();
  return node;
}

std::vector<IdRange> read_id_ranges(const JsonReader& json) {
  return json.list<IdRange>([](const JsonReader& element) {
    IdRange range{.inside = element["containerID"].number<std::uint32_t>(),
                  .outside = element["hostID"].number<std::uint32_t>(),
                  .count = element["size"].required().number<std::uint32_t>()};
    if (range.count == 0) element["size"].complain("must not be zero");
    return range;
  });
}

}  // namespace

IdMaps read_id_maps(const JsonReader& json) {
  return {.users = read_id_ranges(json["uidMappings"]), .groups = read_id_ranges(json["gidMappings"])};
}

namespace {

// Numbers of linux/mempolicy.h, which older headers lack some of.
constexpr Word<int> memory_modes[] = {{"MPOL_DEFAULT", 0},
                                      {"MPOL_PREFERRED", 1},
                                      {"MPOL_BIND", 2},
                                      {"MPOL_INTERLEAVE", 3},
                                      {"MPOL_LOCAL", 4},
                                      {"MPOL_PREFERRED_MANY", 5},
                                      {"MPOL_WEIGHTED_INTERLEAVE", 6}};
constexpr Word<int> memory_flags[] = {
    {"MPOL_F_STATIC_NODES", 1 << 15}, {"MPOL_F_RELATIVE_NODES", 1 << 14}, {"MPOL_F_NUMA_BALANCING", 1 << 13}};
constexpr unsigned most_nodes = 1024;

// A list as "0-3,5".
std::vector<unsigned long> read_nodes(const JsonReader& json) {
  constexpr unsigned bits = 8 * sizeof(unsigned long);
  std::vector<unsigned long> nodes;
  const std::string text = json.text();
  const char* at = text.data();
  const char* const end = at + text.size();
  while (at < end) {
    unsigned first = 0;
    auto next = std::from_chars(at, end, first);
    unsigned last = first;
    if (next.ec == std::errc{} && next.ptr < end && *next.ptr == '-') next = std::from_chars(next.ptr + 1, end, last);
    const bool ended = next.ptr == end || (*next.ptr == ',' && next.ptr + 1 < end);
    if (next.ec != std::errc{} || !ended || last < first || last >= most_nodes) {
      json.complain("must be a list of nodes as 0-3,5");
      return {};
    }
    nodes.resize(std::max<std::size_t>(nodes.size(), last / bits + 1));
    for (unsigned node = first; node <= last; ++node) nodes[node / bits] |= 1UL << (node % bits);
    at = next.ptr + 1;
  }
  return nodes;
}

// The name that it is to have. What the kernel takes as one (dev_valid_name), for it takes others as patterns.
std::string read_net_device(const std::string& name, const JsonReader& device) {
  const auto is_name = [](const std::string& text) {
    return !text.empty() && text.size() < 16 && text != "." && text != ".." &&
           text.find_first_of("/:% \t\n\v\f\r") == std::string::npos;
  };
  const auto given = device["name"];
  const std::string inside = given ? given.text() : name;
  if (!is_name(name)) device.complain("is no name of an interface");
  else if (!is_name(inside)) given.complain("must be the name of an interface: at most 15 characters, without / and :");
  return inside;
}

MemoryPolicy read_memory_policy(const JsonReader& json) {
  MemoryPolicy policy{.mode = read_word(json["mode"].required(), memory_modes), .nodes = read_nodes(json["nodes"])};
  json["flags"].each([&](const JsonReader& flag) { policy.mode |= read_word(flag, memory_flags); });
  return policy;
}

}  // namespace

LinuxSpec read_linux(const JsonReader& json) {
  LinuxSpec linux;
  linux.id_maps = read_id_maps(json);
  json["sysctl"].each_field(
      [&](const std::string& name, const JsonReader& value) { linux.sysctls[name] = value.text(); });
  linux.resources = read_resources(json["resources"]);
  linux.cgroups_path = json["cgroupsPath"].text();
  linux.namespaces = read_namespaces(json["namespaces"]);
  linux.devices = json["devices"].list<DeviceNode>(read_device);
  // What is asked for and not done must not pass in silence.
  if (const auto asked = json["intelRdt"]) asked.complain("is not supported");
  json["netDevices"].each_field([&](const std::string& name, const JsonReader& device) {
    linux.net_devices[name] = read_net_device(name, device);
  });
  if (const auto policy = json["memoryPolicy"]) linux.memory_policy = read_memory_policy(policy);
  if (const auto seccomp = json["seccomp"]) linux.seccomp = read_seccomp(seccomp);
  if (const auto propagation = json["rootfsPropagation"])
    linux.rootfs_propagation = read_word(propagation, propagations);
  linux.masked_paths = json["maskedPaths"].texts();
  linux.readonly_paths = json["readonlyPaths"].texts();
  linux.mount_label = json["mountLabel"].text();
  if (const auto personality = json["personality"])
    linux.personality = read_word(personality["domain"].required(), personality_domains);
  json["timeOffsets"].each_field([&](const std::string& clock, const JsonReader& offset) {
    if (clock != "monotonic" && clock != "boottime") offset.complain("is no clock that a time namespace shifts");
    linux.time_offsets[clock] = {.seconds = offset["secs"].number<std::int64_t>(),
                                 .nanoseconds = offset["nanosecs"].number<std::uint32_t>()};
  });

  if (!linux.makes(NamespaceKind::user) && !linux.id_maps.empty())
    json["uidMappings"].complain("needs a new user namespace");
  if (!linux.net_devices.empty() && !linux.find(NamespaceKind::network))
    json["netDevices"].complain("needs a network namespace");
  if (!linux.time_offsets.empty() && !linux.makes(NamespaceKind::time))
    json["timeOffsets"].complain("needs a new time namespace");
  return linux;
}

}  // namespace strata::container
