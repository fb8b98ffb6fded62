// MMX: what its instructions have in common, and those that are not an SSE instruction without 66 (SDM vol. 1, 9).
#include "isa/x86/helpers/sse.h"
#include "isa/x86/translate/sse.h"

namespace strata::isa::x86::sse {
namespace {

void movq_load(Translator& t, const Row&) { set_destination(t, source(t)); }

/// MOVQ, MOVNTQ.
void movq_store(Translator& t, const Row&) {
  if (t.insn.is_register_form()) return set_source_register(t, destination(t));
  t.store(t.memory_address(8, true), extract(t, destination(t), Lane::i64, 0));
}

void maskmovq(Translator& t, const Row&) {
  const Value offset = t.cut_address(t.b.get(gpr_slot(rdi)), t.insn.address_bits);
  const Value address = t.linear(t.data_segment(ds), offset, 8, true);
  t.call(helpers::masked_store, {address, destination(t), source(t), t.b.i8(t.mode.data_space())});
}

/// What there is to do, emit_mmx does.
void emms(Translator&, const Row&) {}

/// EMMS where the registers are MMX registers.
void empty(Translator& t) {
  t.b.set(slot_x87_valid, t.b.i8(0));
  t.set_x87_place(X87Place::memory);
}

/// Groups 12 to 14 shift MMX registers in fewer ways than XMM registers: not by bytes.
bool is_no_shift(const Insn& insn) {
  const bool in_group = insn.map == Map::map_0f && insn.opcode >= 0x71 && insn.opcode <= 0x73;
  return in_group && insn.reg != 2 && insn.reg != 6 && (insn.reg != 4 || insn.opcode == 0x73);
}

// clang-format off
constexpr Map map_0f = Map::map_0f;
constexpr Row rows[] = {
    {map_0f, 0x6f, mm, movq_load},
    {map_0f, 0x7f, mm, movq_store},
    {.map = map_0f, .opcode = 0xe7, .prefixes = mm, .emit = movq_store, .form = Form::memory},  // MOVNTQ
    {.map = map_0f, .opcode = 0xf7, .prefixes = mm, .emit = maskmovq, .form = Form::registers},
    {map_0f, 0x77, mm, emms},
};
// clang-format on

}  // namespace

bool is_mmx(const Translator& t) {
  if (t.insn.simd_prefix != 0) return false;
  const uint8_t opcode = t.insn.opcode;
  switch (t.insn.map) {
    case Map::map_0f: return (opcode >= 0x60 && opcode <= 0x7f) || opcode == 0xc4 || opcode == 0xc5 || opcode >= 0xd0;
    case Map::map_0f38: return opcode <= 0x1e;
    case Map::map_0f3a: return opcode == 0x0f;
    default: return false;
  }
}

void check_mmx(Translator& t) {
  if (t.x87_by_helpers()) t.call(helpers::mmx_check, {});
  else t.expect_x87(X87Place::mmx);
}

void begin_mmx(Translator& t) {
  if (t.x87_by_helpers()) t.call(helpers::mmx_enter, {});
  else t.expect_x87(X87Place::mmx);
}

/// #MF comes before faults of the memory operand, the change to MMX registers behind those.
void emit_mmx(Translator& t, const Row& row) {
  if (t.mode.emulate_x87 || is_no_shift(t.insn)) return t.invalid();
  if (t.mode.task_switched) return t.raise(vector_nm);
  check_mmx(t);
  row.emit(t, row);
  if (t.x87_by_helpers()) t.call(row.emit == emms ? helpers::mmx_empty : helpers::mmx_enter, {});
  else if (row.emit == emms) empty(t);
}

std::span<const Row> mmx_only_rows() { return rows; }

}  // namespace strata::isa::x86::sse
