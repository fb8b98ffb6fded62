// The loop itself: asio's io_context, and the thread that runs it.
#include "base/event_loop.h"

#include <system_error>
#include <utility>

#include "base/event_loop_impl.h"
#include "base/thread.h"

namespace strata {

EventLoop::EventLoop() : impl_(std::make_unique<Impl>()) {}

Result<std::unique_ptr<EventLoop>> EventLoop::make() {
  try {
    return std::unique_ptr<EventLoop>(new EventLoop);
  } catch (const std::system_error& error) {  // asio's only way to say that the kernel gave no descriptor
    return tl::unexpected<Error>(error_from_errno(error.code().value()).context("making an event loop"));
  }
}

EventLoop::~EventLoop() { join(); }

void EventLoop::post(Task task) { asio::post(impl_->context, std::move(task)); }

void EventLoop::run() {
  impl_->thread_id = std::this_thread::get_id();
  impl_->context.restart();
  impl_->context.run();
  impl_->thread_id = std::thread::id();
}

Result<void> EventLoop::start() {
  impl_->thread = STRATA_TRY(start_thread("strata-io", [this] { run(); }));
  return {};
}

void EventLoop::stop() {
  asio::post(impl_->context, [this] { impl_->context.stop(); });
}

void EventLoop::join() {
  if (!impl_->thread.joinable()) return;
  stop();
  impl_->thread.join();
}

bool EventLoop::on_loop_thread() const { return impl_->thread_id.load() == std::this_thread::get_id(); }

}  // namespace strata
