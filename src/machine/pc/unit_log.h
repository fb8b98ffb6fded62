// Remembers the units that a processor made, to tell of a failure.
#pragma once

#include <string>
#include <vector>

#include "engine/unit_printer.h"

namespace strata::machine::pc {

/// Costs time and memory while it is on.
class UnitLog final : public engine::UnitObserver {
 public:
  void turn(bool on) { on_ = on; }
  void clear() { units_.clear(); }

  void translated(const isa::Guest& guest, const isa::CodeKey& key, std::span<const uint8_t> code,
                  const ir::Unit& unit) override {
    if (on_) printer_.translated(guest, key, code, unit);
  }
  void compiled(const isa::CodeKey& key, const ir::Unit& unit, const codegen::Code& code) override;

  /// All forms of the unit made last that holds this address; empty: none was made.
  std::string holding(uint64_t address) const;

 private:
  bool on_ = false;
  std::string printed_;
  engine::UnitPrinter printer_{{.ir = true, .code = true, .address = {}},
                               [this](std::string_view text) { printed_ = text; }};
  struct Made {
    uint64_t address, bytes;
    std::string text;
  };
  std::vector<Made> units_;
};

}  // namespace strata::machine::pc
