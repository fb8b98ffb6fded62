// Who wants to see the units that an engine makes: printers, maps for profilers.
#pragma once

#include <cstdint>
#include <span>

#include "codegen/backend.h"
#include "ir/unit.h"
#include "isa/guest.h"

namespace strata::engine {

/// Called on the thread of a processor while a unit is made, one at a time; must not touch the processor, and keep nothing
/// that it is shown.
class UnitObserver {
 public:
  virtual ~UnitObserver() = default;

  /// The front end has translated. `code` is the guest's, from key.address on; empty where it cannot be read.
  virtual void translated(const isa::Guest& guest, const isa::CodeKey& key, std::span<const uint8_t> code,
                          const ir::Unit& unit) {
    (void)guest, (void)key, (void)code, (void)unit;
  }
  /// The passes and the back end are done with the same unit.
  virtual void compiled(const isa::CodeKey& key, const ir::Unit& unit, const codegen::Code& code) = 0;
};

}  // namespace strata::engine
