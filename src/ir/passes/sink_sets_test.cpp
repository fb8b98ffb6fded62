// Tests of sinking: which sets only exits can see.
#include "ir/passes/pass_test.h"
#include "ir/passes/passes.h"

namespace strata::ir {
namespace {

TEST(SinkSets, ASetAgainSinksAcrossExits) {
  expect_pass(sink_sets, R"(b0:
  %a = get a
  %w = get w
  set w, %w
  store i64 %a, %a, space 0
  poll
  set w, %w
  exit next)",
              R"(b0:
  %a = get a
  %w = get w
  sunk set w, %w
  store i64 %a, %a, space 0
  poll
  set w, %w
  exit next)");
}

TEST(SinkSets, ReadersKeepSetsInPlace) {
  for (const std::string_view reader : {"%x = get w", "call reads()", "call writes()", "call leaves()"}) {
    const std::string text = "b0:\n %w = get w\n set w, %w\n" + std::string(reader) + "\n set w, %w\n exit next";
    expect_pass(sink_sets, text, text);
  }
}

TEST(SinkSets, PureCallsAndGetsOfOthersDoNot) {
  expect_pass(sink_sets, R"(b0:
  %w = get w
  set w, %w
  %p = call pure()
  %v = get v
  set w, %v
  exit next)",
              R"(b0:
  %w = get w
  sunk set w, %w
  %p = call pure()
  %v = get v
  set w, %v
  exit next)");
}

TEST(SinkSets, TheBlocksEndReadsEverything) {
  constexpr std::string_view text = R"(b0:
  %w = get w
  set w, %w
  jump b1
b1:
  %v = get v
  set w, %v
  exit next)";
  expect_pass(sink_sets, text, text);
}

TEST(SinkSets, TheNextInstructionSetsThePc) {
  expect_pass(sink_sets, R"(b0:
  %a = get a
  set pc, %a
  insn 0x10
  %b = load i64 %a, space 0
  exit next)",
              R"(b0:
  %a = get a
  sunk set pc, %a
  insn 0x10
  %b = load i64 %a, space 0
  exit next)");
}

TEST(SinkSets, EarlierMarksAreLookedAtAnew) {
  expect_pass(sink_sets, "b0:\n %w = get w\n sunk set w, %w\n exit next", "b0:\n %w = get w\n set w, %w\n exit next");
}

}  // namespace
}  // namespace strata::ir
