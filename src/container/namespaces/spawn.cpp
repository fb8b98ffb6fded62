// Begins processes in new and joined namespaces.
#include "container/namespaces/namespaces.h"

#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace strata::container {
namespace {

// What the process in between says at its end: the child's number, or what failed.
struct Report {
  pid_t child;
  int error;
  char doing[100];
};

// fork(2) with more to say. There are no other threads, so the copy is as good as the original.
pid_t clone_process(std::uint64_t flags, int cgroup = -1) {
  clone_args arguments{};
  arguments.flags = flags;
  arguments.exit_signal = flags & CLONE_PARENT ? 0 : SIGCHLD;  // a sibling gets ours by itself
  if (cgroup >= 0) {
    arguments.flags |= CLONE_INTO_CGROUP;
    arguments.cgroup = static_cast<std::uint64_t>(cgroup);
  }
  return static_cast<pid_t>(::syscall(SYS_clone3, &arguments, sizeof arguments));
}

Result<void> enter_all(const NamespacePlan& plan) {
  for (const auto& one : plan.joined)
    if (::setns(one.fd.get(), static_cast<int>(clone_flag(one.kind))) != 0)
      return fail_errno("joining the {} namespace", namespace_file(one.kind));
  return {};
}

[[noreturn]] void run(const std::function<void()>& body) {
  body();
  ::_exit(1);
}

// Joined namespaces are entered before new ones are made: a new user namespace takes away the right to join what is
// outside of it. And some hold only for children. So a process in between does it, and its child becomes ours.
Result<pid_t> spawn_by_step(const NamespacePlan& plan, int cgroup, const std::function<void()>& body) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) return fail_errno("socket pair");
  const UniqueFd ours(ends[0]);
  UniqueFd theirs(ends[1]);
  const pid_t step = clone_process(0, cgroup);  // its child begins there too; what it joins may forbid to go there
  if (step < 0) return fail_errno("making a process");
  if (step == 0) {
    Report report{};
    if (const auto entered = enter_all(plan); !entered) {
      report.child = -1;
      entered.error().message.copy(report.doing, sizeof report.doing - 1);
    } else {
      report.child = clone_process(plan.born_in | CLONE_PARENT);
      if (report.child == 0) run(body);
      report.error = errno;
    }
    (void)::send(theirs.get(), &report, sizeof report, MSG_NOSIGNAL);
    ::_exit(0);
  }
  theirs.reset();
  Report report{};
  const ssize_t size = ::recv(ours.get(), &report, sizeof report, 0);
  (void)::waitpid(step, nullptr, 0);
  if (size != sizeof report) return fail("the process that joins namespaces died");
  if (report.child > 0) return report.child;
  if (report.doing[0]) return fail("{}", report.doing);
  errno = report.error;
  return fail_errno("making a process in new namespaces");
}

}  // namespace

Result<pid_t> spawn(const NamespacePlan& plan, int cgroup, const std::function<void()>& body) {
  if (!plan.joined.empty()) return spawn_by_step(plan, cgroup, body);
  const pid_t child = clone_process(plan.born_in, cgroup);
  if (child < 0) return fail_errno("making a process in new namespaces");
  if (child == 0) run(body);
  return child;
}

}  // namespace strata::container
