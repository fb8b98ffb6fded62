// The seccomp listener's way to its agent: a process under a filter may be stopped at the very call that would send it.
#include "container/process/process.h"
#include "container/sockets.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace strata::container {

Result<void> ProcessSetup::connect_agent() {
  if (!linux_.seccomp || !has_notify(*linux_.seccomp)) return {};
  if (linux_.seccomp->listener_path.empty())
    return fail(ErrorCode::bad_data, "linux.seccomp notifies, but has no listenerPath");
  agent_ = STRATA_TRY(connect_unix(linux_.seccomp->listener_path));
  return {};
}

// A helper that shares our memory and descriptors, but made before the filter, sends for us.
Result<void> ProcessSetup::install_filter() {
  if (!linux_.seccomp) return {};
  if (!has_notify(*linux_.seccomp)) {
    auto installed = install_seccomp(*linux_.seccomp);
    return installed ? Result<void>{} : tl::unexpected(std::move(installed.error()));
  }
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return fail_errno("pipe");
  const UniqueFd told(ends[0]);
  const UniqueFd tell(ends[1]);
  const pid_t helper =
      static_cast<pid_t>(::syscall(SYS_clone, CLONE_FILES | SIGCHLD, nullptr, nullptr, nullptr, nullptr));
  if (helper < 0) return fail_errno("making the listener's sender");
  if (helper == 0) {
    int descriptor = -1;
    if (::read(told.get(), &descriptor, sizeof descriptor) != sizeof descriptor || descriptor < 0) ::_exit(1);
    ::_exit(send_fds(agent_.get(), {&descriptor, 1}, listener_state_) ? 0 : 1);
  }
  auto installed = install_seccomp(*linux_.seccomp);
  const int descriptor = installed ? installed->get() : -1;
  if (::write(tell.get(), &descriptor, sizeof descriptor) != sizeof descriptor)
    return fail_errno("the listener's sender");
  int status = 0;
  if (::waitpid(helper, &status, 0) != helper) return fail_errno("the listener's sender");
  if (!installed) return tl::unexpected(std::move(installed.error()));
  if (status != 0) return fail("handing the seccomp listener to {} failed", linux_.seccomp->listener_path);
  return {};
}

}  // namespace strata::container
