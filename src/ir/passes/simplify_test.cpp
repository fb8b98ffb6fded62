// Tests of the simplifying pass: forwarding, folding, conditions, common values, joined blocks.
#include "ir/builder.h"
#include "ir/passes/pass_test.h"
#include "ir/passes/passes.h"

namespace strata::ir {
namespace {

TEST(Simplify, SlotsAreForwarded) {
  expect_pass(simplify, R"(b0:
  %w = get w
  set v, %w
  %a = get a
  store i64 %a, %a, space 0
  %v = get v
  %again = get w
  %sum = add i32 %v, %again
  set w, %sum
  exit next)",
              R"(b0:
  %w = get w
  set v, %w
  %a = get a
  store i64 %a, %a, space 0
  %sum = add i32 %w, %w
  set w, %sum
  exit next)");
}

TEST(Simplify, HelpersThatWriteEndKnowledge) {
  for (const std::string_view helper : {"writes", "leaves"}) {
    const std::string text =
        "b0:\n %w = get w\n set v, %w\n call " + std::string(helper) + "()\n %v = get v\n set w, %v\n exit next";
    expect_pass(simplify, text, text);
  }
  expect_pass(simplify, "b0:\n %w = get w\n set v, %w\n call reads()\n %v = get v\n set f, %v\n exit next",
              "b0:\n %w = get w\n set v, %w\n call reads()\n set f, %w\n exit next");
}

TEST(Simplify, IdleSetsGo) {
  expect_pass(simplify, "b0:\n %w = get w\n set w, %w\n set v, %w\n set v, %w\n exit next",
              "b0:\n %w = get w\n set v, %w\n exit next");
}

TEST(Simplify, ConditionsBecomeComparisons) {
  expect_pass(simplify, R"(b0:
  %w = get w
  %v = get v
  %f = flags_sub i32 %w, %v
  set f, %f
  %g = get f
  %c = cond g, %g
  branch %c, b1, b2
b1:
  exit next 1
b2:
  exit next 2)",
              R"(b0:
  %w = get w
  %v = get v
  %f = flags_sub i32 %w, %v
  set f, %f
  %c = lt_s i32 %v, %w
  branch %c, b1, b2
b1:
  exit next 1
b2:
  exit next 2)");
}

TEST(Simplify, EqualValuesAreComputedOnce) {
  expect_pass(simplify, R"(b0:
  %a = get a
  %b = get b
  %x = add i64 %a, %b
  %y = add i64 %b, %a
  store i64 %x, %y, space 0
  exit next)",
              R"(b0:
  %a = get a
  %b = get b
  %x = add i64 %a, %b
  store i64 %x, %x, space 0
  exit next)");
}

TEST(Simplify, BlocksAreJoinedAndUnreachableOnesGo) {
  expect_pass(simplify, R"(b0:
  %w = get w
  set v, %w
  jump b2
b1:
  exit next 1
b2:
  %v = get v
  set f, %v
  poll
  jump b3
b3:
  exit next 3)",
              R"(b0:
  %w = get w
  set v, %w
  set f, %w
  poll
  exit next 3)");
}

TEST(Simplify, LoopsAreKept) {
  constexpr std::string_view text = R"(b0:
  jump b1
b1:
  %w = get w
  %c = constant i32 0x1
  %n = sub i32 %w, %c
  set w, %n
  %z = eq i32 %w, %c
  branch %z, b2, b1
b2:
  jump b0)";
  expect_pass(simplify, text, text);
}

TEST(Simplify, WhatTheBuilderWroteHasOnlyBlocksToJoin) {
  Builder build(test_layout);
  const BlockId first = build.new_block(), second = build.new_block();
  build.begin(first);
  build.set(3, build.get(4));
  build.branch(build.i1(false), first, second);
  build.begin(second);
  build.set(5, build.get(4));
  build.exit(ExitKind::next);
  Unit unit = build.finish(0, 0, 0);
  EXPECT_TRUE(unit.simplified);
  simplify(unit);
  EXPECT_EQ(unit.blocks.size(), 1u);
  EXPECT_EQ(unit.code.back().op, Op::exit);
  const std::string joined = print(unit);
  simplify(unit);
  EXPECT_EQ(print(unit), joined);
}

TEST(Simplify, WhatTheBuilderWroteStaysWhereNothingCanBeJoined) {
  Builder build(test_layout);
  const BlockId first = build.new_block(), second = build.new_block(), third = build.new_block();
  build.begin(first);
  build.branch(build.eq(build.get(3), build.i32(1)), second, third);
  build.begin(second);
  build.set(4, build.get(4));  // changes nothing: it goes where the unit is written anew
  build.jump(third);
  build.begin(third);
  build.exit(ExitKind::next);
  Unit unit = build.finish(0, 0, 0);
  const std::string before = print(unit);
  simplify(unit);
  EXPECT_EQ(print(unit), before);
  unit.simplified = false;
  simplify(unit);
  EXPECT_NE(print(unit), before);
}

// They are entered from each other, but not from the entry: counting entries does not tell.
TEST(Simplify, UnreachableLoopsDoNoHarm) {
  Builder build(test_layout);
  const BlockId first = build.new_block(), second = build.new_block(), third = build.new_block();
  build.begin(first);
  build.exit(ExitKind::next);
  build.begin(second);
  build.branch(build.eq(build.get(3), build.i32(1)), second, third);
  build.begin(third);
  build.jump(second);
  Unit unit = build.finish(0, 0, 0);
  simplify(unit);
  EXPECT_TRUE(verify(unit).has_value());
}

TEST(Simplify, AGuardWithKnownFalseConditionGoes) {
  expect_pass(simplify, "b0:\n %c = constant i1 0\n exit_if %c, trap 1\n exit next",
              "b0:\n %c = constant i1 0\n exit next");
}

TEST(Simplify, LowHalvesOfSignedProductsAreProductsOfHalves) {
  expect_pass(simplify, R"(b0:
  %w = get w
  %v = get v
  %x = sext i64 %w
  %y = sext i64 %v
  %p = mul i64 %x, %y
  %l = trunc i32 %p
  set w, %l
  exit next)",
              R"(b0:
  %w = get w
  %v = get v
  %x = sext i64 %w
  %y = sext i64 %v
  %p = mul i64 %x, %y
  %l = mul i32 %w, %v
  set w, %l
  exit next)");
}

TEST(Simplify, ProductsOfTruthValuesStayWide) {
  constexpr std::string_view text = R"(b0:
  %w = get w
  %v = get v
  %e = eq i32 %w, %v
  %x = sext i8 %e
  %p = mul i8 %x, %x
  %l = trunc i1 %p
  branch %l, b1, b2
b1:
  exit next 1
b2:
  exit next 2)";
  expect_pass(simplify, text, text);
}

}  // namespace
}  // namespace strata::ir
