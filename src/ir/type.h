// The types of IR values.
#pragma once

#include <cstdint>
#include <string_view>

namespace strata::ir {

/// i1 is a truth value, held as 0 or 1. f80 is the 80-bit extended format, held in 16 bytes.
enum class Type : uint8_t { none, i1, i8, i16, i32, i64, f32, f64, f80, v128 };

/// The width in bits of a type's values; 0 for none.
constexpr unsigned bits(Type type) {
  constexpr unsigned widths[] = {0, 1, 8, 16, 32, 64, 32, 64, 80, 128};
  return widths[static_cast<unsigned>(type)];
}

/// The bytes that a value of this type takes in guest memory; i1 and none have no form there.
constexpr unsigned bytes(Type type) { return bits(type) / 8; }

constexpr bool is_integer(Type type) { return type >= Type::i1 && type <= Type::i64; }
constexpr bool is_float(Type type) { return type >= Type::f32 && type <= Type::f80; }

/// The value's bits below its width: the form in which every integer constant is kept.
constexpr uint64_t mask(Type type) { return bits(type) >= 64 ? ~uint64_t{0} : (uint64_t{1} << bits(type)) - 1; }

/// The integer type of a width of 1, 8, 16, 32 or 64 bits.
constexpr Type integer_type(unsigned width) {
  return width == 1 ? Type::i1 : width == 8 ? Type::i8 : width == 16 ? Type::i16 : width == 32 ? Type::i32 : Type::i64;
}

/// The lanes into which an operation on v128 divides its operands. Lane 0 is the lowest.
enum class Lane : uint8_t { none, i8, i16, i32, i64, f32, f64 };

constexpr unsigned lane_bits(Lane lane) {
  constexpr unsigned widths[] = {0, 8, 16, 32, 64, 32, 64};
  return widths[static_cast<unsigned>(lane)];
}

/// The scalar type of one lane.
constexpr Type lane_type(Lane lane) {
  constexpr Type types[] = {Type::none, Type::i8, Type::i16, Type::i32, Type::i64, Type::f32, Type::f64};
  return types[static_cast<unsigned>(lane)];
}

std::string_view name(Type type);
std::string_view name(Lane lane);

/// A v128 in host memory: lane i of width w stands at byte i * w / 8, little-endian.
struct alignas(16) Vec128 {
  uint64_t lo = 0;
  uint64_t hi = 0;
  bool operator==(const Vec128&) const = default;
};

}  // namespace strata::ir
