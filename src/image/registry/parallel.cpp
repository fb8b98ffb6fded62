// Threads for transfers.
#include "image/registry/parallel.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "base/thread.h"

namespace strata::image {
namespace {

constexpr std::size_t most_threads = 4;  // as many as registries bear from one user
constexpr std::chrono::milliseconds tick_interval{100};

}  // namespace

Result<StopSignal> StopSignal::make() {
  UniqueFd fd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!fd) return fail_errno("making an eventfd");
  return StopSignal(std::move(fd));
}

void StopSignal::stop() const {
  const std::uint64_t one = 1;
  static_cast<void>(::write(fd_.get(), &one, sizeof one));
}

Result<void> in_parallel(RegistryHost& host, const StopSignal& stop, std::size_t count,
                         const std::function<Result<void>(RegistryClient&, std::size_t)>& work,
                         const std::function<void()>& tick) {
  std::atomic<std::size_t> next = 0;
  std::mutex mutex;
  std::condition_variable ended;
  std::optional<Error> first;
  std::size_t running = 0;
  const auto body = [&] {
    RegistryClient client(host);
    Result<void> result;
    for (std::size_t i = next++; result && i < count; i = next++) result = work(client, i);
    const std::scoped_lock lock(mutex);
    if (!result && !first) first = std::move(result.error());
    if (!result) stop.stop();
    --running;
    ended.notify_one();
  };

  std::vector<std::thread> threads;
  std::optional<Error> not_started;
  for (std::size_t i = 0; i < std::min(count, most_threads); ++i) {
    std::unique_lock lock(mutex);
    auto thread = start_thread("transfer", body);
    if (!thread) {
      not_started = std::move(thread.error());
      break;
    }
    ++running;
    threads.push_back(std::move(*thread));
  }
  tick();
  std::unique_lock lock(mutex);
  while (!ended.wait_for(lock, tick_interval, [&] { return running == 0; })) {
    lock.unlock();
    tick();
    lock.lock();
  }
  lock.unlock();
  for (std::thread& thread : threads) thread.join();
  if (!first && threads.empty() && not_started) first = std::move(not_started);
  if (first) return tl::unexpected(std::move(*first));
  return {};
}

}  // namespace strata::image
