// Entries of the table of jumps go with the code that they lead to.
#include "codegen/x64/jump_table.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <random>
#include <vector>

#include "codegen/interp/exits_test.h"
#include "codegen/x64/x64_code.h"

namespace strata::codegen::x64 {
namespace {

struct Jumps : ::testing::Test {
  CodeMemory memory;
  AllJumps all;
  JumpTables tables{all};
  Thunks thunks{memory, all, Homes(interp::exits_layout)};
  X64Code one{thunks}, other{thunks};
  JumpTable& table = tables.of(1);
  const std::byte* const of_one = nullptr;
  const std::byte* const of_other = of_one + 1;

  void SetUp() override {
    one.mode = other.mode = 1;
    other.linked_entry = 1;
  }
  void TearDown() override { one.set_invalid(), other.set_invalid(); }

  enum Leads : uint8_t { nowhere, to_one, to_other };
  Leads look_up(uint64_t pc, uint32_t mode = 1) { return look_up(tables, pc, mode); }
  Leads look_up(JumpTables& of_runner, uint64_t pc, uint32_t mode = 1) {
    const JumpTable& of_mode = of_runner.of(mode);
    for (size_t way = 0; way < JumpTable::ways; ++way) {
      const JumpTable::Entry& entry = of_mode.entries()[JumpTable::index(pc) ^ way];
      if (entry.pc == pc) return entry.target == of_one ? to_one : to_other;
    }
    return nowhere;
  }
};

TEST_F(Jumps, AreForgottenWithTheirCodeAndNoOthers) {
  for (uint64_t pc = 0; pc < 20; ++pc) EXPECT_EQ(look_up(pc), nowhere) << pc;
  for (uint64_t pc = 0; pc < 20; ++pc) table.set(pc, pc % 3 == 0 ? other : one);
  table.set(5, one);  // again
  one.set_invalid();
  for (uint64_t pc = 0; pc < 20; ++pc) EXPECT_EQ(look_up(pc), pc % 3 == 0 ? to_other : nowhere) << pc;
  other.set_invalid();
  for (uint64_t pc = 0; pc < 20; ++pc) EXPECT_EQ(look_up(pc), nowhere) << pc;
}

/// As many as a group holds have the same entry for their own.
TEST_F(Jumps, ShareAGroup) {
  std::vector<uint64_t> pcs;
  for (uint64_t pc = 0x40'1000; pcs.size() <= JumpTable::ways; ++pc)
    if (JumpTable::index(pc) == JumpTable::index(0x40'1000)) pcs.push_back(pc);
  const uint64_t last = pcs.back();
  pcs.pop_back();
  for (const uint64_t pc : pcs) table.set(pc, one);
  for (const uint64_t pc : pcs) EXPECT_EQ(look_up(pc), to_one) << pc;
  table.set(pcs[1], other);  // moves to the front
  for (const uint64_t pc : pcs) EXPECT_EQ(look_up(pc), pc == pcs[1] ? to_other : to_one) << pc;
  table.set(last, other);
  EXPECT_EQ(look_up(last), to_other);
  EXPECT_EQ(look_up(pcs[0]), nowhere);  // the oldest
  for (const uint64_t pc : {pcs[2], pcs[3]}) EXPECT_EQ(look_up(pc), to_one) << pc;
  other.set_invalid();
  for (const uint64_t pc : {last, pcs[1]}) EXPECT_EQ(look_up(pc), nowhere) << pc;
  for (const uint64_t pc : {pcs[2], pcs[3]}) EXPECT_EQ(look_up(pc), to_one) << pc;
}

TEST_F(Jumps, ThatTakeAnothersEntryAreNotForgottenWithIt) {
  for (uint64_t pc = 1; pc < 5; ++pc) table.set(pc, one);
  for (const uint64_t pc : {4u, 2u, 1u}) table.set(pc, other);  // the first of the list, one within it, the last
  one.set_invalid();
  EXPECT_EQ(look_up(3), nowhere);
  for (const uint64_t pc : {1u, 2u, 4u}) EXPECT_EQ(look_up(pc), to_other) << pc;
}

TEST_F(Jumps, StandApartByMode) {
  for (const uint32_t mode : {2u, 16u, JumpTables::most}) {
    ASSERT_TRUE(JumpTables::has(mode));
    other.mode = mode;
    table.set(7, one);
    tables.of(mode).set(7, other);
    EXPECT_EQ(look_up(7, mode), to_other);
    other.set_invalid();
    EXPECT_EQ(look_up(7), to_one);
    EXPECT_EQ(look_up(7, mode), nowhere);
  }
}

/// Those of modes in which code has run since they were forgotten last, and of the one in which it runs.
TEST_F(Jumps, AndReturnsAreForgottenWhereCodeMayHaveLeftThem) {
  constexpr uint32_t first = 3, second = JumpTables::most;
  const auto call = [&](uint32_t mode) { tables.of(mode).returns.targets[0] = of_other; };
  const auto is_kept = [&](uint32_t mode) { return tables.of(mode).returns.targets[0] != nullptr; };
  tables.begin(first);
  call(first);
  tables.begin(second);
  call(second);
  tables.forget_returns();
  EXPECT_FALSE(is_kept(first));
  EXPECT_FALSE(is_kept(second));
  call(second);  // it goes on
  tables.forget_returns();
  EXPECT_FALSE(is_kept(second));
  tables.begin(first);
  call(first);
  call(second);
  all.forget_returns();
  EXPECT_FALSE(is_kept(first));
  EXPECT_FALSE(is_kept(second));
}

/// Of runners that come and go. An entry may give way to others', but leads nowhere else.
TEST_F(Jumps, StandApartByRunner) {
  struct Known {
    std::unique_ptr<JumpTables> tables;
    std::map<uint64_t, Leads> jumps;
  };
  std::array<Known, 3> runners;
  std::mt19937 random(1);
  for (unsigned round = 0; round < 20'000; ++round) {
    Known& runner = runners[random() % runners.size()];
    const Leads leads = random() % 2 == 0 ? to_one : to_other;
    X64Code& code = leads == to_one ? one : other;
    const uint64_t pc = random() % 32;
    if (runner.tables == nullptr) {
      runner.tables = std::make_unique<JumpTables>(all);
    } else if (random() % 64 == 0) {
      runner = {};
    } else if (random() % 64 == 0) {
      code.set_invalid();
      for (Known& any : runners) std::erase_if(any.jumps, [&](const auto& jump) { return jump.second == leads; });
    } else {
      runner.tables->of(1).set(pc, code);
      runner.jumps[pc] = leads;
      ASSERT_EQ(look_up(*runner.tables, pc), leads);
    }
    for (const Known& any : runners) {
      const auto known = any.jumps.find(pc);
      if (any.tables == nullptr) continue;
      if (const Leads found = look_up(*any.tables, pc); found != nowhere) {
        ASSERT_TRUE(known != any.jumps.end() && known->second == found) << round;
      }
    }
    ASSERT_EQ(all.runners(),
              1u + static_cast<size_t>(std::count_if(runners.begin(), runners.end(),
                                                     [](const Known& any) { return any.tables != nullptr; })));
  }
}

}  // namespace
}  // namespace strata::codegen::x64
