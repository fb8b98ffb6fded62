// A child in the container's namespaces, and the descriptors that it sends back (namespaces(7), SCM_RIGHTS in unix(7)).
#include "network/container/inside.h"

#include <fcntl.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "network/ports/interface.h"
#include "network/ports/tap.h"

namespace strata::network::container {
namespace {

constexpr size_t most_descriptors = 64;
constexpr size_t longest_message = 1024;

bool is_same(int one, const char* path) {
  struct stat a = {}, b = {};
  return fstat(one, &a) == 0 && stat(path, &b) == 0 && a.st_ino == b.st_ino && a.st_dev == b.st_dev;
}

struct Space {
  UniqueFd network, owner;
  bool owner_is_ours = false;
};

Result<Space> find_space(pid_t process) {
  Space space;
  const std::string path = fmt::format("/proc/{}/ns/net", process);
  space.network.reset(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!space.network) return fail_errno("the network namespace of process {}", process);
  if (is_same(space.network.get(), "/proc/self/ns/net")) {
    return fail(ErrorCode::usage, "process {} has no network namespace of its own", process);
  }
  space.owner.reset(ioctl(space.network.get(), NS_GET_USERNS));
  if (!space.owner) return fail_errno("the owner of process {}'s network namespace", process);
  space.owner_is_ours = is_same(space.owner.get(), "/proc/self/ns/user");
  return space;
}

/// In the child.
Result<std::vector<UniqueFd>> open_there(const Space& space, const std::vector<std::string>& interfaces) {
  if (!space.owner_is_ours && setns(space.owner.get(), CLONE_NEWUSER) != 0)
    return fail_errno("entering the container's user namespace");
  if (setns(space.network.get(), CLONE_NEWNET) != 0) return fail_errno("entering the container's network namespace");
  std::vector<UniqueFd> opened;
  opened.emplace_back(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!opened.back()) return fail_errno("making a socket in the container's network namespace");
  const auto setter = STRATA_TRY(ports::InterfaceSetter::make());
  STRATA_TRY(setter.take_up("lo"));
  for (const std::string& interface : interfaces) {
    auto made = ports::make_tap(interface);
    if (!made && made.error().code == ErrorCode::permission_denied)
      made.error().message += "; users need to be let in (chmod 666 /dev/net/tun, by root)";
    opened.push_back(std::move(STRATA_TRY(std::move(made)).tap));
    opened.emplace_back(socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!opened.back()) return fail_errno("making a packet socket in the container's network namespace");
  }
  return opened;
}

/// The message: the error's code and text, or nothing and the descriptors beside it.
void send_back(int to, const Result<std::vector<UniqueFd>>& opened) {
  std::string text(1, opened ? '\0' : static_cast<char>(1 + static_cast<int>(opened.error().code)));
  if (!opened) text += opened.error().message.substr(0, longest_message - 1);
  alignas(cmsghdr) char control[CMSG_SPACE(most_descriptors * sizeof(int))] = {};
  iovec data = {text.data(), text.size()};
  msghdr message = {};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  if (opened) {
    const size_t size = opened->size() * sizeof(int);
    message.msg_control = control;
    message.msg_controllen = CMSG_SPACE(size);
    cmsghdr* const beside = CMSG_FIRSTHDR(&message);
    beside->cmsg_level = SOL_SOCKET;
    beside->cmsg_type = SCM_RIGHTS;
    beside->cmsg_len = CMSG_LEN(size);
    for (size_t i = 0; i < opened->size(); ++i)
      std::memcpy(CMSG_DATA(beside) + i * sizeof(int), std::to_array({(*opened)[i].get()}).data(), sizeof(int));
  }
  [[maybe_unused]] const ssize_t sent = sendmsg(to, &message, MSG_NOSIGNAL);
}

Result<std::vector<UniqueFd>> take_back(int from) {
  std::array<char, longest_message + 1> text;
  alignas(cmsghdr) char control[CMSG_SPACE(most_descriptors * sizeof(int))];
  iovec data = {text.data(), text.size()};
  msghdr message = {};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  ssize_t count;
  while ((count = recvmsg(from, &message, MSG_CMSG_CLOEXEC)) < 0 && errno == EINTR) {
  }
  if (count <= 0) return fail("entering the container's network namespace: the process for it was ended");
  std::vector<UniqueFd> opened;
  const cmsghdr* const beside = CMSG_FIRSTHDR(&message);
  if (beside && beside->cmsg_type == SCM_RIGHTS) {
    for (size_t at = 0; at + sizeof(int) <= beside->cmsg_len - CMSG_LEN(0); at += sizeof(int)) {
      int fd;
      std::memcpy(&fd, CMSG_DATA(beside) + at, sizeof fd);
      opened.emplace_back(fd);
    }
  }
  if (text[0] == '\0') return opened;
  return fail(static_cast<ErrorCode>(text[0] - 1), "{}",
              std::string_view(text.data() + 1, static_cast<size_t>(count) - 1));
}

}  // namespace

Result<Inside> open_inside(pid_t process, const std::vector<std::string>& interfaces) {
  if (1 + 2 * interfaces.size() > most_descriptors) return fail(ErrorCode::usage, "too many network cards");
  const Space space = STRATA_TRY(find_space(process));
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) return fail_errno("making a socket");
  UniqueFd ours(ends[0]), theirs(ends[1]);
  const pid_t child = fork();
  if (child < 0) return fail_errno("starting a process");
  if (child == 0) {
    send_back(theirs.get(), open_there(space, interfaces));
    _exit(0);
  }
  theirs.reset();
  auto opened = take_back(ours.get());
  while (waitpid(child, nullptr, 0) < 0 && errno == EINTR) {
  }
  auto taken = STRATA_TRY(std::move(opened));
  if (taken.size() != 1 + 2 * interfaces.size()) return fail(ErrorCode::no_space, "no room for more open files");
  Inside inside;
  inside.needs_right = space.owner_is_ours;
  inside.interfaces = std::move(taken[0]);
  for (size_t i = 1; i < taken.size(); i += 2) {
    inside.taps.push_back(std::move(taken[i]));
    inside.wires.push_back(std::move(taken[i + 1]));
  }
  return inside;
}

}  // namespace strata::network::container
