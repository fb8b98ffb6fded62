// AES, carry-less multiplication and CRC32.
#include "isa/x86/helpers/sse.h"
#include "isa/x86/translate/sse.h"

namespace strata::isa::x86::sse {
namespace {

/// AESENC, AESENCLAST, AESDEC, AESDECLAST: the state is the destination, the round key the source.
void aes_round(Translator& t, const Row& row) {
  const Value key = source(t);
  set_destination(t, t.call(*row.helper, {destination(t), key}));
}

void aesimc(Translator& t, const Row&) { set_destination(t, t.call(helpers::aes_inverse_mix, {source(t)})); }

void aeskeygenassist(Translator& t, const Row&) {
  set_destination(t, t.call(helpers::aes_key_assist, {source(t), t.immediate(8)}));
}

/// imm bits 0 and 4 choose the quadwords.
void pclmulqdq(Translator& t, const Row&) {
  const auto imm = static_cast<uint64_t>(t.insn.immediate);
  const Value b = extract(t, source(t), Lane::i64, imm >> 4 & 1);
  const Value a = extract(t, destination(t), Lane::i64, imm & 1);
  set_destination(t, t.call(helpers::carryless_multiply, {a, b}));
}

/// CRC32: row.imm 8 for the byte form.
void crc32(Translator& t, const Row& row) {
  const unsigned bits = row.imm != 0 ? row.imm : t.insn.operand_bits;
  Value data;
  if (bits == 8 && t.insn.is_register_form()) data = t.gpr8(t.insn.rm_number());
  else data = t.load_rm(bits);
  const uint8_t number = t.insn.reg_number();
  t.set_gpr(number, t.call(helpers::crc32, {t.gpr(number, 32), t.b.zext(Type::i64, data), t.b.i8(bits / 8)}));
}

// clang-format off
constexpr Map map_0f38 = Map::map_0f38, map_0f3a = Map::map_0f3a;
constexpr Row rows[] = {
    {map_0f38, 0xdb, p66, aesimc},
    {.map = map_0f38, .opcode = 0xdc, .prefixes = p66, .emit = aes_round, .helper = &helpers::aes_encrypt},
    {.map = map_0f38, .opcode = 0xdd, .prefixes = p66, .emit = aes_round, .helper = &helpers::aes_encrypt_last},
    {.map = map_0f38, .opcode = 0xde, .prefixes = p66, .emit = aes_round, .helper = &helpers::aes_decrypt},
    {.map = map_0f38, .opcode = 0xdf, .prefixes = p66, .emit = aes_round, .helper = &helpers::aes_decrypt_last},
    {map_0f3a, 0xdf, p66, aeskeygenassist},
    {map_0f3a, 0x44, p66, pclmulqdq},
    {.map = map_0f38, .opcode = 0xf0, .prefixes = pf2, .emit = crc32, .imm = 8, .form = Form::general},
    {.map = map_0f38, .opcode = 0xf1, .prefixes = pf2, .emit = crc32, .imm = 0, .form = Form::general},
};
// clang-format on

}  // namespace

std::span<const Row> crypto_rows() { return rows; }

}  // namespace strata::isa::x86::sse
