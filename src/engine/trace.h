// What the engine tells of its way through guest code, for those who debug a boot. Of units as they are made: unit_observer.h.
#pragma once

#include <cstdint>
#include <functional>

#include "isa/guest.h"

namespace strata::engine {

/// One unit about to run.
struct TraceStep {
  const isa::CodeKey& key;
  uint32_t guest_insns;     ///< that the unit holds
  uint64_t insns;           ///< done before it
  const isa::Guest& guest;  ///< describe() has the registers
};

/// Called on the processor's thread before each unit; must not touch the processor.
using Trace = std::function<void(const TraceStep&)>;

}  // namespace strata::engine
