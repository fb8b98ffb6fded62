// The loop itself: asio's io_context, and the thread that runs it.
#include "base/event_loop.h"

#include <pthread.h>
#include <signal.h>

#include <system_error>
#include <utility>

#include "base/event_loop_impl.h"

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

void EventLoop::start() {
  // The signals of the process belong to the thread that called; a new thread inherits what is blocked here.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  impl_->thread = std::thread([this] { run(); });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
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
