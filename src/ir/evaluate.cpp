// Integer arithmetic on constants.
#include "ir/evaluate.h"

#include <bit>

#include "base/bits.h"
#include "ir/polynomial.h"

namespace strata::ir {
namespace {

int64_t as_signed(Type type, uint64_t value) { return sign_extend(value, bits(type)); }

uint64_t high_half(Type type, uint64_t a, uint64_t b, bool is_signed) {
  const unsigned width = bits(type);
  if (!is_signed) return static_cast<uint64_t>((static_cast<unsigned __int128>(a) * b) >> width);
  return static_cast<uint64_t>((static_cast<__int128>(as_signed(type, a)) * as_signed(type, b)) >> width);
}

uint64_t divide(const Instr& instr, uint64_t a, uint64_t b) {
  const bool remainder = instr.op == Op::rem_u || instr.op == Op::rem_s;
  if (b == 0) return remainder ? a : ~uint64_t{0};
  if (instr.op == Op::div_u) return a / b;
  if (instr.op == Op::rem_u) return a % b;
  if (b == mask(instr.type)) return remainder ? 0 : uint64_t{0} - a;  // by -1: the minimum stays
  const int64_t dividend = as_signed(instr.type, a), divisor = as_signed(instr.type, b);
  return static_cast<uint64_t>(remainder ? dividend % divisor : dividend / divisor);
}

uint64_t shift(const Instr& instr, uint64_t a, uint64_t b) {
  const unsigned width = bits(instr.type), count = b % width;
  const unsigned back = (width - count) % width;
  switch (instr.op) {
    case Op::shl: return a << count;
    case Op::shr: return a >> count;
    case Op::sar: return static_cast<uint64_t>(as_signed(instr.type, a) >> count);
    case Op::rotl: return count ? a << count | a >> back : a;
    default: return count ? a >> count | a << back : a;
  }
}

uint64_t count_bits(const Instr& instr, uint64_t a) {
  const unsigned width = bits(instr.type);
  switch (instr.op) {
    case Op::clz: return static_cast<unsigned>(std::countl_zero(a)) - (64 - width);
    case Op::ctz: return a ? static_cast<unsigned>(std::countr_zero(a)) : width;
    default: return static_cast<unsigned>(std::popcount(a));
  }
}

bool compare(const Instr& instr, uint64_t a, uint64_t b) {
  const int64_t x = as_signed(instr.type, a), y = as_signed(instr.type, b);
  switch (instr.op) {
    case Op::eq: return a == b;
    case Op::ne: return a != b;
    case Op::lt_u: return a < b;
    case Op::le_u: return a <= b;
    case Op::lt_s: return x < y;
    default: return x <= y;
  }
}

uint32_t flags_of_result(Type type, uint64_t result) {
  uint32_t flags = 0;
  if (result == 0) flags |= Flag::zero;
  if (test_bit(result, bits(type) - 1)) flags |= Flag::sign;
  if (std::popcount(result & 0xff) % 2 == 0) flags |= Flag::parity;
  return flags;
}

}  // namespace

uint32_t flags_of_logic(Type type, uint64_t result) { return flags_of_result(type, result); }

uint32_t flags_of_add(Type type, uint64_t a, uint64_t b, bool carry) {
  const uint64_t result = (a + b + carry) & mask(type);
  const unsigned top = bits(type) - 1;
  const uint64_t carries = (a & b) | ((a | b) & ~result);  // bit i: carry out of bit i
  uint32_t flags = flags_of_result(type, result);
  if (test_bit(carries, top)) flags |= Flag::carry;
  if (test_bit(carries, 3)) flags |= Flag::half;
  if (test_bit((a ^ result) & (b ^ result), top)) flags |= Flag::overflow;
  return flags;
}

uint32_t flags_of_sub(Type type, uint64_t a, uint64_t b, bool borrow) {
  const uint64_t result = (a - b - borrow) & mask(type);
  const unsigned top = bits(type) - 1;
  const uint64_t borrows = (~a & b) | ((~a | b) & result);  // bit i: borrow out of bit i, into the next
  uint32_t flags = flags_of_result(type, result);
  if (test_bit(borrows, top)) flags |= Flag::carry;
  if (test_bit(borrows, 3)) flags |= Flag::half;
  if (test_bit((a ^ b) & (a ^ result), top)) flags |= Flag::overflow;
  return flags;
}

// clang-format off
std::optional<uint64_t> evaluate(const Instr& instr, std::span<const Constant> operands) {
  const auto operand = [&](unsigned i) { return i < operands.size() ? operands[i].value : 0; };
  const uint64_t a = operand(0), b = operand(1), c = operand(2);
  const auto cut = [&](uint64_t value) { return value & mask(instr.type); };
  switch (instr.op) {
    case Op::constant: return instr.imm;
    case Op::add: return cut(a + b);
    case Op::sub: return cut(a - b);
    case Op::adc: return cut(a + b + c);
    case Op::sbb: return cut(a - b - c);
    case Op::mul: return cut(a * b);
    case Op::mulhi_u: return cut(high_half(instr.type, a, b, false));
    case Op::mulhi_s: return cut(high_half(instr.type, a, b, true));
    case Op::div_u: case Op::div_s: case Op::rem_u: case Op::rem_s: return cut(divide(instr, a, b));
    case Op::and_: return a & b;
    case Op::or_: return a | b;
    case Op::xor_: return a ^ b;
    case Op::not_: return cut(~a);
    case Op::neg: return cut(uint64_t{0} - a);
    case Op::shl: case Op::shr: case Op::sar: case Op::rotl: case Op::rotr: return cut(shift(instr, a, b));
    case Op::clz: case Op::ctz: case Op::popcnt: return count_bits(instr, a);
    case Op::bswap: return byte_swap(a) >> (64 - bits(instr.type));
    case Op::gather_bits: return gather_bits(a, b);
    case Op::scatter_bits: return scatter_bits(a, b);
    case Op::crc32c: return crypto::crc32c(static_cast<uint32_t>(a), b, bytes(instr.type));
    case Op::eq: case Op::ne: case Op::lt_u: case Op::le_u: case Op::lt_s: case Op::le_s: return compare(instr, a, b);
    case Op::select: return a ? b : c;
    case Op::zext: case Op::bitcast: return a;
    case Op::sext: return cut(static_cast<uint64_t>(as_signed(operands[0].type, a)));
    case Op::trunc: return cut(a);
    case Op::insert_low: return (a & ~mask(operands[1].type)) | b;
    case Op::flags_add: return flags_of_add(instr.type, a, b, false);
    case Op::flags_adc: return flags_of_add(instr.type, a, b, c != 0);
    case Op::flags_sub: return flags_of_sub(instr.type, a, b, false);
    case Op::flags_sbb: return flags_of_sub(instr.type, a, b, c != 0);
    case Op::flags_logic: return flags_of_logic(instr.type, a);
    case Op::flags_merge: return (a & ~instr.imm) | (b & instr.imm);
    case Op::carry_adc: return flags_of_add(instr.type, a, b, c != 0) & Flag::carry;
    case Op::carry_sbb: return flags_of_sub(instr.type, a, b, c != 0) & Flag::carry;
    case Op::cond: return holds(static_cast<Cond>(instr.imm), static_cast<uint32_t>(a));
    default: return std::nullopt;
  }
}
// clang-format on

}  // namespace strata::ir
