// A switch as a process: lock, log, signals, and what its parent learns of it.
#include "network/switch/process.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <thread>

#include "base/event_loop.h"
#include "base/log.h"
#include "base/user_folders.h"
#include "network/switch/control_client.h"
#include "network/switch/requests.h"

namespace strata::network {
namespace {

constexpr std::string_view ready_word = "ready";
constexpr off_t largest_log = 1 << 20;
constexpr std::chrono::seconds patience{10};

/// Held as long as the switch lives, also if it is killed; its content is the process's number.
Result<UniqueFd> take_lock(const NetworkFolders& folders) {
  STRATA_TRY(make_private_folder(folders.runtime));
  UniqueFd lock(open(folders.lock().c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!lock) return fail_errno("opening {}", folders.lock().string());
  if (flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
    return fail(ErrorCode::busy, "network {} runs already", folders.name);
  }
  const std::string number = std::to_string(getpid()) + "\n";
  if (ftruncate(lock.get(), 0) != 0 || write(lock.get(), number.data(), number.size()) < 0) {
    return fail_errno("writing {}", folders.lock().string());
  }
  return lock;
}

/// The switch's standard streams: nothing comes in, everything goes to the log.
Result<void> redirect_streams(const NetworkFolders& folders) {
  struct stat about = {};
  const std::string path = folders.log().string();
  if (stat(path.c_str(), &about) == 0 && about.st_size > largest_log) rename(path.c_str(), (path + ".old").c_str());
  const UniqueFd nothing(open("/dev/null", O_RDONLY | O_CLOEXEC));
  const UniqueFd log(open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!nothing || !log) return fail_errno("opening {}", path);
  for (const auto& [from, to] : {std::pair{nothing.get(), 0}, {log.get(), 1}, {log.get(), 2}}) {
    if (dup2(from, to) < 0) return fail_errno("opening {}", path);
  }
  return {};
}

/// In the grandchild: never returns. What goes wrong before the network answers is for the parent to tell.
[[noreturn]] void be_the_switch(const NetworkFolders& folders, UniqueFd parent) {
  umask(077);
  prctl(PR_SET_NAME, "strata-network");
  [[maybe_unused]] const int moved = chdir("/");
  if (!std::getenv("STRATA_LOG")) log::set_level(log::Level::info);
  const auto tell = [&](std::string_view word) {
    [[maybe_unused]] const auto size = write(parent.get(), word.data(), word.size());
    parent.reset();
  };
  auto ran = redirect_streams(folders);
  if (ran) ran = run_network(folders, [&] { tell(ready_word); });
  if (!ran) {
    log::error("{}", ran.error().message);
    if (parent) tell(ran.error().message);
  }
  _exit(ran ? 0 : 1);
}

/// Two forks: the first child ends at once, so that the switch is nobody's child, and has no terminal.
Result<UniqueFd> fork_the_switch(const NetworkFolders& folders) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return fail_errno("making a pipe");
  UniqueFd ours(ends[0]), theirs(ends[1]);
  const pid_t child = fork();
  if (child < 0) return fail_errno("starting a process");
  if (child == 0) {
    ours.reset();
    setsid();
    const pid_t grandchild = fork();
    if (grandchild == 0) be_the_switch(folders, std::move(theirs));
    _exit(grandchild < 0);
  }
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return ours;
}

bool wait_until_it_ended(const NetworkFolders& folders) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (running_process(folders)) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return true;
}

}  // namespace

std::optional<int> running_process(const NetworkFolders& folders) {
  const UniqueFd lock(open(folders.lock().c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!lock || flock(lock.get(), LOCK_SH | LOCK_NB) == 0) return std::nullopt;
  char text[32] = {};
  [[maybe_unused]] const auto size = read(lock.get(), text, sizeof text - 1);
  return std::atoi(text);
}

Result<void> create_network(const NetworkFolders& folders, std::string_view toml, std::string_view source) {
  if (folders.exist()) return fail(ErrorCode::already_exists, "there is a network '{}' already", folders.name);
  const Configuration configuration = STRATA_TRY(parse_configuration(toml, source));
  STRATA_TRY(make_plan(configuration));
  STRATA_TRY(make_private_folder(folders.data));
  return write_durably(folders.configuration(), to_toml(configuration));
}

Result<void> start_network(const NetworkFolders& folders) {
  if (running_process(folders)) return fail(ErrorCode::busy, "network {} runs already", folders.name);
  const UniqueFd answer = STRATA_TRY(fork_the_switch(folders));
  std::string said;
  char bytes[512];
  ssize_t count;
  while ((count = read(answer.get(), bytes, sizeof bytes)) > 0 || (count < 0 && errno == EINTR)) {
    if (count > 0) said.append(bytes, static_cast<size_t>(count));
  }
  if (said == ready_word) return {};
  if (said.empty()) return fail("network {} ended before it was ready; see {}", folders.name, folders.log().string());
  return fail("{}", said);
}

Result<void> run_network(const NetworkFolders& folders, const std::function<void()>& ready) {
  signal(SIGPIPE, SIG_IGN);
  signal(SIGHUP, SIG_IGN);
  const UniqueFd lock = STRATA_TRY(take_lock(folders));
  const auto loop = STRATA_TRY(EventLoop::make());
  const auto stop = [&] { loop->stop(); };
  const SignalWatch signals = STRATA_TRY(SignalWatch::make(*loop, {SIGINT, SIGTERM}, [&](int) { stop(); }));
  const auto network = STRATA_TRY(Switch::make(folders, *loop));
  Requests requests(*network, *loop, stop);
  const auto server = STRATA_TRY(ControlServer::make(*loop, folders.control_socket(),
                                                     [&](const Json& request) { return requests.handle(request); }));
  log::info("network {} runs", folders.name);
  ready();
  loop->run();
  log::info("network {} ends", folders.name);
  return {};
}

Result<void> stop_network(const NetworkFolders& folders, bool kill) {
  const auto process = running_process(folders);
  if (!process) return fail("network {} does not run", folders.name);
  if (kill) {
    if (*process <= 1 || ::kill(*process, SIGKILL) != 0) return fail_errno("killing process {}", *process);
  } else {
    STRATA_TRY(ask_network(folders.name, {{"request", "stop"}}));
  }
  if (wait_until_it_ended(folders)) return {};
  return fail(ErrorCode::timed_out, "network {} does not end; strata network stop {} --kill ends it", folders.name,
              folders.name);
}

Result<Configuration> saved_configuration(const NetworkFolders& folders) {
  const std::string path = folders.configuration().string();
  const std::string text = STRATA_TRY(read_whole_file(path));
  return parse_configuration(text, path);
}

Result<Changes> change_stopped_network(const NetworkFolders& folders, const NextFn& next, bool dry_run) {
  const UniqueFd lock = STRATA_TRY(take_lock(folders));
  const Configuration before = STRATA_TRY(saved_configuration(folders));
  const Configuration after = STRATA_TRY(next(before));
  STRATA_TRY(make_plan(after));
  Changes changes{difference(before, after)};
  if (!dry_run && !changes.lines.empty()) STRATA_TRY(write_durably(folders.configuration(), to_toml(after)));
  return changes;
}

Result<void> remove_network(const NetworkFolders& folders) {
  const UniqueFd lock = STRATA_TRY(take_lock(folders));
  std::error_code error;
  std::filesystem::remove_all(folders.data, error);
  if (error)
    return tl::unexpected<Error>(error_from_errno(error.value()).context("removing {}", folders.data.string()));
  std::filesystem::remove_all(folders.runtime, error);
  return {};
}

}  // namespace strata::network
