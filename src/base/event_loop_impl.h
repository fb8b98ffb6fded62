// What the event loop's source files share: asio's io_context and the thread that runs it.
#pragma once

#include <asio/executor_work_guard.hpp>
#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <atomic>
#include <thread>

#include "base/event_loop.h"

namespace strata {

struct EventLoop::Impl {
  asio::io_context context{1};  // one thread runs it
  asio::executor_work_guard<asio::io_context::executor_type> work{
      context.get_executor()};  // waits when nothing is to do
  std::thread thread;
  std::atomic<std::thread::id> thread_id{};
};

}  // namespace strata
