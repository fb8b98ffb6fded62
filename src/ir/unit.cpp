// Names of types and lanes, and the type that each operation gives.
#include "ir/unit.h"

namespace strata::ir {
namespace {

// clang-format off
constexpr Type given_by(Op op) {
  switch (op) {
    case Op::eq: case Op::ne: case Op::lt_u: case Op::le_u: case Op::lt_s: case Op::le_s: case Op::cond:
    case Op::carry_adc: case Op::carry_sbb:
      return Type::i1;
    case Op::flags_add: case Op::flags_adc: case Op::flags_sub: case Op::flags_sbb: case Op::flags_logic:
    case Op::flags_merge: case Op::fcompare: case Op::fstack_compare: case Op::crc32c:
      return Type::i32;
    case Op::fstack_status: return Type::i16;
    case Op::nop: case Op::set: case Op::drop: case Op::insn: case Op::store: case Op::fence: case Op::exit_if: case Op::poll:
    case Op::expect_return:
    case Op::fstack: case Op::fstack_memory: case Op::fstack_control:
    case Op::jump: case Op::branch: case Op::exit_goto: case Op::exit_indirect: case Op::exit:
      return Type::none;
    default:
      return own_type;
  }
}
// clang-format on

}  // namespace

constexpr std::array<Type, std::size(op_table)> result_types = [] {
  std::array<Type, std::size(op_table)> types{};
  for (unsigned i = 0; i < types.size(); ++i) types[i] = given_by(static_cast<Op>(i));
  return types;
}();

std::string_view name(Type type) {
  constexpr std::string_view names[] = {"none", "i1", "i8", "i16", "i32", "i64", "f32", "f64", "f80", "v128"};
  return names[static_cast<unsigned>(type)];
}

std::string_view name(Lane lane) {
  constexpr std::string_view names[] = {"none", "i8", "i16", "i32", "i64", "f32", "f64"};
  return names[static_cast<unsigned>(lane)];
}

}  // namespace strata::ir
