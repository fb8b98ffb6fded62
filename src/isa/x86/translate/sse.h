// How SSE instructions are told apart, and the tools that their emitters share.
#pragma once

#include <initializer_list>
#include <span>

#include "isa/x86/translate/translator.h"

namespace strata::isa::x86::sse {

using ir::Lane;

/// The prefixes that select a form of an opcode, as a set: for rows that hold for several.
using Prefixes = uint8_t;
inline constexpr Prefixes np = 1, p66 = 2, pf3 = 4, pf2 = 8;
/// No prefix, where that means MMX registers (is_mmx): destination and source then do.
inline constexpr Prefixes mm = np;

/// What an instruction demands before its emitter is asked; anything else is #UD.
enum class Form : uint8_t {
  any,
  memory,     ///< the r/m operand must be memory
  registers,  ///< it must be a register
  general,    ///< works on general registers only, and so whatever CR0 and CR4 say of SSE
};

struct Row;
using Emitter = void (*)(Translator&, const Row&);

/// One opcode with some of its prefixes. What op, lane, to, imm and helper mean is the emitter's affair.
struct Row {
  Map map;
  uint8_t opcode;
  Prefixes prefixes;
  Emitter emit;
  Op op = Op::nop;
  Lane lane = Lane::none;
  Lane to = Lane::none;
  uint8_t imm = 0;
  Form form = Form::any;
  const ir::Helper* helper = nullptr;
};

// One table a file, sse_NAME.cpp.
std::span<const Row> move_rows();
std::span<const Row> float_rows();
std::span<const Row> float_shape_rows();
std::span<const Row> convert_rows();
std::span<const Row> integer_rows();
std::span<const Row> lane_rows();
std::span<const Row> crypto_rows();
std::span<const Row> string_rows();
std::span<const Row> mmx_rows();       ///< between MMX and XMM registers
std::span<const Row> mmx_only_rows();  ///< what 66 makes another instruction

/// Whether the operands that are XMM registers behind 66 are MMX registers here.
bool is_mmx(const Translator& t);
/// MMX registers by number, i64. To be read and written behind one of the next two, in the same instruction.
Value mmx_register(Translator& t, uint8_t number);
void set_mmx_register(Translator& t, uint8_t number, Value value);
/// #MF where an x87 exception waits. `begin`: and the x87 stack becomes MMX registers.
void check_mmx(Translator& t);
void begin_mmx(Translator& t);
/// A row's instruction on MMX registers, with what all of those have in common.
void emit_mmx(Translator& t, const Row& row);

/// LDMXCSR, STMXCSR. They share 0F AE with much else; false: not one of them.
bool translate_mxcsr(Translator& t);

// Operands. `destination` is what ModRM.reg names, `source` what ModRM.rm names. Memory is read in its exact width.
// An MMX operand is the low half of a vector whose high half is 0; of a result the low half counts.
Value destination(Translator& t);
void set_destination(Translator& t, Value value);
void set_source_register(Translator& t, Value value);  ///< where ModRM.rm names a register to be written
Value source(Translator& t);                           ///< 128 bits, where memory must be aligned, or #GP(0); or 64
Value source_unaligned(Translator& t);
Value source_scalar(Translator& t, Lane lane);     ///< lane 0, or memory of that size
Value source_low(Translator& t, unsigned size);    ///< v128 of which the low `size` bytes count: 2, 4, 8 or 16
Value aligned_address(Translator& t, bool write);  ///< of 16 bytes

// Short forms of builder calls.
Value vector(Translator& t, Op op, Lane lane, Value a, Value b = ir::no_value, uint64_t imm = 0);
Value extract(Translator& t, Value vector, Lane lane, unsigned index);
Value insert(Translator& t, Value vector, Lane lane, unsigned index, Value scalar);
Value zext_lane(Translator& t, Value scalar);                      ///< v128 with the scalar in lane 0
Value vector_op(Translator& t, const Row& row, Value a, Value b);  ///< row.op on row.lane

/// Both operands, for what makes one lane of two: where they are MMX operands, each stands as one vector of both.
struct Operands {
  Value a, b;  ///< destination, source
};
Operands narrowed_operands(Translator& t);

/// destination := op source; destination := destination op source.
void emit_unary(Translator& t, const Row& row);
void emit_binary(Translator& t, const Row& row);

/// The lane that a floating-point form works on: f32 or f64 by its prefix; and whether only on lane 0.
Lane float_lane(const Translator& t);
bool is_scalar_form(const Translator& t);

/// Around floating-point arithmetic. Where an exception is unmasked, end() raises it, so that the destination must be
/// set behind it. `results` are vectors or scalars that the instruction rounded to `lane`: they underflow by being
/// tiny, which shows in no flag where they are exact (SDM vol. 1, 11.5.2.5).
class FloatScope {
 public:
  explicit FloatScope(Translator& t);
  void end(std::initializer_list<Value> results = {}, Lane lane = Lane::none);

 private:
  Translator& t_;
};

}  // namespace strata::isa::x86::sse
