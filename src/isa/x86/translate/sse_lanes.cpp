// Lanes moved about: shuffles, blends, insertions, extractions, widenings.
#include "isa/x86/translate/sse.h"

namespace strata::isa::x86::sse {
namespace {

uint64_t immediate(const Translator& t) { return static_cast<uint8_t>(t.insn.immediate); }

/// PSHUFD, PSHUFLW, PSHUFHW.
void shuffle(Translator& t, const Row& row) {
  set_destination(t, vector(t, row.op, Lane::none, source(t), ir::no_value, immediate(t)));
}

/// Of MMX operands, both as one vector, with zeros above.
void palignr(Translator& t, const Row&) {
  const Value b = source(t);
  if (is_mmx(t)) {
    const Value both = vector(t, Op::vunpack_lo, Lane::i64, b, destination(t));
    return set_destination(t, vector(t, Op::valign, Lane::none, t.b.vconstant({}), both, immediate(t)));
  }
  set_destination(t, vector(t, Op::valign, Lane::none, destination(t), b, immediate(t)));
}

/// Of an MMX operand's bytes, three bits choose.
void pshufb(Translator& t, const Row& row) {
  if (!is_mmx(t)) return emit_binary(t, row);
  const Value places = vector(t, Op::vand, Lane::none, source(t), t.b.vconstant({0x8787878787878787, 0}));
  set_destination(t, vector_op(t, row, destination(t), places));
}

/// PBLENDW, BLENDPS, BLENDPD.
void blend(Translator& t, const Row& row) {
  const uint64_t lanes = immediate(t) & ((uint64_t{1} << (128 / ir::lane_bits(row.lane))) - 1);
  const Value b = source(t);
  set_destination(t, vector(t, Op::vblend, row.lane, destination(t), b, lanes));
}

/// PBLENDVB, BLENDVPS, BLENDVPD: XMM0 chooses.
void blend_by_register(Translator& t, const Row& row) {
  const Value b = source(t), choice = t.b.get(xmm_slot(0));
  set_destination(t, t.b.emit(Op::vblend_mask, Type::v128, {destination(t), b, choice}, 0, row.lane));
}

/// With REX.W, PEXTRD and PINSRD are PEXTRQ and PINSRQ.
Lane lane_by_width(const Translator& t, const Row& row) {
  return row.lane == Lane::i32 && t.insn.rex_w ? Lane::i64 : row.lane;
}

unsigned chosen_lane(const Translator& t, Lane lane) {
  return static_cast<unsigned>(immediate(t) & ((is_mmx(t) ? 64 : 128) / ir::lane_bits(lane) - 1));
}

/// A lane into a general register, zeros above.
void set_general(Translator& t, uint8_t number, Value lane) {
  const bool narrow = ir::bits(t.b.type_of(lane)) < 32;
  t.set_gpr(number, narrow ? t.b.zext(Type::i32, lane) : lane);
}

/// PEXTRB, PEXTRW, PEXTRD, PEXTRQ, EXTRACTPS.
void extract_lane(Translator& t, const Row& row) {
  const Lane lane = lane_by_width(t, row);
  const Value value = extract(t, destination(t), lane, chosen_lane(t, lane));
  if (t.insn.is_register_form()) return set_general(t, t.insn.rm_number(), value);
  t.store(t.memory_address(ir::lane_bits(lane) / 8, true), value);
}

void extractps(Translator& t, const Row&) {
  const Value value = extract(t, destination(t), Lane::i32, chosen_lane(t, Lane::i32));
  t.store_rm(value);
}

/// PEXTRW of SSE2: from ModRM.rm to a general register.
void pextrw(Translator& t, const Row&) {
  set_general(t, t.insn.reg_number(), extract(t, source(t), Lane::i16, chosen_lane(t, Lane::i16)));
}

/// PINSRB, PINSRW, PINSRD, PINSRQ.
void insert_lane(Translator& t, const Row& row) {
  const Lane lane = lane_by_width(t, row);
  const unsigned width = ir::lane_bits(lane);
  const Value value = t.insn.is_register_form()
                          ? t.b.trunc(ir::integer_type(width), t.b.get(gpr_slot(t.insn.rm_number())))
                          : t.load(ir::integer_type(width), t.memory_address(width / 8));
  set_destination(t, insert(t, destination(t), lane, chosen_lane(t, lane), value));
}

/// imm: source lane (registers only) 7:6, destination lane 5:4, lanes to be cleared 3:0.
void insertps(Translator& t, const Row&) {
  const uint64_t imm = immediate(t);
  const Value value =
      t.insn.is_register_form() ? extract(t, source(t), Lane::i32, imm >> 6) : source_scalar(t, Lane::i32);
  const Value inserted = insert(t, destination(t), Lane::i32, imm >> 4 & 3, value);
  const auto half = [&](unsigned low) {
    return (imm >> low & 1 ? 0 : 0xffff'ffff) | (imm >> (low + 1) & 1 ? 0 : 0xffff'ffff'0000'0000);
  };
  set_destination(t, vector(t, Op::vand, Lane::none, inserted, t.b.vconstant({half(0), half(2)})));
}

/// PMOVSX, PMOVZX: the low lanes of type row.lane widened, step by step, to row.to.
void widen(Translator& t, const Row& row) {
  const unsigned to = ir::lane_bits(row.to);
  Value value = source_low(t, 16 * ir::lane_bits(row.lane) / to);
  for (Lane lane = row.lane; ir::lane_bits(lane) < to; lane = static_cast<Lane>(static_cast<uint8_t>(lane) + 1))
    value = vector(t, row.op, lane, value);
  set_destination(t, value);
}

// clang-format off
constexpr Map map_0f = Map::map_0f, map_0f38 = Map::map_0f38, map_0f3a = Map::map_0f3a;
constexpr Lane i8 = Lane::i8, i16 = Lane::i16, i32 = Lane::i32, i64 = Lane::i64;
constexpr Row rows[] = {
    {map_0f, 0x70, p66, shuffle, Op::vshuffle},
    {map_0f, 0x70, mm, shuffle, Op::vshuffle_lo},                     // PSHUFW
    {map_0f, 0x70, pf3, shuffle, Op::vshuffle_hi},
    {map_0f, 0x70, pf2, shuffle, Op::vshuffle_lo},
    {map_0f38, 0x00, mm | p66, pshufb, Op::vlookup},
    {map_0f3a, 0x0f, mm | p66, palignr},
    {map_0f3a, 0x0c, p66, blend, Op::nop, i32},                       // BLENDPS
    {map_0f3a, 0x0d, p66, blend, Op::nop, i64},                       // BLENDPD
    {map_0f3a, 0x0e, p66, blend, Op::nop, i16},                       // PBLENDW
    {map_0f38, 0x10, p66, blend_by_register, Op::nop, i8},            // PBLENDVB
    {map_0f38, 0x14, p66, blend_by_register, Op::nop, i32},           // BLENDVPS
    {map_0f38, 0x15, p66, blend_by_register, Op::nop, i64},           // BLENDVPD

    {map_0f3a, 0x14, p66, extract_lane, Op::nop, i8},                 // PEXTRB
    {map_0f3a, 0x15, p66, extract_lane, Op::nop, i16},                // PEXTRW
    {map_0f3a, 0x16, p66, extract_lane, Op::nop, i32},                // PEXTRD, PEXTRQ
    {map_0f3a, 0x17, p66, extractps},
    {.map = map_0f, .opcode = 0xc5, .prefixes = mm | p66, .emit = pextrw, .form = Form::registers},
    {map_0f3a, 0x20, p66, insert_lane, Op::nop, i8},                  // PINSRB
    {map_0f, 0xc4, mm | p66, insert_lane, Op::nop, i16},              // PINSRW
    {map_0f3a, 0x22, p66, insert_lane, Op::nop, i32},                 // PINSRD, PINSRQ
    {map_0f3a, 0x21, p66, insertps},

    {map_0f38, 0x20, p66, widen, Op::vwiden_s, i8, i16},  {map_0f38, 0x30, p66, widen, Op::vwiden_u, i8, i16},
    {map_0f38, 0x21, p66, widen, Op::vwiden_s, i8, i32},  {map_0f38, 0x31, p66, widen, Op::vwiden_u, i8, i32},
    {map_0f38, 0x22, p66, widen, Op::vwiden_s, i8, i64},  {map_0f38, 0x32, p66, widen, Op::vwiden_u, i8, i64},
    {map_0f38, 0x23, p66, widen, Op::vwiden_s, i16, i32}, {map_0f38, 0x33, p66, widen, Op::vwiden_u, i16, i32},
    {map_0f38, 0x24, p66, widen, Op::vwiden_s, i16, i64}, {map_0f38, 0x34, p66, widen, Op::vwiden_u, i16, i64},
    {map_0f38, 0x25, p66, widen, Op::vwiden_s, i32, i64}, {map_0f38, 0x35, p66, widen, Op::vwiden_u, i32, i64},
};
// clang-format on

}  // namespace

std::span<const Row> lane_rows() { return rows; }

}  // namespace strata::isa::x86::sse
