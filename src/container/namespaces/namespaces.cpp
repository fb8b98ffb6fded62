// Which namespaces there are, and what is set in new ones.
#include "container/namespaces/namespaces.h"

#include "container/files.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

namespace strata::container {
namespace {

struct KindRow {
  NamespaceKind kind;
  std::uint64_t flag;
  const char* file;
};

// In the order in which they are entered: a user namespace gives the right to enter the others.
constexpr KindRow kinds[] = {
    {NamespaceKind::user, CLONE_NEWUSER, "user"},  {NamespaceKind::pid, CLONE_NEWPID, "pid"},
    {NamespaceKind::network, CLONE_NEWNET, "net"}, {NamespaceKind::ipc, CLONE_NEWIPC, "ipc"},
    {NamespaceKind::uts, CLONE_NEWUTS, "uts"},     {NamespaceKind::cgroup, CLONE_NEWCGROUP, "cgroup"},
    {NamespaceKind::time, CLONE_NEWTIME, "time"},  {NamespaceKind::mount, CLONE_NEWNS, "mnt"}};

const KindRow& row_of(NamespaceKind kind) {
  return *std::ranges::find_if(kinds, [&](const KindRow& row) { return row.kind == kind; });
}

Result<UniqueFd> open_namespace(const Namespace& one) {
  UniqueFd fd(::open(one.path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return fail_errno("namespace {}", one.path);
  const int type = ::ioctl(fd.get(), NS_GET_NSTYPE);
  if (type < 0 || static_cast<std::uint64_t>(type) != clone_flag(one.kind))
    return fail(ErrorCode::bad_data, "namespace {} is not one of type '{}'", one.path, namespace_file(one.kind));
  return fd;
}

// Which namespace a sysctl belongs to; of those that belong to none a container may set nothing.
bool may_set(const std::string& name, const LinuxSpec& linux) {
  constexpr std::string_view ipc[] = {"kernel.msgmax", "kernel.msgmnb", "kernel.msgmni", "kernel.sem",
                                      "kernel.shmall", "kernel.shmmax", "kernel.shmmni", "kernel.shm_rmid_forced"};
  if (name.starts_with("net.")) return linux.find(NamespaceKind::network);
  if (name.starts_with("fs.mqueue.") || std::ranges::find(ipc, name) != std::end(ipc))
    return linux.find(NamespaceKind::ipc);
  if (name == "kernel.domainname" || name == "kernel.hostname") return linux.find(NamespaceKind::uts);
  if (name.starts_with("user.")) return linux.find(NamespaceKind::user);
  return false;
}

}  // namespace

std::uint64_t clone_flag(NamespaceKind kind) { return row_of(kind).flag; }
const char* namespace_file(NamespaceKind kind) { return row_of(kind).file; }

Result<NamespacePlan> plan_namespaces(const LinuxSpec& linux) {
  NamespacePlan plan;
  for (const auto& row : kinds) {
    const Namespace* const one = linux.find(row.kind);
    if (!one) continue;
    if (!one->path.empty()) plan.joined.push_back({.kind = row.kind, .fd = STRATA_TRY(open_namespace(*one))});
    else if (row.kind == NamespaceKind::cgroup) plan.cgroup = true;
    else (row.flag & (CLONE_NEWUSER | CLONE_NEWPID) ? plan.born_in : plan.made) |= row.flag;
  }
  return plan;
}

Result<void> make_time_namespace(const NamespacePlan& plan, const std::map<std::string, TimeOffset>& offsets) {
  if (!(plan.made & CLONE_NEWTIME)) return {};
  // The call itself is about the children to come; their namespace can be joined once its clocks are set.
  if (::unshare(CLONE_NEWTIME) != 0) return fail_errno("making a time namespace");
  for (const auto& [clock, offset] : offsets)
    STRATA_TRY(with_context(
        write_file("/proc/self/timens_offsets", fmt::format("{} {} {}", clock, offset.seconds, offset.nanoseconds)),
        "linux.timeOffsets.{}", clock));
  const UniqueFd made(::open("/proc/self/ns/time_for_children", O_RDONLY | O_CLOEXEC));
  if (!made || ::setns(made.get(), CLONE_NEWTIME) != 0) return fail_errno("entering the time namespace");
  return {};
}

Result<void> make_other_namespaces(const NamespacePlan& plan) {
  const auto others = plan.made & ~std::uint64_t{CLONE_NEWTIME};
  if (others && ::unshare(static_cast<int>(others)) != 0) return fail_errno("making namespaces");
  return {};
}

Result<void> bring_up_loopback() {
  const UniqueFd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ifreq request{};
  std::strcpy(request.ifr_name, "lo");
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  if (!socket || ::ioctl(socket.get(), SIOCSIFFLAGS, &request) != 0)
    return fail_errno("bringing up the loopback interface");
  return {};
}

Result<void> set_sysctls(const std::map<std::string, std::string>& sysctls, const LinuxSpec& linux) {
  for (const auto& [name, value] : sysctls) {
    // Written with dots, as sysctl(8) does, a slash within a name stays one; written with slashes, it is a path.
    std::string dotted = name;
    if (name.find('/') < name.find('.')) std::ranges::replace(dotted, '/', '.');
    if (!may_set(dotted, linux))
      return fail(ErrorCode::bad_data, "sysctl {} is the host's: no namespace of the container has it", name);
    std::string path = dotted;
    for (char& c : path) c = c == '.' ? '/' : c == '/' ? '.' : c;
    STRATA_TRY(with_context(write_file("/proc/sys/" + path, value), "sysctl {} = {}", name, value));
  }
  return {};
}

}  // namespace strata::container
