// features and spec: what the runtime can do, and a configuration to begin with.
#include "container/container.h"
#include "container/files.h"
#include "container/rootfs/mount_options.h"
#include "container/spec/read_spec.h"

#include <unistd.h>

namespace strata::container {
namespace {

using Json = nlohmann::ordered_json;

Json capability_list(std::initializer_list<const char*> names) {
  Json list = Json::array();
  for (const char* name : names) list.push_back(std::string("CAP_") + name);
  return list;
}

Json default_capabilities() { return capability_list({"AUDIT_WRITE", "KILL", "NET_BIND_SERVICE"}); }

Json mount(const char* destination, const char* type, const char* source, std::initializer_list<const char*> options) {
  Json json = {{"destination", destination}, {"type", type}, {"source", source}};
  json["options"] = std::vector<std::string>(options.begin(), options.end());
  return json;
}

Json default_mounts(bool rootless) {
  Json mounts = Json::array();
  mounts.push_back(mount("/proc", "proc", "proc", {}));
  mounts.push_back(mount("/dev", "tmpfs", "tmpfs", {"nosuid", "strictatime", "mode=755", "size=65536k"}));
  if (rootless)
    mounts.push_back(
        mount("/dev/pts", "devpts", "devpts", {"nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"}));
  else
    mounts.push_back(mount("/dev/pts", "devpts", "devpts",
                           {"nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"}));
  mounts.push_back(mount("/dev/shm", "tmpfs", "shm", {"nosuid", "noexec", "nodev", "mode=1777", "size=65536k"}));
  mounts.push_back(mount("/dev/mqueue", "mqueue", "mqueue", {"nosuid", "noexec", "nodev"}));
  mounts.push_back(mount("/sys", "sysfs", "sysfs", {"nosuid", "noexec", "nodev", "ro"}));
  if (!rootless)
    mounts.push_back(mount("/sys/fs/cgroup", "cgroup", "cgroup", {"nosuid", "noexec", "nodev", "relatime", "ro"}));
  return mounts;
}

}  // namespace

std::string template_spec(bool rootless) {
  const Json capabilities = default_capabilities();
  Json spec = {{"ociVersion", "1.2.0"}};
  spec["process"] = {
      {"terminal", true},
      {"user", {{"uid", 0}, {"gid", 0}}},
      {"args", {"sh"}},
      {"env", {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "TERM=xterm"}},
      {"cwd", "/"},
      {"capabilities", {{"bounding", capabilities}, {"effective", capabilities}, {"permitted", capabilities}}},
      {"rlimits", {{{"type", "RLIMIT_NOFILE"}, {"hard", 1024}, {"soft", 1024}}}},
      {"noNewPrivileges", true}};
  spec["root"] = {{"path", "rootfs"}, {"readonly", true}};
  spec["hostname"] = "strata";
  spec["mounts"] = default_mounts(rootless);
  Json linux;
  if (rootless) {
    linux["uidMappings"] = {{{"containerID", 0}, {"hostID", ::geteuid()}, {"size", 1}}};
    linux["gidMappings"] = {{{"containerID", 0}, {"hostID", ::getegid()}, {"size", 1}}};
  } else {
    linux["resources"] = {{"devices", {{{"allow", false}, {"access", "rwm"}}}}};
  }
  linux["namespaces"] = {
      {{"type", "pid"}}, {{"type", "network"}}, {{"type", "ipc"}}, {{"type", "uts"}}, {{"type", "mount"}}};
  if (rootless) linux["namespaces"].push_back({{"type", "user"}});
  else linux["namespaces"].push_back({{"type", "cgroup"}});
  linux["maskedPaths"] = {"/proc/acpi",          "/proc/asound",     "/proc/kcore",       "/proc/keys",
                          "/proc/latency_stats", "/proc/timer_list", "/proc/timer_stats", "/proc/sched_debug",
                          "/sys/firmware",       "/proc/scsi"};
  linux["readonlyPaths"] = {"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"};
  spec["linux"] = std::move(linux);
  return spec.dump(2);
}

std::string features() {
  Json json = {{"ociVersionMin", "1.0.0"},
               {"ociVersionMax", "1.2.0"},
               {"hooks", {"prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"}},
               {"mountOptions", known_mount_options()}};
  json["linux"]["namespaces"] = {"cgroup", "ipc", "mount", "network", "pid", "time", "user", "uts"};
  json["linux"]["capabilities"] = known_capabilities();
  json["linux"]["cgroup"] = {{"v1", true}, {"v2", true}, {"systemd", false}, {"systemdUser", false}, {"rdma", true}};
  json["linux"]["seccomp"] = known_seccomp();
  json["linux"]["seccomp"]["enabled"] = true;
  json["linux"]["apparmor"] = {{"enabled", true}};
  json["linux"]["selinux"] = {{"enabled", true}};
  json["linux"]["intelRdt"] = {{"enabled", false}};
  json["linux"]["netDevices"] = {{"enabled", true}};
  json["linux"]["mountExtensions"] = {{"idmap", {{"enabled", true}}}};
  return json.dump(2);
}

}  // namespace strata::container
