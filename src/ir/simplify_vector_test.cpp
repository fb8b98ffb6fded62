// Tests of the rules for vectors, through the builder.
#include <gtest/gtest.h>

#include "ir/builder.h"

namespace strata::ir {
namespace {

const StateLayout layout{
    .slots = {{"pc", 0, Type::i64}, {"v", 16, Type::v128}, {"u", 32, Type::v128}, {"d", 48, Type::f64}},
    .size = 64,
    .pc = 0};
constexpr SlotId v = 1, u = 2, d = 3;

struct Vectors : ::testing::Test {
  Builder build{layout};
  Vectors() { build.begin(build.new_block()); }
  Value emit(Op op, std::initializer_list<Value> args, uint64_t imm = 0, Lane lane = Lane::none) {
    const Type type = op == Op::vextract ? lane_type(lane) : Type::v128;
    return build.emit(op, type, args, imm, lane);
  }
};

TEST_F(Vectors, IdiomsForZeroAndOnes) {
  const Value x = build.get(v), zero = build.vconstant({});
  EXPECT_EQ(emit(Op::vxor, {x, x}), zero);
  EXPECT_EQ(emit(Op::vsub, {x, x}, 0, Lane::i16), zero);
  EXPECT_EQ(emit(Op::vandn, {x, x}), zero);
  EXPECT_EQ(emit(Op::vcmp_eq, {x, x}, 0, Lane::i8), build.vconstant({~uint64_t{0}, ~uint64_t{0}}));
  EXPECT_EQ(emit(Op::vand, {x, x}), x);
  EXPECT_NE(emit(Op::vadd, {x, x}, 0, Lane::i8), x);
}

TEST_F(Vectors, LanesAreReadWhereTheyWereWritten) {
  const Value x = build.get(v), scalar = build.get(d);
  const Value written = emit(Op::vinsert, {x, scalar}, 0, Lane::f64);
  EXPECT_EQ(emit(Op::vextract, {written}, 0, Lane::f64), scalar);
  EXPECT_EQ(emit(Op::vextract, {written}, 1, Lane::f64), emit(Op::vextract, {x}, 1, Lane::f64));
  EXPECT_EQ(emit(Op::vextract, {emit(Op::vzext, {scalar})}, 0, Lane::f64), scalar);
  EXPECT_NE(emit(Op::vextract, {emit(Op::vzext, {scalar})}, 1, Lane::f64), scalar);
  EXPECT_EQ(build.type_of(emit(Op::vextract, {written}, 0, Lane::i64)), Type::i64);
}

TEST_F(Vectors, InsertsOverTheOnlyLaneThatIsNotZero) {
  const Value scalar = build.get(d), other = emit(Op::vextract, {build.get(v)}, 0, Lane::f64);
  const Value extended = emit(Op::vzext, {scalar});
  EXPECT_EQ(emit(Op::vinsert, {extended, other}, 0, Lane::f64), emit(Op::vzext, {other}));
  EXPECT_NE(emit(Op::vinsert, {extended, other}, 1, Lane::f64), emit(Op::vzext, {other}));
}

TEST_F(Vectors, ByteShiftsBeyondTheVector) {
  const Value x = build.get(v), y = build.get(u), zero = build.vconstant({});
  EXPECT_EQ(emit(Op::vshl_bytes, {x}, 16), zero);
  EXPECT_EQ(emit(Op::vshr_bytes, {x}, 255), zero);
  EXPECT_EQ(emit(Op::vshr_bytes, {x}, 0), x);
  EXPECT_EQ(emit(Op::valign, {x, y}, 0), y);
  EXPECT_EQ(emit(Op::valign, {x, y}, 16), x);
  EXPECT_EQ(emit(Op::valign, {x, y}, 20), emit(Op::vshr_bytes, {x}, 4));
  EXPECT_EQ(emit(Op::valign, {x, y}, 40), zero);
}

}  // namespace
}  // namespace strata::ir
