// Which handler does what: one function a group of operations, each in the file that holds the group's handlers.
#pragma once

#include "codegen/interp/operand.h"
#include "ir/op.h"
#include "ir/type.h"

namespace strata::codegen::interp {

/// The widths of integers in handler tables: 8, 16, 32, 64 bits. An i1 is a byte that is 0 or 1.
enum class Width : uint8_t { w8, w16, w32, w64 };

constexpr Width width_of(ir::Type type) {
  const unsigned bits = ir::bits(type);
  return bits <= 8 ? Width::w8 : bits == 16 ? Width::w16 : bits == 32 ? Width::w32 : Width::w64;
}
constexpr unsigned index(Width width) { return static_cast<unsigned>(width); }

constexpr bool is_compare(ir::Op op) { return op >= ir::Op::eq && op <= ir::Op::le_s; }

// Integers (integer.cpp, integer_hot.cpp).
/// add, sub, mul, and_, or_, xor_, shifts, rotates, flags_add, flags_sub. a and b: cell or slot, b also imm.
Handler hot_binary(ir::Op op, Width width, Place a, Place b, Dest d);
/// All other operations with two operands of one width: a any, b any or imm, d any 8 bytes.
Handler binary(ir::Op op, Width width, Place b);
/// crc32c: all any; the width is that of b.
Handler crc32c(Width width);
/// not_, neg, clz, ctz, popcnt, bswap: a and d any. On i1: not_ only.
Handler unary(ir::Op op, ir::Type type);
/// a, sign-extended from one type to another. Zero extensions are moves.
Handler sign_extend(ir::Type from, ir::Type to);
/// The low bit of a.
Handler low_bit();
/// a with its low bits replaced by b.
Handler insert_low(Width wide, ir::Type narrow);
/// a ? b : c, all any.
Handler select(ir::Type type);

// Compares (compare.cpp). a: cell or slot, b also imm; the result in a cell.
Handler compare(ir::Op op, Width width, Place a, Place b);
/// A jump as `branch` makes it. With b imm, the count of guest instructions stands in b.
Handler branch_compare(ir::Op op, Width width, Place a, Place b);

// Flags and branch in one (compare_and_branch.cpp).
/// Neighbours are opposites.
enum class Relation : uint8_t { eq, ne, lt_u, ge_u, le_u, gt_u, lt_s, ge_s, le_s, gt_s };
inline constexpr unsigned relation_count = 10;
constexpr Relation opposite(Relation relation) { return static_cast<Relation>(static_cast<unsigned>(relation) ^ 1); }
/// Whether the host can do it well; else the two steps are better.
bool has_compare_and_branch();
/// The slot of 32 bits at c := the flags of a - b; d steps on if a and b are so related, else one. Guest instructions
/// as with branch_compare.
Handler compare_and_branch(Relation relation, Width width, Place a, Place b);

// Moves (move.cpp). a: cell, slot or imm.
Handler move(Width width, Place a, Dest d);
/// 16 bytes; both any.
Handler move_vector();
/// A constant of 64 bits (wide) to any, and one of 128 that stands in the two steps' place behind this one.
Handler wide_constant();
Handler vector_constant();

// Flags (flags.cpp).
/// adc, sbb and their carries; flags_adc, flags_sbb: all any.
Handler with_carry(ir::Op op, Width width);
Handler flags_with_carry(ir::Op op, Width width);
Handler flags_logic(Width width, Place a, Dest d);
/// a outside the mask imm, b inside.
Handler flags_merge();
/// Condition number c on the flags a: a value, or a jump as with `branch`.
Handler condition(uint64_t cond, Place a);
Handler branch_condition(uint64_t cond, Place a);

// Guest memory (memory.cpp). The address is a + b * scale + displacement.
enum class Index : uint8_t { none, cell, slot };
/// c: address space, and the scale from bit 8 on; imm: displacement. width of i8 to i64, f32, f64.
Handler load(Width width, Place a, Index index, Dest d);
/// The value: d, cell or slot; displacement imm. Or an imm with the displacement, signed, in d, and its upper half in b
/// where there is no index.
Handler store(Width width, Place a, Index index, Place value);
/// a any, no index; value or result d any.
Handler load_vector();
Handler store_vector();
inline uint16_t space_and_scale(uint64_t space, unsigned scale) { return static_cast<uint16_t>(space | scale << 8); }

// Atomics (atomic.cpp): address a, operand b, for cas the new value c, result d; all any; imm: address space.
Handler atomic(ir::Op op, Width width);
Handler fence();

// Ways on and out (control.cpp).
/// To the step that stands d steps further on (signed), c guest instructions done (signed too).
Handler jump();
/// d steps on if a is not 0, else c steps; imm guest instructions done.
Handler branch(Place a);
/// pc := wide, a guest instructions done (signed).
Handler bring_up_to_date();
/// Leaves with ExitKind d and payload wide, if a (any) is not 0; or always, with everything up to date.
Handler exit_if();
Handler exit_always();
Handler poll();
/// A jump back: a guest instructions done; to the step d further on, or with pc := wide out, if there are events.
Handler poll_and_jump();
/// pc := wide, link d, a guest instructions done.
Handler exit_goto();
/// pc := a (any), c guest instructions done.
Handler exit_indirect();
/// In a block's exit stub, a sunk set: the slot at d := a (cell or imm), if the program is left in steps b up to c. The
/// stub ends here where it is left before b. A vector's slot and cell are any.
Handler sunk_set(Width width, Place a);
Handler sunk_set_vector();

// Calls (call.cpp): the operands any of 8 bytes, or any of 16 (see CallShape) from a, b, c and the extension's first;
// result d. The step behind holds a CallExtension.
struct CallExtension {
  void (*function)();
  uint16_t fourth;  ///< operand
  uint8_t vectors;  ///< bit i: operand i is a vector
  uint8_t may_exit;
  uint32_t unused;
};
static_assert(sizeof(CallExtension) == sizeof(Step));
enum class CallResult : uint8_t { none, scalar, vector };
Handler call(unsigned operands, CallResult result);

// Floating point (float.cpp): scalars and vectors alike by lane type; a, b, d any.
Handler float_binary(ir::Op op, ir::Type type);
Handler float_sqrt(ir::Type type);
Handler float_compare(ir::Type type, bool signaling);
Handler float_convert(ir::Type from, ir::Type to);   ///< between floats, and from and to integers
Handler float_truncate(ir::Type from, ir::Type to);  ///< to an integer, towards zero
Handler vector_float(ir::Op op, ir::Lane lane, uint64_t imm);

// The float stack (float_stack.cpp): operand a, result d, both any; imm as the instruction's.
Handler float_stack_handler(ir::Op op);

// Vectors (vector*.cpp): a, b, c, d any, imm as the instruction's.
Handler vector(ir::Op op, ir::Lane lane);
Handler vector_from_scalar(ir::Op op, ir::Type type);  ///< vzext, vsplat

}  // namespace strata::codegen::interp
