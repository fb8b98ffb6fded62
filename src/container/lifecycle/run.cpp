// run: create and start, and waiting for the end.
#include "container/lifecycle/create.h"
#include "container/lifecycle/terminal.h"

#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace strata::container {
namespace {

sigset_t passed_on() {
  sigset_t all;
  ::sigfillset(&all);
  for (const int own : {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP, SIGTTIN, SIGTTOU, SIGTSTP})
    ::sigdelset(&all, own);
  return all;
}

Result<UniqueFd> receive_signals() {
  const sigset_t all = passed_on();
  UniqueFd fd(::signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!fd) return fail_errno("signalfd");
  return fd;
}

int exit_code_of(int status) { return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status); }

void pass_signals(int signals, pid_t process, const TerminalRelay& relay) {
  signalfd_siginfo info;
  while (::read(signals, &info, sizeof info) == sizeof info) {
    if (info.ssi_signo == SIGWINCH) relay.copy_size();
    else if (info.ssi_signo != SIGCHLD) ::kill(process, static_cast<int>(info.ssi_signo));
  }
}

}  // namespace

void hold_signals() {
  const sigset_t all = passed_on();
  ::sigprocmask(SIG_BLOCK, &all, nullptr);
}

Result<int> wait_for(pid_t process, UniqueFd terminal) {
  const UniqueFd signals = STRATA_TRY(receive_signals());
  const UniqueFd handle(static_cast<int>(::syscall(SYS_pidfd_open, process, 0)));
  if (!handle) return fail_errno("watching the container's process");
  const bool typed = static_cast<bool>(terminal);
  TerminalRelay relay(std::move(terminal));
  if (typed) relay.begin();
  while (true) {
    pollfd waits[] = {{.fd = handle.get(), .events = POLLIN, .revents = 0},
                      {.fd = signals.get(), .events = POLLIN, .revents = 0},
                      {.fd = relay.master(), .events = POLLIN, .revents = 0},
                      {.fd = relay.master() < 0 ? -1 : STDIN_FILENO, .events = POLLIN, .revents = 0}};
    if (::poll(waits, std::size(waits), -1) < 0 && errno != EINTR) return fail_errno("waiting");
    if (waits[1].revents) pass_signals(signals.get(), process, relay);
    if (waits[3].revents && relay.master() >= 0) relay.pass_input();
    if (waits[2].revents) relay.pass_output();
    if (waits[0].revents) break;
  }
  // What the program printed last is still in the terminal.
  for (pollfd rest{.fd = relay.master(), .events = POLLIN, .revents = 0};
       relay.master() >= 0 && ::poll(&rest, 1, 0) > 0;)
    if (!relay.pass_output()) break;
  int status = 0;
  if (::waitpid(process, &status, 0) != process) return fail_errno("waiting for the container's process");
  return exit_code_of(status);
}

Result<int> run(const Runtime& runtime, const std::string& id, const CreateOptions& options, bool detach, bool keep) {
  if (!detach) hold_signals();
  auto created = STRATA_TRY(make_container(runtime, id, options, Until::started));
  const auto end = [&] { return delete_container(created.folder, created.record, created.cgroup, &created.spec); };
  const auto give_up = [&](Error error) -> tl::unexpected<Error> {
    (void)end();
    return tl::unexpected(std::move(error));
  };
  if (auto ran = after_start(created.record, created.spec); !ran) return give_up(std::move(ran.error()));
  if (detach) return 0;
  created.folder.unlock();  // others may ask about it, change it, or delete it
  auto code = wait_for(created.record.pid, std::move(created.terminal));
  created.record.pid = 0;  // its number may be another's from now on
  if (!created.folder.lock_again()) return code;
  if (!code) return give_up(std::move(code.error()));
  if (!keep) STRATA_TRY(end());
  return code;
}

}  // namespace strata::container
