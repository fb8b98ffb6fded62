// Moves between XMM registers, memory and general registers.
#include "isa/x86/helpers/sse.h"
#include "isa/x86/translate/sse.h"

namespace strata::isa::x86::sse {
namespace {

void load_aligned(Translator& t, const Row&) { set_destination(t, source(t)); }

void load_unaligned(Translator& t, const Row&) { set_destination(t, source_unaligned(t)); }

void store_vector(Translator& t, bool aligned) {
  const Value value = destination(t);
  if (t.insn.is_register_form()) return t.b.set(xmm_slot(t.insn.rm_number()), value);
  t.store(aligned ? aligned_address(t, true) : t.memory_address(16, true), value);
}

void store_aligned(Translator& t, const Row&) { store_vector(t, true); }

void store_unaligned(Translator& t, const Row&) { store_vector(t, false); }

/// MOVSS, MOVSD: from a register into lane 0, from memory with zeros above.
void load_scalar(Translator& t, const Row& row) {
  const Value value = source_scalar(t, row.lane);
  if (t.insn.is_register_form()) return set_destination(t, insert(t, destination(t), row.lane, 0, value));
  set_destination(t, zext_lane(t, value));
}

void store_scalar(Translator& t, const Row& row) {
  const Value value = extract(t, destination(t), row.lane, 0);
  if (!t.insn.is_register_form()) return t.store(t.memory_address(ir::lane_bits(row.lane) / 8, true), value);
  const auto slot = xmm_slot(t.insn.rm_number());
  t.b.set(slot, insert(t, t.b.get(slot), row.lane, 0, value));
}

/// MOVLPS, MOVHPS and their register forms MOVHLPS, MOVLHPS: lane row.imm from memory or from the other lane.
void load_half(Translator& t, const Row& row) {
  const unsigned lane = row.imm;
  const Value value =
      t.insn.is_register_form() ? extract(t, source(t), Lane::i64, lane ^ 1) : source_scalar(t, Lane::i64);
  set_destination(t, insert(t, destination(t), Lane::i64, lane, value));
}

void store_half(Translator& t, const Row& row) {
  t.store(t.memory_address(8, true), extract(t, destination(t), Lane::i64, row.imm));
}

void movddup(Translator& t, const Row&) {
  set_destination(t, vector(t, Op::vsplat, Lane::i64, source_scalar(t, Lane::i64)));
}

/// MOVSLDUP, MOVSHDUP.
void duplicate(Translator& t, const Row& row) {
  set_destination(t, vector(t, Op::vshuffle, Lane::none, source(t), ir::no_value, row.imm));
}

/// MOVMSKPS, MOVMSKPD, PMOVMSKB.
void sign_mask(Translator& t, const Row& row) {
  t.set_gpr(t.insn.reg_number(), t.b.emit(Op::vmask, Type::i32, {source(t)}, 0, row.lane));
}

unsigned general_bits(const Translator& t) { return t.insn.rex_w ? 64 : 32; }

void movd_load(Translator& t, const Row&) { set_destination(t, zext_lane(t, t.load_rm(general_bits(t)))); }

void movd_store(Translator& t, const Row&) {
  t.store_rm(extract(t, destination(t), general_bits(t) == 64 ? Lane::i64 : Lane::i32, 0));
}

void movq_load(Translator& t, const Row&) { set_destination(t, zext_lane(t, source_scalar(t, Lane::i64))); }

void movq_store(Translator& t, const Row&) {
  const Value value = extract(t, destination(t), Lane::i64, 0);
  if (t.insn.is_register_form()) return t.b.set(xmm_slot(t.insn.rm_number()), zext_lane(t, value));
  t.store(t.memory_address(8, true), value);
}

void maskmovdqu(Translator& t, const Row&) {
  const Value offset = t.cut_address(t.b.get(gpr_slot(rdi)), t.insn.address_bits);
  const Value address = t.linear(t.data_segment(ds), offset, 16, true);
  t.call(helpers::masked_store, {address, destination(t), source(t), t.b.i8(t.mode.data_space())});
}

// clang-format off
constexpr Map map_0f = Map::map_0f, map_0f38 = Map::map_0f38;
constexpr Row rows[] = {
    {map_0f, 0x10, np | p66, load_unaligned},                                  // MOVUPS, MOVUPD
    {map_0f, 0x11, np | p66, store_unaligned},
    {map_0f, 0x10, pf3, load_scalar, Op::nop, Lane::f32},                      // MOVSS
    {map_0f, 0x11, pf3, store_scalar, Op::nop, Lane::f32},
    {map_0f, 0x10, pf2, load_scalar, Op::nop, Lane::f64},                      // MOVSD
    {map_0f, 0x11, pf2, store_scalar, Op::nop, Lane::f64},
    {.map = map_0f, .opcode = 0x12, .prefixes = np, .emit = load_half, .imm = 0},  // MOVLPS, MOVHLPS
    {.map = map_0f, .opcode = 0x12, .prefixes = p66, .emit = load_half, .imm = 0, .form = Form::memory},
    {.map = map_0f, .opcode = 0x13, .prefixes = np | p66, .emit = store_half, .imm = 0, .form = Form::memory},
    {.map = map_0f, .opcode = 0x16, .prefixes = np, .emit = load_half, .imm = 1},  // MOVHPS, MOVLHPS
    {.map = map_0f, .opcode = 0x16, .prefixes = p66, .emit = load_half, .imm = 1, .form = Form::memory},
    {.map = map_0f, .opcode = 0x17, .prefixes = np | p66, .emit = store_half, .imm = 1, .form = Form::memory},
    {.map = map_0f, .opcode = 0x12, .prefixes = pf3, .emit = duplicate, .imm = 0xa0},  // MOVSLDUP
    {.map = map_0f, .opcode = 0x16, .prefixes = pf3, .emit = duplicate, .imm = 0xf5},  // MOVSHDUP
    {map_0f, 0x12, pf2, movddup},
    {map_0f, 0x28, np | p66, load_aligned},                                    // MOVAPS, MOVAPD
    {map_0f, 0x29, np | p66, store_aligned},
    {.map = map_0f, .opcode = 0x2b, .prefixes = np | p66, .emit = store_aligned, .form = Form::memory},  // MOVNTPS
    {.map = map_0f, .opcode = 0x50, .prefixes = np, .emit = sign_mask, .lane = Lane::f32, .form = Form::registers},
    {.map = map_0f, .opcode = 0x50, .prefixes = p66, .emit = sign_mask, .lane = Lane::f64, .form = Form::registers},
    {.map = map_0f, .opcode = 0xd7, .prefixes = mm | p66, .emit = sign_mask, .lane = Lane::i8, .form = Form::registers},
    {map_0f, 0x6e, mm | p66, movd_load},
    {map_0f, 0x7e, mm | p66, movd_store},
    {map_0f, 0x7e, pf3, movq_load},
    {map_0f, 0xd6, p66, movq_store},
    {map_0f, 0x6f, p66, load_aligned},                                         // MOVDQA
    {map_0f, 0x7f, p66, store_aligned},
    {map_0f, 0x6f, pf3, load_unaligned},                                       // MOVDQU
    {map_0f, 0x7f, pf3, store_unaligned},
    {.map = map_0f, .opcode = 0xe7, .prefixes = p66, .emit = store_aligned, .form = Form::memory},       // MOVNTDQ
    {.map = map_0f, .opcode = 0xf0, .prefixes = pf2, .emit = load_unaligned, .form = Form::memory},      // LDDQU
    {.map = map_0f38, .opcode = 0x2a, .prefixes = p66, .emit = load_aligned, .form = Form::memory},      // MOVNTDQA
    {.map = map_0f, .opcode = 0xf7, .prefixes = p66, .emit = maskmovdqu, .form = Form::registers},
};
// clang-format on

}  // namespace

std::span<const Row> move_rows() { return rows; }

}  // namespace strata::isa::x86::sse
