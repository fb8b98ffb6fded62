// What the processors of one machine share of their code: who makes it, and what was made.
#pragma once

#include <cstdint>
#include <memory>

#include "codegen/backend.h"
#include "engine/unit_cache.h"
#include "memory/ram.h"

namespace strata::engine {

struct SharedCode {
  static constexpr uint64_t usual_bytes = uint64_t{128} << 20;

  /// Compiled code is kept up to `limit_bytes` of host memory.
  SharedCode(std::shared_ptr<codegen::Backend> its_backend, memory::Ram& ram, uint64_t limit_bytes = usual_bytes)
      : backend(std::move(its_backend)), cache(ram, limit_bytes) {}

  const std::shared_ptr<codegen::Backend> backend;
  UnitCache cache;  ///< of units that the back end made: gone before it
};

}  // namespace strata::engine
