// Tests of user code that is translated once and runs wherever its page is mapped.
#include <gtest/gtest.h>

#include <array>

#include "engine/x86_machine_test.h"

namespace strata::engine {
namespace {

using iface::ExitReason;

/// Two bodies of memory: the page of code at 0x1000, and what may follow it.
// clang-format off
constexpr auto code = std::to_array<uint8_t>({
    // 00: lea rax, [rip]; 07: call 0d; hlt; 0d: pop rbx; mov ecx, 3; 13: dec ecx; jnz 13; 17: jmp 17
    0x48, 0x8d, 0x05, 0, 0, 0, 0, 0xe8, 1, 0, 0, 0, 0xf4, 0x5b, 0xb9, 3, 0, 0, 0, 0xff, 0xc9, 0x75, 0xfc, 0xeb, 0xfe,
    0, 0, 0, 0, 0, 0, 0,
    // 20: nop; 21: mov rax, [rbx]; hlt
    0x90, 0x48, 0x8b, 0x03, 0xf4,
});
// clang-format on

struct RelocationTest : testing::TestWithParam<BackendKind>, X86Machine {
  static constexpr uint64_t tables = 0x20000, code_page = 0x1000, stack_page = 0x8000;
  static constexpr std::array<uint64_t, 3> places = {0x400000, 0x7f12'3456'7000, 0x5555'5555'1000};
  uint64_t next_table = tables + 0x1000;

  void SetUp() override {
    space.write(code_page, std::as_bytes(std::span(code)));
    options.verify = true;
    options.backend = GetParam();
    options.counted = true;
    make();
    for (const uint64_t place : places) map(place, code_page);
    map(0x600000, stack_page);
  }

  /// A page of 4 KiB for everybody.
  void map(uint64_t address, uint64_t frame) {
    uint64_t table = tables;
    for (unsigned shift = 39; shift > 12; shift -= 9) {
      const uint64_t entry = table + (address >> shift & 511) * 8;
      if (space.read_as<uint64_t>(entry) == 0) {
        space.write_as<uint64_t>(entry, next_table | 7);
        next_table += 0x1000;
      }
      table = space.read_as<uint64_t>(entry) & ~uint64_t{0xfff};
    }
    space.write_as<uint64_t>(table + (address >> 12 & 511) * 8, frame | 7);
  }

  void user_mode(uint64_t pc) {
    long_mode(pc);
    auto registers = cpu->registers();
    registers.cs = {.selector = 0x23, .attributes = 0xa0fb, .limit = 0xffffffff, .base = 0};
    registers.ss = {.selector = 0x1b, .attributes = 0xc0f3, .limit = 0xffffffff, .base = 0};
    registers.cr3 = tables;
    registers.gpr[4] = 0x600800;
    cpu->set_registers(registers);
  }
};

INSTANTIATE_TEST_SUITE_P(All, RelocationTest, testing::Values(BackendKind::interp, BackendKind::jit),
                         [](const auto& one) { return one.param == BackendKind::jit ? "jit" : "interp"; });

TEST_P(RelocationTest, WhatDependsOnThePlaceIsRightAtEach) {
  for (const uint64_t place : places) {
    user_mode(place);
    EXPECT_EQ(cpu->run_until(cpu->insns() + 20).reason, ExitReason::interrupted);
    const auto registers = cpu->registers();
    EXPECT_EQ(registers.gpr[0], place + 7);
    EXPECT_EQ(registers.gpr[3], place + 12) << "the return address";
    EXPECT_EQ(registers.gpr[1], 0u);
    EXPECT_EQ(registers.rip, place + 0x17);
  }
}

TEST_P(RelocationTest, AFaultSaysWhereItWas) {
  for (const uint64_t place : places) {
    user_mode(place + 0x20);
    EXPECT_EQ(cpu->run().reason, ExitReason::shutdown);  // there is no IDT
    EXPECT_EQ(cpu->registers().rip, place + 0x21);
  }
}

TEST_P(RelocationTest, ATranslatorTranslatesOnce) {
  user_mode(places[0]);
  cpu->run_until(20);
  const uint64_t units = cpu->stats().units;
  user_mode(places[1]);
  cpu->run_until(40);
  if (GetParam() == BackendKind::jit) EXPECT_EQ(cpu->stats().units, units);
  else EXPECT_EQ(cpu->stats().units, 2 * units);
}

/// The same page, with different pages behind it: a unit that crosses belongs to one of them.
TEST_P(RelocationTest, WhatCrossesIntoAnotherPageFollowsIt) {
  const auto head = std::to_array<uint8_t>({0x90, 0xb8});  // nop; mov eax, imm32: the constant stands in the next page
  space.write(code_page + 0xffe, std::as_bytes(std::span(head)));
  for (uint64_t i = 0; i < places.size(); ++i) {
    const auto tail = std::to_array<uint8_t>({static_cast<uint8_t>(i + 1), 0, 0, 0, 0xeb, 0xfe});
    space.write(0x2000 + i * 0x1000, std::as_bytes(std::span(tail)));
    map(places[i] + 0x1000, 0x2000 + i * 0x1000);
  }
  for (int round = 0; round < 2; ++round) {
    for (uint64_t i = 0; i < places.size(); ++i) {
      user_mode(places[i] + 0xffe);
      cpu->run_until(cpu->insns() + 4);
      EXPECT_EQ(cpu->registers().gpr[0], i + 1);
      EXPECT_EQ(cpu->registers().rip, places[i] + 0x1004);
    }
  }
}

/// What a jump leads to is asked anew when the mappings were forgotten, whether they are the same again or others.
TEST_P(RelocationTest, AJumpIntoAnotherPageFollowsItsMapping) {
  const auto jump = std::to_array<uint8_t>({0xe9, 0xfb, 0x0f, 0, 0});  // to the begin of the next page
  space.write(code_page, std::as_bytes(std::span(jump)));
  const uint64_t behind[] = {0x2000, 0x3000};
  for (uint8_t i = 0; i < 2; ++i) {
    const auto target = std::to_array<uint8_t>({0xb8, i, 0, 0, 0, 0xeb, 0xfe});  // mov eax, i; jmp to itself
    space.write(behind[i], std::as_bytes(std::span(target)));
  }
  const auto run_with = [&](uint8_t i) {
    map(places[0] + 0x1000, behind[i]);
    user_mode(places[0]);
    cpu->run_until(cpu->insns() + 5);
    EXPECT_EQ(cpu->registers().gpr[0], i);
    EXPECT_EQ(cpu->registers().rip, places[0] + 0x1005);
  };
  run_with(0);
  run_with(1);
  const uint64_t units = cpu->stats().units;
  for (const uint8_t i : {1, 0, 0, 1}) run_with(i);
  EXPECT_EQ(cpu->stats().units, units);
}

}  // namespace
}  // namespace strata::engine
