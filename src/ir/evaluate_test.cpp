// Tests of constant arithmetic against plain models: all pairs of i8, and chosen values of the wider types.
#include "ir/evaluate.h"

#include <gtest/gtest.h>

namespace strata::ir {
namespace {

uint64_t result(Op op, Type type, std::initializer_list<Constant> operands, uint64_t imm = 0) {
  Instr instr{.op = op, .type = type};
  instr.imm = imm;
  const auto value = evaluate(instr, std::span(operands.begin(), operands.size()));
  EXPECT_TRUE(value.has_value()) << name(op);
  return value.value_or(0);
}

uint64_t of_bytes(Op op, unsigned a, unsigned b) { return result(op, Type::i8, {{Type::i8, a}, {Type::i8, b}}); }

/// Flags worked out with wide numbers, bit by bit and without the tricks of the code under test.
uint32_t modelled_flags(int wide_unsigned, int wide_signed, int low_nibbles) {
  uint32_t flags = 0;
  const unsigned byte = static_cast<unsigned>(wide_unsigned) & 0xff;
  unsigned ones = 0;
  for (unsigned bit = 0; bit < 8; ++bit) ones += byte >> bit & 1;
  if (wide_unsigned < 0 || wide_unsigned > 255) flags |= Flag::carry;
  if (low_nibbles < 0 || low_nibbles > 15) flags |= Flag::half;
  if (wide_signed < -128 || wide_signed > 127) flags |= Flag::overflow;
  if (ones % 2 == 0) flags |= Flag::parity;
  if (byte == 0) flags |= Flag::zero;
  if (byte >= 128) flags |= Flag::sign;
  return flags;
}

template <class Check>
void for_all_bytes(Check check) {
  for (int a = 0; a < 256; ++a) {
    for (int b = 0; b < 256; ++b) check(a, b, static_cast<int8_t>(a), static_cast<int8_t>(b));
  }
}

TEST(Evaluate, FlagsOfAllBytes) {
  for_all_bytes([](int a, int b, int x, int y) {
    for (const int carry : {0, 1}) {
      const uint32_t sum = modelled_flags(a + b + carry, x + y + carry, a % 16 + b % 16 + carry);
      const uint32_t difference = modelled_flags(a - b - carry, x - y - carry, a % 16 - b % 16 - carry);
      ASSERT_EQ(flags_of_add(Type::i8, a, b, carry), sum) << a << " + " << b << " + " << carry;
      ASSERT_EQ(flags_of_sub(Type::i8, a, b, carry), difference) << a << " - " << b << " - " << carry;
    }
    ASSERT_EQ(flags_of_logic(Type::i8, a & b), modelled_flags(a & b, static_cast<int8_t>(a & b), 0));
  });
}

TEST(Evaluate, FlagsOfWiderTypes) {
  EXPECT_EQ(flags_of_add(Type::i16, 0xffff, 1, false), Flag::carry | Flag::half | Flag::zero | Flag::parity);
  EXPECT_EQ(flags_of_add(Type::i32, 0x7fffffff, 1, false), Flag::half | Flag::sign | Flag::overflow | Flag::parity);
  EXPECT_EQ(flags_of_add(Type::i64, ~uint64_t{0}, ~uint64_t{0}, true),
            Flag::carry | Flag::half | Flag::sign | Flag::parity);
  EXPECT_EQ(flags_of_sub(Type::i64, 0, 1, false), Flag::carry | Flag::half | Flag::sign | Flag::parity);
  EXPECT_EQ(flags_of_sub(Type::i32, 0x80000000, 1, false), Flag::half | Flag::overflow | Flag::parity);
  EXPECT_EQ(flags_of_sub(Type::i16, 5, 5, true), Flag::carry | Flag::half | Flag::sign | Flag::parity);
}

/// What a condition says of a comparison, from the numbers themselves.
TEST(Evaluate, ConditionsOfAllComparedBytes) {
  for_all_bytes([](int a, int b, int x, int y) {
    const uint32_t flags = flags_of_sub(Type::i8, a, b, false);
    const bool expected[] = {x - y < -128 || x - y > 127, a < b, a == b, a <= b, ((a - b) & 128) != 0,
                             (flags & Flag::parity) != 0, x < y, x <= y};
    for (unsigned cond = 0; cond < 16; ++cond) {
      ASSERT_EQ(holds(static_cast<Cond>(cond), flags), expected[cond / 2] != (cond % 2 == 1)) << a << ' ' << b;
      const bool same = holds(static_cast<Cond>(cond), flags & flags_read(static_cast<Cond>(cond)));
      ASSERT_EQ(same, holds(static_cast<Cond>(cond), flags)) << "flags_read leaves out a flag";
    }
  });
}

TEST(Evaluate, ArithmeticOfAllBytes) {
  for_all_bytes([](int a, int b, int x, int y) {
    ASSERT_EQ(of_bytes(Op::add, a, b), static_cast<uint8_t>(a + b));
    ASSERT_EQ(of_bytes(Op::sub, a, b), static_cast<uint8_t>(a - b));
    ASSERT_EQ(of_bytes(Op::mul, a, b), static_cast<uint8_t>(a * b));
    ASSERT_EQ(of_bytes(Op::and_, a, b), static_cast<unsigned>(a & b));
    ASSERT_EQ(of_bytes(Op::or_, a, b), static_cast<unsigned>(a | b));
    ASSERT_EQ(of_bytes(Op::xor_, a, b), static_cast<unsigned>(a ^ b));
    ASSERT_EQ(of_bytes(Op::div_u, a, b), static_cast<uint8_t>(b ? a / b : 255));
    ASSERT_EQ(of_bytes(Op::rem_u, a, b), static_cast<uint8_t>(b ? a % b : a));
    ASSERT_EQ(of_bytes(Op::div_s, a, b), static_cast<uint8_t>(y ? x / y : 255));
    ASSERT_EQ(of_bytes(Op::rem_s, a, b), static_cast<uint8_t>(y ? x % y : x));
    ASSERT_EQ(of_bytes(Op::eq, a, b), a == b);
    ASSERT_EQ(of_bytes(Op::ne, a, b), a != b);
    ASSERT_EQ(of_bytes(Op::lt_u, a, b), a < b);
    ASSERT_EQ(of_bytes(Op::le_u, a, b), a <= b);
    ASSERT_EQ(of_bytes(Op::lt_s, a, b), x < y);
    ASSERT_EQ(of_bytes(Op::le_s, a, b), x <= y);
    ASSERT_EQ(of_bytes(Op::shl, a, b), static_cast<uint8_t>(a << b % 8));
    ASSERT_EQ(of_bytes(Op::shr, a, b), static_cast<uint8_t>(a >> b % 8));
    ASSERT_EQ(of_bytes(Op::sar, a, b), static_cast<uint8_t>(x >> b % 8));
    ASSERT_EQ(of_bytes(Op::rotl, a, b), static_cast<uint8_t>(a << b % 8 | a >> (8 - b % 8)));
    ASSERT_EQ(of_bytes(Op::rotr, a, b), static_cast<uint8_t>(a >> b % 8 | a << (8 - b % 8)));
    ASSERT_EQ(of_bytes(Op::neg, a, b), static_cast<uint8_t>(-a));
    ASSERT_EQ(of_bytes(Op::not_, a, b), static_cast<uint8_t>(~a));
  });
}

TEST(Evaluate, WideAndUnary) {
  const Constant minimum{Type::i64, uint64_t{1} << 63}, ones{Type::i64, ~uint64_t{0}}, zero{Type::i32, 0};
  EXPECT_EQ(result(Op::div_s, Type::i64, {minimum, ones}), minimum.value);
  EXPECT_EQ(result(Op::rem_s, Type::i64, {minimum, ones}), 0u);
  EXPECT_EQ(result(Op::mulhi_u, Type::i64, {ones, ones}), ~uint64_t{1});
  EXPECT_EQ(result(Op::mulhi_s, Type::i64, {ones, ones}), 0u);
  EXPECT_EQ(result(Op::mulhi_s, Type::i32, {{Type::i32, 0x80000000}, {Type::i32, 2}}), 0xffffffffu);
  EXPECT_EQ(result(Op::mulhi_u, Type::i32, {{Type::i32, 0x80000000}, {Type::i32, 2}}), 1u);
  const Constant carry{Type::i1, 1}, none{Type::i1, 0};
  EXPECT_EQ(result(Op::adc, Type::i64, {ones, ones, carry}), ~uint64_t{0});
  EXPECT_EQ(result(Op::sbb, Type::i32, {zero, zero, carry}), 0xffffffffu);
  EXPECT_EQ(result(Op::carry_adc, Type::i64, {ones, {Type::i64, 0}, carry}), 1u);
  EXPECT_EQ(result(Op::carry_adc, Type::i64, {ones, {Type::i64, 0}, none}), 0u);
  EXPECT_EQ(result(Op::carry_sbb, Type::i32, {zero, zero, carry}), 1u);
  EXPECT_EQ(result(Op::carry_sbb, Type::i32, {zero, zero, none}), 0u);
  EXPECT_EQ(result(Op::clz, Type::i32, {zero}), 32u);
  EXPECT_EQ(result(Op::ctz, Type::i32, {zero}), 32u);
  EXPECT_EQ(result(Op::clz, Type::i16, {{Type::i16, 1}}), 15u);
  EXPECT_EQ(result(Op::popcnt, Type::i16, {{Type::i16, 0xf0f}}), 8u);
  EXPECT_EQ(result(Op::bswap, Type::i16, {{Type::i16, 0x1234}}), 0x3412u);
  EXPECT_EQ(result(Op::bswap, Type::i32, {{Type::i32, 0x12345678}}), 0x78563412u);
  EXPECT_EQ(result(Op::gather_bits, Type::i32, {{Type::i32, 0x12345678}, {Type::i32, 0x00ff0ff0}}), 0x3467u);
  EXPECT_EQ(result(Op::scatter_bits, Type::i32, {{Type::i32, 0x3467}, {Type::i32, 0x00ff0ff0}}), 0x00340670u);
  EXPECT_EQ(result(Op::crc32c, Type::i8, {{Type::i32, 0xffffffff}, {Type::i8, 'a'}}), ~0xc1d04330u);
  EXPECT_EQ(result(Op::sext, Type::i32, {{Type::i1, 1}}), 0xffffffffu);
  EXPECT_EQ(result(Op::zext, Type::i32, {{Type::i1, 1}}), 1u);
  EXPECT_EQ(result(Op::trunc, Type::i1, {{Type::i8, 6}}), 0u);
  EXPECT_EQ(result(Op::insert_low, Type::i64, {ones, {Type::i16, 0x1234}}), 0xffffffffffff1234u);
  EXPECT_EQ(result(Op::flags_merge, Type::i32, {{Type::i32, 0x8d5}, {Type::i32, 0}}, Flag::carry), 0x8d4u);
  EXPECT_EQ(evaluate({.op = Op::fadd, .type = Type::f64}, {}), std::nullopt);
}

}  // namespace
}  // namespace strata::ir
