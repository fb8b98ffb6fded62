// Calls and returns of code that is linked: whatever happens in between, a return goes where the guest's stack says, to
// what stands there now.
#include <gtest/gtest.h>

#include "engine/x86_machine_test.h"

namespace strata::engine {
namespace {

struct X86ReturnsTest : testing::TestWithParam<BackendKind>, X86Machine {
  static constexpr uint64_t caller = 0x1000, callee = 0x1100, rounds = 1000;
  /// Two pages that can be mapped to any.
  static constexpr uint64_t window = 0x4000'0000, table = 0x14000;
  iface::X86Registers registers;

  void SetUp() override {
    options.verify = true;
    options.backend = GetParam();
    make();
    space.write_as<uint64_t>(0x11008, 0x13007);
    space.write_as<uint64_t>(0x13000, table | 7);
  }
  void put(uint64_t address, std::initializer_list<uint8_t> code) {
    space.write(address, std::as_bytes(std::span(code.begin(), code.size())));
  }
  void map(unsigned page, uint64_t frame) { space.write_as<uint64_t>(table + page * 8, frame | 7); }
  /// Until HLT, with rbx = rounds.
  void run(uint64_t pc = caller, uint64_t rdi = 0) {
    long_mode(pc);
    registers = cpu->registers();
    registers.gpr[3] = rounds;
    registers.gpr[6] = callee;
    registers.gpr[7] = rdi;
    cpu->set_registers(registers);
    ASSERT_EQ(cpu->run().reason, iface::ExitReason::halted);
    registers = cpu->registers();
  }
  uint64_t eax() const { return registers.gpr[0]; }
  uint64_t edx() const { return registers.gpr[2]; }
};

INSTANTIATE_TEST_SUITE_P(All, X86ReturnsTest, testing::Values(BackendKind::interp, BackendKind::jit),
                         [](const auto& one) { return one.param == BackendKind::jit ? "jit" : "interp"; });

TEST_P(X86ReturnsTest, FromDeepRecursion) {
  put(caller,
      {0xb9, 100, 0, 0, 0, 0xe8, 0xf6, 0, 0, 0, 0xff, 0xcb, 0x75, 0xf2, 0xf4});  // ecx := 100; call; dec ebx; jnz
  put(callee, {0x85, 0xc9, 0x74, 0x09, 0xff, 0xc9, 0xe8, 0xf5, 0xff, 0xff, 0xff, 0xff, 0xc0, 0xc3});  // itself; inc eax
  run();
  EXPECT_EQ(eax(), 100 * rounds);
}

/// In every second round it skips `inc eax`.
TEST_P(X86ReturnsTest, ToAnAddressThatTheCalleeHasChanged) {
  put(caller, {0xe8, 0xfb, 0, 0, 0, 0xff, 0xc0, 0xff, 0xc2, 0xff, 0xcb, 0x75, 0xf3, 0xf4});
  put(callee, {0xf6, 0xc3, 1, 0x74, 5, 0x48, 0x83, 0x04, 0x24, 2, 0xc3});  // test bl, 1; jz; add qword [rsp], 2; ret
  run();
  EXPECT_EQ(eax(), rounds / 2);
  EXPECT_EQ(edx(), rounds);
}

/// `inc eax` and `inc edx` in turn.
TEST_P(X86ReturnsTest, ToCodeThatTheCalleeHasChanged) {
  put(caller, {0xe8, 0xfb, 0, 0, 0, 0xff, 0xc0, 0xff, 0xcb, 0x75, 0xf5, 0xf4});
  put(callee, {0x80, 0x35, 0xff, 0xfe, 0xff, 0xff, 2, 0xc3});  // xor byte [caller + 6], 2; ret
  run();
  EXPECT_EQ(eax(), rounds / 2);
  EXPECT_EQ(edx(), rounds / 2);
}

TEST_P(X86ReturnsTest, ToAPageThatTheCalleeHasMappedElsewhere) {
  put(0x20000, {0xff, 0xd6, 0xff, 0xc0, 0xff, 0xcb, 0x75, 0xf8, 0xf4});  // call rsi; inc eax; dec ebx; jnz; hlt
  put(0x21000, {0xff, 0xd6, 0xff, 0xc2, 0xff, 0xcb, 0x75, 0xf8, 0xf4});  // inc edx
  map(0, 0x20000);
  // Not always: test bl, 2; jz to the end; xor qword [table], 0x1000; invlpg [rdi]; ret
  put(callee, {0xf6, 0xc3, 2, 0x74, 15, 0x48, 0x81, 0x34, 0x25, 0, 0x40, 1, 0, 0, 0x10, 0, 0, 0x0f, 0x01, 0x3f, 0xc3});
  run(window, window);
  EXPECT_EQ(eax(), rounds * 3 / 4);
  EXPECT_EQ(edx(), rounds / 4);
}

/// The call is the last instruction of its page.
TEST_P(X86ReturnsTest, ToTheNextPageWhichTheCalleeHasMappedElsewhere) {
  put(0x20ffe, {0xff, 0xd6});
  put(0x21000, {0xff, 0xc0, 0xff, 0xcb, 0x0f, 0x85, 0xf4, 0xff, 0xff, 0xff, 0xf4});
  put(0x22000, {0xff, 0xc2, 0xff, 0xcb, 0x0f, 0x85, 0xf4, 0xff, 0xff, 0xff, 0xf4});
  map(0, 0x20000);
  map(1, 0x21000);
  // test bl, 2; jz to the end; xor qword [table + 8], 0x3000; invlpg [rdi]; ret
  put(callee, {0xf6, 0xc3, 2, 0x74, 15, 0x48, 0x81, 0x34, 0x25, 8, 0x40, 1, 0, 0, 0x30, 0, 0, 0x0f, 0x01, 0x3f, 0xc3});
  run(window + 0xffe, window + 0x1000);
  EXPECT_EQ(eax(), rounds * 3 / 4);
  EXPECT_EQ(edx(), rounds / 4);
}

TEST_P(X86ReturnsTest, PastCallsThatDoNotReturn) {
  put(caller, {0xe8, 0xfb, 0, 0, 0, 0xff, 0xcb, 0x75, 0xf7, 0xf4});
  // ecx := 100; behind: call behind's end; pop rax; dec ecx; jnz behind; inc edx; ret
  put(callee, {0xb9, 100, 0, 0, 0, 0xe8, 0, 0, 0, 0, 0x58, 0xff, 0xc9, 0x75, 0xf6, 0xff, 0xc2, 0xc3});
  run();
  EXPECT_EQ(edx(), rounds);
}

/// Two that call each other's return.
TEST_P(X86ReturnsTest, OnAnotherStack) {
  put(caller, {0xe8, 0xfb, 0, 0, 0, 0xff, 0xc0, 0xff, 0xcb, 0x75, 0xf5, 0xf4});
  put(0x1200, {0xe8, 0xfb, 0xfe, 0xff, 0xff, 0xff, 0xc2, 0xeb, 0xf7});
  put(callee, {0x48, 0x87, 0x24, 0x25, 0, 0x60, 0, 0, 0xc3});  // xchg [0x6000], rsp; ret
  space.write_as<uint64_t>(0x6000, 0x7000);
  space.write_as<uint64_t>(0x7000, 0x1200);
  run();
  EXPECT_EQ(eax(), rounds);
  EXPECT_EQ(edx(), rounds - 1);
}

}  // namespace
}  // namespace strata::engine
