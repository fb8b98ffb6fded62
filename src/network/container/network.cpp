// Asking the process, and ending it.
#include "network/container/network.h"

#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "network/background_process.h"
#include "network/container/inside.h"
#include "network/switch/control_client.h"

namespace strata::network::container {
namespace {

constexpr int patience_ms = 5000;

Result<ControlClient> connect(const std::filesystem::path& control_socket) {
  return ControlClient::connect_to(control_socket, "the container's network");
}

bool ended(const UniqueFd& process, int wait_ms) {
  pollfd waiting = {process.get(), POLLIN, 0};
  int ready;
  while ((ready = poll(&waiting, 1, wait_ms)) < 0 && errno == EINTR) {
  }
  return ready > 0;
}

}  // namespace

Result<void> start_network(const NetworkOptions& options) {
  STRATA_TRY(stop_network(options.control_socket));
  if (options.cards.empty()) return open_inside(options.container, {}).map([](const Inside&) {});
  return start_in_background({"strata-net", options.log},
                             [&](const std::function<void()>& ready) { return run_network(options, ready); });
}

Result<void> stop_network(const std::filesystem::path& control_socket) {
  auto client = connect(control_socket);
  if (!client && client.error().code == ErrorCode::not_found) return {};
  if (!client) return tl::unexpected<Error>(std::move(client).error());
  const int number = STRATA_TRY(client->peer());
  const UniqueFd process(static_cast<int>(syscall(SYS_pidfd_open, number, 0)));
  if (!process) return {};  // it has ended meanwhile
  const auto asked = client->ask({{"request", "stop"}});
  if (asked && ended(process, patience_ms)) return {};
  if (ended(process, 0)) return {};
  if (syscall(SYS_pidfd_send_signal, process.get(), SIGKILL, nullptr, 0) != 0) {
    return fail_errno("ending process {}, the container's network", number);
  }
  if (!ended(process, patience_ms)) return fail(ErrorCode::timed_out, "process {} does not end", number);
  return {};
}

Result<Json> ask_cards(const std::filesystem::path& control_socket) {
  ControlClient client = STRATA_TRY(connect(control_socket));
  return client.ask({{"request", "cards"}});
}

Result<void> ask_for_forwards(const std::filesystem::path& control_socket, std::span<const std::string> changes) {
  ControlClient client = STRATA_TRY(connect(control_socket));
  return client.ask({{"request", "forwards"}, {"changes", changes}}).map([](const Json&) {});
}

}  // namespace strata::network::container
