// The bits of ExecContext::events: what other threads ask of a running processor.
#pragma once

#include <cstdint>

#include "ir/runtime.h"

namespace strata::engine {

struct Event {
  static constexpr uint32_t interrupt = ir::event_interrupt;  ///< an interrupt controller has changed
  static constexpr uint32_t kick = 2;                         ///< run() is to come back
  static constexpr uint32_t code = 4;                         ///< somebody else wrote to pages that hold code
  static constexpr uint32_t map = 8;                          ///< the physical map has changed
  static constexpr uint32_t stop = 16;                        ///< another processor waits for Safepoint::stand_still()
};

}  // namespace strata::engine
