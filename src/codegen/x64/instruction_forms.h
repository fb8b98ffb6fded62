// How each instruction of the host that units are made of is encoded: a row each.
#pragma once

#include <asmjit/x86.h>

#include <array>
#include <cstdint>

namespace strata::codegen::x64 {

/// Which operands an instruction takes, and where they go. Operands are named reg and rm as in ModRM.
enum class Shape : uint8_t {
  unknown,
  alone,       ///< no operands
  arithmetic,  ///< rm, reg; reg, rm; rm, immediate: from `opcode` on, the immediate by 80 /extension
  test,
  move,
  lea,
  extend,            ///< reg, rm of 8 or 16 bits; 32 bits by `other`
  one_operand,       ///< rm by /extension
  multiply,          ///< rm; reg, rm; reg, rm, immediate
  shift,             ///< rm by an immediate or cl
  jump,              ///< a label, or rm by /extension
  conditional_jump,  ///< a label
  byte,              ///< rm of 8 bits
  checksum,          ///< reg, rm of any size
  reg_rm,
  rm_reg,    ///< `opcode` for bytes, one more for the rest
  bit_test,  ///< rm, reg; rm, immediate
  byte_swap,
  float_control,  ///< memory by /extension
  vex_count,      ///< reg, rm, and what VEX.vvvv holds
  vex_source,     ///< reg, what VEX.vvvv holds, rm
  vex_immediate,
  vector,        ///< reg, rm, perhaps an immediate; either may be a general register
  vector_move,   ///< the same; memory, reg by `other`
  vector_shift,  ///< the same; by an immediate: `other` /extension
  vector_lane,   ///< rm, reg, immediate
  word,          ///< movd, movq: general registers or memory of 32 and 64 bits
};

/// Of 8 bytes, to be handed on in one register.
struct alignas(8) Form {
  Shape shape = Shape::unknown;
  uint8_t prefix = 0;  ///< the mandatory one: 66, F2 or F3
  uint8_t map = 0;     ///< of opcodes: 0: one byte; 1: 0F; 2: 0F 38; 3: 0F 3A
  uint8_t opcode = 0;
  uint8_t extension = 0;
  uint8_t other = 0;
  bool wide = false;  ///< REX.W, whatever the operands are
};

namespace forms {

using enum asmjit::x86::Inst::Id;
using asmjit::x86::Inst::Id;

struct Row {
  Id id;
  Form form;
};

constexpr Form arithmetic(uint8_t number) {
  return {Shape::arithmetic, 0, 0, static_cast<uint8_t>(number * 8), number};
}
constexpr Form one_operand(uint8_t opcode, uint8_t extension) { return {Shape::one_operand, 0, 0, opcode, extension}; }
constexpr Form shift(uint8_t extension) { return {Shape::shift, 0, 0, 0xd0, extension}; }
constexpr Form vector(uint8_t prefix, uint8_t opcode) { return {Shape::vector, prefix, 1, opcode}; }
constexpr Form vector_38(uint8_t opcode) { return {Shape::vector, 0x66, 2, opcode}; }
constexpr Form vector_3a(uint8_t opcode) { return {Shape::vector, 0x66, 3, opcode}; }
constexpr Form vector_move(uint8_t prefix, uint8_t load, uint8_t store) {
  return {Shape::vector_move, prefix, 1, load, 0, store};
}
constexpr Form vector_shift(uint8_t opcode, uint8_t immediate, uint8_t extension) {
  return {Shape::vector_shift, 0x66, 1, opcode, extension, immediate};
}
constexpr Form lane(uint8_t opcode, bool wide = false) { return {Shape::vector_lane, 0x66, 3, opcode, 0, 0, wide}; }

/// The instructions of a condition, by all its names.
struct ConditionRow {
  uint8_t code;
  Id jump, set, move;
};

// clang-format off
constexpr ConditionRow conditions[] = {
    {0, kIdJo, kIdSeto, kIdCmovo}, {1, kIdJno, kIdSetno, kIdCmovno}, {2, kIdJb, kIdSetb, kIdCmovb},
    {2, kIdJc, kIdSetc, kIdCmovc}, {2, kIdJnae, kIdSetnae, kIdCmovnae}, {3, kIdJnb, kIdSetnb, kIdCmovnb},
    {3, kIdJnc, kIdSetnc, kIdCmovnc}, {3, kIdJae, kIdSetae, kIdCmovae}, {4, kIdJz, kIdSetz, kIdCmovz},
    {4, kIdJe, kIdSete, kIdCmove}, {5, kIdJnz, kIdSetnz, kIdCmovnz}, {5, kIdJne, kIdSetne, kIdCmovne},
    {6, kIdJbe, kIdSetbe, kIdCmovbe}, {6, kIdJna, kIdSetna, kIdCmovna}, {7, kIdJa, kIdSeta, kIdCmova},
    {7, kIdJnbe, kIdSetnbe, kIdCmovnbe}, {8, kIdJs, kIdSets, kIdCmovs}, {9, kIdJns, kIdSetns, kIdCmovns},
    {10, kIdJp, kIdSetp, kIdCmovp}, {10, kIdJpe, kIdSetpe, kIdCmovpe}, {11, kIdJnp, kIdSetnp, kIdCmovnp},
    {11, kIdJpo, kIdSetpo, kIdCmovpo}, {12, kIdJl, kIdSetl, kIdCmovl}, {12, kIdJnge, kIdSetnge, kIdCmovnge},
    {13, kIdJge, kIdSetge, kIdCmovge}, {13, kIdJnl, kIdSetnl, kIdCmovnl}, {14, kIdJle, kIdSetle, kIdCmovle},
    {14, kIdJng, kIdSetng, kIdCmovng}, {15, kIdJg, kIdSetg, kIdCmovg}, {15, kIdJnle, kIdSetnle, kIdCmovnle},
};

constexpr Row rows[] = {
    {kIdAdd, arithmetic(0)}, {kIdOr, arithmetic(1)}, {kIdAdc, arithmetic(2)}, {kIdSbb, arithmetic(3)},
    {kIdAnd, arithmetic(4)}, {kIdSub, arithmetic(5)}, {kIdXor, arithmetic(6)}, {kIdCmp, arithmetic(7)},
    {kIdTest, {Shape::test, 0, 0, 0x84}}, {kIdMov, {Shape::move, 0, 0, 0x88}}, {kIdLea, {Shape::lea, 0, 0, 0x8d}},
    {kIdMovzx, {Shape::extend, 0, 1, 0xb6}}, {kIdMovsx, {Shape::extend, 0, 1, 0xbe}},
    {kIdMovsxd, {Shape::reg_rm, 0, 0, 0x63}}, {kIdNot, one_operand(0xf6, 2)}, {kIdNeg, one_operand(0xf6, 3)},
    {kIdMul, one_operand(0xf6, 4)}, {kIdImul, {Shape::multiply, 0, 0, 0xf6, 5}}, {kIdDiv, one_operand(0xf6, 6)},
    {kIdIdiv, one_operand(0xf6, 7)}, {kIdInc, one_operand(0xfe, 0)}, {kIdDec, one_operand(0xfe, 1)},
    {kIdRol, shift(0)}, {kIdRor, shift(1)}, {kIdRcl, shift(2)}, {kIdRcr, shift(3)}, {kIdShl, shift(4)},
    {kIdShr, shift(5)}, {kIdSar, shift(7)}, {kIdCall, {Shape::jump, 0, 0, 0xe8, 2}},
    {kIdJmp, {Shape::jump, 0, 0, 0xe9, 4}}, {kIdPopcnt, {Shape::reg_rm, 0xf3, 1, 0xb8}},
    {kIdTzcnt, {Shape::reg_rm, 0xf3, 1, 0xbc}}, {kIdLzcnt, {Shape::reg_rm, 0xf3, 1, 0xbd}},
    {kIdCrc32, {Shape::checksum, 0xf2, 2, 0xf0}}, {kIdBsf, {Shape::reg_rm, 0, 1, 0xbc}}, {kIdBsr, {Shape::reg_rm, 0, 1, 0xbd}},
    {kIdAdcx, {Shape::reg_rm, 0x66, 2, 0xf6}}, {kIdAdox, {Shape::reg_rm, 0xf3, 2, 0xf6}},
    {kIdXchg, {Shape::rm_reg, 0, 0, 0x86}}, {kIdXadd, {Shape::rm_reg, 0, 1, 0xc0}},
    {kIdCmpxchg, {Shape::rm_reg, 0, 1, 0xb0}}, {kIdBswap, {Shape::byte_swap, 0, 1, 0xc8}},
    {kIdBt, {Shape::bit_test, 0, 1, 0xa3, 4}}, {kIdBts, {Shape::bit_test, 0, 1, 0xab, 5}},
    {kIdBtr, {Shape::bit_test, 0, 1, 0xb3, 6}}, {kIdBtc, {Shape::bit_test, 0, 1, 0xbb, 7}},
    {kIdCdq, {Shape::alone, 0, 0, 0x99}}, {kIdCqo, {Shape::alone, 0, 0, 0x99, 0, 0, true}},
    {kIdLahf, {Shape::alone, 0, 0, 0x9f}}, {kIdSahf, {Shape::alone, 0, 0, 0x9e}},
    {kIdCmc, {Shape::alone, 0, 0, 0xf5}}, {kIdClc, {Shape::alone, 0, 0, 0xf8}}, {kIdStc, {Shape::alone, 0, 0, 0xf9}},
    {kIdRet, {Shape::alone, 0, 0, 0xc3}}, {kIdUd2, {Shape::alone, 0, 1, 0x0b}},
    {kIdShlx, {Shape::vex_count, 0x66, 2, 0xf7}}, {kIdShrx, {Shape::vex_count, 0xf2, 2, 0xf7}},
    {kIdSarx, {Shape::vex_count, 0xf3, 2, 0xf7}}, {kIdBzhi, {Shape::vex_count, 0, 2, 0xf5}},
    {kIdAndn, {Shape::vex_source, 0, 2, 0xf2}}, {kIdPdep, {Shape::vex_source, 0xf2, 2, 0xf5}},
    {kIdPext, {Shape::vex_source, 0xf3, 2, 0xf5}}, {kIdMulx, {Shape::vex_source, 0xf2, 2, 0xf6}},
    {kIdRorx, {Shape::vex_immediate, 0xf2, 3, 0xf0}}, {kIdFldcw, {Shape::float_control, 0, 0, 0xd9, 5}},
    {kIdMovups, vector_move(0, 0x10, 0x11)}, {kIdMovupd, vector_move(0x66, 0x10, 0x11)},
    {kIdMovss, vector_move(0xf3, 0x10, 0x11)}, {kIdMovsd, vector_move(0xf2, 0x10, 0x11)},
    {kIdMovaps, vector_move(0, 0x28, 0x29)}, {kIdMovapd, vector_move(0x66, 0x28, 0x29)},
    {kIdMovdqa, vector_move(0x66, 0x6f, 0x7f)}, {kIdMovdqu, vector_move(0xf3, 0x6f, 0x7f)},
    {kIdMovlhps, vector(0, 0x16)}, {kIdMovhlps, vector(0, 0x12)}, {kIdMovd, {Shape::word, 0x66, 1, 0x6e, 0, 0x7e}},
    {kIdMovq, {Shape::word, 0x66, 1, 0x6e, 0, 0x7e, true}}, {kIdSqrtps, vector(0, 0x51)},
    {kIdSqrtpd, vector(0x66, 0x51)}, {kIdSqrtss, vector(0xf3, 0x51)}, {kIdSqrtsd, vector(0xf2, 0x51)},
    {kIdAddps, vector(0, 0x58)}, {kIdAddpd, vector(0x66, 0x58)}, {kIdAddss, vector(0xf3, 0x58)},
    {kIdAddsd, vector(0xf2, 0x58)}, {kIdMulps, vector(0, 0x59)}, {kIdMulpd, vector(0x66, 0x59)},
    {kIdMulss, vector(0xf3, 0x59)}, {kIdMulsd, vector(0xf2, 0x59)}, {kIdSubps, vector(0, 0x5c)},
    {kIdSubpd, vector(0x66, 0x5c)}, {kIdSubss, vector(0xf3, 0x5c)}, {kIdSubsd, vector(0xf2, 0x5c)},
    {kIdMinps, vector(0, 0x5d)}, {kIdMinpd, vector(0x66, 0x5d)}, {kIdMinss, vector(0xf3, 0x5d)},
    {kIdMinsd, vector(0xf2, 0x5d)}, {kIdDivps, vector(0, 0x5e)}, {kIdDivpd, vector(0x66, 0x5e)},
    {kIdDivss, vector(0xf3, 0x5e)}, {kIdDivsd, vector(0xf2, 0x5e)}, {kIdMaxps, vector(0, 0x5f)},
    {kIdMaxpd, vector(0x66, 0x5f)}, {kIdMaxss, vector(0xf3, 0x5f)}, {kIdMaxsd, vector(0xf2, 0x5f)},
    {kIdCmpps, vector(0, 0xc2)}, {kIdCmppd, vector(0x66, 0xc2)}, {kIdAndps, vector(0, 0x54)},
    {kIdAndpd, vector(0x66, 0x54)}, {kIdAndnps, vector(0, 0x55)}, {kIdAndnpd, vector(0x66, 0x55)},
    {kIdOrps, vector(0, 0x56)}, {kIdOrpd, vector(0x66, 0x56)}, {kIdXorps, vector(0, 0x57)},
    {kIdXorpd, vector(0x66, 0x57)}, {kIdUcomiss, vector(0, 0x2e)}, {kIdUcomisd, vector(0x66, 0x2e)},
    {kIdComiss, vector(0, 0x2f)}, {kIdComisd, vector(0x66, 0x2f)}, {kIdCvtsi2ss, vector(0xf3, 0x2a)},
    {kIdCvtsi2sd, vector(0xf2, 0x2a)}, {kIdCvttss2si, vector(0xf3, 0x2c)}, {kIdCvttsd2si, vector(0xf2, 0x2c)},
    {kIdCvtss2si, vector(0xf3, 0x2d)}, {kIdCvtsd2si, vector(0xf2, 0x2d)}, {kIdCvtss2sd, vector(0xf3, 0x5a)},
    {kIdCvtsd2ss, vector(0xf2, 0x5a)}, {kIdCvtps2pd, vector(0, 0x5a)}, {kIdCvtpd2ps, vector(0x66, 0x5a)},
    {kIdCvtdq2ps, vector(0, 0x5b)}, {kIdCvtps2dq, vector(0x66, 0x5b)}, {kIdCvttps2dq, vector(0xf3, 0x5b)},
    {kIdCvttpd2dq, vector(0x66, 0xe6)}, {kIdCvtdq2pd, vector(0xf3, 0xe6)}, {kIdCvtpd2dq, vector(0xf2, 0xe6)},
    {kIdShufps, vector(0, 0xc6)}, {kIdShufpd, vector(0x66, 0xc6)}, {kIdUnpcklps, vector(0, 0x14)},
    {kIdUnpcklpd, vector(0x66, 0x14)}, {kIdUnpckhps, vector(0, 0x15)}, {kIdUnpckhpd, vector(0x66, 0x15)},
    {kIdMovmskps, vector(0, 0x50)}, {kIdMovmskpd, vector(0x66, 0x50)}, {kIdPmovmskb, vector(0x66, 0xd7)},
    {kIdPunpcklbw, vector(0x66, 0x60)}, {kIdPunpcklwd, vector(0x66, 0x61)}, {kIdPunpckldq, vector(0x66, 0x62)},
    {kIdPacksswb, vector(0x66, 0x63)}, {kIdPcmpgtb, vector(0x66, 0x64)}, {kIdPcmpgtw, vector(0x66, 0x65)},
    {kIdPcmpgtd, vector(0x66, 0x66)}, {kIdPackuswb, vector(0x66, 0x67)}, {kIdPunpckhbw, vector(0x66, 0x68)},
    {kIdPunpckhwd, vector(0x66, 0x69)}, {kIdPunpckhdq, vector(0x66, 0x6a)}, {kIdPackssdw, vector(0x66, 0x6b)},
    {kIdPunpcklqdq, vector(0x66, 0x6c)}, {kIdPunpckhqdq, vector(0x66, 0x6d)}, {kIdPshufd, vector(0x66, 0x70)},
    {kIdPshufhw, vector(0xf3, 0x70)}, {kIdPshuflw, vector(0xf2, 0x70)}, {kIdPcmpeqb, vector(0x66, 0x74)},
    {kIdPcmpeqw, vector(0x66, 0x75)}, {kIdPcmpeqd, vector(0x66, 0x76)}, {kIdPinsrw, vector(0x66, 0xc4)},
    {kIdPextrw, vector(0x66, 0xc5)}, {kIdPaddq, vector(0x66, 0xd4)}, {kIdPmullw, vector(0x66, 0xd5)},
    {kIdPsubusb, vector(0x66, 0xd8)}, {kIdPsubusw, vector(0x66, 0xd9)}, {kIdPminub, vector(0x66, 0xda)},
    {kIdPand, vector(0x66, 0xdb)}, {kIdPaddusb, vector(0x66, 0xdc)}, {kIdPaddusw, vector(0x66, 0xdd)},
    {kIdPmaxub, vector(0x66, 0xde)}, {kIdPandn, vector(0x66, 0xdf)}, {kIdPavgb, vector(0x66, 0xe0)},
    {kIdPavgw, vector(0x66, 0xe3)}, {kIdPmulhuw, vector(0x66, 0xe4)}, {kIdPmulhw, vector(0x66, 0xe5)},
    {kIdPsubsb, vector(0x66, 0xe8)}, {kIdPsubsw, vector(0x66, 0xe9)}, {kIdPminsw, vector(0x66, 0xea)},
    {kIdPor, vector(0x66, 0xeb)}, {kIdPaddsb, vector(0x66, 0xec)}, {kIdPaddsw, vector(0x66, 0xed)},
    {kIdPmaxsw, vector(0x66, 0xee)}, {kIdPxor, vector(0x66, 0xef)}, {kIdPmuludq, vector(0x66, 0xf4)},
    {kIdPmaddwd, vector(0x66, 0xf5)}, {kIdPsadbw, vector(0x66, 0xf6)}, {kIdPsubb, vector(0x66, 0xf8)},
    {kIdPsubw, vector(0x66, 0xf9)}, {kIdPsubd, vector(0x66, 0xfa)}, {kIdPsubq, vector(0x66, 0xfb)},
    {kIdPaddb, vector(0x66, 0xfc)}, {kIdPaddw, vector(0x66, 0xfd)}, {kIdPaddd, vector(0x66, 0xfe)},
    {kIdPsrlw, vector_shift(0xd1, 0x71, 2)}, {kIdPsrld, vector_shift(0xd2, 0x72, 2)},
    {kIdPsrlq, vector_shift(0xd3, 0x73, 2)}, {kIdPsraw, vector_shift(0xe1, 0x71, 4)},
    {kIdPsrad, vector_shift(0xe2, 0x72, 4)}, {kIdPsllw, vector_shift(0xf1, 0x71, 6)},
    {kIdPslld, vector_shift(0xf2, 0x72, 6)}, {kIdPsllq, vector_shift(0xf3, 0x73, 6)},
    {kIdPsrldq, vector_shift(0, 0x73, 3)}, {kIdPslldq, vector_shift(0, 0x73, 7)}, {kIdPshufb, vector_38(0x00)},
    {kIdPabsb, vector_38(0x1c)}, {kIdPabsw, vector_38(0x1d)}, {kIdPabsd, vector_38(0x1e)},
    {kIdPmovsxbw, vector_38(0x20)}, {kIdPmovsxwd, vector_38(0x23)}, {kIdPmovsxdq, vector_38(0x25)},
    {kIdPmuldq, vector_38(0x28)}, {kIdPcmpeqq, vector_38(0x29)}, {kIdPackusdw, vector_38(0x2b)},
    {kIdPmovzxbw, vector_38(0x30)}, {kIdPmovzxwd, vector_38(0x33)}, {kIdPmovzxdq, vector_38(0x35)},
    {kIdPcmpgtq, vector_38(0x37)}, {kIdPminsb, vector_38(0x38)}, {kIdPminsd, vector_38(0x39)},
    {kIdPminuw, vector_38(0x3a)}, {kIdPminud, vector_38(0x3b)}, {kIdPmaxsb, vector_38(0x3c)},
    {kIdPmaxsd, vector_38(0x3d)}, {kIdPmaxuw, vector_38(0x3e)}, {kIdPmaxud, vector_38(0x3f)},
    {kIdPmulld, vector_38(0x40)}, {kIdPtest, vector_38(0x17)}, {kIdPalignr, vector_3a(0x0f)},
    {kIdInsertps, vector_3a(0x21)}, {kIdPinsrb, vector_3a(0x20)}, {kIdPinsrd, vector_3a(0x22)},
    {kIdPinsrq, {Shape::vector, 0x66, 3, 0x22, 0, 0, true}}, {kIdRoundss, vector_3a(0x0a)},
    {kIdRoundsd, vector_3a(0x0b)}, {kIdPextrb, lane(0x14)}, {kIdPextrd, lane(0x16)}, {kIdPextrq, lane(0x16, true)},
    {kIdAesimc, vector_38(0xdb)}, {kIdAesenc, vector_38(0xdc)}, {kIdAesenclast, vector_38(0xdd)},
    {kIdAesdec, vector_38(0xde)}, {kIdAesdeclast, vector_38(0xdf)}, {kIdAeskeygenassist, vector_3a(0xdf)},
    {kIdPclmulqdq, vector_3a(0x44)}, {kIdSha1nexte, {Shape::vector, 0, 2, 0xc8}},
    {kIdSha1msg1, {Shape::vector, 0, 2, 0xc9}}, {kIdSha1msg2, {Shape::vector, 0, 2, 0xca}},
    {kIdSha256rnds2, {Shape::vector, 0, 2, 0xcb}}, {kIdSha256msg1, {Shape::vector, 0, 2, 0xcc}},
    {kIdSha256msg2, {Shape::vector, 0, 2, 0xcd}}, {kIdSha1rnds4, {Shape::vector, 0, 3, 0xcc}},
    {kIdMfence, {Shape::alone, 0, 1, 0xae, 0, 0xf0}}, {kIdFnstsw, {Shape::alone, 0, 0, 0xdf, 0, 0xe0}},
};
// clang-format on

}  // namespace forms

/// By instruction; what has no row is unknown.
inline constexpr auto instruction_forms = [] {
  std::array<Form, asmjit::x86::Inst::_kIdCount> by_id{};
  for (const forms::Row& row : forms::rows) by_id[row.id] = row.form;
  for (const forms::ConditionRow& row : forms::conditions) {
    by_id[row.jump] = {Shape::conditional_jump, 0, 0, static_cast<uint8_t>(0x70 + row.code)};
    by_id[row.set] = {Shape::byte, 0, 1, static_cast<uint8_t>(0x90 + row.code)};
    by_id[row.move] = {Shape::reg_rm, 0, 1, static_cast<uint8_t>(0x40 + row.code)};
  }
  return by_id;
}();

}  // namespace strata::codegen::x64
