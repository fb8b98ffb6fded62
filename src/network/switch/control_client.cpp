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

}  // namespace

Result<ControlClient> ControlClient::connect_to(const std::filesystem::path& path, std::string who) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  if (path.native().size() >= sizeof address.sun_path) {
    return fail("the path of a socket, {}, is longer than {} bytes", path.string(), sizeof address.sun_path - 1);
  }
  std::strcpy(address.sun_path, path.c_str());
  UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket) return fail_errno("making a socket");
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    if (errno == ENOENT || errno == ECONNREFUSED) return fail(ErrorCode::not_found, "{} does not run", who);
    return fail_errno("asking {}", who);
  }
  return ControlClient(std::move(who), std::move(socket));
}

Result<ControlClient> ControlClient::connect(std::string_view network) {
  const NetworkFolders folders = STRATA_TRY(find_network(network));
  auto client = connect_to(folders.control_socket(), fmt::format("network {}", network));
  if (!client && client.error().code == ErrorCode::not_found) {
    return fail("network {0} does not run; start it with strata network start {0}", network);
  }
  return client;
}

Result<Json> ControlClient::ask(Json request, int passed) {
  const std::string line = request_line(std::move(request));
  if (line.size() > largest_request) return fail("the request to {} is too large", who_);
  STRATA_TRY(send_line(line, passed));
  return parse_answer(STRATA_TRY(read_line()));
}

/// The descriptor goes with the first bytes.
Result<void> ControlClient::send_line(std::string_view line, int passed) {
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof passed)] = {};
  while (!line.empty()) {
    iovec data = {const_cast<char*>(line.data()), line.size()};
    msghdr message = {};
    message.msg_iov = &data;
    message.msg_iovlen = 1;
    if (passed >= 0) {
      message.msg_control = control;
      message.msg_controllen = sizeof control;
      cmsghdr* const beside = CMSG_FIRSTHDR(&message);
      beside->cmsg_level = SOL_SOCKET;
      beside->cmsg_type = SCM_RIGHTS;
      beside->cmsg_len = CMSG_LEN(sizeof passed);
      std::memcpy(CMSG_DATA(beside), &passed, sizeof passed);
    }
    const ssize_t count = sendmsg(socket_.get(), &message, MSG_NOSIGNAL);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail_errno("asking {}", who_);
    line.remove_prefix(static_cast<size_t>(count));
    passed = -1;
  }
  return {};
}

Result<int> ControlClient::peer() const {
  ucred who = {};
  socklen_t size = sizeof who;
  if (getsockopt(socket_.get(), SOL_SOCKET, SO_PEERCRED, &who, &size) != 0) return fail_errno("asking for {}", who_);
  return who.pid;
}

Result<std::string> ControlClient::read_line() {
  std::string line;
  while (true) {
    pollfd waiting = {socket_.get(), POLLIN, 0};
    const int ready = poll(&waiting, 1, answer_patience_ms);
    if (ready < 0 && errno == EINTR) continue;
    if (ready == 0) {
      return fail(ErrorCode::timed_out, "{} does not answer; see its log", who_);
    }
    // Looks first: what follows the line belongs to whoever takes the connection over.
    char bytes[65536];
    const ssize_t seen = recv(socket_.get(), bytes, sizeof bytes, MSG_PEEK);
    if (seen < 0 && errno == EINTR) continue;
    if (seen < 0) return fail_errno("reading the answer of {}", who_);
    const void* end = memchr(bytes, '\n', static_cast<size_t>(seen));
    const size_t wanted =
        end ? static_cast<size_t>(static_cast<const char*>(end) - bytes) + 1 : static_cast<size_t>(seen);
    const ssize_t count = recv(socket_.get(), bytes, wanted, 0);
    if (count <= 0) return fail(ErrorCode::io, "{} hung up before it answered; see its log", who_);
    line.append(bytes, static_cast<size_t>(count));
    if (end) return line.substr(0, line.size() - 1);
    if (line.size() > largest_answer) return fail(ErrorCode::bad_data, "the answer of {} does not end", who_);
  }
}

Result<Json> ask_network(std::string_view network, Json request) {
  ControlClient client = STRATA_TRY(ControlClient::connect(network));
  return client.ask(std::move(request));
}

}  // namespace strata::network
