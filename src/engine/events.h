// The bits of ExecContext::events: what other threads ask of a running processor.
#pragma once

#include <cstdint>

namespace strata::engine {

struct Event {
  static constexpr uint32_t kick = 1;       ///< run() is to come back
  static constexpr uint32_t interrupt = 2;  ///< an interrupt controller has changed
  static constexpr uint32_t code = 4;       ///< somebody else wrote to pages that hold code
  static constexpr uint32_t map = 8;        ///< the physical map has changed
};

}  // namespace strata::engine
