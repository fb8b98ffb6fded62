// Spec: a container as its bundle's config.json describes it (OCI runtime specification 1.2, Linux).
//
// Field names are the specification's in our spelling; what it leaves optional is optional here where "not given" means
// something else than the type's zero.
#pragma once

#include "base/id_maps.h"
#include "container/spec/resources.h"
#include "container/spec/seccomp.h"

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace strata::container {

struct Mount {
  std::string destination;
  std::string type;
  std::string source;
  std::vector<std::string> options;
  IdMaps id_maps;
};

enum class NamespaceKind { user, pid, network, mount, ipc, uts, cgroup, time };

struct Namespace {
  NamespaceKind kind;
  std::string path;  // of one that exists and is joined; empty: a new one
};

struct DeviceNode {
  std::string path;
  char type = 'c';  // c (or u), b, p
  unsigned major = 0;
  unsigned minor = 0;
  mode_t mode = 0666;
  uid_t uid = 0;
  gid_t gid = 0;
};

struct ResourceLimit {
  int resource;           // RLIMIT_…
  std::string_view name;  // the same as a word
  std::uint64_t soft;
  std::uint64_t hard;
};

/// Sets of capabilities as bit masks, bit n for the kernel's capability n.
struct Capabilities {
  std::uint64_t bounding = 0;
  std::uint64_t effective = 0;
  std::uint64_t inheritable = 0;
  std::uint64_t permitted = 0;
  std::uint64_t ambient = 0;
};

struct User {
  std::string name;  // USER[:GROUP]: looked up in the container; takes the place of the numbers
  uid_t uid = 0;
  gid_t gid = 0;
  std::optional<mode_t> umask;
  std::vector<gid_t> additional_gids;
};

/// As sched_setattr(2) takes it, of its first version: the kernel's header for it and the C library's cannot be included
/// together.
struct Scheduler {
  std::uint32_t size = sizeof(Scheduler);
  std::uint32_t policy = 0;
  std::uint64_t flags = 0;
  std::int32_t nice = 0;
  std::uint32_t priority = 0;
  std::uint64_t runtime = 0;
  std::uint64_t deadline = 0;
  std::uint64_t period = 0;
};
static_assert(sizeof(Scheduler) == 48);

struct TerminalSize {
  std::uint16_t height = 0;
  std::uint16_t width = 0;
};

struct Process {
  bool terminal = false;
  std::optional<TerminalSize> console_size;
  User user;
  std::vector<std::string> args;
  std::vector<std::string> env;
  std::string cwd;
  std::optional<Capabilities> capabilities;
  std::vector<ResourceLimit> limits;
  bool no_new_privileges = false;
  std::string apparmor_profile;
  std::string selinux_label;
  std::optional<int> oom_score_adj;
  std::optional<Scheduler> scheduler;
  std::optional<int> io_priority;  // as ioprio_set(2) takes it
  std::string exec_cpus_initial;   // lists of CPUs, only for `exec`
  std::string exec_cpus_final;
};

struct Hook {
  std::string path;
  std::vector<std::string> args;  // the first is argv[0]
  std::vector<std::string> env;
  std::optional<int> timeout_seconds;
};

struct Hooks {
  std::vector<Hook> prestart, create_runtime, create_container, start_container, poststart, poststop;
};

struct TimeOffset {
  std::int64_t seconds = 0;
  std::uint32_t nanoseconds = 0;
};

/// On which nodes of memory pages are taken, as set_mempolicy(2) takes it.
struct MemoryPolicy {
  int mode = 0;                      // MPOL_… with its flags
  std::vector<unsigned long> nodes;  // a bit for each
};

/// What the kernel keeps all processes of the container to, root too: our own field "strata.landlock" of config.json. What
/// is not given is not restricted. With `writable`, nothing can be mounted either.
struct Landlock {
  std::optional<std::vector<std::string>> writable;  // only what is below these, and /dev, can be written
  std::optional<std::vector<std::uint16_t>> bind_tcp, connect_tcp;  // the only ports

  [[nodiscard]] bool any() const { return writable || bind_tcp || connect_tcp; }
};

struct LinuxSpec {
  IdMaps id_maps;
  std::map<std::string, std::string> sysctls;
  Resources resources;
  std::string cgroups_path;
  std::vector<Namespace> namespaces;
  std::vector<DeviceNode> devices;
  std::optional<Seccomp> seccomp;
  Landlock landlock;
  std::optional<MemoryPolicy> memory_policy;
  unsigned long rootfs_propagation = 0;  // MS_SHARED … | MS_REC; 0: not given
  std::vector<std::string> masked_paths;
  std::vector<std::string> readonly_paths;
  std::string mount_label;
  std::optional<unsigned long> personality;
  std::map<std::string, TimeOffset> time_offsets;  // by clock: monotonic, boottime
  std::map<std::string, std::string> net_devices;  // by name on the host: the name inside

  /// The namespace of that kind that the container gets, if it does not share the runtime's.
  [[nodiscard]] const Namespace* find(NamespaceKind kind) const {
    for (const auto& one : namespaces)
      if (one.kind == kind) return &one;
    return nullptr;
  }
  [[nodiscard]] bool makes(NamespaceKind kind) const {
    const auto* found = find(kind);
    return found && found->path.empty();
  }
};

/// Layers that become the root, mounted on root.path by the runtime: our own field "strata.overlay" of config.json.
struct Overlay {
  std::vector<std::string> lower;  // the topmost first
  std::string upper;               // what the container writes
  std::string work;                // beside it, for the kernel
};

struct Spec {
  std::string version;
  std::optional<Process> process;
  std::string root_path;  // relative to the bundle, or absolute
  bool root_readonly = false;
  std::optional<Overlay> overlay;
  std::string hostname;
  std::string domainname;
  std::vector<Mount> mounts;
  Hooks hooks;
  LinuxSpec linux;
  std::map<std::string, std::string> annotations;
};

}  // namespace strata::container
