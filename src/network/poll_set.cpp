// The difference between what is waited for and what shall be, told to epoll.
#include "network/poll_set.h"

#include <sys/epoll.h>

#include <vector>

namespace strata::network {

Result<PollSet> PollSet::make() {
  UniqueFd epoll(epoll_create1(EPOLL_CLOEXEC));
  if (!epoll) return fail_errno("making an epoll instance");
  return PollSet(std::move(epoll));
}

void PollSet::replace(const std::map<int, uint32_t>& wanted) {
  std::vector<int> unwanted;
  for (const auto& [fd, events] : watched_)
    if (!wanted.contains(fd)) unwanted.push_back(fd);
  for (const int fd : unwanted) forget(fd);
  for (const auto& [fd, events] : wanted) watch(fd, events);
}

void PollSet::watch(int fd, uint32_t events) {
  const auto [known, is_new] = watched_.try_emplace(fd, events);
  if (!is_new && known->second == events) return;
  known->second = events;
  epoll_event event = {};
  event.events = events;
  event.data.fd = fd;
  if (epoll_ctl(epoll_.get(), is_new ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, fd, &event) != 0) watched_.erase(fd);
}

void PollSet::forget(int fd) {
  if (watched_.erase(fd) != 0) epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
}

}  // namespace strata::network
