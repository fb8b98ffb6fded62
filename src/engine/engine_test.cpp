// Tests of the loop: programs, faults, interrupts, kicks, counting, devices.
#include "engine/engine.h"

#include <algorithm>
#include <chrono>
#include <thread>

#include "engine/engine_fixture_test.h"

namespace strata::engine {
namespace {

using iface::ExitReason;
using toy::Assembler;
using toy::Op;
using toy::Pte;

/// r0 := r1 + ... + 1 by a loop that is a unit of its own, then stop.
Assembler sum_program(int count) {
  Assembler code;
  code.li(0, 0).li(1, count).branch(Op::jmp, 0, 12);
  const size_t loop = code.at();
  code.op(Op::add, 0, 1).imm(Op::addi, 1, -1).branch(Op::bnz, 1, loop);
  code.op(Op::stop);
  return code;
}

TEST_F(EngineTest, RunsALoopToItsEnd) {
  put(0x1000, sum_program(1000));
  finish_at(0x1000);
  EXPECT_EQ(r(0), 500500u);
  EXPECT_EQ(engine->insns(), 3u + 3000u + 1u);
  EXPECT_EQ(guest.translations, 3u);
  EXPECT_EQ(guest.entered, 0u);
}

TEST_F(EngineTest, TranslatesOnceWhatRunsOften) {
  // A loop over two units: the second one jumps back to the first.
  Assembler code;
  code.li(1, 500).branch(Op::jmp, 0, 8);
  const size_t loop = code.at();
  code.imm(Op::addi, 0, 2).imm(Op::jmp, 0, 0);
  code.imm(Op::addi, 1, -1).branch(Op::bnz, 1, loop).op(Op::stop);
  put(0x1000, code);
  finish_at(0x1000);
  EXPECT_EQ(r(0), 1000u);
  EXPECT_EQ(guest.translations, 4u);
  EXPECT_EQ(engine->stats().units_run, 1 + 500 * 2 + 1u);
  finish_at(0x1000);
  EXPECT_EQ(guest.translations, 4u);
}

TEST_F(EngineTest, IndirectJumpsFindTheirUnits) {
  Assembler code;  // r3 alternates between two targets that jump back to r4
  code.li(1, 100).li(3, 0x1100).li(5, 0x1200).li(4, 0x1014).op(Op::jr, 4);
  code.op(Op::jr, 3);  // 0x1014
  put(0x1000, code);
  put(0x1100, Assembler().imm(Op::addi, 0, 1).li(3, 0x1200).op(Op::jr, 4));
  Assembler second;
  second.imm(Op::addi, 2, 1).li(3, 0x1100).imm(Op::addi, 1, -1).imm(Op::bnz, 1, 4).op(Op::stop).op(Op::jr, 4);
  put(0x1200, second);
  finish_at(0x1000);
  EXPECT_EQ(r(0), 100u);
  EXPECT_EQ(r(2), 100u);
  EXPECT_LE(guest.translations, 7u);
}

TEST_F(EngineTest, TheKeysModeSeparatesUnits) {
  Assembler code;
  code.op(Op::mode, 1).imm(Op::addi, 0, 1).op(Op::stop);
  put(0x1000, code);
  guest.regs.mode = 0;
  finish_at(0x1004);
  finish_at(0x1000);  // the same pc in another mode
  EXPECT_EQ(guest.translations, 3u);
  finish_at(0x1004);
  EXPECT_EQ(guest.translations, 3u);
}

TEST_F(EngineTest, RefusedAccessesGoToTheGuestWithExactState) {
  guest.regs.table = page_table;
  guest.regs.fault_vector = 0x2000;
  map(1, 0x1000);
  map(2, 0x2000);
  map(3, 0x3000, Pte::r | Pte::x);
  put(0x1000, Assembler().li(1, 0x3000).li(0, 7).op(Op::store, 0, 1).li(0, 8).op(Op::stop));
  put(0x2000, Assembler().op(Op::stop));
  finish_at(0x1000);
  EXPECT_EQ(guest.regs.fault_address, 0x3000u);
  EXPECT_EQ(guest.regs.epc, 0x1008u);
  EXPECT_EQ(r(0), 7u);
  EXPECT_EQ(engine->insns(), 3u);
  EXPECT_EQ(guest.faults, 1u);
}

TEST_F(EngineTest, ExecutionOfUnmappedOrForbiddenPagesIsRefused) {
  guest.regs.table = page_table;
  map(1, 0x1000);
  map(2, 0x2000, Pte::r | Pte::w);
  put(0x1000, Assembler().imm(Op::jmp, 0, 0xffc));
  EXPECT_EQ(run_at(0x1000).reason, ExitReason::shutdown);
  EXPECT_EQ(guest.regs.fault_address, 0x2000u);
  EXPECT_EQ(run_at(0xffff'ffff'ffff'f000).reason, ExitReason::shutdown);
  EXPECT_EQ(guest.regs.fault_address, 0xffff'ffff'ffff'f000u);
  EXPECT_EQ(guest.faults, 2u);
}

TEST_F(EngineTest, AnInstructionAcrossIntoAnUnmappedPageFaultsWhenItsTurnComes) {
  guest.regs.table = page_table;
  map(1, 0x1000);
  Assembler code;
  code.li(0, 5).li64(1, 0x1122334455667788).op(Op::stop);
  put(0x1ff4, code);
  EXPECT_EQ(run_at(0x1ff4).reason, ExitReason::shutdown);
  EXPECT_EQ(guest.regs.fault_address, 0x2000u);
  EXPECT_EQ(guest.regs.pc, 0x1ff8u);
  EXPECT_EQ(r(0), 5u);
  map(2, 0x2000);  // the guest's handler would map it; now the same pc runs
  finish_at(guest.regs.pc);
  EXPECT_EQ(r(1), 0x1122334455667788u);
}

TEST_F(EngineTest, StoresAcrossPagesAreAllOrNothing) {
  guest.regs.table = page_table;
  map(1, 0x1000);
  map(3, 0x3000);
  put(0x1000, Assembler().li(1, 0x3ffc).li(0, -1).op(Op::store, 0, 1).op(Op::stop));
  EXPECT_EQ(run_at(0x1000).reason, ExitReason::shutdown);
  EXPECT_EQ(guest.regs.fault_address, 0x4000u);
  EXPECT_EQ(space.read_as<uint32_t>(0x3ffc), 0u);
  map(4, 0x9000);  // not the neighbour of 0x3000 in memory
  finish_at(0x1000);
  EXPECT_EQ(space.read_as<uint32_t>(0x3ffc), 0xffffffffu);
  EXPECT_EQ(space.read_as<uint32_t>(0x9000), 0xffffffffu);
  put(0x1000, Assembler().li(1, 0x3ffc).op(Op::load, 2, 1).op(Op::stop));
  finish_at(0x1000);
  EXPECT_EQ(r(2), ~uint64_t{0});
}

TEST_F(EngineTest, DevicesAreReachedByLoadsStoresAndPorts) {
  device.answer = 0x1234;
  Assembler code;
  code.li64(1, device_base).li(0, 99).op(Op::store, 0, 1).op(Op::load, 2, 1, 1).op(Op::out, 0, 0x10);
  code.li(3, 5).op(Op::swap, 3, 1).op(Op::stop);
  put(0x1000, code);
  finish_at(0x1000);
  EXPECT_EQ(device.written, (std::vector<uint64_t>{99, 5}));
  EXPECT_EQ(port_device.written, (std::vector<uint64_t>{99}));
  EXPECT_EQ(r(2), 0x1234u);
  EXPECT_EQ(r(3), 0x1234u);
}

TEST_F(EngineTest, CodeInADeviceRunsWithoutBeingKept) {
  device.answer = 0x00050001;  // li r0, 5, whatever the address
  guest.regs.pc = device_base;
  EXPECT_EQ(engine->run_until(10).reason, ExitReason::interrupted);
  EXPECT_EQ(engine->insns(), 10u);
  EXPECT_EQ(guest.regs.pc, device_base + 40);
  EXPECT_EQ(backend.alive, 0u);
}

TEST_F(EngineTest, CodeInRomRunsAndStoresToItAreLost) {
  put(0x5000, Assembler().li(1, 0x7000).op(Op::store, 1, 1).op(Op::load, 0, 1).op(Op::stop));
  space.add(
      {.name = "rom", .base = 0x7000, .size = 0x1000, .kind = memory::Kind::rom, .ram_offset = 0x5000, .priority = 1});
  const auto before = space.read_as<uint64_t>(0x5000);
  finish_at(0x7000);
  EXPECT_EQ(r(0), before);
  EXPECT_EQ(space.read_as<uint64_t>(0x5000), before);
}

TEST_F(EngineTest, ACallBackFromADeviceMayChangeTheMap) {
  const auto id = space.add(
      {.name = "top", .base = 0x6000, .size = 0x1000, .kind = memory::Kind::ram, .ram_offset = 0x9000, .priority = 1});
  space.write_as<uint64_t>(0x6000, 1);
  device.on_write = [&] { space.remove(id); };
  Assembler code;  // the load behind the store must see what lies beneath, in the same unit
  code.li(2, 0x6000).op(Op::load, 3, 2).li64(1, device_base).op(Op::store, 0, 1).op(Op::load, 4, 2).op(Op::stop);
  put(0x1000, code);
  finish_at(0x1000);
  EXPECT_EQ(r(3), 1u);
  EXPECT_EQ(r(4), 0u);
}

TEST_F(EngineTest, AMapChangeFromAnotherThreadArrives) {
  const auto id = space.add(
      {.name = "top", .base = 0x6000, .size = 0x1000, .kind = memory::Kind::ram, .ram_offset = 0x9000, .priority = 1});
  space.write_as<uint64_t>(0x6000, 1);
  Assembler code;  // until [0x6000] is 0
  code.li(2, 0x6000).branch(Op::jmp, 0, 8).op(Op::load, 3, 2).branch(Op::bnz, 3, 8).op(Op::stop);
  put(0x1000, code);
  std::thread other([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    space.remove(id);
  });
  finish_at(0x1000);
  other.join();
}

TEST_F(EngineTest, AKickEndsARunFromAnotherThread) {
  put(0x1000, Assembler().branch(Op::jmp, 0, 0));
  std::thread other([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    engine->kick();
  });
  EXPECT_EQ(run_at(0x1000).reason, ExitReason::interrupted);
  other.join();
  engine->kick();  // before run: the next one comes back at once
  const uint64_t before = engine->insns();
  EXPECT_EQ(engine->run().reason, ExitReason::interrupted);
  EXPECT_EQ(engine->insns(), before);
}

TEST_F(EngineTest, AKickEndsALoopInsideOneUnit) {
  put(0x1000, Assembler().li(1, 1).branch(Op::bnz, 1, 0));
  std::thread other([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    engine->kick();
  });
  EXPECT_EQ(run_at(0x1000).reason, ExitReason::interrupted);
  other.join();
  EXPECT_EQ(engine->stats().units_run, 1u);
}

TEST_F(EngineTest, InterruptsAreTakenWhenTheyComeAndWhenTheyMay) {
  guest.regs.irq_vector = 0x2000;
  Assembler code;
  code.li(1, 1).branch(Op::bnz, 1, 0);  // for ever
  put(0x1000, code);
  put(0x2000, Assembler().op(Op::stop));
  guest.regs.irq_enabled = true;
  std::thread other([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    guest.irq = true;
    engine->interrupt_changed();
  });
  finish_at(0x1000);
  other.join();
  EXPECT_EQ(guest.regs.epc, 0x1000u);

  guest.irq = true;  // pending while they are off
  guest.regs.irq_enabled = false;
  engine->interrupt_changed();
  put(0x1000, Assembler().li(0, 1).op(Op::irq_on).li(0, 2).op(Op::stop));
  finish_at(0x1000);
  EXPECT_EQ(guest.regs.epc, 0x1008u);
  EXPECT_EQ(r(0), 1u);
}

TEST_F(EngineTest, AGuestMayAskToLookAgainBehindOneMoreUnit) {
  guest.regs.irq_vector = 0x2000;
  guest.regs.irq_enabled = true;
  guest.irq = true;
  guest.shadow = 3;
  Assembler code;
  for (unsigned i = 0; i < 8; ++i) code.imm(Op::addi, 0, 1).imm(Op::jmp, 0, 0);
  put(0x1000, code);
  put(0x2000, Assembler().op(Op::stop));
  engine->interrupt_changed();
  finish_at(0x1000);
  EXPECT_EQ(r(0), 3u);
  EXPECT_EQ(guest.looked, 4u);
}

TEST_F(EngineTest, AHaltedProcessorWaitsForAnInterrupt) {
  guest.regs.irq_vector = 0x2000;
  guest.regs.irq_enabled = true;
  put(0x1000, Assembler().op(Op::halt).li(0, 3).op(Op::stop));
  put(0x2000, Assembler().op(Op::ret));
  EXPECT_TRUE(engine->runnable());
  EXPECT_EQ(run_at(0x1000).reason, ExitReason::halted);
  EXPECT_FALSE(engine->runnable());
  EXPECT_EQ(engine->run().reason, ExitReason::halted);
  engine->interrupt_changed();  // for nothing
  EXPECT_EQ(engine->run().reason, ExitReason::halted);
  guest.irq = true;
  EXPECT_TRUE(engine->runnable());
  EXPECT_EQ(engine->run().reason, ExitReason::shutdown);
  EXPECT_EQ(r(0), 3u);
}

TEST_F(EngineTest, HaltIsLeftByKickAndReset) {
  put(0x1000, Assembler().op(Op::halt).op(Op::stop));
  EXPECT_EQ(run_at(0x1000).reason, ExitReason::halted);
  engine->kick();
  EXPECT_TRUE(engine->runnable());
  EXPECT_EQ(engine->run().reason, ExitReason::interrupted);
  EXPECT_EQ(engine->run().reason, ExitReason::halted);
  engine->reset();
  EXPECT_TRUE(engine->runnable());
}

TEST_F(EngineTest, TrapsAndShutdownSayWhere) {
  put(0x1000, Assembler().op(Op::illegal));
  const auto exit = run_at(0x1000);
  EXPECT_EQ(exit.reason, ExitReason::shutdown);
  EXPECT_EQ(exit.message, "toy at 4096");
  EXPECT_EQ(guest.last_trap, 0xffu);
}

TEST_F(EngineTest, CountedRunsStopBehindEachInstruction) {
  options.counted = true;
  make();
  put(0x1000, sum_program(40));
  guest.regs.pc = 0x1000;
  uint64_t done = 0;
  for (;;) {
    const auto exit = engine->run_until(done + 1);
    if (exit.reason == ExitReason::shutdown) break;
    ASSERT_EQ(exit.reason, ExitReason::interrupted);
    ASSERT_EQ(engine->insns(), ++done);
  }
  EXPECT_EQ(r(0), 820u);
  EXPECT_EQ(engine->insns(), 3u + 120u + 1u);
}

TEST_F(EngineTest, CountedRunsAgreeHoweverTheyAreCut) {
  options.counted = true;
  for (uint64_t step : {1ull, 3ull, 7ull, 100ull, 1000ull}) {
    guest.regs = {};
    make();
    put(0x1000, sum_program(300));
    guest.regs.pc = 0x1000;
    for (uint64_t limit = 0; limit < 500;) {
      limit = std::min<uint64_t>(limit + step, 500);
      ASSERT_EQ(engine->run_until(limit).reason, ExitReason::interrupted);
    }
    EXPECT_EQ(engine->insns(), 500u);
    EXPECT_EQ(guest.regs.pc, 0x100cu + 4 * ((500 - 3) % 3));
    EXPECT_EQ(r(1), 300u - (500 - 3) / 3 - ((500 - 3) % 3 == 2));
  }
}

TEST_F(EngineTest, CountedTicksAreInstructions) {
  options.counted = true;
  make();
  put(0x1000, Assembler().li(0, 1).li(0, 2).op(Op::ticks, 0).op(Op::ticks, 1).op(Op::stop));
  finish_at(0x1000);
  EXPECT_EQ(r(0), 3u);
  EXPECT_EQ(r(1), 4u);
}

TEST_F(EngineTest, UncountedRunsStopBehindTheLimit) {
  put(0x1000, Assembler().imm(Op::addi, 0, 1).branch(Op::jmp, 0, 0));
  guest.regs.pc = 0x1000;
  EXPECT_EQ(engine->run_until(101).reason, ExitReason::interrupted);
  EXPECT_EQ(engine->insns(), 102u);
}

TEST_F(EngineTest, TheTraceSeesEveryUnit) {
  std::vector<uint64_t> seen;
  options.trace = [&](const TraceStep& step) { seen.push_back(step.key.pc); };
  make();
  put(0x1000, Assembler().li(0, 1).branch(Op::jmp, 0, 12).op(Op::stop).op(Op::stop));
  finish_at(0x1000);
  EXPECT_EQ(seen, (std::vector<uint64_t>{0x1000, 0x100c}));
}

}  // namespace
}  // namespace strata::engine
