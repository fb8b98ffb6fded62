// Tests of the builder: what it simplifies on the way, and what it forgets where.
#include "ir/builder.h"

#include <gtest/gtest.h>

namespace strata::ir {
namespace {

const StateLayout layout{
    .slots = {{"pc", 0, Type::i64}, {"a", 8, Type::i64}, {"b", 16, Type::i32}, {"flags", 20, Type::i32}},
    .size = 24,
    .pc = 0};
constexpr SlotId pc = 0, a = 1, b = 2, flags = 3;

struct Built : ::testing::Test {
  Builder build{layout};
  Built() { build.begin(build.new_block()); }
  Unit done() {
    build.exit_goto(0x1000);
    return build.finish(0x1000, 1, 1);
  }
  uint64_t value_of(Value value) {
    uint64_t constant = 0;
    EXPECT_TRUE(build.is_constant(value, &constant));
    return constant;
  }
};

TEST_F(Built, ConstantsFoldAndAreShared) {
  EXPECT_EQ(value_of(build.add(build.i8(200), build.i8(100))), 44u);
  EXPECT_EQ(value_of(build.sext(Type::i64, build.i8(0x80))), 0xffffffffffffff80u);
  EXPECT_EQ(build.i32(7), build.i32(7));
  EXPECT_EQ(value_of(build.select(build.i1(true), build.i16(3), build.i16(4))), 3u);
}

TEST_F(Built, IdentitiesGiveTheOperand) {
  const Value x = build.get(a);
  EXPECT_EQ(build.add(x, build.i64(0)), x);
  EXPECT_EQ(build.and_(build.i64(~uint64_t{0}), x), x);
  EXPECT_EQ(value_of(build.xor_(x, x)), 0u);
  EXPECT_EQ(build.not_(build.not_(x)), x);
  EXPECT_EQ(build.trunc(Type::i32, build.zext(Type::i64, build.get(b))), build.get(b));
  EXPECT_EQ(build.shl(x, build.i8(64)), x);
}

TEST_F(Built, PushesBecomeOneOffset) {
  const Value x = build.get(a);
  const Value y = build.sub(build.sub(x, build.i64(8)), build.i64(8));
  EXPECT_EQ(build.add(y, build.i64(16)), x);
}

TEST_F(Built, WrappingAddressesAreMaskedOnce) {
  const Value x = build.get(a), width = build.i64(0xffffffff);
  const auto push = [&](Value pointer) {
    return build.and_(build.sub(build.and_(pointer, width), build.i64(4)), width);
  };
  EXPECT_EQ(push(push(x)), build.and_(build.sub(x, build.i64(8)), width));
}

TEST_F(Built, LowBitsAreThoseBeforeAnOffsetThatHasNone) {
  const Value x = build.get(a), low = build.i64(15);
  EXPECT_EQ(build.and_(build.add(x, build.i64(48)), low), build.and_(x, low));
  EXPECT_EQ(build.and_(build.sub(x, build.i64(16)), low), build.and_(x, low));
  EXPECT_NE(build.and_(build.add(x, build.i64(8)), low), build.and_(x, low));
}

TEST_F(Built, ABorrowSpreadsOverAllBits) {
  const Value x = build.get(a), borrow = build.lt_u(x, build.i64(9));
  const Value spread = build.sub(build.sub(x, x), build.zext(Type::i64, borrow));
  const Unit unit = done();
  EXPECT_EQ(unit.code[spread].op, Op::sext);
  EXPECT_EQ(unit.code[spread].arg[0], borrow);
}

TEST_F(Built, GetAfterSetIsTheValue) {
  const Value x = build.load(Type::i64, build.get(a), 0);
  build.set(a, x);
  EXPECT_EQ(build.get(a), x);
  build.insn(0x1234);
  EXPECT_EQ(value_of(build.get(pc)), 0x1234u);
}

TEST_F(Built, HelpersThatTouchStateMakeItForget) {
  const Helper helper{.name = "h", .effect = HelperEffect::state};
  const Helper reader{.name = "r", .effect = HelperEffect::reads_state};
  const Value x = build.get(a);
  build.call(reader, {});
  EXPECT_EQ(build.get(a), x);
  build.call(helper, {});
  EXPECT_NE(build.get(a), x);
}

TEST_F(Built, ABlockKnowsNothingOfTheOneBefore) {
  const Value x = build.get(a);
  const BlockId next = build.new_block();
  build.jump(next);
  build.begin(next);
  EXPECT_NE(build.get(a), x);
}

TEST_F(Built, CompareAndJumpIsOneComparison) {
  const Value x = build.get(a), y = build.i64(5);
  build.set(flags, build.flags(Op::flags_sub, x, y));
  EXPECT_EQ(build.cond(Cond::be, build.get(flags)), build.le_u(x, y));
  EXPECT_EQ(build.cond(Cond::g, build.get(flags)), build.lt_s(y, x));
}

TEST_F(Built, ConditionsLookThroughMerges) {
  const Value x = build.get(b), old = build.get(flags);
  const Value one = build.i32(1);
  const Value merged = build.flags_merge(old, build.flags(Op::flags_sub, x, one), Flag::all & ~Flag::carry);
  EXPECT_EQ(build.cond(Cond::c, merged), build.cond(Cond::c, old));
  EXPECT_EQ(build.cond(Cond::z, merged), build.eq(x, one));
}

TEST_F(Built, MergesKeepWhatTheyTakeOnly) {
  const Value x = build.get(b), one = build.i32(1), truth = build.eq(x, one);
  const Value counter = build.flags(Op::flags_add, x, one), carry = build.zext(Type::i32, truth);
  const Value overflow = build.shl(carry, build.constant(Type::i8, 11)), both = build.or_(overflow, carry);
  constexpr uint32_t all_but_carry = Flag::all & ~Flag::carry;
  const auto merged = [&](Value old, Value fresh, uint32_t mask) { return build.flags_merge(old, fresh, mask); };
  EXPECT_EQ(merged(both, counter, all_but_carry), merged(carry, counter, all_but_carry));
  EXPECT_EQ(merged(both, counter, Flag::all & ~Flag::overflow), merged(overflow, counter, Flag::all & ~Flag::overflow));
  EXPECT_EQ(merged(counter, both, Flag::overflow), merged(counter, overflow, Flag::overflow));
  EXPECT_EQ(merged(build.flags(Op::flags_logic, x), counter, all_but_carry),
            merged(build.i32(0), counter, all_but_carry));
  const Value borrow = build.zext(Type::i32, build.lt_u(one, x));
  EXPECT_EQ(merged(build.flags(Op::flags_sub, one, x), counter, all_but_carry), merged(borrow, counter, all_but_carry));
  const Value sum = build.flags(Op::flags_add, x, x), out = build.zext(Type::i32, build.cond(Cond::c, sum));
  EXPECT_EQ(merged(sum, counter, all_but_carry), merged(out, counter, all_but_carry));
}

TEST_F(Built, BranchOnAConstantIsAJump) {
  const BlockId yes = build.new_block(), no = build.new_block();
  build.branch(build.eq(build.get(a), build.get(a)), yes, no);
  for (const BlockId block : {yes, no}) {
    build.begin(block);
    build.exit(ExitKind::next);
  }
  Unit unit = build.finish(0, 0, 0);
  EXPECT_EQ(unit.instrs(0).back().op, Op::jump);
  EXPECT_EQ(unit.instrs(0).back().target[0], yes);
}

TEST_F(Built, MisuseIsOurBug) {
  EXPECT_DEATH(build.add(build.i8(1), build.i16(1)), "wrong type");
  EXPECT_DEATH(build.set(a, build.i8(1)), "wrong type");
  EXPECT_DEATH(build.begin(0), "has not been ended");
}

TEST_F(Built, FinishLeavesAnEmptyBuilder) {
  const Unit unit = done();
  EXPECT_EQ(unit.blocks.size(), 1u);
  EXPECT_EQ(unit.blocks[0].end, unit.code.size());
  EXPECT_EQ(build.new_block(), 0u);
  EXPECT_EQ(build.size(), 0u);
}

}  // namespace
}  // namespace strata::ir
