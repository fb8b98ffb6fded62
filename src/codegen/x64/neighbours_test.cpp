// Which loads and stores are looked up together.
#include <gtest/gtest.h>

#include "codegen/interp/exits_test.h"
#include "codegen/x64/notes.h"

namespace strata::codegen::x64 {
namespace {

/// By instruction that accesses memory: the number of its neighbours.
std::vector<unsigned> numbers(std::string_view body) {
  const std::string text = "unit 0x1000, 4 bytes, 4 insns\nb0:\n  insn 0x1000\n  %a = get a\n  %b = get b\n" +
                           std::string("  %8 = constant i64 0x8\n  %128 = constant i64 0x80\n") +
                           "  %a8 = add i64 %a, %8\n  %a128 = add i64 %a, %128\n" + std::string(body) +
                           "  exit_goto 0x1001";
  const auto unit = ir::parse(text, interp::exits_layout, interp::find_exits_helper);
  EXPECT_TRUE(unit) << unit.error().message;
  Scratch scratch;
  scratch.notes.assign(unit->code.size(), Note{});
  scratch.slots.resize(interp::exits_layout.slots.size());
  analyse(*unit, unit->blocks[0], Homes(interp::exits_layout), scratch);
  std::vector<unsigned> found;
  for (size_t i = 0; i < unit->code.size(); ++i)
    if (unit->code[i].op == ir::Op::load || unit->code[i].op == ir::Op::store)
      found.push_back(scratch.notes[i].neighbours);
  return found;
}
using Numbers = std::vector<unsigned>;

TEST(FindNeighbours, AreAConstantApart) {
  EXPECT_EQ(numbers("  %x = load i64 %a, space 0\n  store i64 %a8, %x, space 0\n"), (Numbers{1, 1}));
  EXPECT_EQ(numbers("  %x = load i64 %a, space 0\n  store i64 %b, %x, space 0\n"), (Numbers{0, 0}));
  EXPECT_EQ(numbers("  %x = load i64 %a, space 0\n  %y = load i64 %b, space 0\n  %z = load i32 %a8, space 0\n"),
            (Numbers{1, 0, 1}));
}

TEST(FindNeighbours, AreInOneSpaceAndNotFarApart) {
  EXPECT_EQ(numbers("  %x = load i64 %a, space 0\n  %y = load i64 %a8, space 1\n"), (Numbers{0, 0}));
  EXPECT_EQ(numbers("  %x = load i64 %a, space 0\n  %y = load i8 %a128, space 0\n"), (Numbers{0, 0}));
  EXPECT_EQ(numbers("  %x = load i64 %a8, space 0\n  %y = load i64 %a128, space 0\n"), (Numbers{1, 1}));
}

TEST(FindNeighbours, NoCallIsBetweenThem) {
  EXPECT_EQ(numbers("  %x = load i64 %a, space 0\n  call look_state()\n  %y = load i64 %a8, space 0\n"),
            (Numbers{0, 0}));
}

}  // namespace
}  // namespace strata::codegen::x64
