// Starting the runtime from the supervisor.
#include "container/supervisor/runtime_process.h"

#include "container/process/arguments.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace strata::container {
namespace {

// Between fork and exec.
[[noreturn]] void become(char* const* arguments, const ProgramStdio* stdio, int lock, pid_t parent) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(1);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  if (stdio) stdio->become();
  ::fcntl(lock, F_SETFD, 0);
  ::execv("/proc/self/exe", arguments);
  ::_exit(1);
}

}  // namespace

Result<pid_t> spawn_runtime(const std::vector<std::string>& words, const ProgramStdio* stdio, int lock) {
  std::vector<std::string> all{"strata-oci", "--hold-fd", std::to_string(lock)};
  all.insert(all.end(), words.begin(), words.end());
  const auto arguments = argument_pointers(all);
  const pid_t parent = ::getpid();
  const pid_t child = ::fork();
  if (child < 0) return fail_errno("starting the runtime");
  if (child == 0) become(arguments.data(), stdio, lock, parent);
  return child;
}

int wait_for_child(pid_t child) {
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) continue;
  return status;
}

int exit_code_of(int wait_status) {
  return WIFSIGNALED(wait_status) ? 128 + WTERMSIG(wait_status) : WEXITSTATUS(wait_status);
}

}  // namespace strata::container
