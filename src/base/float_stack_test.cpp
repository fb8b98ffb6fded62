// The host's unit does what its manual says of it, and its state comes and goes whole.
#include "base/float_stack.h"

#include <gtest/gtest.h>

#include <cstring>

namespace strata::float_stack {
namespace {

constexpr Operation fld1 = 0xd9e8, fldpi = 0xd9eb, faddp = 0xdec1, fucomip = 0xdfe9;
constexpr Operation fldl = memory_operation(0xdd, 0), fstpl = memory_operation(0xdd, 3);
constexpr uint16_t top = 7u << 11;

struct FloatStack : ::testing::Test {
  FloatStack() { before_ = take(); }
  ~FloatStack() override { put(before_); }

  void push(double value) { run(fldl, &value); }
  double pop() {
    double value = 0;
    run(fstpl, &value);
    return value;
  }

 private:
  Image before_;
};

TEST_F(FloatStack, Computes) {
  push(1.5);
  push(2.25);
  EXPECT_EQ(status() & top, 6u << 11);
  run(faddp);
  EXPECT_EQ(pop(), 3.75);
  EXPECT_EQ(status() & top, 0u);
}

TEST_F(FloatStack, ComparesUnderFlags) {
  constexpr uint32_t carry = 1, zero = 0x40;
  run(fldpi);
  run(fld1);
  EXPECT_EQ(run_with_flags(fucomip, 0) & (carry | zero), carry);
  pop();
}

TEST_F(FloatStack, StateComesAndGoes) {
  push(7);
  const Image image = take();
  EXPECT_EQ(status() & top, 0u);
  EXPECT_EQ(image.st[0].sign_exponent, 0x3fff + 2);
  put(image);
  EXPECT_EQ(pop(), 7);
}

TEST(FloatStackOperands, AreThoseOfTheManual) {
  EXPECT_EQ(operand(fldl), Operand::load64);
  EXPECT_EQ(operand(0xdb, 7), Operand::store80);
  EXPECT_EQ(operand(0xdb, 6), Operand::none);
  EXPECT_EQ(operand(0xd9, 5), Operand::control);
  EXPECT_FALSE(is_store(operand(0xdf, 4)));
  EXPECT_TRUE(is_store(operand(0xdf, 6)));
  EXPECT_EQ(size(operand(0xdf, 6)), 10u);
  EXPECT_EQ(size(operand(0xda, 0)), 4u);
  EXPECT_EQ(size(operand(0xdf, 7)), 8u);
  EXPECT_EQ(size(operand(0xde, 3)), 2u);
}

}  // namespace
}  // namespace strata::float_stack
