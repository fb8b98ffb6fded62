// For tests: an executor whose tasks run when the test asks for it, and blocking forms of a store's calls.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <utility>

#include "iface/block_store.h"
#include "iface/executor.h"

namespace strata::storage {

class TestExecutor final : public iface::Executor {
 public:
  void post(std::function<void()> task) override {
    const std::lock_guard lock(mutex_);
    tasks_.push_back(std::move(task));
    posted_.notify_one();
  }

  /// Runs the next task; false where none comes within ten seconds.
  bool run_one() {
    std::unique_lock lock(mutex_);
    if (!posted_.wait_for(lock, std::chrono::seconds(10), [this] { return !tasks_.empty(); })) return false;
    auto task = std::move(tasks_.front());
    tasks_.pop_front();
    lock.unlock();
    task();
    return true;
  }

  /// Runs tasks until the request that `start` makes is done.
  Result<void> finish(const std::function<void(iface::BlockStore::Done)>& start) {
    std::optional<Result<void>> result;
    start([&](Result<void> outcome) { result = std::move(outcome); });
    while (!result)
      if (!run_one()) return fail(ErrorCode::timed_out, "the request is never done");
    return std::move(*result);
  }

 private:
  std::mutex mutex_;
  std::condition_variable posted_;
  std::deque<std::function<void()>> tasks_;
};

}  // namespace strata::storage
