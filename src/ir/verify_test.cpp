// Tests of the verifier: one malformed unit for each rule.
#include "ir/verify.h"

#include <gmock/gmock.h>

#include "ir/builder.h"
#include "ir/text.h"

namespace strata::ir {
namespace {

const StateLayout layout{.slots = {{"pc", 0, Type::i64}, {"w", 8, Type::i32}}, .size = 16, .pc = 0};
const Helper helper{.name = "h", .result = Type::i32, .operands = {Type::i8}};

std::string error_of(std::string_view text) {
  const Result<Unit> unit = parse(text, layout, [](std::string_view) { return &helper; });
  return unit ? "well formed" : unit.error().message;
}

TEST(Verify, Types) {
  EXPECT_EQ(error_of("b0:\n %a = get w\n %b = get pc\n %c = add i32 %a, %b\n exit next"),
            "b0: %2 add: an operand has the wrong type");
  EXPECT_EQ(error_of("b0:\n %a = get w\n %b = shl i32 %a, %a\n exit next"),
            "b0: %1 shl: an operand has the wrong type");
  EXPECT_EQ(error_of("b0:\n %a = constant i1 1\n %b = not i1 %a\n exit next"),
            "b0: %1 not_: the type is not one that this operation has");
  EXPECT_EQ(error_of("b0:\n %a = get w\n %b = load i32 %a, space 0\n exit next"),
            "b0: %1 load: an operand has the wrong type");
  EXPECT_EQ(error_of("b0:\n %a = get w\n %b = zext i32 %a\n exit next"), "b0: %1 zext: an operand has the wrong type");
  EXPECT_EQ(error_of("b0:\n %a = get w\n %b = call h(%a)\n exit next"), "b0: %1 call: an operand has the wrong type");
  EXPECT_EQ(error_of("b0:\n %a = constant i8 0x100\n exit next"),
            "b0: %0 constant: the constant does not fit its type");
}

TEST(Verify, CountsImmediatesLanes) {
  EXPECT_EQ(error_of("b0:\n %a = get w\n %b = add i32 %a\n exit next"), "b0: %1 add: the number of operands is wrong");
  EXPECT_EQ(error_of("b0:\n %a = get pc\n %b = load i32 %a, space 4\n exit next"),
            "b0: %1 load: the immediate is out of range");
  EXPECT_EQ(error_of("b0:\n %a = get w\n %b = flags_merge %a, %a, 2\n exit next"),
            "b0: %1 flags_merge: the immediate is out of range");
  EXPECT_EQ(error_of("b0:\n %a = vconstant 0x00000000000000000000000000000000\n %b = vmulhi_s.i32 %a, %a\n exit next"),
            "b0: %1 vmulhi_s: the lane is not one that this operation has");
  EXPECT_EQ(
      error_of("b0:\n %a = vconstant 0x00000000000000000000000000000000\n %b = vsha1_rounds %a, %a, 4\n exit next"),
      "b0: %1 vsha1_rounds: the immediate is out of range");
  EXPECT_EQ(error_of("b0:\n %a = get pc\n %b = crc32c i64 %a, %a\n exit next"),
            "b0: %1 crc32c: an operand has the wrong type");
  EXPECT_EQ(error_of("b0:\n %a = constant i8 1\n %b = gather_bits i8 %a, %a\n exit next"),
            "b0: %1 gather_bits: the type is not one that this operation has");
  EXPECT_EQ(error_of("b0:\n %a = vconstant 0x00000000000000000000000000000000\n %b = vextract.i32 %a, 4\n exit next"),
            "b0: %1 vextract: the immediate is out of range");
}

TEST(Verify, Blocks) {
  EXPECT_EQ(error_of("b0:\n %a = get w"), "b0: %0 get: the block's last instruction is no terminator");
  EXPECT_EQ(error_of("b0:\n exit next\n poll"), "b0: %0 exit: a terminator stands inside the block");
  EXPECT_EQ(error_of("b0:\n jump b7"), "b0: %0 jump: the target is no block");
  EXPECT_EQ(error_of("b0:\n jump b2\nb2:\n exit next"), "b1: the block spans 0 to 0 of 2 instructions");
  EXPECT_EQ(error_of("b0:\n %a = get w\n jump b1\nb1:\n set w, %a\n exit next"),
            "b1: %2 set: an operand is not defined before it in its block");
}

TEST(Verify, Sinking) {
  EXPECT_EQ(error_of("b0:\n %a = sunk get w\n exit next"), "b0: %0 get: only sets and pure operations can be sunk");
  EXPECT_EQ(error_of("b0:\n %a = get w\n %b = sunk not i32 %a\n set w, %b\n exit next"),
            "b0: %2 set: an operand is sunk, but the instruction is not");
}

TEST(Verify, UnitsThatNoTextCanSay) {
  Unit unit;
  EXPECT_EQ(verify(unit).error().message, "the unit has no state layout");
  const StateLayout large{.slots = std::vector<Slot>(max_slots + 1, {"s", 0, Type::i64}), .size = 8};
  unit.layout = &large;
  EXPECT_EQ(verify(unit).error().message, "the layout has more than 128 slots");
  unit.layout = &layout;
  unit.blocks = {{0, 1}};
  unit.code = {{.op = static_cast<Op>(250)}};
  EXPECT_EQ(verify(unit).error().message, "b0: %0 ?: there is no such operation");
  unit.code = {{.op = Op::set, .type = Type::i32, .imm = 99}};
  EXPECT_EQ(verify(unit).error().message, "b0: %0 set: the number of operands is wrong");
  unit.code = {{.op = Op::get, .type = Type::i32, .imm = 99}, {.op = Op::exit}};
  unit.blocks = {{0, 2}};
  EXPECT_EQ(verify(unit).error().message, "b0: %0 get: there is no such slot");
  unit.code = {{.op = Op::exit}, {.op = Op::exit}};
  unit.blocks = {{0, 1}};
  EXPECT_EQ(verify(unit).error().message, "blocks hold 1 of 2 instructions");
}

}  // namespace
}  // namespace strata::ir
