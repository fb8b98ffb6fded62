// Forking, streams, and the pipe over which the first word comes back.
#include "network/background_process.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>

#include "base/log.h"
#include "base/unique_fd.h"

namespace strata::network {
namespace {

constexpr off_t largest_log = 1 << 20;

/// What comes over the pipe: one character, then the message of an error.
constexpr char ready_mark = 'r';
char mark_of(ErrorCode code) { return static_cast<char>('A' + static_cast<int>(code)); }
ErrorCode code_of(char mark) { return static_cast<ErrorCode>(mark - 'A'); }

/// Nothing comes in, everything goes to the log.
Result<void> redirect_streams(const std::string& path) {
  struct stat about = {};
  if (stat(path.c_str(), &about) == 0 && about.st_size > largest_log) rename(path.c_str(), (path + ".old").c_str());
  const UniqueFd nothing(open("/dev/null", O_RDONLY | O_CLOEXEC));
  const UniqueFd log(open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!nothing || !log) return fail_errno("opening {}", path);
  for (const auto& [from, to] : {std::pair{nothing.get(), 0}, {log.get(), 1}, {log.get(), 2}}) {
    if (dup2(from, to) < 0) return fail_errno("opening {}", path);
  }
  return {};
}

/// What our caller has open is not the process's: somebody may wait for the end of a pipe among it.
UniqueFd close_all_but(UniqueFd kept) {
  constexpr int place = STDERR_FILENO + 1;
  if (kept.get() != place) {
    if (dup3(kept.get(), place, O_CLOEXEC) < 0) _exit(1);
    kept.reset(place);
  }
  close_range(place + 1, ~0u, 0);
  return kept;
}

/// In the grandchild: never returns. What goes wrong before it is ready is for the parent to tell.
[[noreturn]] void be_the_process(const BackgroundProcess& process, const BackgroundWork& work, UniqueFd parent) {
  parent = close_all_but(std::move(parent));
  umask(077);
  prctl(PR_SET_NAME, process.name);
  [[maybe_unused]] const int moved = chdir("/");
  if (!std::getenv("STRATA_LOG")) log::set_level(log::Level::info);
  const auto tell = [&](char mark, std::string_view message) {
    const std::string text = mark + std::string(message);
    [[maybe_unused]] const auto size = write(parent.get(), text.data(), text.size());
    parent.reset();
  };
  auto done = redirect_streams(process.log.string());
  if (done) done = work([&] { tell(ready_mark, ""); });
  if (!done) {
    log::error("{}", done.error().message);
    if (parent) tell(mark_of(done.error().code), done.error().message);
  }
  _exit(done ? 0 : 1);
}

/// Two forks: the first child ends at once, so that the process is nobody's child, and has no terminal.
Result<UniqueFd> fork_twice(const BackgroundProcess& process, const BackgroundWork& work) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return fail_errno("making a pipe");
  UniqueFd ours(ends[0]), theirs(ends[1]);
  const pid_t child = fork();
  if (child < 0) return fail_errno("starting a process");
  if (child == 0) {
    ours.reset();
    setsid();
    const pid_t grandchild = fork();
    if (grandchild == 0) be_the_process(process, work, std::move(theirs));
    _exit(grandchild < 0);
  }
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return ours;
}

}  // namespace

Result<void> start_in_background(const BackgroundProcess& process, const BackgroundWork& work) {
  const UniqueFd answer = STRATA_TRY(fork_twice(process, work));
  std::string said;
  char bytes[512];
  ssize_t count;
  while ((count = read(answer.get(), bytes, sizeof bytes)) > 0 || (count < 0 && errno == EINTR)) {
    if (count > 0) said.append(bytes, static_cast<size_t>(count));
  }
  if (said.empty()) return fail("{} ended before it was ready; see {}", process.name, process.log.string());
  if (said[0] == ready_mark) return {};
  return fail(code_of(said[0]), "{}", said.substr(1));
}

}  // namespace strata::network
