// WorkerPool: a few threads for system calls that block.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace strata::storage {

class WorkerPool {
 public:
  explicit WorkerPool(unsigned most_threads) : most_threads_(most_threads) {}
  /// Does what was submitted, then ends.
  ~WorkerPool();
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  /// Work is begun in order and may end in any. Threads are started as they are needed; where the host allows not even
  /// one, the caller's does the work.
  void submit(std::function<void()> work);

 private:
  void serve();

  const unsigned most_threads_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> queue_;
  unsigned idle_ = 0;
  bool ending_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace strata::storage
