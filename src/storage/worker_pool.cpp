// Threads that take work from one queue.
#include "storage/worker_pool.h"

#include <utility>

#include "base/thread.h"

namespace strata::storage {

WorkerPool::~WorkerPool() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  changed_.notify_all();
  for (auto& thread : threads_) thread.join();
}

void WorkerPool::submit(std::function<void()> work) {
  bool queued = false;
  {
    const std::lock_guard lock(mutex_);
    if (idle_ <= queue_.size() && threads_.size() < most_threads_) {
      if (auto thread = start_thread("strata-disk", [this] { serve(); })) threads_.push_back(std::move(*thread));
    }
    queued = !threads_.empty();
    if (queued) queue_.push_back(std::move(work));
  }
  if (!queued) return work();
  changed_.notify_one();
}

void WorkerPool::serve() {
  std::unique_lock lock(mutex_);
  for (;;) {
    ++idle_;
    changed_.wait(lock, [this] { return ending_ || !queue_.empty(); });
    --idle_;
    if (queue_.empty()) return;
    auto work = std::move(queue_.front());
    queue_.pop_front();
    lock.unlock();
    work();
    lock.lock();
  }
}

}  // namespace strata::storage
