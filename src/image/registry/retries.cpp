// Waiting between tries.
#include "image/registry/retries.h"

#include <poll.h>

#include <algorithm>

#include "base/log.h"

namespace strata::image {
namespace {

constexpr std::chrono::milliseconds first_delay{200};
constexpr int longest_doubling = 6;  // 12.8 s
constexpr std::chrono::seconds longest_asked{90};
constexpr std::uint64_t enough_progress = std::uint64_t{1} << 20;

}  // namespace

Result<void> Retries::wait(Error why, std::optional<std::chrono::seconds> asked) {
  if (count_ >= limit_) {
    if (count_ > 0) why.message += fmt::format(" (tried {} times)", count_ + 1);
    return tl::unexpected(std::move(why));
  }
  if (asked && *asked > longest_asked) {
    why.message += fmt::format(" (it asks to wait {} s: try again then)", asked->count());
    return tl::unexpected(std::move(why));
  }
  std::chrono::milliseconds delay = first_delay * (1 << std::min(count_, longest_doubling));
  if (asked) delay = std::max<std::chrono::milliseconds>(delay, *asked);
  ++count_;
  progress_ = 0;
  log::info("{}; trying again in {} ms", why.message, delay.count());
  std::vector<pollfd> fds;
  for (const int fd : cancel_fds_) fds.push_back({fd, POLLIN, 0});
  if (::poll(fds.data(), fds.size(), static_cast<int>(delay.count())) > 0)
    return fail(ErrorCode::cancelled, "cancelled");
  return {};
}

void Retries::progressed(std::uint64_t bytes) {
  progress_ += bytes;
  if (progress_ >= enough_progress) count_ = 0;
}

}  // namespace strata::image
