// Starting, watching and stopping a process of the host: fork and exec, a pipe for its output, a pidfd for its end.
#include "base/process.h"

#include "base/unique_fd.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <optional>

namespace strata {
namespace {

using Clock = std::chrono::steady_clock;

struct Pipe {
  UniqueFd read_end;
  UniqueFd write_end;
};

Result<Pipe> make_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return fail_errno("making a pipe");
  return Pipe{UniqueFd(ends[0]), UniqueFd(ends[1])};
}

// argv or envp: pointers into strings that outlive it.
std::vector<char*> pointers_to(std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  for (std::string& string : strings) pointers.push_back(string.data());
  pointers.push_back(nullptr);
  return pointers;
}

std::vector<std::string> environment_of(const Command& command) {
  std::vector<std::string> result;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    bool replaced = false;
    for (const auto& [name, value] : command.environment)
      replaced |= text.starts_with(name) && text.substr(name.size()).starts_with('=');
    if (!replaced) result.emplace_back(text);
  }
  for (const auto& [name, value] : command.environment) result.push_back(name + '=' + value);
  return result;
}

// In the child, between fork and exec: only calls that are safe there when the parent has threads.
[[noreturn]] void become(char** arguments, char** environment, bool show_errors, int output, int failure,
                         pid_t parent) {
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (::getppid() != parent) ::_exit(127);  // the parent died before the line above
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  for (const int number : {SIGPIPE, SIGINT, SIGTERM, SIGHUP}) ::signal(number, SIG_DFL);
  const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  ::dup2(null, STDIN_FILENO);
  ::dup2(output, STDOUT_FILENO);
  ::dup2(show_errors ? output : null, STDERR_FILENO);
  ::execvpe(arguments[0], arguments, environment);
  const int reason = errno;
  [[maybe_unused]] const ssize_t written = ::write(failure, &reason, sizeof reason);
  ::_exit(127);
}

struct Child {
  pid_t pid;
  UniqueFd end;     // pidfd: readable when the process has ended
  UniqueFd output;  // what it and its children print
};

Result<Child> start(const Command& command) {
  Pipe output = STRATA_TRY(make_pipe());
  Pipe failure = STRATA_TRY(make_pipe());
  std::vector<std::string> arguments = command.arguments;
  std::vector<std::string> environment = environment_of(command);
  const std::vector<char*> argv = pointers_to(arguments);
  const std::vector<char*> envp = pointers_to(environment);
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid < 0) return fail_errno("starting {}", arguments[0]);
  if (pid == 0) {
    become(const_cast<char**>(argv.data()), const_cast<char**>(envp.data()), command.show_errors,
           output.write_end.get(), failure.write_end.get(), parent);
  }
  ::setpgid(pid, pid);  // here too, so that a signal to the group cannot come before it exists
  failure.write_end.reset();
  int reason = 0;
  if (::read(failure.read_end.get(), &reason, sizeof reason) == sizeof reason) {
    ::waitpid(pid, nullptr, 0);
    errno = reason;
    return fail_errno("starting {}", arguments[0]);
  }
  UniqueFd end(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (!end) {
    const int reason_of_pidfd = errno;
    ::kill(-pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
    errno = reason_of_pidfd;
    return fail_errno("watching {}", arguments[0]);
  }
  ::fcntl(output.read_end.get(), F_SETFL, O_NONBLOCK);
  return Child{pid, std::move(end), std::move(output.read_end)};
}

// Cuts output into lines; a carriage return ends one too, for programs that draw progress.
class LineCutter {
 public:
  explicit LineCutter(const LineFn& on_line) : on_line_(on_line) {}

  void add(std::string_view text) {
    for (const char c : text) {
      if (c == '\n' || c == '\r') {
        flush();
      } else if (line_.size() < max_line) {
        line_ += c;
      }
    }
  }
  void flush() {
    if (!line_.empty() && on_line_) on_line_(line_);
    line_.clear();
  }

 private:
  static constexpr std::size_t max_line = 4096;  // a program that never ends its line costs no more than this
  const LineFn& on_line_;
  std::string line_;
};

// Takes all output that is there now; false at its end.
bool drain(int fd, LineCutter& lines) {
  std::array<char, 4096> buffer;
  while (true) {
    const ssize_t count = ::read(fd, buffer.data(), buffer.size());
    if (count > 0) {
      lines.add({buffer.data(), static_cast<std::size_t>(count)});
    } else if (count == 0) {
      return false;
    } else if (errno != EINTR) {
      return errno == EAGAIN;
    }
  }
}

// Hands on output until the process has ended. True if it was asked to stop meanwhile.
bool watch(const Child& child, const Command& command, LineCutter& lines, int cancel_fd) {
  std::optional<Clock::time_point> stop_at;
  bool killed = false;
  std::array<pollfd, 3> events{pollfd{child.end.get(), POLLIN, 0}, pollfd{child.output.get(), POLLIN, 0},
                               pollfd{cancel_fd, POLLIN, 0}};
  while (true) {
    int wait_ms = -1;
    if (stop_at && !killed) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(*stop_at - Clock::now()).count();
      wait_ms = static_cast<int>(std::max<long long>(left, 0));
    }
    if (::poll(events.data(), events.size(), wait_ms) < 0 && errno != EINTR) break;
    if (events[1].revents != 0 && !drain(child.output.get(), lines)) events[1].fd = -1;
    if (events[0].revents != 0) break;
    if (!stop_at && events[2].revents != 0) {
      stop_at = Clock::now() + command.grace;
      events[2].fd = -1;
      ::kill(-child.pid, SIGTERM);
    }
    if (stop_at && !killed && Clock::now() >= *stop_at) {
      killed = true;
      ::kill(-child.pid, SIGKILL);
    }
  }
  drain(child.output.get(), lines);
  lines.flush();
  return stop_at.has_value();
}

}  // namespace

Result<int> run_command(const Command& command, const LineFn& on_line, int cancel_fd) {
  const Child child = STRATA_TRY(start(command));
  LineCutter lines(on_line);
  const bool cancelled = watch(child, command, lines, cancel_fd);
  ::kill(-child.pid, SIGKILL);  // before it is reaped, while the group's number cannot be anyone else's
  int status = 0;
  while (::waitpid(child.pid, &status, 0) < 0 && errno == EINTR) {
  }
  const std::string& program = command.arguments.front();
  if (cancelled) return fail(ErrorCode::cancelled, "{} was stopped", program);
  if (WIFSIGNALED(status))
    return fail("{} was ended by signal {} ({})", program, WTERMSIG(status), ::strsignal(WTERMSIG(status)));
  return WEXITSTATUS(status);
}

Result<std::string> output_of(Command command) {
  command.show_errors = false;
  std::string output;
  const int code = STRATA_TRY(run_command(command, [&](std::string_view line) { output.append(line) += '\n'; }));
  if (code != 0) return fail("{} ended with code {}", command.arguments.front(), code);
  return output;
}

}  // namespace strata
