// Tests of address spaces with numbers: what PCID lets stand, and what INVLPG, INVPCID and CR3 take away (SDM vol. 3, 4.10).
#include <gtest/gtest.h>

#include <vector>

#include "engine/x86_machine_test.h"

namespace strata::engine {
namespace {

/// Machine code put together piece by piece; every look at the page under test leaves what it saw.
class Program {
 public:
  std::vector<uint8_t> bytes;

  Program& switch_to(uint64_t cr3) { return wide({0x48, 0xb8}, cr3).raw({0x0f, 0x22, 0xd8}); }  // mov cr3, rax
  Program& look() { return raw({0x48, 0x8b, 0x06, 0x48, 0x89, 0x07, 0x48, 0x83, 0xc7, 8}); }    // [rdi++] := [rsi]
  Program& set_entry(uint64_t at, uint64_t entry) {
    return wide({0x48, 0xb8}, entry).wide({0x48, 0xba}, at).raw({0x48, 0x89, 0x02});  // mov [rdx], rax
  }
  Program& invlpg() { return raw({0x0f, 0x01, 0x3e}); }  // [rsi]
  Program& invpcid(uint64_t type, uint64_t context) {    // rcx, [rsp], with the address under test
    return wide({0x48, 0xb8}, context)
        .raw({0x56, 0x50})
        .wide({0x48, 0xb9}, type)                                          // push rsi; push rax
        .raw({0x66, 0x0f, 0x38, 0x82, 0x0c, 0x24, 0x48, 0x83, 0xc4, 16});  // add rsp, 16
  }
  /// Code at the address under test that gives `value`, and what it gives when it is called.
  Program& put(uint8_t value) {
    return wide({0x48, 0xb8}, 0xc300'0000'00b8 | uint64_t{value} << 8).raw({0x48, 0x89, 0x06});
  }
  Program& call() { return raw({0xff, 0xd6, 0x48, 0xab}); }  // call rsi; stosq
  Program& halt() { return raw({0xf4}); }

 private:
  Program& raw(std::initializer_list<uint8_t> more) {
    bytes.insert(bytes.end(), more);
    return *this;
  }
  Program& wide(std::initializer_list<uint8_t> op, uint64_t value) {
    raw(op);
    for (unsigned i = 0; i < 8; ++i) bytes.push_back(static_cast<uint8_t>(value >> (8 * i)));
    return *this;
  }
};

struct ProcessContextTest : testing::TestWithParam<BackendKind>, X86Machine {
  static constexpr uint64_t keep = uint64_t{1} << 63;
  static constexpr uint64_t present = 3, global = 0x100;
  static constexpr uint64_t page = 0x40000000, seen_at = 0x30000;

  void SetUp() override {
    options.verify = true;
    options.backend = GetParam();
    make();
    for (uint64_t i = 1; i <= 20; ++i) {
      space.write_as<uint64_t>(frame(i), i);
      const uint64_t top = table(i);  // the first 2 MiB as they are, and one page at 1 GiB
      space.write_as<uint64_t>(top, (top + 0x1000) | present);
      space.write_as<uint64_t>(top + 0x1000, (top + 0x2000) | present);
      space.write_as<uint64_t>(top + 0x1008, (top + 0x3000) | present);
      space.write_as<uint64_t>(top + 0x2000, 0x83);
      space.write_as<uint64_t>(top + 0x3000, (top + 0x4000) | present);
      space.write_as<uint64_t>(entry(i), frame(i) | present);
    }
  }

  static uint64_t frame(uint64_t i) { return 0x300000 + i * 0x1000; }
  static uint64_t table(uint64_t i) { return 0x80000 + i * 0x5000; }
  static uint64_t entry(uint64_t i) { return table(i) + 0x4000; }
  /// CR3 of table i with number i.
  static uint64_t cr3(uint64_t i) { return table(i) | i; }

  /// What the looks of the program see.
  std::vector<uint64_t> run(Program program) {
    program.halt();
    space.write(0x1000, std::as_bytes(std::span(program.bytes)));
    long_mode(0x1000);
    auto registers = cpu->registers();
    registers.cr4 = 0x200a0;  // PAE, PGE, PCIDE
    registers.cr3 = table(1);
    registers.gpr[6] = page;
    registers.gpr[7] = seen_at;
    cpu->set_registers(registers);
    EXPECT_EQ(cpu->run().reason, iface::ExitReason::halted) << cpu->describe();
    std::vector<uint64_t> seen;
    for (uint64_t at = seen_at; at < cpu->registers().gpr[7]; at += 8) seen.push_back(space.read_as<uint64_t>(at));
    return seen;
  }
};

INSTANTIATE_TEST_SUITE_P(All, ProcessContextTest, testing::Values(BackendKind::interp, BackendKind::jit),
                         [](const auto& one) { return one.param == BackendKind::jit ? "jit" : "interp"; });

using Seen = std::vector<uint64_t>;

TEST_P(ProcessContextTest, EachSeesItsOwn) {
  Program program;
  for (uint64_t i = 1; i <= 20; ++i) program.switch_to(cr3(i)).look();
  for (uint64_t i = 20; i >= 1; --i) program.switch_to(cr3(i) | keep).look();
  Seen expected;
  for (uint64_t i = 1; i <= 20; ++i) expected.push_back(i);
  for (uint64_t i = 20; i >= 1; --i) expected.push_back(i);
  EXPECT_EQ(run(program), expected);
}

TEST_P(ProcessContextTest, ASwitchThatKeepsWalksNoTablesAgain) {
  Program once, often;
  once.switch_to(cr3(1)).look().switch_to(cr3(2)).look();
  often = once;
  for (int i = 0; i < 50; ++i) often.switch_to(cr3(1) | keep).look().switch_to(cr3(2) | keep).look();
  uint64_t walks = cpu->stats().walks;
  run(once);
  const uint64_t of_once = cpu->stats().walks - walks;
  walks = cpu->stats().walks;
  EXPECT_EQ(run(often).size(), 102u);
  EXPECT_LE(cpu->stats().walks - walks, of_once + 8) << "the longer program has more pages of code and results";
}

TEST_P(ProcessContextTest, ASwitchThatDoesNotKeepForgetsItsOwnAlone) {
  Program program;
  program.switch_to(cr3(2)).look().switch_to(cr3(1)).look();
  program.set_entry(entry(2), frame(5) | present).switch_to(cr3(2)).look();  // the bit is clear: looked up anew
  EXPECT_EQ(run(program), (Seen{2, 1, 5}));
}

TEST_P(ProcessContextTest, InvlpgIsForTheOneInForceAndForGlobalPages) {
  Program program;
  program.set_entry(entry(1), frame(1) | present | global).set_entry(entry(2), frame(1) | present | global);
  program.switch_to(cr3(1)).look().switch_to(cr3(2)).look();
  program.set_entry(entry(1), frame(6) | present).set_entry(entry(2), frame(7) | present).invlpg().look();
  program.switch_to(cr3(1) | keep).look();
  EXPECT_EQ(run(program), (Seen{1, 1, 7, 6}));
}

TEST_P(ProcessContextTest, InvpcidReachesThoseNotInForce) {
  for (const uint64_t type : {0, 1, 2, 3}) {
    Program program;
    program.set_entry(entry(2), frame(2) | present).switch_to(cr3(2)).look().switch_to(cr3(1)).look();
    program.set_entry(entry(2), frame(8) | present).invpcid(type, type < 2 ? 2 : 0).switch_to(cr3(2) | keep).look();
    EXPECT_EQ(run(program), (Seen{2, 1, 8})) << type;
  }
}

TEST_P(ProcessContextTest, InvpcidTwoTakesGlobalPagesToo) {
  Program program;
  program.set_entry(entry(2), frame(2) | present | global).switch_to(cr3(2)).look().switch_to(cr3(1)).look();
  program.set_entry(entry(2), frame(9) | present).invpcid(2, 0).switch_to(cr3(2) | keep).look();
  EXPECT_EQ(run(program).back(), 9u);
}

/// Whoever has written to a page before it held code is noticed when he writes to it again.
TEST_P(ProcessContextTest, CodeIsWrittenFromAnotherAddressSpace) {
  for (uint64_t i = 1; i <= 7; ++i) space.write_as<uint64_t>(entry(i), frame(1) | present);
  Program program;
  Seen expected;
  for (uint8_t i = 1; i <= 7; ++i) program.switch_to(cr3(i)).put(i);
  for (uint8_t i = 2; i <= 7; ++i) {
    program.switch_to(cr3(1) | keep).call();
    program.switch_to(cr3(i) | keep).put(100 + i);
    expected.push_back(i == 2 ? 7 : 100 + i - 1);
  }
  EXPECT_EQ(run(program), expected);
}

}  // namespace
}  // namespace strata::engine
