// Which system calls a container may use, and why the others not.
#include "control/seccomp_profile.h"

#include <linux/sched.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <vector>

namespace strata::control {
namespace {

using Json = nlohmann::ordered_json;

// From the kernel's tables (arch/x86/entry/syscalls), by what the calls act upon. Calls that only 32-bit programs have
// stand with those that they are old forms of.
constexpr CallGroup groups[] = {
    {CallRule::allow, "", "files that are open, by descriptor",
     "read write readv writev pread64 pwrite64 preadv pwritev preadv2 pwritev2 close close_range lseek _llseek fsync "
     "fdatasync sync_file_range ftruncate ftruncate64 fallocate fadvise64 fadvise64_64 readahead flock fcntl fcntl64 "
     "dup "
     "dup2 dup3 pipe pipe2 ioctl fstat fstat64 fstatfs fstatfs64 fchmod fchown fchown32 getdents getdents64 sendfile "
     "sendfile64 splice tee vmsplice copy_file_range syncfs sync cachestat"},
    {CallRule::allow, "", "files by name: the container sees only its own",
     "open openat openat2 creat access faccessat faccessat2 stat stat64 lstat lstat64 newfstatat fstatat64 statx "
     "oldstat "
     "oldlstat oldfstat readlink readlinkat truncate truncate64 rename renameat renameat2 link linkat symlink "
     "symlinkat "
     "unlink unlinkat mkdir mkdirat rmdir mknod mknodat chmod fchmodat fchmodat2 chown chown32 lchown lchown32 "
     "fchownat "
     "utime utimes utimensat utimensat_time64 futimesat chdir fchdir getcwd umask statfs statfs64 name_to_handle_at "
     "statmount listmount"},
    {CallRule::allow, "", "extended attributes",
     "getxattr lgetxattr fgetxattr setxattr lsetxattr fsetxattr listxattr llistxattr flistxattr removexattr "
     "lremovexattr "
     "fremovexattr getxattrat setxattrat listxattrat removexattrat file_getattr file_setattr"},
    {CallRule::allow, "", "watching files and waiting for descriptors",
     "inotify_init inotify_init1 inotify_add_watch inotify_rm_watch fanotify_mark poll ppoll ppoll_time64 select "
     "_newselect "
     "pselect6 pselect6_time64 epoll_create epoll_create1 epoll_ctl epoll_ctl_old epoll_wait epoll_wait_old "
     "epoll_pwait "
     "epoll_pwait2 eventfd eventfd2 signalfd signalfd4 timerfd_create timerfd_settime timerfd_settime64 "
     "timerfd_gettime "
     "timerfd_gettime64 io_setup io_submit io_cancel io_destroy io_getevents io_pgetevents io_pgetevents_time64"},
    {CallRule::allow, "", "memory of its own",
     "brk mmap mmap2 munmap mremap mprotect madvise msync mincore mlock mlock2 munlock mlockall munlockall "
     "memfd_create "
     "memfd_secret remap_file_pages pkey_alloc pkey_free pkey_mprotect membarrier map_shadow_stack mseal "
     "process_mrelease "
     "modify_ldt arch_prctl set_thread_area get_thread_area"},
    {CallRule::allow, "", "processes and threads of its own namespace",
     "fork vfork execve execveat exit exit_group wait4 waitid waitpid getpid getppid gettid getpgid getpgrp setpgid "
     "getsid "
     "setsid kill tkill tgkill pidfd_open pidfd_send_signal prctl ptrace capget capset set_tid_address set_robust_list "
     "get_robust_list futex futex_time64 futex_waitv futex_wake futex_wait futex_requeue rseq restart_syscall times "
     "getrusage getcpu pause alarm nice"},
    {CallRule::allow, "", "who it is",
     "getuid getuid32 geteuid geteuid32 getgid getgid32 getegid getegid32 getresuid getresuid32 getresgid getresgid32 "
     "getgroups getgroups32 setuid setuid32 setgid setgid32 setreuid setreuid32 setregid setregid32 setresuid "
     "setresuid32 "
     "setresgid setresgid32 setgroups setgroups32 setfsuid setfsuid32 setfsgid setfsgid32"},
    {CallRule::allow, "", "signals",
     "rt_sigaction rt_sigprocmask rt_sigreturn rt_sigsuspend rt_sigpending rt_sigtimedwait rt_sigtimedwait_time64 "
     "rt_sigqueueinfo rt_tgsigqueueinfo sigaltstack signal sigaction sigprocmask sigreturn sigsuspend sigpending "
     "sgetmask "
     "ssetmask"},
    {CallRule::allow, "", "reading clocks, sleeping, timers",
     "time gettimeofday clock_gettime clock_gettime64 clock_getres clock_getres_time64 nanosleep clock_nanosleep "
     "clock_nanosleep_time64 getitimer setitimer timer_create timer_settime timer_settime64 timer_gettime "
     "timer_gettime64 "
     "timer_getoverrun timer_delete"},
    {CallRule::allow, "", "limits and scheduling, which the kernel and the cgroup keep within bounds",
     "getrlimit setrlimit prlimit64 ugetrlimit sched_yield sched_getaffinity sched_setaffinity sched_getparam "
     "sched_setparam sched_getscheduler sched_setscheduler sched_getattr sched_setattr sched_get_priority_max "
     "sched_get_priority_min sched_rr_get_interval sched_rr_get_interval_time64 getpriority setpriority ioprio_get "
     "ioprio_set"},
    {CallRule::allow, "", "sockets (the family is looked at when one is made)",
     "socketpair bind listen accept accept4 connect getsockname getpeername getsockopt setsockopt shutdown send sendto "
     "sendmsg sendmmsg recv recvfrom recvmsg recvmmsg recvmmsg_time64"},
    {CallRule::allow, "", "System V and POSIX messages, semaphores, shared memory: it has an ipc namespace",
     "shmget shmat shmdt shmctl semget semop semtimedop semtimedop_time64 semctl msgget msgsnd msgrcv msgctl ipc "
     "mq_open "
     "mq_unlink mq_timedsend mq_timedsend_time64 mq_timedreceive mq_timedreceive_time64 mq_notify mq_getsetattr"},
    {CallRule::allow, "", "telling of the system",
     "uname olduname oldolduname sysinfo getrandom lsm_get_self_attr "
     "lsm_list_modules lsm_set_self_attr"},
    {CallRule::allow, "", "making itself less able",
     "seccomp landlock_create_ruleset landlock_add_rule landlock_restrict_self"},

    {CallRule::needs, "CAP_SYS_CHROOT", "another root", "chroot"},
    {CallRule::needs, "CAP_SYS_ADMIN", "mounts and namespaces: new ones open much of the kernel that is rarely tried",
     "mount umount umount2 pivot_root fsopen fsconfig fsmount fspick move_mount open_tree open_tree_attr mount_setattr "
     "unshare setns"},
    {CallRule::needs, "CAP_SYS_ADMIN", "names of the host and other administration",
     "sethostname setdomainname fanotify_init quotactl quotactl_fd lookup_dcookie bpf perf_event_open"},
    {CallRule::needs, "CAP_BPF", "programs in the kernel", "bpf"},
    {CallRule::needs, "CAP_PERFMON", "counters of the processor, by which neighbours can be listened to",
     "perf_event_open"},
    {CallRule::needs, "CAP_DAC_READ_SEARCH", "files by handle: past every folder's rights and out of the root",
     "open_by_handle_at"},
    {CallRule::needs, "CAP_SYS_PTRACE", "memory and descriptors of others",
     "process_vm_readv process_vm_writev process_madvise kcmp pidfd_getfd"},
    {CallRule::needs, "CAP_SYS_NICE", "where memory lies: slows others down",
     "mbind set_mempolicy set_mempolicy_home_node get_mempolicy migrate_pages move_pages"},
    {CallRule::needs, "CAP_SYS_TIME", "the clock is everybody's",
     "settimeofday stime clock_settime clock_settime64 adjtimex clock_adjtime clock_adjtime64"},
    {CallRule::needs, "CAP_SYS_MODULE", "code in the kernel", "init_module finit_module delete_module"},
    {CallRule::needs, "CAP_SYS_BOOT", "the machine itself", "reboot kexec_load kexec_file_load"},
    {CallRule::needs, "CAP_SYS_RAWIO", "ports of devices", "iopl ioperm"},
    {CallRule::needs, "CAP_SYS_PACCT", "a file of the host about all processes", "acct"},
    {CallRule::needs, "CAP_SYSLOG", "the kernel's messages, with its addresses", "syslog"},
    {CallRule::needs, "CAP_SYS_TTY_CONFIG", "terminals of others", "vhangup"},

    {CallRule::refuse, "", "keys of the kernel have no namespace", "add_key request_key keyctl"},
    {CallRule::refuse, "", "faults handled by programs make races in the kernel easy to win", "userfaultfd"},
    {CallRule::refuse, "", "swap is the host's", "swapon swapoff"},
    {CallRule::refuse, "", "16-bit mode of old processors", "vm86 vm86old"},
};

// What is allowed, but for some values of an argument.
void add_looked_at(Json& calls, bool administrator) {
  const auto allow = [&](const char* name, Json arguments) {
    calls.push_back({{"names", {name}}, {"action", "SCMP_ACT_ALLOW"}, {"args", std::move(arguments)}});
  };
  // Persons: Linux, 32-bit Linux, each without or with the old release number (UNAME26), and asking which (all ones).
  for (const uint64_t person : {0x0ull, 0x8ull, 0x20000ull, 0x20008ull, 0xffffffffull})
    allow("personality", {{{"index", 0}, {"value", person}, {"op", "SCMP_CMP_EQ"}}});
  // AF_VSOCK has no namespace: it reaches the host's hypervisor. AF_ALG is a wide door into the kernel for what libraries do.
  static_assert(AF_ALG == 38 && AF_VSOCK == 40);
  allow("socket", {{{"index", 0}, {"value", AF_ALG}, {"op", "SCMP_CMP_LT"}}});
  allow("socket", {{{"index", 0}, {"value", 39}, {"op", "SCMP_CMP_EQ"}}});
  allow("socket", {{{"index", 0}, {"value", AF_VSOCK}, {"op", "SCMP_CMP_GT"}}});
  calls.push_back({{"names", {"socket"}},
                   {"action", "SCMP_ACT_ERRNO"},
                   {"errnoRet", EAFNOSUPPORT},
                   {"args", {{{"index", 0}, {"value", AF_VSOCK}, {"op", "SCMP_CMP_EQ"}}}}});
  calls.push_back({{"names", {"socket"}},
                   {"action", "SCMP_ACT_ERRNO"},
                   {"errnoRet", EAFNOSUPPORT},
                   {"args", {{{"index", 0}, {"value", AF_ALG}, {"op", "SCMP_CMP_EQ"}}}}});
  if (administrator) {
    calls.push_back({{"names", {"clone", "clone3"}}, {"action", "SCMP_ACT_ALLOW"}});
    return;
  }
  // clone3 has its flags in memory, where a filter cannot look: without it (ENOSYS), programs use clone.
  constexpr uint64_t namespaces =
      CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET;
  allow("clone", {{{"index", 0}, {"value", namespaces}, {"valueTwo", 0}, {"op", "SCMP_CMP_MASKED_EQ"}}});
}

Json words(std::string_view names) {
  Json list = Json::array();
  while (!names.empty()) {
    const size_t end = names.find(' ');
    list.push_back(std::string(names.substr(0, end)));
    names = end == std::string_view::npos ? std::string_view{} : names.substr(end + 1);
  }
  return list;
}

}  // namespace

std::span<const CallGroup> call_groups() { return groups; }

Json default_seccomp(std::span<const std::string> capabilities) {
  const auto has = [&](std::string_view name) { return std::ranges::find(capabilities, name) != capabilities.end(); };
  Json allowed = Json::array(), refused = Json::array();
  for (const CallGroup& group : groups) {
    const bool ok = group.rule == CallRule::allow || (group.rule == CallRule::needs && has(group.capability));
    for (Json& name : words(group.names)) (ok ? allowed : refused).push_back(std::move(name));
  }
  // One capability of two is enough (bpf, perf_event_open).
  std::erase_if(refused.get_ref<Json::array_t&>(),
                [&](const Json& name) { return std::ranges::find(allowed, name) != allowed.end(); });
  Json calls = Json::array();
  calls.push_back({{"names", std::move(allowed)}, {"action", "SCMP_ACT_ALLOW"}});
  calls.push_back({{"names", std::move(refused)}, {"action", "SCMP_ACT_ERRNO"}, {"errnoRet", EPERM}});
  add_looked_at(calls, has("CAP_SYS_ADMIN"));
  return {{"defaultAction", "SCMP_ACT_ERRNO"},
          {"defaultErrnoRet", ENOSYS},
          {"architectures", {"SCMP_ARCH_X86_64", "SCMP_ARCH_X86"}},
          {"syscalls", std::move(calls)}};
}

}  // namespace strata::control
