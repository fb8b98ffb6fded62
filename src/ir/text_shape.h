// How the operations are written in the IR's text form; shared by printer and parser (docs/formats/ir.md).
#pragma once

#include <string_view>

#include "ir/unit.h"

namespace strata::ir {

inline constexpr std::string_view cond_names[] = {"o", "no", "c", "nc", "z", "nz", "be", "a",
                                                  "s", "ns", "p", "np", "l", "ge", "le", "g"};
inline constexpr std::string_view exit_names[] = {"next", "event", "memory", "trap", "halt", "leave"};

/// The operation's name as written: without the underscore that keeps C++ keywords apart.
constexpr std::string_view written_name(Op op) {
  std::string_view written = name(op);
  if (written.ends_with('_')) written.remove_suffix(1);
  return written;
}

constexpr bool is_vector(Op op) { return op >= Op::vadd && op <= Op::vfcmp; }
constexpr bool is_float_stack(Op op) { return op >= Op::fstack && op <= Op::fstack_control; }

// clang-format off
/// Whether the type stands behind the name. Elsewhere it follows from the operation, the slot or the helper.
constexpr bool shows_type(Op op) {
  if (is_vector(op) || is_float_stack(op) || op >= Op::exit_if) return false;
  switch (op) {
    case Op::nop: case Op::vconstant: case Op::get: case Op::set: case Op::drop: case Op::insn: case Op::flags_merge:
    case Op::cond: case Op::fence: case Op::call:
      return false;
    default: return true;
  }
}
// clang-format on

/// The type of an instruction whose type is not written, as far as operation and lane tell it.
constexpr Type implied_type(Op op, Lane lane) {
  if (op == Op::vextract) return lane_type(lane);
  if (op == Op::vmask || op == Op::flags_merge) return Type::i32;
  if (op == Op::cond) return Type::i1;
  return is_vector(op) || op == Op::vconstant ? Type::v128 : Type::none;
}

// clang-format off
/// Whether the immediate stands behind the operands as a plain number.
constexpr bool trailing_immediate(Op op) {
  switch (op) {
    case Op::flags_merge: case Op::fcompare: case Op::float_to_int: case Op::vshl_bytes: case Op::vshr_bytes:
    case Op::valign: case Op::vshuffle: case Op::vshuffle_lo: case Op::vshuffle_hi: case Op::vshuffle2:
    case Op::vblend: case Op::vextract: case Op::vinsert: case Op::vfcmp: case Op::fstack: case Op::fstack_compare:
    case Op::fstack_memory: case Op::vaes_key_assist: case Op::vmul_carryless: case Op::vsha1_rounds:
      return true;
    default: return false;
  }
}
// clang-format on

}  // namespace strata::ir
