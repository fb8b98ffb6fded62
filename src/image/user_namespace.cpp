// A child in a new user namespace; its parent writes the maps, then it works and says how it went through a pipe.
#include "image/user_namespace.h"

#include "base/unique_fd.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>

namespace strata::image {
namespace {

struct Pipe {
  UniqueFd reading;
  UniqueFd writing;
};

Result<Pipe> make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return fail_errno("making a pipe");
  return Pipe{UniqueFd(ends[0]), UniqueFd(ends[1])};
}

void say(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t count = ::write(fd, text.data(), text.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return;
    text.remove_prefix(static_cast<std::size_t>(count));
  }
}

std::string hear(int fd) {
  std::string text;
  std::array<char, 4096> buffer{};
  while (true) {
    const ssize_t count = ::read(fd, buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return text;
    text.append(buffer.data(), static_cast<std::size_t>(count));
  }
}

// The report: the error's code or 'k', and a text.
void report(int fd, const Result<std::string>& outcome) {
  if (outcome) say(fd, "k" + *outcome);
  else
    say(fd, std::string(1, static_cast<char>('A' + static_cast<int>(outcome.error().code))) + outcome.error().message);
}

Result<std::string> read_report(const std::string& text) {
  if (text.empty()) return fail("the process for it was killed");
  if (text[0] == 'k') return text.substr(1);
  return tl::unexpected(Error{static_cast<ErrorCode>(text[0] - 'A'), text.substr(1)});
}

[[noreturn]] void run_child(pid_t parent, const Pipe& go, int reply, const std::function<Result<std::string>()>& work) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(1);
  if (::unshare(CLONE_NEWUSER) != 0) {
    Result<std::string> outcome = fail_errno("making a user namespace");
    report(reply, outcome);
    ::_exit(1);
  }
  say(reply, "u");
  std::array<char, 1> byte{};
  if (::read(go.reading.get(), byte.data(), 1) != 1) ::_exit(1);
  if (::setresgid(0, 0, 0) != 0 || ::setresuid(0, 0, 0) != 0) {
    Result<std::string> outcome = fail_errno("becoming root of a user namespace");
    report(reply, outcome);
    ::_exit(1);
  }
  report(reply, work());
  ::_exit(0);
}

}  // namespace

Result<std::string> run_mapped(const IdMaps& maps, const std::function<Result<std::string>()>& work) {
  Pipe go = STRATA_TRY(make_pipe());
  Pipe reply = STRATA_TRY(make_pipe());
  const pid_t parent = ::getpid();
  const pid_t child = ::fork();
  if (child < 0) return fail_errno("starting a process");
  if (child == 0) {
    go.writing.reset();
    reply.reading.reset();
    run_child(parent, go, reply.writing.get(), work);
  }
  go.reading.reset();
  reply.writing.reset();
  std::array<char, 1> first{};
  ssize_t count = 0;
  while ((count = ::read(reply.reading.get(), first.data(), 1)) < 0 && errno == EINTR) {
  }
  Result<void> mapped;
  if (count == 1 && first[0] == 'u') {
    mapped = write_id_maps(child, maps);
    if (mapped) say(go.writing.get(), "g");
  }
  go.writing.reset();
  const std::string rest = hear(reply.reading.get());
  while (::waitpid(child, nullptr, 0) < 0 && errno == EINTR) {
  }
  STRATA_TRY(mapped);
  return read_report(count == 1 && first[0] != 'u' ? first[0] + rest : rest);
}

}  // namespace strata::image
