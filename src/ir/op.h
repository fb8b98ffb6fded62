// The operations of the IR: one row each, with what it takes, what it gives and what it may do.
#pragma once

#include <cstdint>
#include <string_view>

#include "ir/type.h"

namespace strata::ir {

/// Traits of an operation. Pure operations may be moved, merged and dropped.
struct Trait {
  static constexpr uint8_t pure = 1;         ///< the result depends on the operands only
  static constexpr uint8_t may_exit = 2;     ///< may leave the unit here; the state is exact as of this point
  static constexpr uint8_t terminator = 4;   ///< ends its block
  static constexpr uint8_t commutative = 8;  ///< operands 0 and 1 may be swapped
  static constexpr uint8_t effect = 16;      ///< must stay, in order with other effects
  static constexpr uint8_t float_env = 32;   ///< reads the rounding mode and collects exceptions of the guest's FP
                                             ///< environment; a dead one may be dropped only with its exceptions
};

// clang-format off
// X(name, operands, traits). In the comments T is the instruction's type, L its lane, a b c its operands, imm its
// immediate. Integer results are cut to T's width. `L` lane operations are on v128.
#define STRATA_IR_OPS(X) \
  X(nop, 0, 0)                       /* nothing; what a pass leaves where it removed an instruction */ \
  /* Constants and guest state */ \
  X(constant, 0, Trait::pure)        /* imm as T: an integer, or the bits of an f32 or f64 */ \
  X(vconstant, 0, Trait::pure)       /* v128 number imm of Unit::vectors */ \
  X(get, 0, 0)                       /* the state slot imm */ \
  X(set, 1, Trait::effect)           /* slot imm := a */ \
  X(insn, 0, Trait::effect)          /* a guest instruction begins at pc imm: sets the pc slot, counts one */ \
  /* Integers: T is i8 to i64, for and, or, xor, eq, ne and select i1 too */ \
  X(add, 2, Trait::pure | Trait::commutative) \
  X(sub, 2, Trait::pure) \
  X(adc, 3, Trait::pure | Trait::commutative) /* a + b + c; c is i1. adc, sbb and their carries: i32, i64 */ \
  X(sbb, 3, Trait::pure)             /* a - b - c */ \
  X(mul, 2, Trait::pure | Trait::commutative)    /* low half */ \
  X(mulhi_u, 2, Trait::pure | Trait::commutative) /* high half of the product, unsigned; i32, i64 */ \
  X(mulhi_s, 2, Trait::pure | Trait::commutative) \
  X(div_u, 2, Trait::pure)           /* by zero: all ones; rem by zero: a */ \
  X(div_s, 2, Trait::pure)           /* towards zero; by zero: all ones; minimum by -1: minimum, rem 0 */ \
  X(rem_u, 2, Trait::pure) \
  X(rem_s, 2, Trait::pure) \
  X(and_, 2, Trait::pure | Trait::commutative) \
  X(or_, 2, Trait::pure | Trait::commutative) \
  X(xor_, 2, Trait::pure | Trait::commutative) \
  X(not_, 1, Trait::pure) \
  X(neg, 1, Trait::pure) \
  X(shl, 2, Trait::pure)             /* shifts and rotates: b is i8, taken modulo T's width */ \
  X(shr, 2, Trait::pure) \
  X(sar, 2, Trait::pure) \
  X(rotl, 2, Trait::pure) \
  X(rotr, 2, Trait::pure) \
  X(clz, 1, Trait::pure)             /* leading zeros; the width for zero */ \
  X(ctz, 1, Trait::pure)             /* trailing zeros; the width for zero */ \
  X(popcnt, 1, Trait::pure) \
  X(bswap, 1, Trait::pure)           /* i16, i32, i64 */ \
  X(gather_bits, 2, Trait::pure)     /* the bits of a that are set in b, moved together at the low end; i32, i64 */ \
  X(scatter_bits, 2, Trait::pure)    /* the low bits of a, moved to those that are set in b */ \
  X(crc32c, 2, Trait::pure)          /* i32: the CRC-32C a (i32) carried on over b, whose type is T */ \
  X(eq, 2, Trait::pure | Trait::commutative) /* comparisons give i1; the operands have one integer type */ \
  X(ne, 2, Trait::pure | Trait::commutative) \
  X(lt_u, 2, Trait::pure) \
  X(le_u, 2, Trait::pure) \
  X(lt_s, 2, Trait::pure) \
  X(le_s, 2, Trait::pure) \
  X(select, 3, Trait::pure)          /* a (i1) ? b : c; any T */ \
  X(zext, 1, Trait::pure)            /* to the wider integer T; from i1 too */ \
  X(sext, 1, Trait::pure)            /* from i1 too: 0 or all ones */ \
  X(trunc, 1, Trait::pure)           /* to the narrower integer T; to i1: the low bit */ \
  X(insert_low, 2, Trait::pure)      /* a (T) with its low bits replaced by the narrower b */ \
  X(bitcast, 1, Trait::pure)         /* same width: i32-f32, i64-f64 */ \
  /* Flags: the result is i32 in the layout of ir/flags.h; the operands' type is i8 to i64 */ \
  X(flags_add, 2, Trait::pure | Trait::commutative) /* of a + b */ \
  X(flags_adc, 3, Trait::pure | Trait::commutative) /* of a + b + c (c is i1) */ \
  X(flags_sub, 2, Trait::pure)       /* of a - b */ \
  X(flags_sbb, 3, Trait::pure)       /* of a - b - c (c is i1) */ \
  X(flags_logic, 1, Trait::pure)     /* of the result a: carry, half and overflow are clear */ \
  X(flags_merge, 2, Trait::pure)     /* a outside the mask imm, b inside it; a and b are flags */ \
  X(carry_adc, 3, Trait::pure | Trait::commutative) /* the carry out of a + b + c, as i1; that of a sum is one with c = 0 */ \
  X(carry_sbb, 3, Trait::pure)       /* the borrow out of a - b - c */ \
  X(cond, 1, Trait::pure)            /* whether Cond imm holds in the flags a; gives i1 */ \
  /* Guest memory: a is the guest's address, i64; imm is the address space (ir/runtime.h) */ \
  X(load, 1, Trait::may_exit)        /* T is i8 to i64, f32, f64, v128; any alignment */ \
  X(store, 2, Trait::may_exit | Trait::effect) /* of b */ \
  X(atomic_swap, 2, Trait::may_exit | Trait::effect) /* read-modify-write in one: gives the old value; T i8 to i64 */ \
  X(atomic_add, 2, Trait::may_exit | Trait::effect) \
  X(atomic_and, 2, Trait::may_exit | Trait::effect) \
  X(atomic_or, 2, Trait::may_exit | Trait::effect) \
  X(atomic_xor, 2, Trait::may_exit | Trait::effect) \
  X(atomic_cas, 3, Trait::may_exit | Trait::effect) /* if *a == b then *a := c; gives the old value */ \
  X(fence, 0, Trait::effect)         /* full memory barrier */ \
  /* Calls */ \
  X(call, 4, Trait::effect)          /* Unit::helpers[imm] with up to 4 operands; pure where the helper says so */ \
  /* Scalar floating point: T is f32 or f64 */ \
  X(fadd, 2, Trait::float_env) \
  X(fsub, 2, Trait::float_env) \
  X(fmul, 2, Trait::float_env) \
  X(fdiv, 2, Trait::float_env) \
  X(fsqrt, 1, Trait::float_env) \
  X(fmin, 2, Trait::float_env)       /* a < b ? a : b, so b where either is NaN or both are zero */ \
  X(fmax, 2, Trait::float_env)       /* a > b ? a : b */ \
  X(fcompare, 2, Trait::float_env)   /* flags (i32): less: carry; equal: zero; unordered: all three of carry, zero, \
                                        parity. imm 0: quiet, 1: a quiet NaN too raises invalid */ \
  X(fconvert, 1, Trait::float_env)   /* between f32 and f64 */ \
  X(int_to_float, 1, Trait::float_env)  /* signed i32 or i64 to T */ \
  X(float_to_int, 1, Trait::float_env)  /* to signed T (i32, i64); imm 0: the rounding mode in force, 1: towards zero; \
                                           out of range or NaN: the minimum */ \
  /* The float stack: the 80-bit registers, status and control of base/float_stack.h, which a front end that has such \
     registers keeps on the host's unit while it runs; imm holds an operation's number as it is there */ \
  X(fstack, 0, Trait::effect)        /* operation imm, of registers only */ \
  X(fstack_compare, 0, Trait::effect) /* the same of one that compares: flags (i32) as fcompare gives them */ \
  X(fstack_memory, 1, Trait::may_exit | Trait::effect) /* operation imm & 0xffff, its operand in guest memory at a \
                                        (i64), address space imm >> 16. All exceptions are masked */ \
  X(fstack_status, 0, Trait::effect) /* the status word (i16) */ \
  X(fstack_control, 1, Trait::effect) /* the control word := a (i16) */ \
  /* Vectors: T is v128 unless said */ \
  X(vadd, 2, Trait::pure | Trait::commutative)     /* L i8 to i64 */ \
  X(vsub, 2, Trait::pure) \
  X(vadd_sat_s, 2, Trait::pure | Trait::commutative) /* saturating; L i8, i16 */ \
  X(vadd_sat_u, 2, Trait::pure | Trait::commutative) \
  X(vsub_sat_s, 2, Trait::pure) \
  X(vsub_sat_u, 2, Trait::pure) \
  X(vmul, 2, Trait::pure | Trait::commutative)     /* low halves; L i16, i32 */ \
  X(vmulhi_s, 2, Trait::pure | Trait::commutative) /* high halves; L i16 */ \
  X(vmulhi_u, 2, Trait::pure | Trait::commutative) \
  X(vmul_even_u, 2, Trait::pure | Trait::commutative) /* i32 lanes 0 and 2 multiplied to i64 lanes */ \
  X(vmul_even_s, 2, Trait::pure | Trait::commutative) \
  X(vmadd, 2, Trait::pure | Trait::commutative)    /* signed i16 products, neighbours added to i32 lanes */ \
  X(vsad, 2, Trait::pure | Trait::commutative)     /* sums of absolute differences of 8 bytes, in each i64 lane */ \
  X(vavg_u, 2, Trait::pure | Trait::commutative)   /* rounded up; L i8, i16 */ \
  X(vmin_s, 2, Trait::pure | Trait::commutative)   /* L i8 to i32 */ \
  X(vmin_u, 2, Trait::pure | Trait::commutative) \
  X(vmax_s, 2, Trait::pure | Trait::commutative) \
  X(vmax_u, 2, Trait::pure | Trait::commutative) \
  X(vabs, 1, Trait::pure)            /* L i8 to i32 */ \
  X(vcmp_eq, 2, Trait::pure | Trait::commutative)  /* all ones or zero; L i8 to i64 */ \
  X(vcmp_gt_s, 2, Trait::pure) \
  X(vand, 2, Trait::pure | Trait::commutative) \
  X(vor, 2, Trait::pure | Trait::commutative) \
  X(vxor, 2, Trait::pure | Trait::commutative) \
  X(vandn, 2, Trait::pure)           /* ~a & b */ \
  X(vshl, 2, Trait::pure)            /* every lane by b (i64); a count of the width or more gives zero; L i16 to i64 */ \
  X(vshr, 2, Trait::pure) \
  X(vsar, 2, Trait::pure)            /* a count of the width or more gives the sign; L i16, i32 */ \
  X(vshl_bytes, 1, Trait::pure)      /* the whole vector by imm bytes; 16 or more give zero */ \
  X(vshr_bytes, 1, Trait::pure) \
  X(valign, 2, Trait::pure)          /* bytes imm .. imm+15 of b (low) with a above it */ \
  X(vshuffle, 1, Trait::pure)        /* i32 lane i := lane (imm >> 2i & 3) of a */ \
  X(vshuffle_lo, 1, Trait::pure)     /* the same on i16 lanes 0..3; the others stay */ \
  X(vshuffle_hi, 1, Trait::pure)     /* on i16 lanes 4..7 */ \
  X(vshuffle2, 2, Trait::pure)       /* L 32: lanes 0,1 from a, 2,3 from b by imm, two bits each; L 64: one bit each */ \
  X(vlookup, 2, Trait::pure)         /* byte i := b[i] & 0x80 ? 0 : a[b[i] & 15] */ \
  X(vblend, 2, Trait::pure)          /* lane i := bit i of imm ? b : a; L i16 to i64 */ \
  X(vblend_mask, 3, Trait::pure)     /* lane i := top bit of c's lane ? b : a; L i8, i32, i64 */ \
  X(vunpack_lo, 2, Trait::pure)      /* interleaves the low halves, a first; L i8 to i64 */ \
  X(vunpack_hi, 2, Trait::pure) \
  X(vpack_s, 2, Trait::pure)         /* signed lanes of L (i16, i32) to half width, signed saturation; a low */ \
  X(vpack_u, 2, Trait::pure)         /* the same, unsigned saturation */ \
  X(vwiden_s, 1, Trait::pure)        /* the low lanes of L (i8 to i32) to twice their width */ \
  X(vwiden_u, 1, Trait::pure) \
  X(vextract, 1, Trait::pure)        /* lane imm as the scalar T = lane_type(L) */ \
  X(vinsert, 2, Trait::pure)         /* a with lane imm := the scalar b */ \
  X(vzext, 1, Trait::pure)           /* the scalar a in lane 0, zero above; i32, i64, f32, f64 */ \
  X(vsplat, 1, Trait::pure)          /* the scalar a in every lane */ \
  X(vmask, 1, Trait::pure)           /* the lanes' top bits, as i32; L i8, f32, f64 */ \
  /* Steps of AES and SHA (ir/aes.h, ir/sha.h); T is v128 */ \
  X(vaes_encrypt, 2, Trait::pure)    /* a round on the state a with the round key b */ \
  X(vaes_encrypt_last, 2, Trait::pure) /* the last round, which does not mix columns */ \
  X(vaes_decrypt, 2, Trait::pure)    /* a round of the equivalent inverse cipher */ \
  X(vaes_decrypt_last, 2, Trait::pure) \
  X(vaes_inverse_mix, 1, Trait::pure) /* InvMixColumns */ \
  X(vaes_key_assist, 1, Trait::pure) /* of key expansion; imm: the round constant */ \
  X(vmul_carryless, 2, Trait::pure)  /* i64 lane imm & 1 of a times lane imm >> 1 of b, over GF(2) */ \
  X(vsha1_rounds, 2, Trait::pure)    /* four rounds of part imm (0 to 3) on a, with the schedule's words b */ \
  X(vsha1_next, 2, Trait::pure)      /* the schedule's words b with the state's e added, of the state a before */ \
  X(vsha1_message_1, 2, Trait::pure) /* two steps of the schedule */ \
  X(vsha1_message_2, 2, Trait::pure) \
  X(vsha256_rounds, 3, Trait::pure)  /* two rounds on a and b, with the schedule's words c */ \
  X(vsha256_message_1, 2, Trait::pure) \
  X(vsha256_message_2, 2, Trait::pure) \
  /* Vectors of floats */ \
  X(vfadd, 2, Trait::float_env)      /* L f32, f64, lanewise as the scalar ones */ \
  X(vfsub, 2, Trait::float_env) \
  X(vfmul, 2, Trait::float_env) \
  X(vfdiv, 2, Trait::float_env) \
  X(vfsqrt, 1, Trait::float_env) \
  X(vfmin, 2, Trait::float_env) \
  X(vfmax, 2, Trait::float_env) \
  X(vfcmp, 2, Trait::float_env)      /* all ones or zero; imm: 0 eq, 1 lt, 2 le, 3 unordered; +4: the opposite */ \
  /* Slots again */ \
  X(drop, 0, Trait::effect)          /* slot imm holds anything until it is set, which is done before anyone looks */ \
  /* Leaving. State sets before an exit are visible at it. */ \
  X(exit_if, 1, Trait::may_exit | Trait::effect)  /* a (i1): leave with ExitKind `kind` and payload imm */ \
  X(poll, 0, Trait::may_exit | Trait::effect)     /* leave with ExitKind::event if ExecContext::events is not zero */ \
  X(jump, 0, Trait::terminator)      /* to target[0] */ \
  X(branch, 1, Trait::terminator)    /* a (i1) ? target[0] : target[1] */ \
  X(expect_return, 0, Trait::effect) /* a hint: the exit behind it calls what is likely to return to pc imm */ \
  X(exit_goto, 0, Trait::terminator | Trait::effect)     /* pc := imm, a constant; the next unit may be linked */ \
  X(exit_indirect, 1, Trait::terminator | Trait::effect) /* pc := a (i64). Where a is neither a constant nor what a \
                                                     call gave, Unit::mode still holds. imm 1: it is a return */ \
  X(exit, 0, Trait::terminator | Trait::effect)   /* leave with ExitKind `kind`, payload imm; pc is that of the last \
                                                     insn, or what a helper set */
// clang-format on

enum class Op : uint8_t {
#define X(name, operands, traits) name,
  STRATA_IR_OPS(X)
#undef X
};

struct OpInfo {
  uint8_t operands;
  uint8_t traits;
};

inline constexpr OpInfo op_table[] = {
#define X(name, operands, traits) {operands, traits},
    STRATA_IR_OPS(X)
#undef X
};

inline constexpr std::string_view op_names[] = {
#define X(name, operands, traits) #name,
    STRATA_IR_OPS(X)
#undef X
};

constexpr const OpInfo& info(Op op) { return op_table[static_cast<unsigned>(op)]; }
constexpr std::string_view name(Op op) { return op_names[static_cast<unsigned>(op)]; }
constexpr bool has(Op op, uint8_t trait) { return (info(op).traits & trait) != 0; }

}  // namespace strata::ir
