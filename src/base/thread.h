// start_thread: a thread of the host that leaves the process's signals to the others.
#pragma once

#include <functional>
#include <thread>

#include "base/result.h"

namespace strata {

// `name` is what `top -H` shows, at most 15 characters. Signals are blocked in the thread, but those that a fault of
// its own raises. Fails where the host allows no more threads.
[[nodiscard]] Result<std::thread> start_thread(const char* name, std::function<void()> body);

}  // namespace strata
