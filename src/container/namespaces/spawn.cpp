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
pid_t clone_process(std::uint64_t flags) {
  clone_args arguments{};
  arguments.flags = flags;
  arguments.exit_signal = flags & CLONE_PARENT ? 0 : SIGCHLD;  // a sibling gets ours by itself
  return static_cast<pid_t>(::syscall(SYS_clone3, &arguments, sizeof arguments));
}

Result<void> enter_all(const NamespacePlan& plan, const std::map<std::string, TimeOffset>& offsets) {
  for (const auto& one : plan.joined)
    if (::setns(one.fd.get(), static_cast<int>(clone_flag(one.kind))) != 0)
      return fail_errno("joining the {} namespace", namespace_file(one.kind));
  if (!(plan.made & CLONE_NEWTIME)) return {};
  if (::unshare(CLONE_NEWTIME) != 0) return fail_errno("making a time namespace");
  return write_time_offsets(offsets);
}

[[noreturn]] void run(const std::function<void()>& body) {
  body();
  ::_exit(1);
}

// Joined namespaces are entered before new ones are made: a new user namespace takes away the right to join what is
// outside of it. And some hold only for children. So a process in between does it, and its child becomes ours.
Result<pid_t> spawn_by_step(const NamespacePlan& plan, const std::map<std::string, TimeOffset>& offsets,
                            const std::function<void()>& body) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) return fail_errno("socket pair");
  const UniqueFd ours(ends[0]);
  UniqueFd theirs(ends[1]);
  const pid_t step = clone_process(0);
  if (step < 0) return fail_errno("making a process");
  if (step == 0) {
    Report report{};
    if (const auto entered = enter_all(plan, offsets); !entered) {
      report.child = -1;
      entered.error().message.copy(report.doing, sizeof report.doing - 1);
    } else {
      report.child = clone_process((plan.made & ~std::uint64_t{CLONE_NEWTIME}) | CLONE_PARENT);
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

Result<pid_t> spawn(const NamespacePlan& plan, const std::map<std::string, TimeOffset>& offsets,
                    const std::function<void()>& body) {
  if (!plan.joined.empty() || plan.made & CLONE_NEWTIME) return spawn_by_step(plan, offsets, body);
  const pid_t child = clone_process(plan.made);
  if (child < 0) return fail_errno("making a process in new namespaces");
  if (child == 0) run(body);
  return child;
}

}  // namespace strata::container
