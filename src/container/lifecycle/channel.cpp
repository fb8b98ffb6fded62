// Words over a socket that keeps messages apart.
#include "container/lifecycle/channel.h"

#include "container/sockets.h"

#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <utility>

namespace strata::container {
namespace {
constexpr std::size_t longest_message = 4096;
}

Result<std::pair<Channel, Channel>> Channel::make() {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) return fail_errno("socket pair");
  return std::pair(Channel(UniqueFd(ends[0])), Channel(UniqueFd(ends[1])));
}

void Channel::say(Word word, std::string_view text) const {
  std::string message(1, static_cast<char>(word));
  message += text.substr(0, longest_message - 1);
  // If the other end is gone, its own waiting will tell.
  (void)::send(socket_.get(), message.data(), message.size(), MSG_NOSIGNAL);
}

bool Channel::send(Word word, std::span<const int> fds) const {
  const char text = static_cast<char>(word);
  return send_fds(socket_.get(), fds, {&text, 1});
}

Result<std::optional<Word>> Channel::receive() {
  char buffer[longest_message];
  iovec data{.iov_base = buffer, .iov_len = sizeof buffer};
  alignas(cmsghdr) char control[CMSG_SPACE(max_fds * sizeof(int))];
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  ssize_t size;
  // An end that is closed with words unheard resets the connection. That is told once, and before what it said last.
  bool reset = false;
  do size = ::recvmsg(socket_.get(), &message, MSG_CMSG_CLOEXEC);
  while (size < 0 && (errno == EINTR || (errno == ECONNRESET && !std::exchange(reset, true))));
  if (size < 0 && errno != ECONNRESET) return fail_errno("hearing from the container's process");
  if (size <= 0) return std::nullopt;
  if (const cmsghdr* header = CMSG_FIRSTHDR(&message); header && header->cmsg_type == SCM_RIGHTS) {
    int fds[max_fds];
    const std::size_t count = std::min(max_fds, (header->cmsg_len - CMSG_LEN(0)) / sizeof(int));
    std::memcpy(fds, CMSG_DATA(header), count * sizeof(int));
    fds_.clear();
    for (std::size_t i = 0; i < count; ++i) fds_.emplace_back(fds[i]);
  }
  text_.assign(buffer + 1, static_cast<std::size_t>(size) - 1);
  return static_cast<Word>(buffer[0]);
}

Result<void> Channel::expect(Word word) {
  const auto heard = STRATA_TRY(receive());
  if (!heard) return fail("the container's process died while it was made");
  if (*heard == Word::failed) return fail("{}", text_);
  if (*heard != word) return fail("the container's process said '{}' out of turn", static_cast<char>(*heard));
  return {};
}

Result<void> Channel::expect_end() {
  const auto heard = STRATA_TRY(receive());
  if (!heard) return {};
  return fail("{}", text_.empty() ? "the container's process spoke out of turn" : text_);
}

}  // namespace strata::container
