// Talking to supervisors.
#include "control/container_client.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <chrono>
#include <thread>

namespace strata::control {
namespace {

using container::Ask;
using container::Tell;

sigset_t passed_on() {
  sigset_t set;
  sigemptyset(&set);
  for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGWINCH}) sigaddset(&set, number);
  return set;
}

void write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written > 0) {
      bytes.remove_prefix(static_cast<size_t>(written));
    } else if (errno == EAGAIN) {
      pollfd out{fd, POLLOUT, 0};
      (void)::poll(&out, 1, -1);
    } else if (errno != EINTR) {
      return;  // nobody reads it any more
    }
  }
}

std::string_view bytes_of(const container::TerminalSize& size) {
  return {reinterpret_cast<const char*>(&size), sizeof size};
}

}  // namespace

Result<ContainerClient> ContainerClient::connect(const ContainerPlaces& places) {
  // By the folder's descriptor: an address has room for 107 letters only.
  const UniqueFd folder(::open(places.running.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  UniqueFd socket(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
  if (!socket) return fail_errno("socket");
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  fmt::format_to_n(address.sun_path, sizeof address.sun_path - 1, "/proc/self/fd/{}/control", folder.get());
  if (!folder || ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return fail(ErrorCode::not_found, "container '{0}' is not running: 'strata start {0}' starts it", places.name);
  return ContainerClient(std::move(socket));
}

void ContainerClient::hold_signals() {
  const sigset_t set = passed_on();
  ::sigprocmask(SIG_BLOCK, &set, nullptr);
}

Result<void> ContainerClient::ask(Ask ask, std::string_view body) const {
  const std::string packet = std::string(1, static_cast<char>(ask)).append(body);
  if (::send(socket_.get(), packet.data(), packet.size(), MSG_NOSIGNAL) < 0)
    return fail_errno("asking the container's supervisor");
  return {};
}

Result<void> ContainerClient::ask_number(Ask ask, int32_t number) const {
  return this->ask(ask, std::string_view(container::packet_of(ask, number)).substr(1));
}

Result<ContainerClient::Heard> ContainerClient::hear() {
  packet_.resize(container::longest_packet);
  ssize_t size;
  do size = ::recv(socket_.get(), packet_.data(), packet_.size(), 0);
  while (size < 0 && errno == EINTR);
  if (size <= 0) return fail("the container's supervisor was ended: 'strata rm --force' removes what is left");
  return Heard{static_cast<Tell>(packet_[0]), std::string_view(packet_).substr(1, static_cast<size_t>(size) - 1)};
}

Result<void> ContainerClient::expect(Tell letter) {
  while (true) {
    const Heard heard = STRATA_TRY(hear());
    if (heard.letter == letter) return {};
    if (heard.letter == Tell::failed) return fail("{}", heard.body);
  }
}

Result<void> ContainerClient::wait_for_start() { return expect(Tell::started); }
Result<void> ContainerClient::wait_until_done() { return expect(Tell::done); }

Result<int> ContainerClient::wait_for_end() {
  STRATA_TRY(expect(Tell::ended));
  return container::number_in(std::string_view(packet_).substr(1, sizeof(int32_t)));
}

void ContainerClient::wait_until_gone(const ContainerPlaces& places) {
  while (hear()) continue;
  // A process that ends closes one descriptor after the other.
  constexpr auto pause = std::chrono::milliseconds(1);
  for (int i = 0; i < 5000 && is_looked_after(places); ++i) std::this_thread::sleep_for(pause);
}

Result<pid_t> ContainerClient::supervisor() const {
  ucred peer = {};
  socklen_t size = sizeof peer;
  if (::getsockopt(socket_.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0)
    return fail_errno("finding the supervisor");
  return peer.pid;
}

Result<ContainerClient::Input> ContainerClient::pass_input(const RelayOptions& options) {
  std::byte bytes[4096];
  const ssize_t size = ::read(STDIN_FILENO, bytes, sizeof bytes);
  if (size < 0 && (errno == EINTR || errno == EAGAIN)) return Input::more;
  if (size <= 0) return ask(Ask::end_of_input).map([] { return Input::ended; });
  std::string typed;
  for (ssize_t i = 0; i < size; ++i) {
    const auto meaning = options.terminal ? keys_.hear(bytes[i]) : LeaveKeys::Meaning::type;
    if (meaning == LeaveKeys::Meaning::leave) return Input::left;
    if (meaning == LeaveKeys::Meaning::type) typed += static_cast<char>(bytes[i]);
  }
  if (!typed.empty()) STRATA_TRY(ask(Ask::input, typed));
  return Input::more;
}

Result<std::optional<int>> ContainerClient::relay(const RelayOptions& options) {
  std::optional<RawTerminal> raw;
  if (options.terminal && options.input) raw.emplace(/*own_lines=*/false);
  if (const auto size = own_terminal_size(); size && options.terminal) STRATA_TRY(ask(Ask::resize, bytes_of(*size)));
  const sigset_t set = passed_on();
  UniqueFd signals(options.pass_signals || options.terminal ? ::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK) : -1);
  if (signals) ::sigprocmask(SIG_BLOCK, &set, nullptr);
  pollfd waits[] = {
      {socket_.get(), POLLIN, 0}, {signals.get(), POLLIN, 0}, {options.input ? STDIN_FILENO : -1, POLLIN, 0}};
  while (true) {
    if (::poll(waits, std::size(waits), -1) < 0 && errno != EINTR) return fail_errno("waiting");
    if (waits[0].revents) {
      const Heard heard = STRATA_TRY(hear());
      if (heard.letter == Tell::output) write_all(STDOUT_FILENO, heard.body);
      if (heard.letter == Tell::error_output) write_all(STDERR_FILENO, heard.body);
      if (heard.letter == Tell::failed) return fail("{}", heard.body);
      if (heard.letter == Tell::ended) return container::number_in(heard.body);
    }
    signalfd_siginfo info;
    while (waits[1].revents && ::read(signals.get(), &info, sizeof info) == sizeof info) {
      const auto size = info.ssi_signo == SIGWINCH ? own_terminal_size() : std::nullopt;
      if (size && options.terminal) STRATA_TRY(ask(Ask::resize, bytes_of(*size)));
      if (info.ssi_signo == SIGWINCH) continue;
      if (!options.pass_signals) return std::optional<int>();
      STRATA_TRY(ask_number(Ask::signal, static_cast<int32_t>(info.ssi_signo)));
    }
    if (waits[2].revents == 0) continue;
    const Input input = STRATA_TRY(pass_input(options));
    if (input == Input::left) return std::optional<int>();
    if (input == Input::ended) waits[2].fd = -1;
  }
}

std::optional<container::TerminalSize> own_terminal_size() {
  winsize window = {};
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO})
    if (::ioctl(fd, TIOCGWINSZ, &window) == 0 && window.ws_row > 0)
      return container::TerminalSize{.height = window.ws_row, .width = window.ws_col};
  return std::nullopt;
}

}  // namespace strata::control
