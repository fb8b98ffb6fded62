// A child in a new user namespace; its parent writes the maps, then it works and says how it went through a pipe.
#include "image/user_namespace.h"

#include "base/process.h"
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

std::string lines_of(const std::vector<IdRange>& ranges) {
  std::string text;
  for (const IdRange& range : ranges) text += fmt::format("{} {} {}\n", range.inside, range.outside, range.count);
  return text;
}

Result<void> write_proc(pid_t child, const char* name, std::string_view text) {
  const std::string path = fmt::format("/proc/{}/{}", child, name);
  const UniqueFd file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!file || ::write(file.get(), text.data(), text.size()) < 0) return fail_errno("writing {}", path);
  return {};
}

Result<void> set_map(pid_t child, const char* program, const char* file, const std::vector<IdRange>& ranges) {
  if (::geteuid() == 0 || ranges.size() == 1) return write_proc(child, file, lines_of(ranges));
  Command command{{program, std::to_string(child)}};
  for (const IdRange& range : ranges)
    for (const std::uint32_t number : {range.inside, range.outside, range.count})
      command.arguments.push_back(std::to_string(number));
  std::string said;
  const int code = STRATA_TRY(run_command(command, [&](std::string_view line) { said = line; }));
  if (code != 0) return fail(ErrorCode::permission_denied, "{}: {}", program, said);
  return {};
}

Result<void> set_maps(pid_t child, const IdMaps& maps) {
  if (::geteuid() != 0 && maps.groups.size() == 1) STRATA_TRY(write_proc(child, "setgroups", "deny"));
  STRATA_TRY(set_map(child, "newuidmap", "uid_map", maps.users));
  return set_map(child, "newgidmap", "gid_map", maps.groups);
}

using Work = std::function<Result<std::string>()>;

// `on_mapped` is called when the child has its maps, and has not begun.
Result<std::string> run_child_mapped(const IdMaps& maps, const std::function<Result<void>(pid_t)>& on_mapped,
                                     const Work& work) {
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
    mapped = set_maps(child, maps);
    if (mapped) mapped = on_mapped(child);
    if (mapped) say(go.writing.get(), "g");
  }
  go.writing.reset();
  const std::string rest = hear(reply.reading.get());
  while (::waitpid(child, nullptr, 0) < 0 && errno == EINTR) {
  }
  STRATA_TRY(mapped);
  return read_report(count == 1 && first[0] != 'u' ? first[0] + rest : rest);
}

}  // namespace

Result<std::string> run_mapped(const IdMaps& maps, const Work& work) {
  return run_child_mapped(
      maps, [](pid_t) -> Result<void> { return {}; }, work);
}

Result<UniqueFd> make_user_namespace(const IdMaps& maps) {
  UniqueFd opened;
  const auto open = [&](pid_t child) -> Result<void> {
    opened.reset(::open(fmt::format("/proc/{}/ns/user", child).c_str(), O_RDONLY | O_CLOEXEC));
    if (!opened) return fail_errno("opening a user namespace");
    return {};
  };
  STRATA_TRY(run_child_mapped(maps, open, []() -> Result<std::string> { return std::string(); }));
  return opened;
}

}  // namespace strata::image
