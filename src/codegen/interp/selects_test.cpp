// Selects whose conditions have operands in common, with sums and tests between them: what back ends may take from the
// host's flags they must not take when those are another operation's.
#include "codegen/interp/exits_test.h"

namespace strata::codegen::interp {
namespace {

constexpr uint64_t edges[] = {0,           1, 2, 5, 0x7fff'ffff'ffff'ffff, 0x8000'0000'0000'0000, 0xffff'ffff'ffff'fffe,
                              ~uint64_t{0}};

/// Expects of a and b, which are %1 and %2 to the operations, what `expected` makes of them.
struct Selects : Exits {
  template <class Expected>
  void expect(std::string_view operations, Expected expected) {
    const std::string text = "b0:\n%1 = get a\n%2 = get b\n" + std::string(operations) + "\nexit_goto 0x1009";
    for (const uint64_t left : edges) {
      for (const uint64_t right : edges) {
        set(a, left);
        set(b, right);
        run(text);
        const auto [wanted_a, wanted_b] = expected(left, right);
        ASSERT_EQ(slot(a), wanted_a) << left << ", " << right;
        ASSERT_EQ(slot(b), wanted_b) << left << ", " << right;
      }
    }
  }
};

using Pair = std::pair<uint64_t, uint64_t>;

TEST_F(Selects, AfterADifference) {
  expect(R"(
      %3 = sub i64 %1, %2
      %4 = lt_u i64 %1, %2
      %5 = select i64 %4, %1, %3
      %6 = le_u i64 %2, %1
      %7 = select i64 %6, %2, %5
      set a, %5
      set b, %7)",
         [](uint64_t left, uint64_t right) {
           const uint64_t least = left < right ? left : left - right;
           return Pair{least, right <= left ? right : least};
         });
}

TEST_F(Selects, BehindACarry) {
  expect(R"(
      %3 = lt_u i64 %1, %2
      %4 = adc i64 %1, %1, %3
      %5 = select i64 %3, %4, %2
      set a, %4
      set b, %5)",
         [](uint64_t left, uint64_t right) {
           const uint64_t sum = left + left + (left < right ? 1 : 0);
           return Pair{sum, left < right ? sum : right};
         });
}

/// The first select's result takes the place of what is compared.
TEST_F(Selects, OfWhatIsComparedAndLost) {
  expect(R"(
      %3 = lt_u i64 %1, %2
      %4 = select i64 %3, %2, %1
      set a, %4
      %5 = select i64 %3, %1, %2
      set b, %5
      %6 = sbb i64 %5, %4, %3
      set a, %6)",
         [](uint64_t left, uint64_t right) {
           const bool less = left < right;
           const uint64_t most = less ? right : left, least = less ? left : right;
           return Pair{least - most - (less ? 1 : 0), least};
         });
}

/// Here the comparison is made anew, of what it was made of.
TEST_F(Selects, OfWhatIsComparedAndLostAroundOthers) {
  for (const std::string_view between : {"%5 = xor i64 %4, %2", "%5 = mul i64 %4, %2", "%5 = adc i64 %4, %2, %3"}) {
    expect("%3 = lt_u i64 %1, %2\n%4 = select i64 %3, %2, %1\nset a, %4\n" + std::string(between) +
               "\nset b, %5\n%6 = select i64 %3, %1, %5\nset a, %6",
           [between](uint64_t left, uint64_t right) {
             const bool less = left < right;
             const uint64_t most = less ? right : left;
             const uint64_t other = between.find("xor") != between.npos   ? most ^ right
                                    : between.find("mul") != between.npos ? most * right
                                                                          : most + right + (less ? 1 : 0);
             return Pair{less ? left : other, other};
           });
  }
}

/// So is it for those who lose the host's flags before they ask.
TEST_F(Selects, OfWhatIsComparedAndLostBeforeAnExit) {
  expect(R"(
      %3 = lt_u i64 %1, %2
      %4 = select i64 %3, %2, %1
      set a, %4
      exit_if %3, leave 0
      %5 = constant i64 7
      set b, %5)",
         [](uint64_t left, uint64_t right) {
           return left < right ? Pair{right, right} : Pair{left, 7};
         });
}

/// Nobody computes the first select, so it compares nothing for the second.
TEST_F(Selects, BehindOneThatNobodyWants) {
  expect(R"(
      %3 = le_u i64 %1, %2
      %4 = select i64 %3, %2, %1
      set a, %2
      %5 = select i64 %3, %2, %1
      set b, %5)",
         [](uint64_t left, uint64_t right) {
           return Pair{right, left <= right ? right : left};
         });
}

TEST_F(Selects, OfAConstantThatIsCompared) {
  expect(R"(
      %9 = constant i64 5
      %3 = lt_u i64 %9, %1
      %4 = select i64 %3, %2, %1
      set a, %4
      %5 = select i64 %3, %1, %2
      set b, %5)",
         [](uint64_t left, uint64_t right) {
           return Pair{left > 5 ? right : left, left > 5 ? left : right};
         });
}

TEST_F(Selects, BehindATest) {
  expect(R"(
      %3 = trunc i1 %2
      %4 = lt_s i64 %1, %2
      %5 = select i64 %4, %1, %2
      %6 = select i64 %3, %2, %1
      %7 = select i64 %4, %6, %5
      %8 = constant i64 4
      %9 = and i64 %1, %8
      %10 = constant i64 0
      %11 = ne i64 %9, %10
      %12 = select i64 %11, %7, %2
      %13 = select i64 %4, %12, %6
      set a, %7
      set b, %13)",
         [](uint64_t left, uint64_t right) {
           const bool less = static_cast<int64_t>(left) < static_cast<int64_t>(right);
           const uint64_t least = less ? left : right, odd = (right & 1) != 0 ? right : left;
           const uint64_t third = less ? odd : least, fourth = (left & 4) != 0 ? third : right;
           return Pair{third, less ? fourth : odd};
         });
}

/// The host clears what is above 32 bits, whichever it takes.
TEST_F(Selects, OfHalves) {
  expect(R"(
      %3 = trunc i32 %1
      %4 = trunc i32 %2
      %5 = lt_u i32 %3, %4
      %6 = select i32 %5, %3, %4
      %7 = zext i64 %6
      %8 = select i32 %5, %4, %3
      %9 = zext i64 %8
      set a, %7
      set b, %9)",
         [](uint64_t left, uint64_t right) {
           const auto l = static_cast<uint32_t>(left), r = static_cast<uint32_t>(right);
           return l < r ? Pair{l, r} : Pair{r, l};
         });
}

}  // namespace
}  // namespace strata::codegen::interp
