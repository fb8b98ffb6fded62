// Connections to a supervisor.
#include "container/supervisor/clients.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>

namespace strata::container {
namespace {
constexpr const char* control_name = "control";
constexpr std::size_t most_clients = 100;
}  // namespace

Result<void> SupervisorClients::listen() {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strcpy(address.sun_path, control_name);
  ::unlink(control_name);
  listener_.reset(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!listener_ || ::bind(listener_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(listener_.get(), SOMAXCONN) != 0)
    return fail_errno("listening for clients");
  return {};
}

void SupervisorClients::add(UniqueFd socket, bool attached) {
  clients_.push_back(
      {.socket = std::move(socket), .attached = attached, .wants_start = true, .wants_end = attached, .pending = {}});
}

void SupervisorClients::add_polls(std::vector<pollfd>& polls, bool hear) const {
  const bool room = clients_.size() < most_clients;
  if (listener_) polls.push_back({.fd = room ? listener_.get() : -1, .events = POLLIN, .revents = 0});
  for (const auto& client : clients_) {
    const short events = !client.pending.empty() ? POLLOUT : hear ? POLLIN : 0;
    polls.push_back({.fd = client.socket.get(), .events = events, .revents = 0});
  }
}

void SupervisorClients::accept_one() {
  UniqueFd socket(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (socket) clients_.push_back({.socket = std::move(socket), .pending = {}});
}

bool SupervisorClients::receive(SupervisorClient& client, std::string& packet) {
  packet.resize(longest_packet);
  const ssize_t size = ::recv(client.socket.get(), packet.data(), packet.size(), MSG_DONTWAIT);
  if (size < 0 && (errno == EAGAIN || errno == EINTR)) {
    packet.clear();
    return true;
  }
  packet.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
  if (size <= 0) client.socket.reset();
  return size > 0;
}

void SupervisorClients::send(SupervisorClient& client, std::string packet) {
  if (!client.socket || !client.pending.empty()) return;  // what waits is sent first; behind() keeps more from coming
  client.pending = std::move(packet);
  flush(client);
}

void SupervisorClients::flush(SupervisorClient& client) {
  if (client.pending.empty()) return;
  const ssize_t sent =
      ::send(client.socket.get(), client.pending.data(), client.pending.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  if (sent < 0 && (errno == EAGAIN || errno == EINTR)) return;
  std::string().swap(client.pending);
  if (sent < 0) client.socket.reset();
}

void SupervisorClients::tell_output(Tell stream, std::string_view bytes) {
  for (auto& client : clients_)
    if (client.attached) send(client, std::string(1, static_cast<char>(stream)).append(bytes));
}

void SupervisorClients::tell_started() {
  for (auto& client : clients_)
    if (std::exchange(client.wants_start, false)) tell(client, Tell::started);
}

void SupervisorClients::tell_failed(std::string_view why) {
  for (auto& client : clients_)
    if (client.wants_start || client.wants_end)
      send(client, std::string(1, static_cast<char>(Tell::failed)).append(why));
}

void SupervisorClients::tell_ended(int exit_code) {
  for (auto& client : clients_)
    if (client.wants_end) send(client, packet_of(Tell::ended, exit_code));
}

bool SupervisorClients::behind() const {
  return std::ranges::any_of(clients_, [](const auto& client) { return !client.pending.empty(); });
}

bool SupervisorClients::any_attached() const {
  return std::ranges::any_of(clients_, [](const auto& client) { return client.attached && client.socket; });
}

void SupervisorClients::drop_slow() {
  for (auto& client : clients_)
    if (!client.pending.empty()) client.socket.reset();
  sweep();
}

void SupervisorClients::sweep() {
  std::erase_if(clients_, [](const auto& client) { return !client.socket; });
}

}  // namespace strata::container
