// What SSE instructions call: floating-point environment, approximations, string comparisons.
#pragma once

#include "ir/unit.h"

namespace strata::isa::x86::helpers {

// The floating-point environment (sse_float_env.cpp).
extern const ir::Helper read_mxcsr;           ///< () -> i32: with the flags collected so far
extern const ir::Helper write_mxcsr;          ///< (i32), reserved bits clear
extern const ir::Helper float_begin;          ///< (): flags that come up from now on belong to one instruction
extern const ir::Helper float_look_for_tiny;  ///< (v128 result, i8 bits of a lane): what is tiny has underflowed
extern const ir::Helper float_end;            ///< (): raises the exceptions that are not masked

// Floating point beyond IR (sse_round.cpp). Those that round read the environment, and so are not pure.
extern const ir::Helper rcp, rsqrt;                  ///< (v128) -> v128, singles
extern const ir::Helper round_single, round_double;  ///< (v128, i8 imm) -> v128

// Integers (sse_integer.cpp).
extern const ir::Helper mpsadbw;       ///< (v128, v128, i8 imm) -> v128
extern const ir::Helper phminposuw;    ///< (v128) -> v128
extern const ir::Helper masked_store;  ///< (i64 linear address, v128 data, v128 mask, i8 space): bytes whose top mask
                                       ///< bit is set

// MMX registers (sse_mmx.cpp), where nothing is known of the x87 state.
extern const ir::Helper mmx_check;  ///< (): #MF where an x87 exception waits
extern const ir::Helper mmx_enter;  ///< (): the same; then the x87 stack becomes MMX registers
extern const ir::Helper mmx_empty;  ///< (): all registers empty

/// What a string comparison gives: bits 0..15 IntRes2, then the index and the flags.
struct StringResult {
  static constexpr unsigned index_at = 16, flags_at = 32;
};
extern const ir::Helper compare_terminated;  ///< (v128, v128, i8 imm) -> i64: strings end at a zero
extern const ir::Helper compare_counted;     ///< (v128, v128, i8 imm, i8 bits of RAX and RDX that count) -> i64
extern const ir::Helper spread_mask;         ///< (i64 bits, i8 element's width) -> v128: all ones where the bit is set

}  // namespace strata::isa::x86::helpers
