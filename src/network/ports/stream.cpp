// Reading: what comes goes into a small buffer, and the rest of a large frame straight to where it stays.
#include "network/ports/stream.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <map>

#include "base/bits.h"
#include "base/log.h"

namespace strata::network::ports {
namespace {

constexpr size_t length_size = 4;
constexpr size_t input_size = 16 << 10;
constexpr size_t frames_a_call = 32;
constexpr int socket_buffer = 4 << 20;
constexpr Time retry_after = std::chrono::seconds(1);

Time now() { return std::chrono::steady_clock::now().time_since_epoch(); }

Result<sockaddr_un> address_of(const std::string& path) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address.sun_path) {
    return fail(ErrorCode::usage, "a socket's path has 1 to {} bytes, '{}' has {}", sizeof address.sun_path - 1, path,
                path.size());
  }
  path.copy(address.sun_path, path.size());
  return address;
}

UniqueFd new_socket() { return UniqueFd(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)); }

bool connect_to(const UniqueFd& socket, const sockaddr_un& address) {
  return ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

}  // namespace

StreamPort::StreamPort(std::string name, StreamOptions options, PollSet poll_set)
    : Port(std::move(name)), options_(std::move(options)), poll_set_(std::move(poll_set)), input_(input_size) {}

Result<std::unique_ptr<StreamPort>> StreamPort::open(std::string name, const StreamOptions& options) {
  std::unique_ptr<StreamPort> port(new StreamPort(std::move(name), options, STRATA_TRY(PollSet::make())));
  if (options.listen) {
    STRATA_TRY(with_context(port->listen(), "port {}", port->name()));
    port->watch();
  } else {
    STRATA_TRY(with_context(address_of(options.path), "port {}", port->name()));
    port->connect();
  }
  return port;
}

Result<std::unique_ptr<StreamPort>> StreamPort::adopt(std::string name, UniqueFd socket, std::string peer,
                                                      bool offloads) {
  const StreamOptions options = {.offloads = offloads};
  std::unique_ptr<StreamPort> port(new StreamPort(std::move(name), options, STRATA_TRY(PollSet::make())));
  port->peer_ = std::move(peer);
  const int flags = fcntl(socket.get(), F_GETFL);
  if (flags < 0 || fcntl(socket.get(), F_SETFL, flags | O_NONBLOCK) != 0) return fail_errno("port {}", port->name());
  port->begin(std::move(socket));
  return port;
}

StreamPort::~StreamPort() {
  if (listener_) unlink(options_.path.c_str());
}

std::string StreamPort::describe() const {
  return options_.path.empty() ? peer_ : fmt::format("socket {}", options_.path);
}

size_t StreamPort::header_size() const { return options_.offloads ? iface::Offload::header_size : 0; }

Result<void> StreamPort::listen() {
  const auto address = STRATA_TRY(address_of(options_.path));
  // A socket that nobody listens on any more was left by somebody who was killed.
  if (connect_to(new_socket(), address)) {
    return fail(ErrorCode::busy, "another program listens on {}", options_.path);
  }
  if (errno == ECONNREFUSED) unlink(options_.path.c_str());
  listener_ = new_socket();
  if (bind(listener_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    auto error = fail_errno("listening on {}", options_.path);
    listener_.reset();  // the file is not ours
    return error;
  }
  chmod(options_.path.c_str(), S_IRUSR | S_IWUSR);
  if (::listen(listener_.get(), 4) != 0) return fail_errno("listening on {}", options_.path);
  return {};
}

void StreamPort::connect() {
  UniqueFd connection = new_socket();
  retry_at_ = bridge::never;
  if (connect_to(connection, *address_of(options_.path))) {
    begin(std::move(connection));
    return;
  }
  if (!std::exchange(told_, true)) log::warn("port {}: {}: {}; trying again", name(), describe(), std::strerror(errno));
  retry_at_ = now() + retry_after;
}

void StreamPort::tick(Time time) {
  if (time >= retry_at_) connect();
}

void StreamPort::accept() {
  UniqueFd connection(accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (!connection) return;
  if (connection_) {
    log::warn("port {}: {}: there is a peer already; another one was refused", name(), describe());
    return;
  }
  begin(std::move(connection));
}

void StreamPort::begin(UniqueFd connection) {
  // Room for some frames of 64 KiB; the kernel gives as much as the host allows.
  setsockopt(connection.get(), SOL_SOCKET, SO_SNDBUF, &socket_buffer, sizeof socket_buffer);
  connection_ = std::move(connection);
  input_begin_ = input_end_ = filled_ = skip_ = 0;
  partial_ = {};
  pending_.clear();
  told_ = false;
  watch();
}

Result<bool> StreamPort::hang_up(std::string_view reason) {
  const bool cut = partial_ || skip_ || input_begin_ != input_end_;
  poll_set_.forget(connection_.get());
  connection_.reset();
  partial_ = {};
  pending_.clear();
  const std::string text =
      fmt::format("port {}: {}: {}{}", name(), describe(), reason, cut ? " in the middle of a frame" : "");
  if (options_.path.empty()) return fail(ErrorCode::io, "{}", text);
  log::warn("{}", text);
  if (!options_.listen) retry_at_ = now() + retry_after;
  return false;
}

void StreamPort::watch() {
  std::map<int, uint32_t> wanted;
  if (listener_) wanted[listener_.get()] = EPOLLIN;
  if (connection_) wanted[connection_.get()] = blocked() ? EPOLLIN | EPOLLOUT : EPOLLIN;
  poll_set_.replace(wanted);
}

Result<bool> StreamPort::receive(FramePool& pool, std::vector<Frame>& to, size_t most) {
  if (listener_) accept();
  if (!connection_) return false;
  const size_t enough = to.size() + most;
  for (;;) {
    if (!parse(pool, to, enough)) {
      return hang_up(fmt::format("a frame was announced that is not {} to {} bytes long", header_size(),
                                 FramePool::max_size + header_size()));
    }
    if (to.size() >= enough) return true;
    const bool more = STRATA_TRY(read(to));
    if (!more) return false;
  }
}

// One call: the rest of the frame that is under way, and into the buffer what comes behind it.
Result<bool> StreamPort::read(std::vector<Frame>& to) {
  std::memmove(input_.data(), input_.data() + input_begin_, input_end_ - input_begin_);
  input_end_ -= std::exchange(input_begin_, 0);
  std::span<std::byte> rest;
  if (partial_) rest = partial_.fill().subspan(filled_);
  const iovec parts[] = {{rest.data(), rest.size()}, {input_.data() + input_end_, input_.size() - input_end_}};
  const ssize_t size = readv(connection_.get(), parts, 2);
  if (size < 0 && (errno == EAGAIN || errno == EINTR)) return false;
  if (size < 0) return hang_up(std::strerror(errno));
  if (size == 0) return hang_up("the peer has closed");
  const size_t direct = std::min(static_cast<size_t>(size), rest.size());
  input_end_ += static_cast<size_t>(size) - direct;
  if (partial_) {
    filled_ += direct;
    if (filled_ == partial_.stored().size()) complete(std::move(partial_), to);
  }
  return true;
}

bool StreamPort::parse(FramePool& pool, std::vector<Frame>& to, size_t enough) {
  while (!partial_ && to.size() < enough) {
    const auto input = std::span(input_).subspan(input_begin_, input_end_ - input_begin_);
    if (skip_) {
      const size_t skipped = std::min(skip_, input.size());
      skip_ -= skipped;
      input_begin_ += skipped;
      if (skip_) return true;
      continue;
    }
    if (input.size() < length_size) return true;
    const size_t length = load_be<uint32_t>(input.data());
    if (length < header_size() || length > FramePool::max_size + header_size()) return false;
    if (input.size() < length_size + header_size()) return true;
    iface::Offload offload;
    if (options_.offloads) {
      offload = iface::Offload::read(input.subspan(length_size).first<iface::Offload::header_size>());
    }
    input_begin_ += length_size + header_size();
    const size_t size = length - header_size();
    partial_ = pool.make(size);
    if (!partial_) {
      ++counters_.receive_dropped;
      skip_ = size;
      continue;
    }
    partial_.set_offload(offload);
    filled_ = std::min(size, input_end_ - input_begin_);
    if (filled_) std::memcpy(partial_.fill().data(), input_.data() + input_begin_, filled_);
    input_begin_ += filled_;
    if (filled_ == size) complete(std::move(partial_), to);
  }
  return true;
}

void StreamPort::complete(Frame&& frame, std::vector<Frame>& to) {
  count_received(frame.stored().size());
  to.push_back(std::move(frame));
}

size_t StreamPort::send(std::span<Frame> frames) {
  if (!connection_) {
    counters_.send_dropped += frames.size();
    for (Frame& frame : frames) frame = {};
    return frames.size();
  }
  size_t taken = 0;
  while (taken < frames.size() && !blocked()) {
    size_t whole = 0;
    const size_t most = std::min(frames.size() - taken, frames_a_call);
    while (whole < most && (options_.offloads || frames[taken + whole].offload().complete())) ++whole;
    if (whole) {
      send_whole(frames.subspan(taken, whole));
      taken += whole;
    } else {
      send_pieces(frames[taken]);
      frames[taken++] = {};
    }
  }
  return taken;
}

void StreamPort::send_whole(std::span<Frame> frames) {
  struct Head {
    std::array<std::byte, length_size + iface::Offload::header_size + Frame::max_head> bytes;
  };
  std::array<Head, frames_a_call> heads;
  std::array<iovec, 2 * frames_a_call> parts;
  size_t total = 0, count = 0;
  for (size_t i = 0; i < frames.size(); ++i) {
    const Frame& frame = frames[i];
    auto& head = heads[i].bytes;
    store_be<uint32_t>(head.data(), static_cast<uint32_t>(header_size() + frame.size()));
    if (options_.offloads) {
      frame.offload().write(std::span(head).subspan<length_size, iface::Offload::header_size>());
    }
    std::array<std::byte, Frame::max_head> addresses;
    const size_t addresses_size = frame.head(addresses);
    std::copy_n(addresses.begin(), addresses_size, head.begin() + length_size + header_size());
    const auto body = frame.body();
    parts[count++] = {head.data(), length_size + header_size() + addresses_size};
    parts[count++] = {const_cast<std::byte*>(body.data()), body.size()};
    total += length_size + header_size() + frame.size();
    count_sent(frame.size());
  }
  const msghdr message = {.msg_iov = parts.data(), .msg_iovlen = count};
  const ssize_t sent = sendmsg(connection_.get(), &message, MSG_NOSIGNAL);
  // An error is one that reading will tell of, or a lack of room.
  size_t skipped = sent < 0 ? 0 : static_cast<size_t>(sent);
  if (skipped != total) {
    for (size_t i = 0; i < count; ++i) {
      const auto part = std::span(static_cast<const std::byte*>(parts[i].iov_base), parts[i].iov_len);
      const size_t gone = std::min(skipped, part.size());
      skipped -= gone;
      pending_.insert(pending_.end(), part.begin() + static_cast<ptrdiff_t>(gone), part.end());
    }
    watch();
  }
  for (Frame& frame : frames) frame = {};
}

void StreamPort::send_pieces(const Frame& frame) {
  std::vector<std::byte> flat(frame.size());
  frame.copy_to(flat);
  const bool split = segmenter_.split(flat, frame.offload(), [this](std::span<const std::byte> piece) {
    std::array<std::byte, length_size> length;
    store_be<uint32_t>(length.data(), static_cast<uint32_t>(piece.size()));
    pending_.insert(pending_.end(), length.begin(), length.end());
    pending_.insert(pending_.end(), piece.begin(), piece.end());
    count_sent(piece.size());
  });
  if (!split) ++counters_.send_dropped;
  flush();
}

void StreamPort::flush() {
  if (pending_.empty() || !connection_) return;
  const ssize_t sent = ::send(connection_.get(), pending_.data(), pending_.size(), MSG_NOSIGNAL);
  if (sent > 0) pending_.erase(pending_.begin(), pending_.begin() + sent);
  watch();
}

}  // namespace strata::network::ports
