// Threads for transfers.
#include "image/registry/parallel.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

#include "base/thread.h"

namespace strata::image {
namespace {

constexpr std::size_t most_threads = 4;  // as many as registries bear from one user
constexpr std::chrono::milliseconds tick_interval{100};

class Team {
 public:
  Team(RegistryHost& host, const StopSignal& stop, std::size_t count, const TransferFn& work)
      : host_(host), stop_(stop), count_(count), work_(work) {}

  // Nothing runs where not even one thread could be started.
  Result<void> start() {
    while (threads_.size() < std::min(count_, most_threads)) {
      const std::scoped_lock lock(mutex_);
      auto thread = start_thread("transfer", [this] { run(); });
      if (!thread && threads_.empty()) return tl::unexpected(std::move(thread.error()));
      if (!thread) break;
      threads_.push_back(std::move(*thread));
      ++running_;
    }
    return {};
  }

  Result<void> finish(const std::function<void()>& tick) {
    tick();
    std::unique_lock lock(mutex_);
    while (!ended_.wait_for(lock, tick_interval, [this] { return running_ == 0; })) {
      lock.unlock();
      tick();
      lock.lock();
    }
    lock.unlock();
    for (std::thread& thread : threads_) thread.join();
    return std::move(outcome_);
  }

 private:
  void run() {
    RegistryClient client(host_);
    Result<void> result;
    for (std::size_t i = next_++; result && i < count_; i = next_++) result = work_(client, i);
    const std::scoped_lock lock(mutex_);
    if (!result) stop_.stop();
    if (outcome_) outcome_ = std::move(result);  // those that are stopped by the first fail too
    --running_;
    ended_.notify_one();
  }

  RegistryHost& host_;
  const StopSignal& stop_;
  const std::size_t count_;
  const TransferFn& work_;
  std::atomic<std::size_t> next_ = 0;
  std::mutex mutex_;
  std::condition_variable ended_;
  std::size_t running_ = 0;
  Result<void> outcome_;
  std::vector<std::thread> threads_;
};

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

Result<void> in_parallel(RegistryHost& host, const StopSignal& stop, std::size_t count, const TransferFn& work,
                         const std::function<void()>& tick) {
  Team team(host, stop, count, work);
  STRATA_TRY(team.start());
  return team.finish(tick);
}

}  // namespace strata::image
