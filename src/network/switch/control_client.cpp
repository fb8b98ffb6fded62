// Connecting to a switch, and one request and answer at a time.
#include "network/switch/control_client.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstring>

#include "network/switch/folders.h"

namespace strata::network {
namespace {

constexpr int answer_patience_ms = 10'000;

Result<void> send_all(int socket, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail_errno("asking the switch");
    bytes.remove_prefix(static_cast<size_t>(count));
  }
  return {};
}

}  // namespace

Result<ControlClient> ControlClient::connect(std::string_view network) {
  const NetworkFolders folders = STRATA_TRY(find_network(network));
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  std::strcpy(address.sun_path, folders.control_socket().c_str());  // network_folders() has looked at the length
  UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket) return fail_errno("making a socket");
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    if (errno == ENOENT || errno == ECONNREFUSED) {
      return fail("network {0} does not run; start it with strata network start {0}", network);
    }
    return fail_errno("asking network {}", network);
  }
  return ControlClient(std::string(network), std::move(socket));
}

Result<Json> ControlClient::ask(Json request) {
  const std::string line = request_line(std::move(request));
  if (line.size() > largest_request) return fail("the request to network {} is too large", network_);
  STRATA_TRY(send_all(socket_.get(), line));
  return parse_answer(STRATA_TRY(read_line()));
}

Result<std::string> ControlClient::read_line() {
  std::string line;
  while (true) {
    pollfd waiting = {socket_.get(), POLLIN, 0};
    const int ready = poll(&waiting, 1, answer_patience_ms);
    if (ready < 0 && errno == EINTR) continue;
    if (ready == 0) {
      return fail(ErrorCode::timed_out, "network {} does not answer; see its log (strata network show)", network_);
    }
    // Looks first: what follows the line belongs to whoever takes the connection over.
    char bytes[65536];
    const ssize_t seen = recv(socket_.get(), bytes, sizeof bytes, MSG_PEEK);
    if (seen < 0 && errno == EINTR) continue;
    if (seen < 0) return fail_errno("reading the answer of network {}", network_);
    const void* end = memchr(bytes, '\n', static_cast<size_t>(seen));
    const size_t wanted =
        end ? static_cast<size_t>(static_cast<const char*>(end) - bytes) + 1 : static_cast<size_t>(seen);
    const ssize_t count = recv(socket_.get(), bytes, wanted, 0);
    if (count <= 0) return fail(ErrorCode::io, "network {} hung up before it answered; see its log", network_);
    line.append(bytes, static_cast<size_t>(count));
    if (end) return line.substr(0, line.size() - 1);
    if (line.size() > largest_answer)
      return fail(ErrorCode::bad_data, "the answer of network {} does not end", network_);
  }
}

Result<Json> ask_network(std::string_view network, Json request) {
  ControlClient client = STRATA_TRY(ControlClient::connect(network));
  return client.ask(std::move(request));
}

}  // namespace strata::network
