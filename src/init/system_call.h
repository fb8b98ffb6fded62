// The kernel's system calls, as inline functions: all that this program has below it.
#pragma once

#include <asm/unistd.h>
#include <stddef.h>
#include <stdint.h>

/// Each returns what the kernel returns: a negative number is an errno with its sign turned. The manual page of each is
/// that of the same name in section 2.
namespace strata::init::sys {

#if defined(__x86_64__)
inline long call(long number, long a = 0, long b = 0, long c = 0, long d = 0, long e = 0, long f = 0) {
  register long r10 asm("r10") = d;
  register long r8 asm("r8") = e;
  register long r9 asm("r9") = f;
  long result;
  asm volatile("syscall"
               : "=a"(result)
               : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
               : "rcx", "r11", "memory");
  return result;
}
#else
#error "strata-init: this host's way to call the kernel is not written yet"
#endif

template <typename T>
long word(T* pointer) {
  return reinterpret_cast<long>(pointer);
}

inline long read(int fd, void* to, size_t size) { return call(__NR_read, fd, word(to), static_cast<long>(size)); }
inline long write(int fd, const void* from, size_t size) {
  return call(__NR_write, fd, word(from), static_cast<long>(size));
}
constexpr int at_cwd = -100;  // AT_FDCWD
inline long open(const char* path, int flags, unsigned mode = 0) {
  return call(__NR_openat, at_cwd, word(path), flags, mode);
}
inline long close(int fd) { return call(__NR_close, fd); }
inline long make_pipe(int* ends) { return call(__NR_pipe2, word(ends), 02000000 /* O_CLOEXEC */); }
inline long change_owner(int fd, uint32_t user, uint32_t group) { return call(__NR_fchown, fd, user, group); }
inline long read_link(const char* path, char* to, size_t size) {
  return call(__NR_readlinkat, at_cwd, word(path), word(to), static_cast<long>(size));
}
/// Not for programs that are started.
inline long dup_high(int fd) { return call(__NR_fcntl, fd, 1030 /* F_DUPFD_CLOEXEC */, 10); }
inline long dup_to(int fd, int to) { return call(__NR_dup3, fd, to, 0); }
inline long make_directory(const char* path, unsigned mode) { return call(__NR_mkdirat, at_cwd, word(path), mode); }
inline long make_link(const char* to, const char* path) { return call(__NR_symlinkat, word(to), at_cwd, word(path)); }
inline long remove(const char* path) { return call(__NR_unlinkat, at_cwd, word(path), 0); }
inline long remove_directory(const char* path) {
  return call(__NR_unlinkat, at_cwd, word(path), 0x200 /* AT_REMOVEDIR */);
}
inline long change_directory(const char* path) { return call(__NR_chdir, word(path)); }
inline long change_root(const char* path) { return call(__NR_chroot, word(path)); }
inline long list(int fd, void* to, size_t size) { return call(__NR_getdents64, fd, word(to), static_cast<long>(size)); }
inline long control(int fd, unsigned long request, long argument) {
  return call(__NR_ioctl, fd, static_cast<long>(request), argument);
}
inline long size_of(int fd) { return call(__NR_lseek, fd, 0, 2); }  // to the end

inline long mount(const char* source, const char* target, const char* type, unsigned long flags, const char* data) {
  return call(__NR_mount, word(source), word(target), word(type), static_cast<long>(flags), word(data));
}
inline long load_module(int fd) { return call(__NR_finit_module, fd, word("")); }
inline long map(size_t size, int protection, int flags, int fd) {
  return call(__NR_mmap, 0, static_cast<long>(size), protection, flags, fd, 0);
}

inline long own_pid() { return call(__NR_getpid); }
inline long fork() { return call(__NR_clone, 17 /* SIGCHLD */); }
inline long execute(const char* path, char* const* arguments, char* const* environment) {
  return call(__NR_execve, word(path), word(arguments), word(environment));
}
[[noreturn]] inline void exit(int code) {
  for (;;) call(__NR_exit_group, code);
}
inline long wait(int pid, int* status, int options) { return call(__NR_wait4, pid, word(status), options); }
inline long kill(int pid, int signal) { return call(__NR_kill, pid, signal); }
inline long set_process_group(int pid, int group) { return call(__NR_setpgid, pid, group); }
inline long new_session() { return call(__NR_setsid); }
inline long set_groups(size_t count, const uint32_t* groups) {
  return call(__NR_setgroups, static_cast<long>(count), word(groups));
}
inline long set_group(uint32_t id) { return call(__NR_setresgid, id, id, id); }
inline long set_user(uint32_t id) { return call(__NR_setresuid, id, id, id); }
inline long process_control(int option, unsigned long argument) {
  return call(__NR_prctl, option, static_cast<long>(argument));
}

/// The kernel's own set: one bit a signal, signal 1 the lowest.
using SignalSet = uint64_t;
struct Time {
  long seconds, nanoseconds;
};
inline long change_signal_mask(const SignalSet& set, SignalSet* before) {
  return call(__NR_rt_sigprocmask, 2 /* SIG_SETMASK */, word(&set), word(before), sizeof set);
}
inline long wait_for_signal(const SignalSet& set, const Time* patience) {
  return call(__NR_rt_sigtimedwait, word(&set), 0, word(patience), sizeof set);
}
/// Back to the default action.
inline long forget_signal_action(int signal) {
  struct {
    void* handler;
    unsigned long flags;
    void* restorer;
    SignalSet mask;
  } const action{};
  return call(__NR_rt_sigaction, signal, word(&action), 0, sizeof(SignalSet));
}

inline long sleep(const Time& time) { return call(__NR_nanosleep, word(&time), 0); }
inline long uptime(Time* now) { return call(__NR_clock_gettime, 7 /* CLOCK_BOOTTIME */, word(now)); }
inline long set_host_name(const char* name, size_t size) {
  return call(__NR_sethostname, word(name), static_cast<long>(size));
}
inline long random(void* to, size_t size) {
  return call(__NR_getrandom, word(to), static_cast<long>(size), 1 /* GRND_NONBLOCK */);
}
inline void sync() { call(__NR_sync); }
inline long reboot(unsigned command) {
  return call(__NR_reboot, static_cast<long>(0xfee1dead), 672274793, static_cast<long>(command), 0);
}

inline long socket(int family, int type, int protocol) { return call(__NR_socket, family, type, protocol); }
inline long bind(int fd, const void* address, size_t size) {
  return call(__NR_bind, fd, word(address), static_cast<long>(size));
}
inline long set_option(int fd, int level, int name, const void* value, size_t size) {
  return call(__NR_setsockopt, fd, level, name, word(value), static_cast<long>(size));
}
inline long send_to(int fd, const void* from, size_t size, const void* address, size_t address_size) {
  return call(__NR_sendto, fd, word(from), static_cast<long>(size), 0, word(address), static_cast<long>(address_size));
}
/// The first `count` ports from `first` may be written to.
inline long allow_ports(unsigned first, unsigned count) { return call(__NR_ioperm, first, count, 1); }

}  // namespace strata::init::sys
