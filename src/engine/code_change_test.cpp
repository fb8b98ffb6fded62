// Tests of code that changes under cached units: by the guest's stores, by DMA, by remapping, by eviction.
#include <chrono>
#include <thread>

#include "engine/engine_fixture_test.h"

namespace strata::engine {
namespace {

using iface::ExitReason;
using memory::Ram;
using toy::Assembler;
using toy::Op;
using toy::Pte;

/// The 64 bits of two instructions, to be stored over others.
uint64_t two(const Assembler& code) {
  uint64_t value = 0;
  std::memcpy(&value, code.bytes.data(), 8);
  return value;
}

struct CodeChangeTest : EngineTest {
  bool is_code(uint64_t page) { return (ram->marks(page) & Ram::Mark::code) != 0; }
};

TEST_F(CodeChangeTest, AStoreToAnotherPagesUnitIsSeen) {
  put(0x1000, Assembler().op(Op::store, 0, 1).op(Op::jr, 1));
  put(0x3000, Assembler().li(2, 1).op(Op::stop));
  finish_at(0x3000);
  EXPECT_EQ(r(2), 1u);
  r(0) = two(Assembler().li(2, 77).op(Op::stop));
  r(1) = 0x3000;
  finish_at(0x1000);
  EXPECT_EQ(r(2), 77u);
  EXPECT_EQ(engine->stats().code_invalidations, 1u);
}

TEST_F(CodeChangeTest, AUnitThatOverwritesWhatFollowsInItselfRunsTheNewBytes) {
  Assembler code;
  code.li(3, 1).op(Op::store, 0, 1).li(2, 1).op(Op::stop);  // the store hits the li behind it
  put(0x1000, code);
  r(0) = two(Assembler().li(2, 77).op(Op::stop));
  r(1) = 0x1008;
  finish_at(0x1000);
  EXPECT_EQ(r(2), 77u);
  EXPECT_EQ(r(3), 1u);
  EXPECT_EQ(engine->insns(), 4u);
}

TEST_F(CodeChangeTest, AUnitThatOverwritesItsOwnPastAndLoopsRunsTheNewBytes) {
  Assembler code;  // first pass adds 1 and turns the addi into one of 100
  code.imm(Op::addi, 2, 1).op(Op::store, 0, 1).imm(Op::addi, 3, -1).branch(Op::bnz, 3, 0).op(Op::stop);
  put(0x1000, code);
  r(0) = two(Assembler().imm(Op::addi, 2, 100).op(Op::store, 0, 1));
  r(1) = 0x1000;
  r(3) = 3;
  finish_at(0x1000);
  EXPECT_EQ(r(2), 201u);
  EXPECT_EQ(engine->insns(), 13u);
}

TEST_F(CodeChangeTest, AnInstructionMayOverwriteItself) {
  put(0x1000, Assembler().op(Op::store, 0, 1).op(Op::stop));
  r(0) = two(Assembler().li(2, 9).op(Op::stop));
  r(1) = 0x1000;
  finish_at(0x1000);
  EXPECT_EQ(r(2), 0u);  // it had been fetched
  finish_at(0x1000);
  EXPECT_EQ(r(2), 9u);
}

TEST_F(CodeChangeTest, OneByteIsEnough) {
  Assembler code;
  code.op(Op::store8, 0, 1, 2).li(2, 1).op(Op::stop);
  put(0x1000, code);
  r(0) = 42;
  r(1) = 0x1004;
  finish_at(0x1000);
  EXPECT_EQ(r(2), 42u);
}

TEST_F(CodeChangeTest, AtomicUpdatesCountAsStores) {
  put(0x1000, Assembler().op(Op::swap, 0, 1).li(2, 1).op(Op::stop));
  const uint64_t fresh = two(Assembler().li(2, 77).op(Op::stop));
  r(0) = fresh;
  r(1) = 0x1004;
  finish_at(0x1000);
  EXPECT_EQ(r(2), 77u);
  EXPECT_EQ(r(0), two(Assembler().li(2, 1).op(Op::stop)));
  put(0x3000, Assembler().li(2, 1).op(Op::stop));
  finish_at(0x3000);
  r(0) = fresh;
  r(1) = 0x3000;
  put(0x1000, Assembler().op(Op::swap, 0, 1).op(Op::jr, 1));
  finish_at(0x1000);
  EXPECT_EQ(r(2), 77u);
}

TEST_F(CodeChangeTest, AStoreAcrossPagesIntoTheRunningUnit) {
  put(0x1ff8, Assembler().op(Op::store, 0, 1).op(Op::stop));
  put(0x2000, Assembler().op(Op::store, 0, 1).li(2, 1).op(Op::stop));
  // 0x1fff .. 0x2006 from a unit that begins at 0x2000: the store itself and half of the li.
  auto bytes = two(Assembler().op(Op::store, 0, 1).li(2, 0x0501));
  r(0) = bytes << 8;
  r(1) = 0x1fff;
  finish_at(0x2000);
  EXPECT_EQ(space.read_as<uint8_t>(0x1fff), 0);
  EXPECT_EQ(r(2), 0x0001u);
  EXPECT_EQ(space.read_as<uint8_t>(0x2006), 0x01);
}

TEST_F(CodeChangeTest, DataBesideCodeDoesNotDropUnits) {
  // A loop that counts in its own page, 0x800 behind itself.
  Assembler code;
  code.op(Op::load, 0, 1)
      .imm(Op::addi, 0, 1)
      .op(Op::store, 0, 1)
      .imm(Op::addi, 2, -1)
      .branch(Op::bnz, 2, 0)
      .op(Op::stop);
  put(0x1000, code);
  r(1) = 0x1800;
  r(2) = 1000;
  finish_at(0x1000);
  EXPECT_EQ(space.read_as<uint64_t>(0x1800), 1000u);
  EXPECT_EQ(guest.translations, 2u);
  EXPECT_EQ(engine->stats().code_invalidations, 0u);
  EXPECT_LE(guest.walks, 6u);  // watched stores find their page without a walk
}

TEST_F(CodeChangeTest, DataRightBehindCodeDoesNotDropUnits) {
  Assembler code;
  code.op(Op::store, 2, 1).imm(Op::addi, 2, -1).branch(Op::bnz, 2, 0).op(Op::stop);
  put(0x1000, code);
  r(1) = 0x1010;  // the same 64 bytes
  r(2) = 100;
  finish_at(0x1000);
  EXPECT_EQ(guest.translations, 2u);
}

TEST_F(CodeChangeTest, APageWithoutUnitsIsWrittenTheFastWayAgain) {
  put(0x3000, Assembler().li(2, 1).op(Op::stop));
  finish_at(0x3000);
  EXPECT_TRUE(is_code(0x3000));
  put(0x1000, Assembler().op(Op::store, 0, 1).op(Op::store, 0, 1).op(Op::stop));
  r(0) = two(Assembler().li(2, 2).op(Op::stop));
  r(1) = 0x3000;
  finish_at(0x1000);
  EXPECT_FALSE(is_code(0x3000));
  finish_at(0x3000);
  EXPECT_EQ(r(2), 2u);
  EXPECT_TRUE(is_code(0x3000));
  r(0) = two(Assembler().li(2, 3).op(Op::stop));
  finish_at(0x1000);  // the fast way must have been closed again
  finish_at(0x3000);
  EXPECT_EQ(r(2), 3u);
}

TEST_F(CodeChangeTest, DmaBetweenRunsIsSeen) {
  put(0x1000, Assembler().li(2, 1).op(Op::stop));
  finish_at(0x1000);
  put(0x1000, Assembler().li(2, 2).op(Op::stop));
  finish_at(0x1000);
  EXPECT_EQ(r(2), 2u);
  std::byte* pointer = space.ram_pointer(0x1000, 8);
  const auto third = Assembler().li(2, 3).op(Op::stop);
  std::memcpy(pointer, third.bytes.data(), 8);
  space.wrote(0x1000, 8);
  finish_at(0x1000);
  EXPECT_EQ(r(2), 3u);
}

TEST_F(CodeChangeTest, DmaFromAnotherThreadEndsALoop) {
  for (size_t loop_at : {size_t{0}, size_t{4}}) {  // once a loop inside a unit, once between two
    Assembler code;
    code.li(1, 1).branch(Op::bnz, 1, loop_at).op(Op::stop);
    put(0x1000, code);
    std::thread other([&] {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
      put(0x1000 + 4, Assembler().op(Op::stop));
    });
    finish_at(0x1000);
    other.join();
  }
}

TEST_F(CodeChangeTest, DmaInsideADeviceCallOfTheSameThread) {
  device.on_write = [&] { put(0x3000, Assembler().li(2, 2).op(Op::stop)); };
  put(0x3000, Assembler().li(2, 1).op(Op::stop));
  finish_at(0x3000);
  Assembler code;
  code.li64(1, device_base).op(Op::store, 0, 1).li(1, 0x3000).op(Op::jr, 1);
  put(0x1000, code);
  finish_at(0x1000);
  EXPECT_EQ(r(2), 2u);
}

TEST_F(CodeChangeTest, RemappingAPageChangesWhatRuns) {
  guest.regs.table = page_table;
  map(1, 0x1000);
  map(3, 0x3000);
  put(0x1000, Assembler().op(Op::flush, 1).op(Op::jr, 1));
  put(0x3000, Assembler().li(2, 1).op(Op::stop));
  put(0x5000, Assembler().li(2, 5).op(Op::stop));
  r(1) = 0x3000;
  finish_at(0x1000);
  EXPECT_EQ(r(2), 1u);
  map(3, 0x5000);
  finish_at(0x1000);
  EXPECT_EQ(r(2), 5u);
  map(3, 0x3000);
  const unsigned before = guest.translations;
  finish_at(0x1000);
  EXPECT_EQ(r(2), 1u);
  EXPECT_EQ(guest.translations, before);  // the old unit was still there
}

TEST_F(CodeChangeTest, ALinkIsNotFollowedIntoARemappedPage) {
  guest.regs.table = page_table;
  map(1, 0x1000);
  map(2, 0x2000);
  put(0x1000, Assembler().imm(Op::jmp, 0, 0xffc));  // to 0x2000, by a link
  put(0x2000, Assembler().li(2, 1).op(Op::flush, 1).imm(Op::jmp, 0, -0x100c));
  put(0x5000, Assembler().li(2, 5).op(Op::stop).imm(Op::jmp, 0, -0x100c));
  r(1) = 0x2000;
  guest.regs.pc = 0x1000;
  engine->run_until(40);  // the link is made
  EXPECT_EQ(r(2), 1u);
  map(2, 0x5000);  // behind the guest's back; it flushes in its next round
  EXPECT_EQ(engine->run().reason, ExitReason::shutdown);
  EXPECT_EQ(r(2), 5u);
}

TEST_F(CodeChangeTest, AUnitAcrossPagesFollowsItsSecondPage) {
  guest.regs.table = page_table;
  map(1, 0x1000);
  map(2, 0x2000);
  map(4, 0x4000);
  Assembler crossing;
  crossing.li64(2, 0x1111'1111'1111'1111);
  put(0x1ff8, crossing);  // four bytes op, four of the number; four in the next page
  put(0x2004, Assembler().op(Op::stop));
  put(0x6000, Assembler().op(Op::stop));  // its bytes become the upper half of the number
  put(0x6004, Assembler().op(Op::stop));
  put(0x4000, Assembler().op(Op::flush, 1).op(Op::jr, 3));
  r(1) = 0x2000;
  r(3) = 0x1ff8;
  finish_at(0x4000);
  EXPECT_EQ(r(2), 0x1111'1111'1111'1111u);
  map(2, 0x6000);
  finish_at(0x4000);
  EXPECT_EQ(r(2), 0x0000'0014'1111'1111u);
  map(2, 0x2000);
  const unsigned before = guest.translations;
  finish_at(0x4000);
  EXPECT_EQ(r(2), 0x1111'1111'1111'1111u);
  EXPECT_EQ(guest.translations, before);
}

TEST_F(CodeChangeTest, AUnitWhoseSecondPageHasGoneFaultsInItsTurn) {
  guest.regs.table = page_table;
  map(1, 0x1000);
  map(2, 0x2000);
  put(0x1ff8, Assembler().li64(2, 1).op(Op::stop));
  finish_at(0x1ff8);
  map(2, 0, 0);
  put(0x1000, Assembler().op(Op::table, 1).op(Op::jr, 3));
  r(1) = page_table;
  r(3) = 0x1ff8;
  r(2) = 0;
  EXPECT_EQ(run_at(0x1000).reason, ExitReason::shutdown);
  EXPECT_GT(guest.forgotten, 0u);  // the looks at the cached unit's second page
  EXPECT_EQ(guest.faults, 1u);
  EXPECT_EQ(guest.regs.fault_address, 0x2000u);
  EXPECT_EQ(guest.regs.pc, 0x1ff8u);
  EXPECT_EQ(r(2), 0u);
}

TEST_F(CodeChangeTest, AStoreToTheSecondPageOfAUnitDropsIt) {
  Assembler crossing;
  crossing.li64(2, 0x1111'1111'1111'1111).op(Op::stop);
  put(0x1ff8, crossing);
  finish_at(0x1ff8);
  put(0x3000, Assembler().op(Op::store8, 0, 1).op(Op::jr, 3));
  r(0) = 0x22;
  r(1) = 0x2003;
  r(3) = 0x1ff8;
  finish_at(0x3000);
  EXPECT_EQ(r(2), 0x2211'1111'1111'1111u);
}

TEST_F(CodeChangeTest, AnotherPageTableIsAnotherWorldAndGlobalPagesStay) {
  constexpr uint64_t other_table = 0x90000;
  guest.regs.table = page_table;
  const auto map_other = [&](uint64_t page, uint64_t frame, uint64_t bits) {
    space.write_as<uint64_t>(other_table + page * 8, frame | bits);
  };
  map(1, 0x1000, Pte::all | Pte::global);
  map_other(1, 0x1000, Pte::all | Pte::global);
  map(2, 0x2000);
  map_other(2, 0x3000, Pte::all);
  put(0x1000, Assembler().op(Op::table, 1).op(Op::jr, 3));
  put(0x2000, Assembler().li(2, 2).op(Op::stop));
  put(0x3000, Assembler().li(2, 3).op(Op::stop));
  r(3) = 0x2000;
  for (unsigned round = 0; round < 4; ++round) {
    r(1) = other_table;
    finish_at(0x1000);
    EXPECT_EQ(r(2), 3u);
    r(1) = page_table;
    finish_at(0x1000);
    EXPECT_EQ(r(2), 2u);
  }
  EXPECT_EQ(guest.translations, 4u);
  const unsigned walks = guest.walks;
  finish_at(0x1000);
  EXPECT_EQ(guest.walks, walks + 1);  // page 2 only
}

TEST_F(CodeChangeTest, FlushingOneAddressOfALargePageFlushesAllOfIt) {
  guest.regs.table = page_table;
  map(0, 0x0, Pte::all | Pte::large);  // pages 0..15
  map(32, 0x20000);
  put(0x20000, Assembler().op(Op::load, 2, 4).op(Op::flush, 1).op(Op::load, 3, 4).op(Op::stop));
  space.write_as<uint64_t>(0x3000, 1);
  space.write_as<uint64_t>(0x43000, 2);
  r(4) = 0x3000;
  r(1) = 0xf000;  // another piece of the same page
  finish_at(0x20000);
  EXPECT_EQ(r(2), 1u);
  EXPECT_EQ(r(3), 1u);
  map(0, 0x40000, Pte::all | Pte::large);
  guest.regs.pc = 0x20000;
  finish_at(0x20000);
  EXPECT_EQ(r(2), 1u);  // not flushed yet
  EXPECT_EQ(r(3), 2u);
}

TEST_F(CodeChangeTest, DroppingAPermissionTakesEffectWithTheFlush) {
  guest.regs.table = page_table;
  map(1, 0x1000);
  map(3, 0x3000);
  put(0x1000, Assembler().op(Op::store, 0, 1).op(Op::flush, 1).op(Op::load, 2, 1).op(Op::store, 0, 1).op(Op::stop));
  r(1) = 0x3000;
  finish_at(0x1000);
  map(3, 0x3000, Pte::r);
  EXPECT_EQ(run_at(0x1000).reason, ExitReason::shutdown);
  EXPECT_EQ(guest.regs.pc, 0x100cu);
  EXPECT_EQ(guest.regs.fault_address, 0x3000u);
}

TEST_F(CodeChangeTest, TheCacheKeepsItsBoundsAndRunsOn) {
  backend.claimed_bytes = 1000;
  code_bytes = 32 * 1000;
  make();
  // 200 units in a ring, each of which jumps to the next; r1 rounds.
  constexpr unsigned count = 200;
  for (unsigned i = 0; i + 1 < count; ++i) put(0x1000 + i * 16, Assembler().imm(Op::addi, 0, 1).imm(Op::jmp, 0, 8));
  Assembler last;
  last.imm(Op::addi, 1, -1).imm(Op::bnz, 1, 4).op(Op::stop).imm(Op::jmp, 0, -static_cast<int>((count - 1) * 16 + 16));
  put(0x1000 + (count - 1) * 16, last);
  r(1) = 20;
  finish_at(0x1000);
  EXPECT_EQ(r(0), 20u * (count - 1));
  EXPECT_LE(engine->stats().code_bytes, code_bytes + 2000);
  EXPECT_LE(backend.alive, 33u);
  EXPECT_GT(guest.translations, 2 * count);
  engine.reset();
  shared.reset();
  EXPECT_EQ(backend.alive, 0u);
}

// Between each two of many units that run once, the same one runs.
TEST_F(CodeChangeTest, WhatRunsAgainAndAgainIsNotDroppedForRoom) {
  backend.claimed_bytes = 1000;
  code_bytes = 32 * 1000;
  make();
  constexpr unsigned count = 200;
  for (unsigned i = 0; i + 1 < count; ++i) put(0x2000 + i * 16, Assembler().imm(Op::addi, 0, 1).op(Op::jr, 3));
  put(0x2000 + (count - 1) * 16, Assembler().op(Op::stop));
  put(0x1000, Assembler().imm(Op::addi, 5, 16).op(Op::jr, 5));
  r(3) = 0x1000;
  r(5) = 0x2000 - 16;
  finish_at(0x1000);
  EXPECT_EQ(r(0), count - 1);
  EXPECT_GT(engine->stats().evictions, count / 2);
  EXPECT_LE(engine->stats().code_bytes, code_bytes + 2000);
  EXPECT_EQ(guest.translations, count + 1);
}

TEST_F(CodeChangeTest, ManyDroppedUnitsAreFreed) {
  put(0x1000, Assembler().op(Op::store, 0, 1).op(Op::jr, 1));
  put(0x3000, Assembler().li(2, 1).imm(Op::addi, 4, -1).imm(Op::bnz, 4, 4).op(Op::stop).op(Op::jr, 3));
  r(0) = two(Assembler().li(2, 1).imm(Op::addi, 4, -1));
  r(1) = 0x3000;
  r(3) = 0x1000;
  r(4) = 10000;
  finish_at(0x1000);
  EXPECT_EQ(engine->stats().code_invalidations, 9999u);
  EXPECT_LE(backend.alive, 1100u);  // links may lead to dropped code until many are freed at once
}

}  // namespace
}  // namespace strata::engine
