// Tests of removal: what nobody wants goes, what only exits want sinks, what could fault stays.
#include "ir/passes/pass_test.h"
#include "ir/passes/passes.h"

namespace strata::ir {
namespace {

TEST(RemoveDead, UnusedPureValuesAndGetsGo) {
  expect_pass(remove_dead, R"(b0:
  %a = get a
  %b = get b
  %c = add i64 %a, %b
  %d = not i64 %c
  %p = call pure()
  set a, %b
  nop
  exit next)",
              R"(b0:
  %b = get b
  set a, %b
  exit next)");
}

TEST(RemoveDead, LoadsAndFloatsStay) {
  constexpr std::string_view text = R"(b0:
  %a = get a
  %b = load f64 %a, space 0
  %c = fadd f64 %b, %b
  exit next)";
  expect_pass(remove_dead, text, text);
}

TEST(RemoveDead, WhatOnlySunkSetsWantSinksWithThem) {
  expect_pass(remove_dead, R"(b0:
  %w = get w
  %v = get v
  %t = add i32 %w, %v
  %f = flags_logic i32 %t
  sunk set f, %f
  %a = get a
  store i64 %a, %a, space 0
  set f, %v
  exit next)",
              R"(b0:
  %w = get w
  %v = get v
  %t = sunk add i32 %w, %v
  %f = sunk flags_logic i32 %t
  sunk set f, %f
  %a = get a
  store i64 %a, %a, space 0
  set f, %v
  exit next)");
}

TEST(RemoveDead, WhatOthersWantTooStays) {
  constexpr std::string_view text = R"(b0:
  %w = get w
  %t = not i32 %w
  sunk set w, %t
  poll
  set w, %w
  set v, %t
  exit next)";
  expect_pass(remove_dead, text, text);
}

TEST(RemoveDead, SunkSetsThatNoExitSeesGo) {
  expect_pass(remove_dead, R"(b0:
  %w = get w
  %t = not i32 %w
  sunk set w, %t
  set w, %w
  poll
  exit next)",
              R"(b0:
  %w = get w
  set w, %w
  poll
  exit next)");
}

/// A branch over b1, behind which v is set first in b2.
std::string branch_over(std::string_view first, std::string_view between, std::string_view last) {
  return "b0:\n%w = get w\n%n = not i32 %w\n" + std::string(first) + "\n%e = eq i32 %w, %n\nbranch %e, b1, b2\nb1:\n" +
         std::string(between) + "\njump b2\nb2:\n" + std::string(last) + "\n%z = get w\nset v, %z\nexit next";
}

TEST(RemoveDead, SetsThatNoBlockBehindSeesAreDropped) {
  expect_pass(remove_dead, branch_over("set v, %n", "", ""), branch_over("drop v", "", ""));
  expect_pass(remove_dead, branch_over("set v, %n", "%m = get w\nset v, %m", ""), branch_over("drop v", "drop v", ""));
}

TEST(RemoveDead, SetsThatOneBlockBehindSeesStay) {
  for (const std::string_view seen : {"%s = get v\nset w, %s", "poll", "call reads()", "call writes()"}) {
    const std::string between = branch_over("set v, %n", seen, ""), last = branch_over("set v, %n", "", seen);
    expect_pass(remove_dead, between, between);
    expect_pass(remove_dead, last, last);
  }
}

TEST(RemoveDead, WhatABlockInFrontDoesNotSeeIsDropped) {
  const auto detour = [](std::string_view set, std::string_view first) {
    return "b0:\n%w = get w\n%n = not i32 %w\n%e = eq i32 %w, %n\nbranch %e, b1, b2\nb1:\n" + std::string(first) +
           "\n%z = get w\nset v, %z\nexit next\nb2:\n" + std::string(set) + "\njump b1";
  };
  expect_pass(remove_dead, detour("%m = get w\nset v, %m", ""), detour("drop v", ""));
  expect_pass(remove_dead, detour("%m = get w\nset v, %m", "poll"), detour("%m = get w\nset v, %m", "poll"));
}

TEST(RemoveDead, LoopsKeepWhatTheirRoundsSet) {
  constexpr std::string_view text = R"(b0:
  %w = get w
  set v, %w
  jump b1
b1:
  poll
  %n = get w
  set v, %n
  %e = eq i32 %n, %n
  branch %e, b1, b2
b2:
  exit next)";
  expect_pass(remove_dead, text, text);
}

TEST(RemoveDead, CallsAreNotMadeWhileLeaving) {
  constexpr std::string_view text = R"(b0:
  %w = get w
  %p = call pure()
  sunk set w, %p
  poll
  set w, %w
  exit next)";
  expect_pass(remove_dead, text, text);
}

TEST(RemoveDead, BlocksKeepTheirInstructions) {
  expect_pass(remove_dead, R"(b0:
  %w = get w
  jump b1
b1:
  nop
  %a = get a
  %b = get b
  set a, %b
  jump b0)",
              R"(b0:
  jump b1
b1:
  %b = get b
  set a, %b
  jump b0)");
}

}  // namespace
}  // namespace strata::ir
