// For the tests of passes: IR as text goes in, IR as text comes out.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "ir/text.h"
#include "ir/verify.h"

namespace strata::ir {

/// Slots a and b (i64), w and v (i32), f (flags, i32); helpers pure, reads, writes and leaves, without operands.
inline const StateLayout test_layout{.slots = {{"pc", 0, Type::i64},
                                               {"a", 8, Type::i64},
                                               {"b", 16, Type::i64},
                                               {"w", 24, Type::i32},
                                               {"v", 28, Type::i32},
                                               {"f", 32, Type::i32},
                                               {"x", 48, Type::v128}},
                                     .size = 64,
                                     .pc = 0,
                                     .flags = 5};

inline const Helper test_helpers[] = {
    {.name = "pure", .result = Type::i32, .effect = HelperEffect::pure},
    {.name = "reads", .effect = HelperEffect::reads_state},
    {.name = "writes", .effect = HelperEffect::state},
    {.name = "leaves", .effect = HelperEffect::may_exit},
};

inline const Helper* find_test_helper(std::string_view name) {
  for (const Helper& helper : test_helpers) {
    if (helper.name == name) return &helper;
  }
  return nullptr;
}

inline Unit parsed(std::string_view text) {
  Result<Unit> unit = parse(text, test_layout, find_test_helper);
  if (unit) return std::move(*unit);
  ADD_FAILURE() << unit.error().message << "\nin" << text;
  return *parse("b0:\n exit next", test_layout);
}

/// The pass turns one text into the other; names of values do not matter.
inline void expect_pass(void (*pass)(Unit&), std::string_view before, std::string_view after) {
  Unit unit = parsed(before);
  pass(unit);
  const Result<void> verified = verify(unit);
  EXPECT_TRUE(verified) << verified.error().message;
  EXPECT_EQ(print(unit), print(parsed(after)));
}

}  // namespace strata::ir
