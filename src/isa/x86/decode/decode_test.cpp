// The decoder: by hand where it is subtle, and against Zydis on random bytes.
#include <Zydis/Zydis.h>
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <random>
#include <string_view>
#include <vector>

#include "isa/x86/decode.h"

namespace strata::isa::x86 {
namespace {

using Bytes = std::vector<uint8_t>;

Insn decoded(const Bytes& bytes, unsigned code_bits) {
  Insn insn;
  EXPECT_EQ(decode(bytes, code_bits, insn), DecodeStatus::ok);
  EXPECT_EQ(insn.length, bytes.size());
  return insn;
}

DecodeStatus status(const Bytes& bytes, unsigned code_bits) {
  Insn insn;
  return decode(bytes, code_bits, insn);
}

TEST(Decode, MovWithSibAndDisplacement) {
  const Insn insn = decoded({0x4a, 0x8b, 0x44, 0xe5, 0xf8}, 64);  // mov rax, [rbp+r12*8-8]
  EXPECT_EQ(insn.opcode, 0x8b);
  EXPECT_EQ(insn.operand_bits, 64);
  EXPECT_TRUE(insn.has_base && insn.has_index);
  EXPECT_EQ(insn.base, rbp);
  EXPECT_EQ(insn.index, r12);
  EXPECT_EQ(insn.scale, 3);
  EXPECT_EQ(insn.displacement, -8);
}

TEST(Decode, RipRelativeOnlyIn64Bits) {
  EXPECT_TRUE(decoded({0x8b, 0x05, 1, 0, 0, 0}, 64).rip_relative);
  EXPECT_FALSE(decoded({0x8b, 0x05, 1, 0, 0, 0}, 32).rip_relative);
}

TEST(Decode, SixteenBitAddresses) {
  const Insn insn = decoded({0x8b, 0x42, 0x10}, 16);  // mov ax, [bp+si+0x10]
  EXPECT_EQ(insn.base, rbp);
  EXPECT_EQ(insn.index, rsi);
  EXPECT_EQ(insn.displacement, 0x10);
  EXPECT_FALSE(decoded({0x8b, 0x06, 0x34, 0x12}, 16).has_base);
}

TEST(Decode, RexCountsOnlyBeforeTheOpcode) {
  EXPECT_EQ(decoded({0x48, 0x66, 0x89, 0xc0}, 64).operand_bits, 16);
  EXPECT_EQ(decoded({0x66, 0x48, 0x89, 0xc0}, 64).operand_bits, 64);
}

TEST(Decode, SegmentOverridesOf64BitCode) {
  EXPECT_EQ(decoded({0x2e, 0x8b, 0x00}, 64).segment_override, no_segment);
  EXPECT_EQ(decoded({0x64, 0x2e, 0x8b, 0x00}, 64).segment_override, fs);
  EXPECT_EQ(decoded({0x2e, 0x8b, 0x00}, 32).segment_override, cs);
}

TEST(Decode, ImmediatesExtendTheirSign) {
  EXPECT_EQ(decoded({0x48, 0x81, 0xc0, 0, 0, 0, 0x80}, 64).immediate, -0x8000'0000ll);
  EXPECT_EQ(decoded({0x48, 0xb8, 1, 2, 3, 4, 5, 6, 7, 8}, 64).immediate, 0x0807060504030201);
  const Insn far = decoded({0xea, 0x78, 0x56, 0x34, 0x12, 0x08, 0x00}, 32);
  EXPECT_EQ(far.immediate, 0x12345678);
  EXPECT_EQ(far.immediate2, 8);
}

TEST(Decode, Group3HasAnImmediateForTestOnly) {
  EXPECT_EQ(decoded({0xf6, 0xc0, 0x12}, 64).immediate, 0x12);
  decoded({0xf6, 0xd0}, 64);
}

TEST(Decode, VexStandsWhereLesCannot) {
  const Insn andn = decoded({0xc4, 0xe2, 0x70, 0xf2, 0xc3}, 32);
  EXPECT_EQ(andn.vex, Vex::vex);
  EXPECT_EQ(andn.map, Map::map_0f38);
  EXPECT_EQ(andn.vex_register, rcx);
  EXPECT_EQ(decoded({0xc4, 0x06}, 32).vex, Vex::none);  // les eax, [esi]
  EXPECT_EQ(status({0x66, 0xc4, 0xe2, 0x70, 0xf2, 0xc3}, 64), DecodeStatus::invalid);
}

TEST(Decode, ControlRegisterMovesIgnoreMod) { EXPECT_TRUE(decoded({0x0f, 0x20, 0x00}, 64).is_register_form()); }

TEST(Decode, MoreBytesAreAskedForOneByOne) {
  const Bytes whole = {0x66, 0x0f, 0x3a, 0x0f, 0x84, 0x88, 1, 2, 3, 4, 5};  // palignr xmm0, [rax+rcx*4+..], 5
  for (size_t i = 0; i < whole.size(); ++i)
    EXPECT_EQ(status(Bytes(whole.begin(), whole.begin() + static_cast<long>(i)), 64), DecodeStatus::more) << i;
  EXPECT_EQ(status(whole, 64), DecodeStatus::ok);
}

TEST(Decode, FifteenBytesAtMost) {
  Bytes bytes(14, 0x66);
  bytes.push_back(0x90);
  EXPECT_EQ(status(bytes, 64), DecodeStatus::ok);
  bytes.insert(bytes.begin(), 0x66);
  EXPECT_EQ(status(bytes, 64), DecodeStatus::too_long);
}

/// Zydis knows what we do not offer (EVEX, XOP, 3DNow!, AVX-512 ..) and refuses more than a decoder must; but where both
/// see an instruction they must agree on its length and its operand sizes.
void compare_with_zydis(unsigned code_bits, ZydisMachineMode mode, ZydisStackWidth stack) {
  ZydisDecoder decoder;
  ZydisDecoderInit(&decoder, mode, stack);
  std::mt19937_64 random(code_bits);
  unsigned both = 0;
  for (unsigned i = 0; i < 200'000; ++i) {
    Bytes bytes(15);
    for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random());
    if (i % 3 == 0) bytes[0] = 0x0f;
    if (i % 9 == 0) bytes[0] = 0x66, bytes[1] = 0x0f, bytes[2] = i % 2 ? 0x38 : 0x3a;
    if (i % 7 == 0 && code_bits == 64) bytes[0] = static_cast<uint8_t>(0x40 | (bytes[0] & 15));
    Insn ours;
    const DecodeStatus found = decode(bytes, code_bits, ours);
    ZydisDecodedInstruction theirs;
    if (!ZYAN_SUCCESS(ZydisDecoderDecodeInstruction(&decoder, nullptr, bytes.data(), bytes.size(), &theirs))) continue;
    const bool other_encoding =
        theirs.encoding != ZYDIS_INSTRUCTION_ENCODING_LEGACY && theirs.encoding != ZYDIS_INSTRUCTION_ENCODING_VEX;
    // Not offered, and so not decoded: SSE4a's EXTRQ and INSERTQ, 3DNow!, the PadLock instructions.
    const bool in_0f = theirs.opcode_map == ZYDIS_OPCODE_MAP_0F;
    constexpr std::string_view others = "\x0e\x0f\x78\x79\xa6\xa7";
    if (other_encoding || (in_0f && others.find(static_cast<char>(theirs.opcode)) != others.npos)) continue;
    const std::string text = fmt::format("{:02x}", fmt::join(bytes, " "));
    if (found != DecodeStatus::ok) {
      ADD_FAILURE() << text << " is " << ZydisMnemonicGetString(theirs.mnemonic) << ", we say " << int(found);
      continue;
    }
    ++both;
    EXPECT_EQ(ours.length, theirs.length) << text << " " << ZydisMnemonicGetString(theirs.mnemonic);
    if (!in_0f || theirs.opcode != 0x01) {  // SGX's instructions there have a size of their own
      EXPECT_EQ(ours.address_bits, theirs.address_width) << text;
    }
    if (theirs.attributes & ZYDIS_ATTRIB_HAS_MODRM) {
      EXPECT_EQ(ours.reg, theirs.raw.modrm.reg) << text;
    }
  }
  EXPECT_GT(both, 100'000u);
}

TEST(Decode, AgreesWithZydisIn64Bits) { compare_with_zydis(64, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64); }
TEST(Decode, AgreesWithZydisIn32Bits) { compare_with_zydis(32, ZYDIS_MACHINE_MODE_LEGACY_32, ZYDIS_STACK_WIDTH_32); }
TEST(Decode, AgreesWithZydisIn16Bits) { compare_with_zydis(16, ZYDIS_MACHINE_MODE_LEGACY_16, ZYDIS_STACK_WIDTH_16); }

}  // namespace
}  // namespace strata::isa::x86
