// Entries of the table of jumps go with the code that they lead to.
#include "codegen/x64/jump_table.h"

#include <gtest/gtest.h>

#include <memory>

#include "codegen/interp/exits_test.h"
#include "codegen/x64/x64_code.h"

namespace strata::codegen::x64 {
namespace {

struct Jumps : ::testing::Test {
  CodeMemory memory;
  std::unique_ptr<JumpTable> table = std::make_unique<JumpTable>();
  Thunks thunks{memory, *table, Homes(interp::exits_layout)};
  X64Code one{thunks}, other{thunks};

  const X64Code* leads_to(uint64_t pc) const {
    const JumpTable::Entry& entry = table->entries()[JumpTable::index(pc)];
    return entry.pc == pc ? entry.code : nullptr;
  }
};

TEST_F(Jumps, AreForgottenWithTheirCodeAndNoOthers) {
  for (uint64_t pc = 1; pc < 20; ++pc) table->set(pc, 1, pc % 3 == 0 ? other : one);
  table->set(5, 2, one);  // again
  table->forget(one);
  for (uint64_t pc = 1; pc < 20; ++pc) EXPECT_EQ(leads_to(pc), pc % 3 == 0 ? &other : nullptr) << pc;
  table->forget(other);
  for (uint64_t pc = 1; pc < 20; ++pc) EXPECT_EQ(leads_to(pc), nullptr) << pc;
}

TEST_F(Jumps, ThatTakeAnothersEntryAreNotForgottenWithIt) {
  for (uint64_t pc = 1; pc < 5; ++pc) table->set(pc, 1, one);
  for (const uint64_t pc : {4u, 2u, 1u}) table->set(pc, 1, other);  // the first of the list, one within it, the last
  table->forget(one);
  EXPECT_EQ(leads_to(3), nullptr);
  for (const uint64_t pc : {1u, 2u, 4u}) EXPECT_EQ(leads_to(pc), &other) << pc;
}

}  // namespace
}  // namespace strata::codegen::x64
