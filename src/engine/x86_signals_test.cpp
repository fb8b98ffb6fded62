// INIT, SIPI and NMI at a whole x86 processor, on both back ends.
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <thread>

#include "engine/x86_machine_test.h"

namespace strata::engine {
namespace {

using iface::ExitReason;

constexpr uint8_t start_page = 3;
constexpr uint64_t start = start_page << 12;

struct X86SignalsTest : testing::TestWithParam<BackendKind>, X86Machine {
  void SetUp() override {
    options.backend = GetParam();
    options.verify = true;
    place(start, {0xf4});  // hlt
  }
  void place(uint64_t address, std::initializer_list<uint8_t> code) {
    space.write(address, std::as_bytes(std::span(code.begin(), code.size())));
  }
  /// One that waits for a SIPI.
  void make_second() {
    options.bootstrap = false;
    options.number = 1;
    options.count = 2;
    make();
  }
  /// And runs from here on in real mode.
  void start_second(uint8_t page) {
    make_second();
    cpu->start_up(page);
    ASSERT_EQ(cpu->run().reason, ExitReason::halted);
  }
  void expect_waiting() {
    EXPECT_EQ(cpu->run().reason, ExitReason::halted);
    EXPECT_FALSE(cpu->runnable());
  }
  void expect_started() {
    EXPECT_TRUE(cpu->runnable());
    EXPECT_EQ(cpu->run().reason, ExitReason::halted);
    const auto registers = cpu->registers();
    EXPECT_EQ(registers.cs.selector, start_page << 8);
    EXPECT_EQ(registers.cs.base, start);
    EXPECT_EQ(registers.rip, 1u);
  }
};

INSTANTIATE_TEST_SUITE_P(All, X86SignalsTest, testing::Values(BackendKind::interp, BackendKind::jit),
                         [](const auto& one) { return one.param == BackendKind::jit ? "jit" : "interp"; });

TEST_P(X86SignalsTest, AllButTheBootstrapProcessorWaitForASipi) {
  make_second();
  expect_waiting();
  EXPECT_EQ(cpu->insns(), 0u);
  cpu->start_up(start_page);
  expect_started();
  cpu->reset();
  expect_waiting();
}

TEST_P(X86SignalsTest, AProcessorThatWaitsTakesNoInterrupt) {
  struct : iface::InterruptSource {
    bool pending() override { return true; }
    int acknowledge() override { return 0x20; }
    uint8_t priority() override { return 0; }
    void set_priority(uint8_t) override {}
    bool read_msr(uint32_t, uint64_t*) override { return false; }
    bool write_msr(uint32_t, uint64_t) override { return false; }
  } interrupts;
  options.interrupts = &interrupts;
  make_second();
  cpu->interrupt_changed();
  cpu->nmi();
  expect_waiting();
  EXPECT_EQ(cpu->insns(), 0u);
  cpu.reset();
}

TEST_P(X86SignalsTest, ASipiToOneThatDoesNotWaitIsNothing) {
  start_second(start_page);
  cpu->start_up(5);
  EXPECT_FALSE(cpu->runnable());
  EXPECT_EQ(cpu->registers().cs.base, start);
}

TEST_P(X86SignalsTest, InitAndSipiThatBothComeBeforeTheProcessorLooks) {
  place(0x4000, {0xc6, 0x06, 0x00, 0x20, 0x01, 0xeb, 0xfe});  // mov byte [0x2000], 1; jmp to itself
  make_second();
  cpu->start_up(4);
  ExitReason ended = ExitReason::failed;
  std::thread runs([&] { ended = cpu->run().reason; });
  const std::atomic_ref running(*reinterpret_cast<uint8_t*>(ram->at(0x2000)));
  while (running == 0) std::this_thread::yield();
  cpu->init_signal();
  cpu->start_up(start_page);
  cpu->start_up(5);  // the second one, as the protocol has it, is too late
  runs.join();
  EXPECT_EQ(ended, ExitReason::halted);
  EXPECT_EQ(cpu->registers().cs.base, start);
}

TEST_P(X86SignalsTest, AnInitMakesAnEndOfWhatCameBefore) {
  make_second();
  cpu->start_up(start_page);
  cpu->nmi();
  cpu->init_signal();
  expect_waiting();
  cpu->start_up(start_page);
  expect_started();
}

TEST_P(X86SignalsTest, TheBootstrapProcessorBeginsAnewByItself) {
  constexpr uint64_t firmware = 0x20000, firmware_size = 0x10000;
  space.add({.name = "firmware",
             .base = 0xffff0000,
             .size = firmware_size,
             .kind = memory::Kind::ram,
             .ram_offset = firmware});
  place(firmware + 0xfff0, {0xf4});
  place(0x4000, {0xf4});
  make();
  real_mode(0x4000);
  EXPECT_EQ(cpu->run().reason, ExitReason::halted);
  cpu->init_signal();
  cpu->start_up(start_page);  // it does not wait
  EXPECT_TRUE(cpu->runnable());
  EXPECT_EQ(cpu->run().reason, ExitReason::halted);
  EXPECT_EQ(cpu->registers().cs.base, 0xffff0000u);
  EXPECT_EQ(cpu->registers().rip, 0xfff1u);
}

TEST_P(X86SignalsTest, InitLeavesLongMode) {
  place(0x4000, {0xf4});
  make_second();
  cpu->start_up(4);
  long_mode(0x4000);
  auto registers = cpu->registers();
  registers.rflags |= 0x41;
  registers.gpr[3] = 7;
  cpu->set_registers(registers);
  cpu->init_signal();
  expect_waiting();
  registers = cpu->registers();
  EXPECT_EQ(registers.cr0, 0x10u);
  EXPECT_EQ(registers.cr3, 0u);
  EXPECT_EQ(registers.cr4, 0u);
  EXPECT_EQ(registers.efer, 0u);
  EXPECT_EQ(registers.rflags, 2u);
  EXPECT_EQ(registers.gpr[3], 0u);
  EXPECT_EQ(registers.cs.base, 0xffff0000u);
  registers.cr0 = 0x60000011;
  cpu->set_registers(registers);
  cpu->init_signal();
  expect_waiting();
  EXPECT_EQ(cpu->registers().cr0, 0x60000010u);  // what it did with its caches stays
}

TEST_P(X86SignalsTest, InitKeepsFloatingPointAndModelSpecificRegisters) {
  // mov eax, 0x600; mov cr4, eax; movups xmm3, [0x2000]; mov ecx, STAR; mov eax, 0x11223344; mov edx, 0x55667788;
  // wrmsr; fld1; hlt
  place(0x4000, {0x66, 0xb8, 0x00, 0x06, 0x00, 0x00, 0x0f, 0x22, 0xe0, 0x0f, 0x10, 0x1e, 0x00,
                 0x20, 0x66, 0xb9, 0x81, 0x00, 0x00, 0xc0, 0x66, 0xb8, 0x44, 0x33, 0x22, 0x11,
                 0x66, 0xba, 0x88, 0x77, 0x66, 0x55, 0x0f, 0x30, 0xd9, 0xe8, 0xf4});
  // mov eax, 0x600; mov cr4, eax; movups [0x2100], xmm3; mov ecx, STAR; rdmsr; fstp qword [0x2200]; hlt
  place(start, {0x66, 0xb8, 0x00, 0x06, 0x00, 0x00, 0x0f, 0x22, 0xe0, 0x0f, 0x11, 0x1e, 0x00, 0x21,
                0x66, 0xb9, 0x81, 0x00, 0x00, 0xc0, 0x0f, 0x32, 0xdd, 0x1e, 0x00, 0x22, 0xf4});
  const std::array<uint64_t, 2> vector = {0x0123456789abcdef, 0xfedcba9876543210};
  space.write_as(0x2000, vector);
  start_second(4);
  cpu->init_signal();
  cpu->start_up(start_page);
  EXPECT_EQ(cpu->run().reason, ExitReason::halted);
  EXPECT_EQ((space.read_as<std::array<uint64_t, 2>>(0x2100)), vector);
  EXPECT_EQ(space.read_as<double>(0x2200), 1.0);
  EXPECT_EQ(cpu->registers().gpr[0], 0x11223344u);
  EXPECT_EQ(cpu->registers().gpr[2], 0x55667788u);
}

/// Writes to port 0x10 are told.
struct ToldPort : iface::BusDevice {
  std::function<void()> told;
  uint64_t read(uint64_t, unsigned) override { return 0; }
  void write(uint64_t, unsigned, uint64_t) override { told(); }
};

TEST_P(X86SignalsTest, NmisAreOneAtATimeAndOneMoreMayWait) {
  // inc word [0x2000]; inc word [0x2002]; out 0x10, al; nop; dec word [0x2002]; iret
  place(start, {0xff, 0x06, 0x00, 0x20, 0xff, 0x06, 0x02, 0x20, 0xe6, 0x10, 0x90, 0xff, 0x0e, 0x02, 0x20, 0xcf});
  space.write_as<uint32_t>(2 * 4, start);
  place(0x4000, {0xf4, 0xf4, 0xf4});
  ToldPort port;
  std::vector<unsigned> depths;
  port.told = [&] {
    depths.push_back(space.read_as<uint16_t>(0x2002));
    if (depths.size() == 1)
      for (int i = 0; i < 3; ++i) cpu->nmi();
  };
  ports.add(0x10, 1, port);
  make();
  real_mode(0x4000);  // with interrupts off
  EXPECT_EQ(cpu->run().reason, ExitReason::halted);
  EXPECT_FALSE(cpu->runnable());
  cpu->nmi();
  EXPECT_TRUE(cpu->runnable());
  EXPECT_EQ(cpu->run().reason, ExitReason::halted);
  EXPECT_EQ(depths, (std::vector<unsigned>{1, 1}));
  EXPECT_EQ(space.read_as<uint16_t>(0x2000), 2u);
  EXPECT_EQ(cpu->registers().rip, 0x4002u);
}

TEST_P(X86SignalsTest, AnNmiReachesCodeThatSpins) {
  place(start, {0xf4});  // the handler halts
  space.write_as<uint32_t>(2 * 4, start);
  place(0x4000, {0xeb, 0xfe});
  make();
  real_mode(0x4000);
  ExitReason ended = ExitReason::failed;
  std::thread runs([&] { ended = cpu->run().reason; });
  cpu->nmi();
  runs.join();
  EXPECT_EQ(ended, ExitReason::halted);
  EXPECT_EQ(cpu->registers().rip, start + 1);
}

TEST_P(X86SignalsTest, SignalsAreSaved) {
  make_second();
  const auto waits = *cpu->save();
  cpu->start_up(start_page);
  const auto signalled = *cpu->save();
  make_second();
  cpu->start_up(5);
  ASSERT_TRUE(cpu->restore(waits));
  expect_waiting();
  cpu->start_up(start_page);
  expect_started();
  make_second();
  ASSERT_TRUE(cpu->restore(signalled));
  expect_started();
}

}  // namespace
}  // namespace strata::engine
