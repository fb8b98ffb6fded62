// For tests of whole units: a small guest state, helpers that look and leave, and running a unit given as text.
#pragma once

#include <gtest/gtest.h>

#include "codegen/interp/reference_test.h"
#include "codegen/interp/tested_backend_test.h"
#include "ir/text.h"

namespace strata::codegen::interp {

inline const ir::StateLayout exits_layout{.slots = {{"pc", 0, ir::Type::i64},
                                                    {"a", 8, ir::Type::i64},
                                                    {"b", 16, ir::Type::i64},
                                                    {"w", 24, ir::Type::i32},
                                                    {"f", 28, ir::Type::i32}},
                                          .size = 32,
                                          .pc = 0,
                                          .hot = {1, 2}};

/// look_reads and look_state note the pc and the count that they find, leave_with leaves.
const ir::Helper* find_exits_helper(std::string_view name);
inline uint64_t seen_pc, seen_insns;

struct Exits : ::testing::Test {
  enum : ir::SlotId { pc, a, b, w, f };
  World world{exits_layout};

  ir::RunResult run(std::string_view text) {
    const auto unit = ir::parse(text, exits_layout, find_exits_helper);
    EXPECT_TRUE(unit) << unit.error().message;
    return run(*unit);
  }
  ir::RunResult run(const ir::Unit& unit) {
    return tested_runner().run(*tested_backend().compile(unit), world.context);
  }
  uint64_t slot(ir::SlotId id) { return world.get(exits_layout.slots[id]).lo; }
  void set(ir::SlotId id, uint64_t value) { world.set(exits_layout.slots[id], {value, 0}); }
};

}  // namespace strata::codegen::interp
