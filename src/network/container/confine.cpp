// capabilities(7), seccomp(2), landlock(7).
#include "network/container/confine.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>

#include "base/unique_fd.h"

namespace strata::network::container {
namespace {

constexpr uint32_t bit(int capability) { return uint32_t{1} << capability; }

Result<void> drop_capabilities(uint32_t kept) {
  for (int each = 0; prctl(PR_CAPBSET_READ, each, 0, 0, 0) >= 0; ++each) {
    // Only who has CAP_SETPCAP may; who has not can gain nothing either, for lack of new privileges.
    if (each >= 32 || !(kept & bit(each))) prctl(PR_CAPBSET_DROP, each, 0, 0, 0);
  }
  __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[2] = {};
  if (syscall(SYS_capget, &header, data) != 0) return fail_errno("reading capabilities");
  data[0].permitted = data[0].effective = data[0].permitted & kept;
  data[1] = {};
  data[0].inheritable = 0;
  prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  if (syscall(SYS_capset, &header, data) != 0) return fail_errno("dropping capabilities");
  return {};
}

/// What an event loop, libslirp, the control sockets and the C library under them need. mkdir is asked for folders that are
/// there already, on the way to a switch; Landlock lets no new ones be made.
constexpr const char* allowed_calls[] = {"accept",
                                         "accept4",
                                         "bind",
                                         "brk",
                                         "clock_gettime",
                                         "clock_nanosleep",
                                         "close",
                                         "connect",
                                         "epoll_create1",
                                         "epoll_ctl",
                                         "epoll_pwait",
                                         "epoll_wait",
                                         "exit",
                                         "exit_group",
                                         "faccessat",
                                         "faccessat2",
                                         "fcntl",
                                         "fstat",
                                         "ftruncate",
                                         "futex",
                                         "geteuid",
                                         "getpeername",
                                         "getpid",
                                         "getrandom",
                                         "getsockname",
                                         "getsockopt",
                                         "gettid",
                                         "gettimeofday",
                                         "ioctl",
                                         "listen",
                                         "lseek",
                                         "lstat",
                                         "madvise",
                                         "mkdir",
                                         "mkdirat",
                                         "mmap",
                                         "mprotect",
                                         "mremap",
                                         "munmap",
                                         "nanosleep",
                                         "newfstatat",
                                         "open",
                                         "openat",
                                         "poll",
                                         "ppoll",
                                         "pwrite64",
                                         "read",
                                         "readv",
                                         "recvfrom",
                                         "recvmsg",
                                         "restart_syscall",
                                         "rt_sigaction",
                                         "rt_sigprocmask",
                                         "rt_sigreturn",
                                         "sched_yield",
                                         "sendmsg",
                                         "sendto",
                                         "setsockopt",
                                         "shutdown",
                                         "sigaltstack",
                                         "socket",
                                         "stat",
                                         "statx",
                                         "tgkill",
                                         "timerfd_settime",
                                         "unlink",
                                         "unlinkat",
                                         "write",
                                         "writev"};

Result<void> filter_calls() {
  const std::unique_ptr<void, void (*)(scmp_filter_ctx)> filter(seccomp_init(SCMP_ACT_ERRNO(EPERM)), seccomp_release);
  if (!filter) return fail("making a filter of system calls");
  for (const char* name : allowed_calls) {
    const int number = seccomp_syscall_resolve_name(name);
    if (number != __NR_SCMP_ERROR && seccomp_rule_add(filter.get(), SCMP_ACT_ALLOW, number, 0) != 0)
      return fail("allowing {}", name);
  }
  const int loaded = seccomp_load(filter.get());
  if (loaded != 0) return fail("filtering system calls: {}", std::strerror(-loaded));
  return {};
}

void allow_below(int rules, const std::filesystem::path& folder, uint64_t access) {
  const UniqueFd place(open(folder.c_str(), O_PATH | O_CLOEXEC));
  const landlock_path_beneath_attr rule = {.allowed_access = access, .parent_fd = place.get()};
  if (place) syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
}

/// A second lock beside the others: a kernel without it is no error.
void close_file_system(const std::filesystem::path& folder) {
  constexpr uint64_t all_of_first_version = (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1;
  const landlock_ruleset_attr handled = {.handled_access_fs = all_of_first_version};
  const UniqueFd rules(static_cast<int>(syscall(SYS_landlock_create_ruleset, &handled, sizeof handled, 0)));
  if (!rules) return;
  // libslirp reads resolv.conf again when it has changed, and it is a link into /run on many hosts.
  allow_below(rules.get(), "/etc", LANDLOCK_ACCESS_FS_READ_FILE);
  for (const char* place : {"/run/systemd/resolve", "/run/NetworkManager", "/run/resolvconf"})
    allow_below(rules.get(), place, LANDLOCK_ACCESS_FS_READ_FILE);
  allow_below(rules.get(), folder, LANDLOCK_ACCESS_FS_REMOVE_FILE);
  syscall(SYS_landlock_restrict_self, rules.get(), 0);
}

}  // namespace

Result<void> confine(const Confinement& confinement) {
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return fail_errno("giving up new privileges");
  const uint32_t kept = bit(CAP_NET_BIND_SERVICE) | (confinement.interfaces ? bit(CAP_NET_ADMIN) : 0);
  STRATA_TRY(drop_capabilities(kept));
  close_file_system(confinement.folder);
  return filter_calls();
}

}  // namespace strata::network::container
