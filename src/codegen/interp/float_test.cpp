// Floating point obeys the MXCSR in force, and collects its exceptions there; and NaNs are the processor's.
#include <gtest/gtest.h>

#if defined(__x86_64__)
#include <immintrin.h>

#include "codegen/interp/reference_test.h"
#include "codegen/interp/tested_backend_test.h"
#include "ir/builder.h"

namespace strata::codegen::interp {
namespace {

using ir::Op;
using ir::Type;

const ir::StateLayout layout{.slots = {{"pc", 0, Type::i64},
                                       {"a", 8, Type::f64},
                                       {"b", 16, Type::f64},
                                       {"i", 24, Type::i64},
                                       {"x", 32, Type::v128}},
                             .size = 48,
                             .pc = 0};
enum : ir::SlotId { pc, a, b, i, x };

constexpr unsigned masked = 0x1f80, invalid = 1, denormal = 2, divide_by_zero = 4, overflow = 8, inexact = 0x20;
constexpr unsigned down = 0x2000, up = 0x4000, towards_zero = 0x6000, flush_to_zero = 0x8000, denormals_are_zero = 0x40;

uint64_t bits(double value) {
  uint64_t result;
  std::memcpy(&result, &value, sizeof result);
  return result;
}

struct Floats : ::testing::Test {
  World world{layout};
  unsigned csr = 0;  ///< MXCSR after the run

  void set(double left, double right) {
    world.set(layout.slots[a], {bits(left), 0});
    world.set(layout.slots[b], {bits(right), 0});
  }

  /// The bits of slot `result` after running the unit under an MXCSR.
  template <class Emit>
  uint64_t run(unsigned mxcsr, ir::SlotId result, Emit emit) {
    ir::Builder build(layout);
    build.begin(build.new_block());
    build.set(result, emit(build));
    build.exit_goto(0);
    const auto code = tested_backend().compile(build.finish(0, 1, 1));
    Runner& runner = tested_runner();
    const unsigned saved = _mm_getcsr();
    _mm_setcsr(mxcsr);
    runner.run(*code, world.context);
    csr = _mm_getcsr();
    _mm_setcsr(saved);
    return world.get(layout.slots[result]).lo;
  }
  uint64_t binary(unsigned mxcsr, Op op) {
    return run(mxcsr, a, [&](ir::Builder& build) { return build.emit(op, Type::f64, {build.get(a), build.get(b)}); });
  }
};

TEST_F(Floats, RoundAsTold) {
  set(1, 3);
  const uint64_t third = binary(masked | down, Op::fdiv);
  set(1, 3);
  EXPECT_EQ(binary(masked | up, Op::fdiv), third + 1);
  EXPECT_EQ(csr & 0x3f, inexact);
  set(-1, 3);
  EXPECT_EQ(binary(masked | towards_zero, Op::fdiv) & ~(uint64_t{1} << 63), third);
}

TEST_F(Floats, ConversionsRoundAsTold) {
  const auto convert = [&](unsigned mxcsr, uint64_t truncate) {
    set(-2.5, 0);
    return static_cast<int64_t>(run(mxcsr, i, [&](ir::Builder& build) {
      return build.emit(Op::float_to_int, Type::i64, {build.get(a)}, truncate);
    }));
  };
  EXPECT_EQ(convert(masked, 0), -2);
  EXPECT_EQ(convert(masked | down, 0), -3);
  EXPECT_EQ(convert(masked | up, 0), -2);
  EXPECT_EQ(convert(masked | down, 1), -2);
}

TEST_F(Floats, ExceptionsAreCollected) {
  set(1, 0);
  EXPECT_EQ(binary(masked, Op::fdiv), bits(__builtin_inf()));
  EXPECT_EQ(csr & 0x3f, divide_by_zero);
  set(1e308, 1e308);
  binary(masked, Op::fadd);
  EXPECT_EQ(csr & 0x3f, overflow | inexact);
  set(__builtin_inf(), __builtin_inf());
  EXPECT_EQ(binary(masked, Op::fsub), 0xfff8000000000000u);
  EXPECT_EQ(csr & 0x3f, invalid);
}

TEST_F(Floats, QuietNansAreInvalidToOneComparisonOnly) {
  set(__builtin_nan(""), 1);
  for (const uint64_t signaling : {0, 1}) {
    run(masked, i, [&](ir::Builder& build) {
      return build.zext(Type::i64, build.emit(Op::fcompare, Type::f64, {build.get(a), build.get(b)}, signaling));
    });
    EXPECT_EQ(csr & 0x3f, signaling ? invalid : 0);
  }
}

TEST_F(Floats, DenormalsAreTreatedAsTold) {
  const double small = 1e-310;
  set(small, small);
  EXPECT_EQ(binary(masked, Op::fadd), bits(small + small));
  EXPECT_EQ(csr & 0x3f, denormal);
  set(small, small);
  EXPECT_EQ(binary(masked | denormals_are_zero, Op::fadd), 0u);
  set(1e-200, 1e-108);
  EXPECT_EQ(binary(masked | flush_to_zero, Op::fmul), 0u);
}

TEST_F(Floats, OfTwoNansTheFirstIsGiven) {
  constexpr uint64_t first = 0x7ff0000000000123, second = 0xfff8000000000456, quiet = 0x0008000000000000;
  for (const Op op : {Op::fadd, Op::fsub, Op::fmul, Op::fdiv}) {
    world.set(layout.slots[a], {first, 0});
    world.set(layout.slots[b], {second, 0});
    EXPECT_EQ(binary(masked, op), first | quiet);
  }
  for (const Op op : {Op::vfadd, Op::vfmul}) {
    world.set(layout.slots[x], {first, first});
    world.set(layout.slots[a], {second, 0});
    run(masked, x, [&](ir::Builder& build) {
      const ir::Value splat = build.emit(Op::vsplat, Type::v128, {build.get(a)}, 0, ir::Lane::f64);
      return build.emit(op, Type::v128, {build.get(x), splat}, 0, ir::Lane::f64);
    });
    EXPECT_EQ(world.get(layout.slots[x]), (Datum{first | quiet, first | quiet}));
  }
}

TEST_F(Floats, MinimumAndMaximumGiveTheSecondWhereInDoubt) {
  const uint64_t zero = bits(0.0), minus = bits(-0.0), nan = bits(__builtin_nan(""));
  for (const Op op : {Op::fmin, Op::fmax}) {
    for (const auto& [left, right] : {std::pair{zero, minus}, {minus, zero}, {nan, zero}, {zero, nan}}) {
      world.set(layout.slots[a], {left, 0});
      world.set(layout.slots[b], {right, 0});
      EXPECT_EQ(binary(masked, op), right);
    }
  }
}

}  // namespace
}  // namespace strata::codegen::interp
#endif
