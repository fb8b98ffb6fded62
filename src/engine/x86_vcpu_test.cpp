// Tests of a whole x86 processor on the interpreter: machine code in real and long mode, ports, interrupts, counting.
#include <gtest/gtest.h>

#include <array>

#include "engine/x86_machine_test.h"

namespace strata::engine {
namespace {

using iface::ExitReason;

/// Assembled from the comments; loaded at 0x1000.
// clang-format off
constexpr auto program = std::to_array<uint8_t>({
    // 00: xor ax, ax; mov cx, 1000; again: add ax, cx; loop again; hlt (16 bit)
    0x31, 0xc0, 0xb9, 0xe8, 0x03, 0x01, 0xc8, 0xe2, 0xfc, 0xf4, 0x66, 0x0f, 0x1f, 0x44, 0x00, 0x00,
    // 10: mov bx, 3; again: add dx, 1; mov byte [cs:0x1015], 0x10 (the 1); dec bx; jnz again; hlt
    0xbb, 0x03, 0x00, 0x83, 0xc2, 0x01, 0x2e, 0xc6, 0x06, 0x15, 0x10, 0x10, 0x4b, 0x75, 0xf4, 0xf4,
    // 20: mov byte [cs:0x1027], 0x55; mov al, 1 (whose 1 is at 0x1027); hlt
    0x2e, 0xc6, 0x06, 0x27, 0x10, 0x55, 0xb0, 0x01, 0xf4, 0x0f, 0x1f, 0x80, 0x00, 0x00, 0x00, 0x00,
    // 30: mov dx, 0x10; mov al, 0x41; out dx, al; in al, dx; hlt
    0xba, 0x10, 0x00, 0xb0, 0x41, 0xee, 0xec, 0xf4, 0x0f, 0x1f, 0x84, 0x00, 0x00, 0x00, 0x00, 0x00,
    // 40: cld; mov si, 0x2000; mov di, 0x104e; mov cx, 3; push cs; pop es; rep movsb; 4e: nop; nop; nop; hlt
    0xfc, 0xbe, 0x00, 0x20, 0xbf, 0x4e, 0x10, 0xb9, 0x03, 0x00, 0x0e, 0x07, 0xf3, 0xa4, 0x90, 0x90,
    0x90, 0xf4, 0x66, 0x66, 0x2e, 0x0f, 0x1f, 0x84, 0x00, 0x00, 0x00, 0x00, 0x00, 0x0f, 0x1f, 0x00,
    // 60: mov ecx, 100000; xor eax, eax; lea rdi, [rip + 0x100000]; again: mov [rdi], rax; add rax, [rdi]; inc rax;
    //     and rax, 0xffff; dec ecx; jnz again; hlt (64 bit)
    0xb9, 0xa0, 0x86, 0x01, 0x00, 0x31, 0xc0, 0x48, 0x8d, 0x3d, 0x00, 0x00, 0x10, 0x00, 0x48, 0x89,
    0x07, 0x48, 0x03, 0x07, 0x48, 0xff, 0xc0, 0x48, 0x25, 0xff, 0xff, 0x00, 0x00, 0xff, 0xc9, 0x75,
    0xed, 0xf4, 0x66, 0x66, 0x2e, 0x0f, 0x1f, 0x84, 0x00, 0x00, 0x00, 0x00, 0x00, 0x0f, 0x1f, 0x00,
    // 90: mov ecx, 1000; again: call increment; dec ecx; jnz again; hlt; increment: inc rax; ret
    0xb9, 0xe8, 0x03, 0x00, 0x00, 0xe8, 0x05, 0x00, 0x00, 0x00, 0xff, 0xc9, 0x75, 0xf7, 0xf4, 0x48,
    0xff, 0xc0, 0xc3,
});
// clang-format on

struct Interrupts : iface::InterruptSource {
  int vector = -1;
  bool pending() override { return vector >= 0; }
  int acknowledge() override { return std::exchange(vector, -1); }
  uint8_t priority() override { return 0; }
  void set_priority(uint8_t) override {}
  bool read_msr(uint32_t, uint64_t*) override { return false; }
  bool write_msr(uint32_t, uint64_t) override { return false; }
};

struct EchoPort : iface::BusDevice {
  uint64_t value = 0;
  uint64_t read(uint64_t, unsigned) override { return value + 1; }
  void write(uint64_t, unsigned, uint64_t written) override { value = written; }
};

struct X86VcpuTest : testing::TestWithParam<BackendKind>, X86Machine {
  Interrupts interrupts;
  EchoPort port;

  void SetUp() override {
    ports.add(0x10, 1, port);
    space.write(0x1000, std::as_bytes(std::span(program)));
    options.interrupts = &interrupts;
    options.verify = true;
    options.backend = GetParam();
    make();
  }
};

INSTANTIATE_TEST_SUITE_P(All, X86VcpuTest, testing::Values(BackendKind::interp, BackendKind::jit),
                         [](const auto& one) { return one.param == BackendKind::jit ? "jit" : "interp"; });

TEST_P(X86VcpuTest, RunsRealModeCode) {
  real_mode(0x1000);
  EXPECT_EQ(cpu->run().reason, ExitReason::halted);
  EXPECT_EQ(cpu->registers().gpr[0], 500500u & 0xffff);
  EXPECT_EQ(cpu->registers().rip, 0x100au);
  EXPECT_EQ(cpu->insns(), 2u + 2000u + 1u);
}

TEST_P(X86VcpuTest, RunsLongModeCode) {
  long_mode(0x1060);
  EXPECT_EQ(cpu->run().reason, ExitReason::halted) << cpu->describe();
  EXPECT_EQ(cpu->registers().gpr[0], 0xffffu);
  EXPECT_EQ(cpu->insns(), 3u + 600000u + 1u);
}

TEST_P(X86VcpuTest, CallsAndReturns) {
  long_mode(0x1090);
  EXPECT_EQ(cpu->run().reason, ExitReason::halted) << cpu->describe();
  EXPECT_EQ(cpu->registers().gpr[0], 1000u);
}

TEST_P(X86VcpuTest, CodeThatChangesItselfRunsAsChanged) {
  real_mode(0x1010);
  EXPECT_EQ(cpu->run().reason, ExitReason::halted);
  EXPECT_EQ(cpu->registers().gpr[2], 1u + 0x10 + 0x10);
  real_mode(0x1020);
  EXPECT_EQ(cpu->run().reason, ExitReason::halted);
  EXPECT_EQ(cpu->registers().gpr[0], 0x55u);
  const auto fresh = std::to_array<uint8_t>({0xb3, 0x77, 0x43});  // mov bl, 0x77; inc bx
  space.write(0x2000, std::as_bytes(std::span(fresh)));
  real_mode(0x1040);
  EXPECT_EQ(cpu->run().reason, ExitReason::halted);
  EXPECT_EQ(cpu->registers().gpr[3], 0x78u);
  EXPECT_EQ(cpu->registers().gpr[1], 0u);
}

// Old programs keep their variables between their routines.
TEST_P(X86VcpuTest, DataAmongCodeIsNotTranslatedAroundForEver) {
  // again: jmp over; variable: dw 0; over: inc word [cs:variable]; dec cx; jnz again; hlt
  const auto code = std::to_array<uint8_t>({0xeb, 0x02, 0, 0, 0x2e, 0xff, 0x06, 0x02, 0x40, 0x49, 0x75, 0xf4, 0xf4});
  space.write(0x4000, std::as_bytes(std::span(code)));
  real_mode(0x4000);
  auto registers = cpu->registers();
  registers.gpr[1] = 5000;
  cpu->set_registers(registers);
  EXPECT_EQ(cpu->run().reason, ExitReason::halted);
  EXPECT_EQ(space.read_as<uint16_t>(0x4002), 5000u);
  EXPECT_LT(cpu->stats().units, 300u);
}

TEST_P(X86VcpuTest, PortsAreReached) {
  real_mode(0x1030);
  EXPECT_EQ(cpu->run().reason, ExitReason::halted);
  EXPECT_EQ(port.value, 0x41u);
  EXPECT_EQ(cpu->registers().gpr[0], 0x42u);
}

TEST_P(X86VcpuTest, AnInterruptEndsAHalt) {
  const auto handler = std::to_array<uint8_t>({0xb3, 0x05, 0xcf});  // mov bl, 5; iret
  space.write(0x3000, std::as_bytes(std::span(handler)));
  space.write_as<uint32_t>(0x20 * 4, 0x3000);
  const auto code = std::to_array<uint8_t>({0xfb, 0xf4, 0xb1, 0x06, 0xfa, 0xf4});  // sti; hlt; mov cl, 6; cli; hlt
  space.write(0x4000, std::as_bytes(std::span(code)));
  real_mode(0x4000);
  EXPECT_EQ(cpu->run().reason, ExitReason::halted);
  EXPECT_EQ(cpu->registers().rip, 0x4002u);
  EXPECT_FALSE(cpu->runnable());
  interrupts.vector = 0x20;
  cpu->interrupt_changed();
  EXPECT_TRUE(cpu->runnable());
  EXPECT_EQ(cpu->run().reason, ExitReason::halted);
  EXPECT_EQ(cpu->registers().gpr[3], 5u);
  EXPECT_EQ(cpu->registers().gpr[1], 6u);
  EXPECT_EQ(cpu->registers().rip, 0x4006u);
}

TEST_P(X86VcpuTest, AnInterruptThatWaitsIsTakenBehindTheShadowOfSti) {
  const auto handler = std::to_array<uint8_t>({0xf4});  // hlt
  space.write(0x3000, std::as_bytes(std::span(handler)));
  space.write_as<uint32_t>(0x20 * 4, 0x3000);
  const auto code = std::to_array<uint8_t>({0xfb, 0x40, 0x40, 0x40, 0xf4});  // sti; inc ax; inc ax; inc ax; hlt
  space.write(0x4000, std::as_bytes(std::span(code)));
  real_mode(0x4000);
  interrupts.vector = 0x20;
  cpu->interrupt_changed();
  EXPECT_EQ(cpu->run().reason, ExitReason::halted);
  EXPECT_EQ(cpu->registers().rip, 0x3001u);
  EXPECT_EQ(cpu->registers().gpr[0], 1u);
}

TEST_P(X86VcpuTest, ATripleFaultIsAShutdownThatSaysWhere) {
  long_mode(0x1000000);  // not mapped, and no IDT
  const auto exit = cpu->run();
  EXPECT_EQ(exit.reason, ExitReason::shutdown);
  EXPECT_NE(exit.message.find("1000000"), std::string::npos) << exit.message;
}

TEST_P(X86VcpuTest, AReturnToUserCodeKeepsTheBaseOfANullSegment) {
  const auto iretq = std::to_array<uint8_t>({0x48, 0xcf});
  const auto user = std::to_array<uint8_t>({0x64, 0x48, 0x8b, 0x04, 0x25, 0, 0, 0, 0, 0xf4});  // mov rax, fs:[0]; hlt
  const auto gdt =
      std::to_array<uint64_t>({0, 0x00af9b000000ffff, 0x00cf93000000ffff, 0x00cff3000000ffff, 0x00affb000000ffff});
  const auto frame = std::to_array<uint64_t>({0x5000, 0x23, 2, 0x8000, 0x1b});
  space.write(0x4000, std::as_bytes(std::span(iretq)));
  space.write(0x5000, std::as_bytes(std::span(user)));
  space.write(0x6000, std::as_bytes(std::span(gdt)));
  space.write(0x7000, std::as_bytes(std::span(frame)));
  space.write_as<uint64_t>(0x200000, 0x1122334455667788);
  long_mode(0x4000);
  auto registers = cpu->registers();
  registers.gpr[4] = 0x7000;
  registers.gdtr = {.base = 0x6000, .limit = sizeof gdt - 1};
  registers.fs = {.selector = 0, .attributes = 0, .limit = 0, .base = 0x200000};
  cpu->set_registers(registers);
  EXPECT_EQ(cpu->run().reason, ExitReason::shutdown);  // HLT is not for users, and there is no IDT
  EXPECT_EQ(cpu->registers().gpr[0], 0x1122334455667788u) << cpu->describe();
}

TEST_P(X86VcpuTest, ResetIsTheArchitecturesOwn) {
  cpu->reset();
  EXPECT_EQ(cpu->registers().rip, 0xfff0u);
  EXPECT_EQ(cpu->registers().cs.base, 0xffff0000u);
}

TEST_P(X86VcpuTest, ASavedProcessorGoesOnWhereItWas) {
  options.counted = true;
  make();
  real_mode(0x1000);
  EXPECT_EQ(cpu->run_until(777).reason, ExitReason::interrupted);
  const auto saved = *cpu->save();
  EXPECT_EQ(cpu->run().reason, ExitReason::halted);
  EXPECT_FALSE(cpu->runnable());
  const auto halted = *cpu->save();

  make();
  ASSERT_TRUE(cpu->restore(saved).has_value());
  EXPECT_EQ(cpu->insns(), 777u);
  EXPECT_EQ(cpu->run().reason, ExitReason::halted);
  EXPECT_EQ(cpu->insns(), 2003u);
  EXPECT_EQ(cpu->registers().gpr[0], 500500u & 0xffff);

  make();
  ASSERT_TRUE(cpu->restore(halted).has_value());
  EXPECT_FALSE(cpu->runnable());
  EXPECT_EQ(cpu->run().reason, ExitReason::halted);
  EXPECT_EQ(cpu->insns(), 2003u);
}

TEST_P(X86VcpuTest, RestoringForgetsCodeThatRamNoLongerHas) {
  real_mode(0x1000);
  const auto saved = *cpu->save();
  EXPECT_EQ(cpu->run().reason, ExitReason::halted);
  *ram->at(0x1003) = std::byte{10};  // cx := 10; behind everybody's back, as when RAM is read from a file
  *ram->at(0x1004) = std::byte{0};
  ASSERT_TRUE(cpu->restore(saved).has_value());
  EXPECT_EQ(cpu->run().reason, ExitReason::halted);
  EXPECT_EQ(cpu->registers().gpr[0], 55u);
}

TEST_P(X86VcpuTest, DamagedSavesAreRefused) {
  auto saved = *cpu->save();
  EXPECT_FALSE(cpu->restore(std::span(saved).first(3)).has_value());
  EXPECT_FALSE(cpu->restore(std::span(saved).first(saved.size() - 1)).has_value());
  saved[0] ^= std::byte{0x40};
  EXPECT_FALSE(cpu->restore(saved).has_value());
}

TEST_P(X86VcpuTest, CountedRunsStopBehindEachInstruction) {
  options.counted = true;
  make();
  real_mode(0x1000);
  for (uint64_t done = 1; done <= 300; ++done) {
    ASSERT_EQ(cpu->run_until(done).reason, ExitReason::interrupted);
    ASSERT_EQ(cpu->insns(), done);
    const uint64_t rip = done == 1 ? 0x1002 : done % 2 == 0 ? 0x1005 : 0x1007;
    ASSERT_EQ(cpu->registers().rip, rip);
  }
}

TEST_P(X86VcpuTest, OptionsThatCannotBeAreRefused) {
  options.model = "pentium-none";
  const auto unknown = make_x86_vcpu(options);
  ASSERT_FALSE(unknown.has_value());
  EXPECT_NE(unknown.error().message.find("pentium-none"), std::string::npos);
}

}  // namespace
}  // namespace strata::engine
