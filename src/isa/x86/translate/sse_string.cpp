// The string comparisons of SSE4.2: PCMPESTRI, PCMPESTRM, PCMPISTRI, PCMPISTRM (SDM vol. 2, 4.1).
#include "isa/x86/helpers/sse.h"
#include "isa/x86/translate/sse.h"

namespace strata::isa::x86::sse {
namespace {

/// The comparison's result: helpers::StringResult says what is where. Memory need not be aligned.
Value compare(Translator& t, bool explicit_lengths) {
  const Value b = source_unaligned(t), a = destination(t);
  const auto imm = static_cast<uint64_t>(t.insn.immediate) & 0xff;
  if (!explicit_lengths) return t.call(helpers::compare_terminated, {a, b, t.b.i8(imm)});
  return t.call(helpers::compare_counted, {a, b, t.b.i8(imm), t.b.i8(t.insn.rex_w ? 64 : 32)});
}

void set_flags(Translator& t, Value result) {
  t.set_flags(t.b.trunc(Type::i32, t.b.shr(result, t.b.i8(helpers::StringResult::flags_at))));
}

/// Index to ECX. row.imm 1: explicit lengths.
void index(Translator& t, const Row& row) {
  const Value result = compare(t, row.imm != 0);
  const Value at = t.b.trunc(Type::i8, t.b.shr(result, t.b.i8(helpers::StringResult::index_at)));
  t.set_gpr(rcx, t.b.zext(Type::i32, at));
  set_flags(t, result);
}

/// Mask to XMM0: the bits as they are, or each spread over its element.
void mask(Translator& t, const Row& row) {
  const Value result = compare(t, row.imm != 0);
  const Value bits = t.b.and_(result, t.b.i64(0xffff));
  const bool spread = t.insn.immediate & 0x40, words = t.insn.immediate & 1;
  t.b.set(xmm_slot(0), spread ? t.call(helpers::spread_mask, {bits, t.b.i8(words ? 16 : 8)}) : zext_lane(t, bits));
  set_flags(t, result);
}

// clang-format off
constexpr Map map_0f3a = Map::map_0f3a;
constexpr uint8_t explicit_lengths = 1;
constexpr Row rows[] = {
    {.map = map_0f3a, .opcode = 0x60, .prefixes = p66, .emit = mask, .imm = explicit_lengths},   // PCMPESTRM
    {.map = map_0f3a, .opcode = 0x61, .prefixes = p66, .emit = index, .imm = explicit_lengths},  // PCMPESTRI
    {.map = map_0f3a, .opcode = 0x62, .prefixes = p66, .emit = mask},                            // PCMPISTRM
    {.map = map_0f3a, .opcode = 0x63, .prefixes = p66, .emit = index},                           // PCMPISTRI
};
// clang-format on

}  // namespace

std::span<const Row> string_rows() { return rows; }

}  // namespace strata::isa::x86::sse
