// A switch as a process: lock, log, signals, and what its parent learns of it.
#include "network/switch/process.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <thread>

#include "base/event_loop.h"
#include "base/log.h"
#include "base/user_folders.h"
#include "network/background_process.h"
#include "network/switch/control_client.h"
#include "network/switch/requests.h"

namespace strata::network {
namespace {

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
  return start_in_background({"strata-network", folders.log()},
                             [&](const std::function<void()>& ready) { return run_network(folders, ready); });
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
  const auto server =
      STRATA_TRY(ControlServer::make(*loop, folders.control_socket(), [&](const Json& request, UniqueFd passed) {
        return requests.handle(request, std::move(passed));
      }));
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
