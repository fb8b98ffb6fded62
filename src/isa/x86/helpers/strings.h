// String instructions under REP, and INS and OUTS: many elements a call, whole pages at host speed.
#pragma once

#include "ir/unit.h"
#include "isa/x86/state.h"

namespace strata::isa::x86::helpers {

enum class StringOp : uint8_t { movs, cmps, stos, lods, scas, ins, outs };

/// What a string instruction does, packed into one constant for the helper.
struct StringSpec {
  StringOp op = StringOp::movs;
  uint8_t size = 1;  ///< bytes of an element
  uint8_t address_bits = 64;
  SegmentName segment = ds;  ///< of the source
  bool repeat = false;       ///< REP, REPE or REPNE: count in rCX
  bool while_equal = false;  ///< REPE; else REPNE, where the op compares
  bool one_step = false;     ///< give the unit back after each element (single step)
  bool unlimited = false;    ///< 64-bit code: no segment limits, bases of FS and GS only
  ir::Space space = 0;       ///< of the data

  static StringSpec unpack(uint64_t packed) {
    StringSpec spec;
    spec.op = static_cast<StringOp>(packed & 7);
    spec.size = static_cast<uint8_t>(packed >> 8);
    spec.address_bits = static_cast<uint8_t>(packed >> 16);
    spec.segment = static_cast<SegmentName>(packed >> 24 & 7);
    spec.repeat = packed >> 32 & 1;
    spec.while_equal = packed >> 33 & 1;
    spec.one_step = packed >> 34 & 1;
    spec.unlimited = packed >> 35 & 1;
    spec.space = static_cast<ir::Space>(packed >> 40);
    return spec;
  }
  uint64_t pack() const {
    return static_cast<uint64_t>(op) | uint64_t{size} << 8 | uint64_t{address_bits} << 16 | uint64_t{segment} << 24 |
           uint64_t{repeat} << 32 | uint64_t{while_equal} << 33 | uint64_t{one_step} << 34 | uint64_t{unlimited} << 35 |
           uint64_t{space} << 40;
  }
};

/// (i64 StringSpec) -> i8: 1 when the instruction is done, 0 when it is to be called again (after a look at interrupts).
/// Registers and flags are those of whole elements at every return, at faults too.
extern const ir::Helper string_step;

}  // namespace strata::isa::x86::helpers
