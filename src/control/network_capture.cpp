// strata network capture: a switch's stream of frames into a file.
#include <fcntl.h>
#include <poll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <csignal>

#include "base/unique_fd.h"
#include "control/network_commands.h"
#include "network/switch/control_client.h"

namespace strata::control {
namespace {

using Clock = std::chrono::steady_clock;

Result<UniqueFd> interruption() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  sigprocmask(SIG_BLOCK, &signals, nullptr);
  UniqueFd fd(signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!fd) return fail_errno("waiting for signals");
  return fd;
}

Result<void> write_all(int file, const char* bytes, size_t size, const std::string& name) {
  while (size > 0) {
    const ssize_t count = write(file, bytes, size);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail_errno("writing {}", name);
    bytes += count;
    size -= static_cast<size_t>(count);
  }
  return {};
}

/// Copies until the switch ends the stream, which it does when it has been asked to.
Result<void> copy(int stream, int file, int interrupted, const CaptureRequest& request) {
  const auto end = Clock::now() + std::chrono::seconds(request.seconds);
  bool asked_to_end = false;
  char bytes[65536];
  while (true) {
    int wait = -1;
    if (request.seconds && !asked_to_end) {
      wait = static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(end - Clock::now()).count());
      if (wait < 0) wait = 0;
    }
    pollfd waiting[] = {{stream, POLLIN, 0}, {asked_to_end ? -1 : interrupted, POLLIN, 0}};
    const int ready = poll(waiting, 2, wait);
    if (ready < 0 && errno != EINTR) return fail_errno("waiting for frames");
    if ((ready == 0 || (waiting[1].revents & POLLIN)) && !asked_to_end) {
      asked_to_end = true;
      shutdown(stream, SHUT_WR);
    }
    if (!(waiting[0].revents & (POLLIN | POLLHUP | POLLERR))) continue;
    const ssize_t count = read(stream, bytes, sizeof bytes);
    if (count < 0 && errno == EINTR) continue;
    if (count == 0 && asked_to_end) return {};
    if (count <= 0) return fail(ErrorCode::io, "the switch has ended; {} has what came until then", request.file);
    STRATA_TRY(write_all(file, bytes, static_cast<size_t>(count), request.file));
  }
}

}  // namespace

Result<void> capture_network(const std::string& name, const CaptureRequest& request) {
  const UniqueFd interrupted = STRATA_TRY(interruption());
  auto client = STRATA_TRY(network::ControlClient::connect(name));
  STRATA_TRY(client.ask(
      {{"request", "capture"}, {"port", request.port}, {"vlan", request.vlan}, {"snap_length", request.snap_length}}));
  const UniqueFd stream = std::move(client).take();
  UniqueFd file;
  if (request.file != "-") {
    file = UniqueFd(open(request.file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666));
    if (!file) return fail_errno("writing {}", request.file);
    fmt::print(stderr, "capturing to {}; Ctrl-C ends it\n", request.file);
  }
  return copy(stream.get(), file ? file.get() : STDOUT_FILENO, interrupted.get(), request);
}

}  // namespace strata::control
