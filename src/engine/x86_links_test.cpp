// Units that lead to each other without a word to the engine: what ends such a round, and what must be seen in it.
#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <thread>

#include "engine/x86_machine_test.h"

namespace strata::engine {
namespace {

using iface::ExitReason;

struct Device : iface::BusDevice {
  std::function<void()> on_write;
  uint64_t read(uint64_t, unsigned) override { return 0; }
  void write(uint64_t, unsigned, uint64_t) override { on_write(); }
};

struct X86LinksTest : testing::TestWithParam<BackendKind>, X86Machine {
  static constexpr uint64_t device_base = 0x1000'0000, device_address = 0x400000, first = 0x1000, second = 0x1300;
  Device device;

  void SetUp() override {
    space.add({.name = "device", .base = device_base, .size = ir::page_size, .device = &device});
    space.write_as<uint64_t>(0x12010, device_base | 0x87);
    // Too far apart for one unit: mov [rdi], eax; jmp second. At second: inc ecx; jmp first.
    put(first, {0x89, 0x07, 0xe9, 0xf9, 0x02, 0x00, 0x00});
    put(second, {0xff, 0xc1, 0xe9, 0xf9, 0xfc, 0xff, 0xff});
    options.backend = GetParam();
    make();
  }
  void put(uint64_t address, std::initializer_list<uint8_t> code) {
    space.write(address, std::as_bytes(std::span(code.begin(), code.size())));
  }
  void begin(uint64_t rdi) {
    long_mode(first);
    auto registers = cpu->registers();
    registers.gpr[7] = rdi;
    registers.gpr[0] = 1;
    cpu->set_registers(registers);
  }
};

INSTANTIATE_TEST_SUITE_P(All, X86LinksTest, testing::Values(BackendKind::interp, BackendKind::jit),
                         [](const auto& one) { return one.param == BackendKind::jit ? "jit" : "interp"; });

TEST_P(X86LinksTest, AKickFromAnotherThreadEndsTheRound) {
  begin(0x3000);
  std::thread other([this] {
    const auto* written = reinterpret_cast<const std::byte*>(ram->at(0x3000));
    while (std::atomic_ref(*const_cast<std::byte*>(written)).load() == std::byte{}) std::this_thread::yield();
    cpu->kick();
  });
  EXPECT_EQ(cpu->run().reason, ExitReason::interrupted);
  other.join();
}

/// A device writes over the unit to come, which the unit that runs leads to.
TEST_P(X86LinksTest, WhatADeviceCallWritesRunsNext) {
  unsigned writes = 0;
  device.on_write = [&] {
    if (++writes == 100) put(second, {0xff, 0xc2});  // inc edx
    if (writes == 200) cpu->kick();
  };
  begin(device_address);
  EXPECT_EQ(cpu->run().reason, ExitReason::interrupted);
  const auto registers = cpu->registers();
  EXPECT_EQ(registers.gpr[1], 99u);
  EXPECT_GE(registers.gpr[2], 100u);
  EXPECT_LE(registers.gpr[2], 101u);
}

/// Links and jumps to a unit that is dropped while it is linked, many times over.
TEST_P(X86LinksTest, DroppedUnitsAreLinkedAnew) {
  unsigned writes = 0;
  device.on_write = [&] {
    put(second, {0xff, static_cast<uint8_t>(writes % 2 == 0 ? 0xc1 : 0xc2)});
    if (++writes == 5000) cpu->kick();
  };
  begin(device_address);
  EXPECT_EQ(cpu->run().reason, ExitReason::interrupted);
  const auto registers = cpu->registers();
  EXPECT_EQ(registers.gpr[1], 2500u);
  EXPECT_GE(registers.gpr[2], 2499u);
  EXPECT_LE(registers.gpr[2], 2500u);
}

}  // namespace
}  // namespace strata::engine
