// AES, SHA, carry-less multiplication and CRC32.
#include "isa/x86/translate/sse.h"

namespace strata::isa::x86::sse {
namespace {

void aeskeygenassist(Translator& t, const Row& row) {
  const auto round_constant = static_cast<uint8_t>(t.insn.immediate);
  set_destination(t, vector(t, row.op, Lane::none, source(t), ir::no_value, round_constant));
}

/// imm bits 0 and 4 choose the quadwords.
void pclmulqdq(Translator& t, const Row& row) {
  const auto imm = static_cast<uint64_t>(t.insn.immediate);
  const Value b = source(t);
  set_destination(t, vector(t, row.op, Lane::none, destination(t), b, (imm & 1) | (imm >> 3 & 2)));
}

/// The instructions of SHA; row.imm 1: with an immediate, of which two bits count. Memory need not be aligned.
void sha(Translator& t, const Row& row) {
  const Value b = source_unaligned(t);
  const uint64_t imm = row.imm != 0 ? static_cast<uint64_t>(t.insn.immediate) & 3 : 0;
  set_destination(t, vector(t, row.op, Lane::none, destination(t), b, imm));
}

void sha256rnds2(Translator& t, const Row& row) {
  const Value b = source_unaligned(t);
  set_destination(t, t.b.emit(row.op, Type::v128, {destination(t), b, t.b.get(xmm_slot(0))}));
}

/// CRC32: row.imm 8 for the byte form.
void crc32(Translator& t, const Row& row) {
  const unsigned bits = row.imm != 0 ? row.imm : t.insn.operand_bits;
  Value data;
  if (bits == 8 && t.insn.is_register_form()) data = t.gpr8(t.insn.rm_number());
  else data = t.load_rm(bits);
  const uint8_t number = t.insn.reg_number();
  t.set_gpr(number, t.b.emit(row.op, t.b.type_of(data), {t.gpr(number, 32), data}));
}

// clang-format off
constexpr Map map_0f38 = Map::map_0f38, map_0f3a = Map::map_0f3a;
constexpr Row rows[] = {
    {map_0f38, 0xc8, np, sha, Op::vsha1_next},
    {map_0f38, 0xc9, np, sha, Op::vsha1_message_1},
    {map_0f38, 0xca, np, sha, Op::vsha1_message_2},
    {map_0f38, 0xcb, np, sha256rnds2, Op::vsha256_rounds},
    {map_0f38, 0xcc, np, sha, Op::vsha256_message_1},
    {map_0f38, 0xcd, np, sha, Op::vsha256_message_2},
    {.map = map_0f3a, .opcode = 0xcc, .prefixes = np, .emit = sha, .op = Op::vsha1_rounds, .imm = 1},
    {map_0f38, 0xdb, p66, emit_unary, Op::vaes_inverse_mix},
    {map_0f38, 0xdc, p66, emit_binary, Op::vaes_encrypt},
    {map_0f38, 0xdd, p66, emit_binary, Op::vaes_encrypt_last},
    {map_0f38, 0xde, p66, emit_binary, Op::vaes_decrypt},
    {map_0f38, 0xdf, p66, emit_binary, Op::vaes_decrypt_last},
    {map_0f3a, 0xdf, p66, aeskeygenassist, Op::vaes_key_assist},
    {map_0f3a, 0x44, p66, pclmulqdq, Op::vmul_carryless},
    {.map = map_0f38, .opcode = 0xf0, .prefixes = pf2, .emit = crc32, .op = Op::crc32c, .imm = 8, .form = Form::general},
    {.map = map_0f38, .opcode = 0xf1, .prefixes = pf2, .emit = crc32, .op = Op::crc32c, .form = Form::general},
};
// clang-format on

}  // namespace

std::span<const Row> crypto_rows() { return rows; }

}  // namespace strata::isa::x86::sse
