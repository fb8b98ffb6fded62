// Prints units as they are made: guest code, IR before and after the passes, host code.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "engine/unit_observer.h"

namespace strata::engine {

struct UnitPrinterOptions {
  bool ir = false;                  ///< the unit before and after the passes
  bool code = false;                ///< the guest's instructions, and the host's
  std::optional<uint64_t> address;  ///< only units whose code holds it (guest virtual; x86: linear); none: all
};

class UnitPrinter final : public UnitObserver {
 public:
  using Write = std::function<void(std::string_view text)>;
  UnitPrinter(UnitPrinterOptions options, Write write) : options_(options), write_(std::move(write)) {}

  void translated(const isa::Guest& guest, const isa::CodeKey& key, std::span<const uint8_t> code,
                  const ir::Unit& unit) override;
  void compiled(const isa::CodeKey& key, const ir::Unit& unit, const codegen::Code& code) override;

 private:
  bool wants(const isa::CodeKey& key, const ir::Unit& unit) const;

  const UnitPrinterOptions options_;
  const Write write_;
  std::string text_;  ///< of the unit at hand: written in one piece
};

}  // namespace strata::engine
