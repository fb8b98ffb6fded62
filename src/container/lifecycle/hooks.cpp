// Runs hooks, each with its input and its time.
#include "container/lifecycle/hooks.h"

#include "base/unique_fd.h"
#include "container/process/arguments.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace strata::container {
namespace {

// A pipe with the state in it and nobody left to write: what a hook reads. A state longer than a pipe holds is written by
// nobody, so it goes into a file that lives in memory.
Result<UniqueFd> input_of(const std::string& state) {
  UniqueFd file(static_cast<int>(::syscall(SYS_memfd_create, "state", 1u /* MFD_CLOEXEC */)));
  if (!file || ::write(file.get(), state.data(), state.size()) != static_cast<ssize_t>(state.size()) ||
      ::lseek(file.get(), 0, SEEK_SET) != 0)
    return fail_errno("the state for a hook");
  return file;
}

Result<void> run_hook(const Hook& hook, const std::string& state) {
  const UniqueFd input = STRATA_TRY(input_of(state));
  const auto args = argument_pointers(hook.args);
  const auto env = argument_pointers(hook.env);
  const pid_t child = ::fork();
  if (child < 0) return fail_errno("fork");
  if (child == 0) {
    sigset_t none;  // what the runtime holds for the container is not held for a hook
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    ::dup2(input.get(), STDIN_FILENO);
    ::execve(hook.path.c_str(), args.data(), env.data());
    ::_exit(errno == ENOENT ? 127 : 126);
  }
  if (hook.timeout_seconds) {
    const UniqueFd handle(static_cast<int>(::syscall(SYS_pidfd_open, child, 0)));
    pollfd wait{.fd = handle.get(), .events = POLLIN, .revents = 0};
    if (::poll(&wait, 1, *hook.timeout_seconds * 1000) == 0) {
      ::kill(child, SIGKILL);
      ::waitpid(child, nullptr, 0);
      return fail(ErrorCode::timed_out, "took longer than its timeout of {} s", *hook.timeout_seconds);
    }
  }
  int status = 0;
  while (::waitpid(child, &status, 0) < 0)
    if (errno != EINTR) return fail_errno("waiting");
  if (WIFSIGNALED(status)) return fail("was ended by signal {}", WTERMSIG(status));
  if (WEXITSTATUS(status) == 127) return fail(ErrorCode::not_found, "exit code 127 (is it there, and what it needs?)");
  if (WEXITSTATUS(status) != 0) return fail("exit code {}", WEXITSTATUS(status));
  return {};
}

}  // namespace

Result<void> run_hooks(std::string_view when, const std::vector<Hook>& hooks, const std::string& state) {
  for (const auto& hook : hooks) STRATA_TRY(with_context(run_hook(hook, state), "{} hook {}", when, hook.path));
  return {};
}

}  // namespace strata::container
