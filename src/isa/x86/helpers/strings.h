// String instructions under REP, and INS and OUTS: many elements a call, whole pages at host speed.
#pragma once

#include "ir/unit.h"
#include "isa/x86/state.h"

namespace strata::isa::x86::helpers {

enum class StringOp : uint8_t { movs, cmps, stos, lods, scas, ins, outs };

/// What a string instruction does: one constant for the helper, which looks at what it needs of it.
class StringSpec {
 public:
  struct Parts {
    StringOp op = StringOp::movs;
    uint8_t size = 1;  ///< bytes of an element
    uint8_t address_bits = 64;
    SegmentName segment = ds;  ///< of the source
    bool repeat = false;       ///< REP, REPE or REPNE: count in rCX
    bool while_equal = false;  ///< REPE; else REPNE, where the op compares
    bool one_step = false;     ///< give the unit back after each element (single step)
    bool flat = false;         ///< no segment limits, and no bases but those of FS and GS
    ir::Space space = 0;       ///< of the data
  };

  explicit StringSpec(uint64_t packed) : packed_(packed) {}
  explicit StringSpec(const Parts& parts)
      : packed_(static_cast<uint64_t>(parts.op) | uint64_t{parts.size} << 8 | uint64_t{parts.address_bits} << 16 |
                uint64_t{parts.segment} << 24 | uint64_t{parts.repeat} << 32 | uint64_t{parts.while_equal} << 33 |
                uint64_t{parts.one_step} << 34 | uint64_t{parts.flat} << 35 | uint64_t{parts.space} << 40) {}
  uint64_t packed() const { return packed_; }

  StringOp op() const { return static_cast<StringOp>(packed_ & 7); }
  unsigned size() const { return packed_ >> 8 & 0xff; }
  unsigned address_bits() const { return packed_ >> 16 & 0xff; }
  SegmentName segment() const { return static_cast<SegmentName>(packed_ >> 24 & 7); }
  bool repeat() const { return packed_ >> 32 & 1; }
  bool while_equal() const { return packed_ >> 33 & 1; }
  bool one_step() const { return packed_ >> 34 & 1; }
  bool flat() const { return packed_ >> 35 & 1; }
  ir::Space space() const { return static_cast<ir::Space>(packed_ >> 40); }

 private:
  uint64_t packed_;
};

/// (i64 StringSpec) -> i8: 1 when the instruction is done, 0 when it is to be called again (after a look at interrupts).
/// Registers and flags are those of whole elements at every return, at faults too.
extern const ir::Helper string_step;

}  // namespace strata::isa::x86::helpers
