// What a container's process does from its first instruction to its program.
#include "container/lifecycle/birth.h"

#include "container/lifecycle/hooks.h"
#include "container/lifecycle/terminal.h"
#include "container/namespaces/namespaces.h"
#include "container/process/user_lookup.h"
#include "container/sockets.h"

#include <linux/keyctl.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <utility>

namespace strata::container {
namespace {

constexpr unsigned standard_descriptors = 3;

// From here on nothing that the runtime had open can get into the program: neither its own files nor what it was handed
// by mistake.
Result<void> close_on_exec(unsigned preserved) {
  constexpr unsigned close_range_cloexec = 4;
  if (::syscall(SYS_close_range, standard_descriptors + preserved, ~0u, close_range_cloexec) != 0)
    return fail_errno("closing descriptors");
  return {};
}

// The program begins with the signals as they are by default, whatever the engine ignores.
void reset_signals() {
  for (int number = 1; number < NSIG; ++number) ::signal(number, SIG_DFL);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

// `rootfs` is null for a process of a container that is there.
Result<void> begin(Birth& birth, Rootfs* rootfs) {
  STRATA_TRY(close_on_exec(birth.preserved));
  if (birth.new_user_namespace) {
    STRATA_TRY(birth.channel.expect(Word::mapped));
    if (auto root = birth.channel.take_fds(); rootfs && !root.empty()) rootfs->use_root(std::move(root[0]));
    // Root of the namespace, which has all rights in it.
    if (::syscall(SYS_setresgid, 0, 0, 0) != 0 || ::syscall(SYS_setresuid, 0, 0, 0) != 0)
      return fail_errno("becoming root of the user namespace (do the id maps have a 0?)");
  }
  STRATA_TRY(make_time_namespace(birth.namespaces, birth.spec.linux.time_offsets));
  // Nobody in the container may look into this process: it still has the host's files open. Only now, for the maps and
  // clocks of one that is not dumpable are root's to write. In a PID namespace that is new there is nobody yet; and the hooks
  // of an ordinary user, such as one that sets up the network, have to find the namespaces in /proc.
  const bool alone = rootfs && (birth.namespaces.born_in & CLONE_NEWPID) != 0;
  if (!alone && ::prctl(PR_SET_DUMPABLE, 0) != 0) return fail_errno("PR_SET_DUMPABLE");
  if (::setsid() < 0 && errno != EPERM) return fail_errno("making a session");
  if (!birth.keyring.empty() && ::syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, birth.keyring.c_str()) < 0 &&
      errno != ENOSYS && errno != EPERM && errno != EDQUOT)
    return fail_errno("making a session keyring");
  return {};
}

Result<void> name_host(const Spec& spec) {
  if (!spec.hostname.empty() && ::sethostname(spec.hostname.data(), spec.hostname.size()) != 0)
    return fail_errno("hostname {}", spec.hostname);
  if (!spec.domainname.empty() && ::setdomainname(spec.domainname.data(), spec.domainname.size()) != 0)
    return fail_errno("domainname {}", spec.domainname);
  return {};
}

// Makes the terminal and hands its master end over; gives the slave end.
Result<UniqueFd> hand_over_terminal(Birth& birth) {
  auto [master, slave] = STRATA_TRY(make_terminal(birth.process.console_size, birth.process.user));
  const int number = master.get();
  const bool sent = birth.console ? send_fds(birth.console.get(), {&number, 1}, "/dev/ptmx")
                                  : birth.channel.send(Word::terminal, {&number, 1});
  if (!sent) return fail_errno("handing over the terminal");
  return std::move(slave);
}

// A path like /proc/self/fd/7 leads to a directory outside of the container's root, if one is open there.
Result<void> check_working_directory() {
  char path[4096];
  if (::syscall(SYS_getcwd, path, sizeof path) < 0 || path[0] != '/')
    return fail(ErrorCode::bad_data, "process.cwd is outside of the container's root");
  return {};
}

// The rest, when all around the process is made: it becomes what the configuration says, but for the program.
Result<std::string> take_shape(const Birth& birth, ProcessSetup& setup) {
  STRATA_TRY(setup.take_limits());
  // Both by root, who may make the directory, and by the user, who has to be let in.
  STRATA_TRY(setup.enter_working_directory());
  STRATA_TRY(check_working_directory());
  for (const int standard : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
    if (birth.process.terminal && birth.process.user.uid != 0)
      (void)::fchown(standard, birth.process.user.uid, static_cast<gid_t>(-1));
  auto program = STRATA_TRY(setup.find_program());
  STRATA_TRY(setup.take_rights());
  STRATA_TRY(setup.enter_working_directory());
  return program;
}

Result<Channel> wait_for_start(const UniqueFd& start) {
  while (true) {
    UniqueFd caller(::accept4(start.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (caller) return Channel(std::move(caller));
    if (errno != EINTR && errno != ECONNABORTED) return fail_errno("waiting for start");
  }
}

// The runtime makes the cgroups while this process does other work: each step is waited for as late as can be, and once.
class OwnCgroup {
 public:
  explicit OwnCgroup(Birth& birth) : birth_(birth) {}

  Result<void> be_made() {
    if (std::exchange(made_, true)) return {};
    STRATA_TRY(birth_.channel.expect(Word::cgroups));
    doors_ = birth_.channel.take_fds();
    return {};
  }
  Result<void> join() {
    if (std::exchange(joined_, true)) return {};
    STRATA_TRY(be_made());
    STRATA_TRY(pass_doors(doors_));
    doors_.clear();
    // Its root is the cgroup that the process is in.
    if (birth_.namespaces.cgroup && ::unshare(CLONE_NEWCGROUP) != 0) return fail_errno("making a cgroup namespace");
    return {};
  }

 private:
  Birth& birth_;
  std::vector<UniqueFd> doors_;
  bool made_ = false;
  bool joined_ = false;
};

// Until the container is created: all but the start.
Result<void> make_container(Birth& birth, Rootfs& rootfs, ProcessSetup& setup, const std::string& state) {
  const auto& spec = birth.spec;
  STRATA_TRY(begin(birth, &rootfs));
  STRATA_TRY(make_other_namespaces(birth.namespaces));
  STRATA_TRY(setup.open_host_files(birth.host_proc.get()));
  STRATA_TRY(name_host(spec));
  if (spec.linux.makes(NamespaceKind::network)) STRATA_TRY(bring_up_loopback());
  STRATA_TRY(set_sysctls(spec.linux.sysctls, spec.linux));
  OwnCgroup cgroup(birth);
  STRATA_TRY(rootfs.assemble([&] { return cgroup.be_made(); }));
  const bool observed = needs_runtime_when_mounted(spec);
  if (observed || !spec.hooks.create_container.empty()) STRATA_TRY(cgroup.join());
  if (observed) {
    birth.channel.say(Word::mounted);
    STRATA_TRY(birth.channel.expect(Word::proceed));
  }
  STRATA_TRY(run_hooks("createContainer", spec.hooks.create_container, state));
  STRATA_TRY(rootfs.enter());
  STRATA_TRY(find_user(birth.process.user));
  if (birth.process.terminal) {
    const UniqueFd slave = STRATA_TRY(hand_over_terminal(birth));
    STRATA_TRY(rootfs.bind_console(slave.get()));
    STRATA_TRY(take_terminal(slave.get()));
  }
  STRATA_TRY(rootfs.seal());
  return cgroup.join();
}

// Gives where the outcome of the start is told: the caller of `start`, or who has made the container if that is the same.
Result<Channel> until_start(Birth& birth) {
  // From here on `exec` may bring others, who are not to look into this process.
  if (::prctl(PR_SET_DUMPABLE, 0) != 0) return fail_errno("PR_SET_DUMPABLE");
  birth.host_proc.reset();
  if (!birth.start) return std::move(birth.channel);
  birth.channel.say(Word::ready);
  birth.channel.close();
  return wait_for_start(birth.start);
}

}  // namespace

void be_first_process(Birth& birth, Rootfs& rootfs, const Record& record) {
  const std::string state = state_json(record, Status::created);
  ProcessSetup setup(birth.process, birth.spec.linux, process_state_json(birth.spec, state, record.pid));
  reset_signals();
  auto made = make_container(birth, rootfs, setup, state);
  // A program that is not there is told by `create` already; rights are taken when it starts, for hooks come before.
  if (made)
    if (auto found = setup.find_program(); !found) made = tl::unexpected(std::move(found.error()));
  if (!made) {
    birth.channel.say(Word::failed, made.error().message);
    ::_exit(1);
  }
  auto caller = until_start(birth);
  if (!caller) ::_exit(1);
  auto shaped = [&]() -> Result<std::string> {
    STRATA_TRY(run_hooks("startContainer", birth.spec.hooks.start_container, state));
    return take_shape(birth, setup);
  }();
  const Error error = shaped ? setup.execute(*shaped) : std::move(shaped.error());
  caller->say(Word::failed, error.message);
  ::_exit(1);
}

void be_further_process(Birth& birth) {
  ProcessSetup setup(birth.process, birth.spec.linux, "");
  reset_signals();
  auto shaped = [&]() -> Result<std::string> {
    STRATA_TRY(begin(birth, nullptr));
    STRATA_TRY(setup.open_host_files(birth.host_proc.get()));
    STRATA_TRY(OwnCgroup(birth).join());
    STRATA_TRY(find_user(birth.process.user));
    if (birth.process.terminal) {
      const UniqueFd slave = STRATA_TRY(hand_over_terminal(birth));
      STRATA_TRY(take_terminal(slave.get()));
    }
    return take_shape(birth, setup);
  }();
  const Error error = shaped ? setup.execute(*shaped) : std::move(shaped.error());
  birth.channel.say(Word::failed, error.message);
  ::_exit(1);
}

}  // namespace strata::container
