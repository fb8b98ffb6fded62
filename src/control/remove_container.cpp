// Removing containers, whatever state they were left in.
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <chrono>
#include <thread>

#include "control/container_client.h"
#include "control/container_network.h"
#include "control/run_container.h"
#include "image/rootfs.h"

namespace strata::control {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

constexpr auto patience = 20s;
constexpr auto pause = 5ms;

/// Ends the supervisor at once; it may be the one of a moment ago, so who calls looks again.
void kill_supervisor(const ContainerPlaces& places) {
  const auto client = ContainerClient::connect(places);
  if (!client) return;
  const auto process = client->supervisor();
  if (!process || *process <= 0) return;
  const UniqueFd handle(static_cast<int>(::syscall(SYS_pidfd_open, *process, 0)));
  if (handle) ::syscall(SYS_pidfd_send_signal, handle.get(), SIGKILL, nullptr, 0);
}

/// The lock, when nobody works on the container any more: the supervisor and the runtime that it started hold it.
Result<UniqueFd> take_over(const ContainerPlaces& places) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (true) {
    auto lock = lock_container(places);
    if (lock || lock.error().code != ErrorCode::busy || std::chrono::steady_clock::now() > deadline) return lock;
    kill_supervisor(places);
    // A container that waits for its start holds the lock too.
    (void)container::remove(places.runtime(), places.name, /*force=*/true);
    std::this_thread::sleep_for(pause);
  }
}

}  // namespace

Result<void> remove_container(const std::string& name, bool force) {
  const ContainerPlaces places = STRATA_TRY(places_of(name));
  if (!fs::exists(places.folder)) {
    if (force) return {};
    return fail(ErrorCode::not_found, "there is no container '{}': 'strata ps --all' lists them", name);
  }
  auto lock = force ? take_over(places) : lock_container(places);
  if (!lock && force && lock.error().code == ErrorCode::not_found) return {};  // another was quicker
  if (!lock && lock.error().code == ErrorCode::busy && !force)
    return fail(ErrorCode::busy,
                "container '{0}' is running: 'strata stop {0}' stops it, 'strata rm --force {0}' ends and removes it",
                name);
  if (!lock) return tl::unexpected(std::move(lock.error()));

  STRATA_TRY(container::remove(places.runtime(), name, /*force=*/true));
  (void)stop_container_network({name, places.running});
  std::error_code error;
  fs::remove_all(places.running, error);
  (void)image::release_root(places.folder);
  return image::remove_root(places.folder);
}

}  // namespace strata::control
