// SupervisorClients: who is connected to a supervisor, and what still has to be said to whom.
#pragma once

#include "base/result.h"
#include "base/unique_fd.h"
#include "container/supervisor/protocol.h"

#include <poll.h>

#include <string>
#include <string_view>
#include <vector>

namespace strata::container {

struct SupervisorClient {
  UniqueFd socket;
  bool attached = false;     // hears what the program prints
  bool wants_start = false;  // hears how the first start went
  bool wants_end = false;
  std::string pending;  // a packet that the socket did not take
};

class SupervisorClients {
 public:
  /// Listens at `control` in the working directory.
  [[nodiscard]] Result<void> listen();
  void add(UniqueFd socket, bool attached);

  /// Adds what to wait for. Clients are not heard unless `hear`, so that their input cannot pile up.
  void add_polls(std::vector<pollfd>& polls, bool hear) const;
  /// Accepts, sends what was pending, and calls `heard` for each packet, with the letter taken off.
  template <class F>
  void attend(const std::vector<pollfd>& polls, F&& heard);

  void tell_output(Tell stream, std::string_view bytes);
  void tell_started();
  /// The last word to those that wait for the start or (`all`) for anything.
  void tell_failed(std::string_view why);
  void tell_ended(int exit_code);
  void tell(SupervisorClient& client, Tell letter) { send(client, std::string(1, static_cast<char>(letter))); }

  /// Whether a client has not yet taken what it was told: the program's output waits then.
  [[nodiscard]] bool behind() const;
  [[nodiscard]] bool any_attached() const;
  /// Those that are behind are given up.
  void drop_slow();

 private:
  void send(SupervisorClient& client, std::string packet);
  void flush(SupervisorClient& client);
  void accept_one();
  /// Gives false when the client is gone.
  bool receive(SupervisorClient& client, std::string& packet);
  void sweep();

  UniqueFd listener_;
  std::vector<SupervisorClient> clients_;
};

template <class F>
void SupervisorClients::attend(const std::vector<pollfd>& polls, F&& heard) {
  std::string packet;
  for (const pollfd& ready : polls) {
    if (ready.revents == 0) continue;
    if (listener_ && ready.fd == listener_.get()) {
      accept_one();
      continue;
    }
    for (std::size_t i = 0; i < clients_.size(); ++i) {
      if (clients_[i].socket.get() != ready.fd) continue;
      if (ready.revents & POLLOUT) flush(clients_[i]);
      else if (receive(clients_[i], packet) && !packet.empty())
        heard(clients_[i], static_cast<Ask>(packet[0]), std::string_view(packet).substr(1));
      break;
    }
  }
  sweep();
}

}  // namespace strata::container
