// Accepting control connections, reading requests and writing answers without ever waiting for a client.
#include "network/switch/control_server.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <span>

#include "base/log.h"

namespace strata::network {
namespace {

constexpr size_t most_clients = 64;
constexpr std::chrono::seconds patience{10};

}  // namespace

/// One connection: reads one request, answers it, reads the next.
class ControlServer::Client {
 public:
  Client(ControlServer& server, UniqueFd socket)
      : server_(server), socket_(std::move(socket)), timeout_(server.loop_, [this] { server_.drop(*this); }) {}

  Result<void> wait_for_request() {
    writing_.reset();
    reading_ = STRATA_TRY(FdWatch::make(server_.loop_, socket_.get(), FdWatch::For::reading, [this] { read(); }));
    return {};
  }

 private:
  void read() {
    char bytes[16384];
    const ssize_t count = receive(bytes);
    if (count < 0 && (errno == EINTR || errno == EAGAIN)) return;
    if (count <= 0) return server_.drop(*this);
    if (received_.empty()) timeout_.set_after(patience);
    const size_t before = received_.size();
    received_.append(bytes, static_cast<size_t>(count));
    const size_t end = received_.find('\n', before);
    if (end != std::string::npos) return answer(end);
    if (received_.size() > largest_request) {
      received_.clear();
      write(answer_line(fail(ErrorCode::bad_data, "a request has at most {} bytes", largest_request)), true);
    }
  }

  /// Keeps the last descriptor that comes along; more than one at a time, the kernel closes.
  ssize_t receive(std::span<char> bytes) {
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))];
    iovec data = {bytes.data(), bytes.size()};
    msghdr message = {};
    message.msg_iov = &data;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    const ssize_t count = recvmsg(socket_.get(), &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    const cmsghdr* const beside = count >= 0 ? CMSG_FIRSTHDR(&message) : nullptr;
    if (beside && beside->cmsg_level == SOL_SOCKET && beside->cmsg_type == SCM_RIGHTS &&
        beside->cmsg_len == CMSG_LEN(sizeof(int))) {
      passed_.reset(*reinterpret_cast<const int*>(CMSG_DATA(beside)));
    }
    return count;
  }

  /// The request ends at `end`; what follows it already is the next one's.
  void answer(size_t end) {
    reading_.reset();
    const std::string line = received_.substr(0, end);
    received_.erase(0, end + 1);
    auto request = parse_request(line);
    ControlAnswer answered = request ? server_.handler_(*request, std::move(passed_))
                                     : ControlAnswer{tl::unexpected<Error>(request.error())};
    take_over_ = std::move(answered.take_over);
    write(answer_line(answered.result), false);
  }

  void write(std::string line, bool last) {
    reading_.reset();
    to_write_ = std::move(line);
    written_ = 0;
    last_ = last;
    timeout_.set_after(patience);
    auto watch = FdWatch::make(server_.loop_, socket_.get(), FdWatch::For::writing, [this] { write_more(); });
    if (!watch) return server_.drop(*this);
    writing_ = std::move(*watch);
  }

  void write_more() {
    const ssize_t count =
        send(socket_.get(), to_write_.data() + written_, to_write_.size() - written_, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (count < 0 && (errno == EINTR || errno == EAGAIN)) return;
    if (count < 0) return server_.drop(*this);
    written_ += static_cast<size_t>(count);
    timeout_.set_after(patience);
    if (written_ < to_write_.size()) return;
    to_write_.clear();
    answered();
  }

  void answered() {
    timeout_.cancel();
    if (take_over_) {
      writing_.reset();
      auto take_over = std::move(take_over_);
      UniqueFd socket = std::move(socket_);
      const bool early = !received_.empty();  // sent before it knew the answer: not the peer that we know
      server_.drop(*this);
      if (!early) take_over(std::move(socket));
      return;
    }
    if (last_ || !wait_for_request()) return server_.drop(*this);
    const size_t end = received_.find('\n');  // the next request may have come with the last one
    if (end != std::string::npos) return answer(end);
    if (!received_.empty()) timeout_.set_after(patience);
  }

  ControlServer& server_;
  UniqueFd socket_, passed_;
  std::string received_, to_write_;
  size_t written_ = 0;
  bool last_ = false;
  std::function<void(UniqueFd)> take_over_;
  std::optional<FdWatch> reading_, writing_;
  LoopTimer timeout_;
};

ControlServer::ControlServer(EventLoop& loop, std::filesystem::path path, Handler handler)
    : loop_(loop), path_(std::move(path)), handler_(std::move(handler)) {}

ControlServer::~ControlServer() {
  if (listener_) unlink(path_.c_str());
}

Result<std::unique_ptr<ControlServer>> ControlServer::make(EventLoop& loop, const std::filesystem::path& path,
                                                           Handler handler) {
  std::unique_ptr<ControlServer> server(new ControlServer(loop, path, std::move(handler)));
  STRATA_TRY(with_context(server->listen(), "listening at {}", path.string()));
  return server;
}

Result<void> ControlServer::listen() {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  if (path_.native().size() >= sizeof address.sun_path) return fail("the path is too long for a socket");
  std::strcpy(address.sun_path, path_.c_str());
  UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket) return fail_errno("making a socket");
  unlink(path_.c_str());
  if (bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return fail_errno("bind");
  listener_ = std::move(socket);  // from here on the file is ours to remove
  // The folder is closed to others already; this is the second lock.
  if (chmod(path_.c_str(), 0700) != 0) return fail_errno("chmod");
  if (::listen(listener_.get(), most_clients) != 0) return fail_errno("listen");
  watch_ = STRATA_TRY(FdWatch::make(loop_, listener_.get(), FdWatch::For::reading, [this] { accept(); }));
  return {};
}

void ControlServer::accept() {
  UniqueFd socket(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (!socket) {
    // Out of descriptors: those of the oldest client are better used for the newest.
    if ((errno == EMFILE || errno == ENFILE) && !clients_.empty()) clients_.pop_front();
    return;
  }
  if (clients_.size() >= most_clients) clients_.pop_front();
  auto client = std::make_unique<Client>(*this, std::move(socket));
  if (client->wait_for_request()) clients_.push_back(std::move(client));
}

/// The client may be in the middle of a callback: it goes when that has returned.
void ControlServer::drop(Client& client) {
  const auto found =
      std::find_if(clients_.begin(), clients_.end(), [&](const auto& each) { return each.get() == &client; });
  if (found == clients_.end()) return;
  std::shared_ptr<Client> gone(std::move(*found));
  clients_.erase(found);
  loop_.post([gone] {});
}

}  // namespace strata::network
