// Where units begin and end, what they leave behind, and what segments let through.
#include "isa/x86/translate/unit.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <vector>

#include "codegen/interp/interpreter.h"
#include "ir/passes/pipeline.h"
#include "ir/verify.h"
#include "isa/x86/lockstep/flat_host_test.h"
#include "isa/x86/mode.h"
#include "isa/x86/registers.h"
#include "isa/x86/system/control_bits.h"

namespace strata::isa::x86 {
namespace {

constexpr uint16_t attributes_data32 = 0xc093, attributes_code32 = 0xc09b;

/// Flat 32-bit protected mode at CPL 0, without paging.
struct UnitTest : testing::Test {
  UnitTest() {
    host.cpu = cpu.get();
    cpu->host = &host;
    cpu->context = &context;
    cpu->cpuid = *Cpuid::model("strata64");
    context.state = reinterpret_cast<std::byte*>(&cpu->state);
    context.memory = &host;
    context.cpu = cpu.get();
    context.tlb.fill(&tlb);
    reset_registers(s);
    s.cr0 |= Cr0::pe;
    for (Segment& segment : s.segment) segment = {0, 0xffff'ffff, 0x10, attributes_data32};
    s.segment[cs] = {0, 0xffff'ffff, 0x08, attributes_code32};
    s.rip = 0x1000;
  }

  void code(uint64_t address, std::initializer_list<uint8_t> bytes) {
    std::copy(bytes.begin(), bytes.end(), host.memory.begin() + static_cast<long>(address));
    s.rip = address;
  }

  ir::Unit translate(unsigned max_insns = 64) {
    ir::Unit unit = translate_unit(*cpu, {s.rip, s.segment[cs].base + s.rip, Mode::packed(s)}, max_insns);
    EXPECT_TRUE(ir::verify(unit).has_value());
    return unit;
  }

  ir::RunResult run(unsigned max_insns = 64) {
    ir::Unit unit = translate(max_insns);
    pipeline.run(unit);
    const auto compiled = interpreter.compile(unit);
    context.leave = false;
    return runner->run(*compiled, context);
  }

  lockstep::FlatHost host{0x4000};
  std::unique_ptr<Cpu> cpu = std::make_unique<Cpu>();
  State& s = cpu->state;
  ir::ExecContext context;
  ir::Tlb tlb;
  ir::Pipeline pipeline{true};
  codegen::interp::Interpreter interpreter;
  std::unique_ptr<codegen::Runner> runner = interpreter.make_runner();
};

TEST_F(UnitTest, EndsWithThePage) {
  std::fill(host.memory.begin(), host.memory.end(), 0x90);
  s.rip = 0x1ff0;
  const ir::Unit unit = translate();
  EXPECT_EQ(unit.guest_insns, 16u);
  EXPECT_EQ(unit.guest_bytes, 16u);
  EXPECT_EQ(run().kind, ir::ExitKind::next);
  EXPECT_EQ(s.rip, 0x2000u);
}

TEST_F(UnitTest, WhatCrossesThePageIsAUnitOfItsOwn) {
  code(0x1ffd, {0x90, 0xb8, 1, 2, 3, 4, 0x90});  // nop; mov eax, 0x04030201; nop
  EXPECT_EQ(translate().guest_insns, 1u);
  s.rip = 0x1ffe;
  const ir::Unit unit = translate();
  EXPECT_EQ(unit.guest_insns, 1u);
  EXPECT_EQ(unit.guest_bytes, 5u);
  run();
  EXPECT_EQ(s.gpr[rax], 0x04030201u);
}

TEST_F(UnitTest, WhatCannotBeFetchedFaultsWhenItsTurnComes) {
  code(0x3ffe, {0xb8, 1});  // mov eax, .. at the end of memory
  EXPECT_EQ(translate().guest_bytes, 0u);
  EXPECT_EQ(s.event.type, Event::none);
  EXPECT_EQ(run().kind, ir::ExitKind::leave);
  EXPECT_EQ(s.event.vector, vector_pf);
  EXPECT_EQ(s.event.address, 0x4000u);
  EXPECT_EQ(s.rip, 0x3ffeu);
}

TEST_F(UnitTest, MaxInsnsIsObeyed) {
  code(0x1000, {0x40, 0x40, 0x40, 0x40, 0xf4});
  EXPECT_EQ(translate(2).guest_insns, 2u);
  run(2);
  EXPECT_EQ(s.gpr[rax], 2u);
  EXPECT_EQ(s.rip, 0x1002u);
}

TEST_F(UnitTest, LoopsAndForwardBranchesStayInside) {
  // xor eax, eax; mov ecx, 10; L: test cl, 1; jz +1; inc eax; dec ecx; jnz L; jmp 0x2000
  code(0x1000, {0x31, 0xc0, 0xb9, 10, 0, 0, 0, 0xf6, 0xc1, 1, 0x74, 1, 0x40, 0x49, 0x75, 0xf7, 0xe9, 0xeb, 0x0f, 0, 0});
  while (s.rip != 0x2000) ASSERT_EQ(run().kind, ir::ExitKind::next);
  EXPECT_EQ(s.gpr[rax], 5u);
  s.rip = 0x1007;  // the loop's own unit
  s.gpr[rcx] = 10;
  context.insns = 0;
  ASSERT_EQ(run().kind, ir::ExitKind::next);
  EXPECT_EQ(s.rip, 0x2000u);
  EXPECT_EQ(s.gpr[rax], 10u);
  EXPECT_EQ(context.insns, 10u * 4 + 5 + 1);
}

TEST_F(UnitTest, LoopsLookAtEvents) {
  code(0x1000, {0x40, 0xeb, 0xfd});  // inc eax; jmp to itself
  context.events = 1;
  EXPECT_EQ(run().kind, ir::ExitKind::event);
  EXPECT_EQ(s.rip, 0x1000u);
  EXPECT_EQ(s.gpr[rax], 1u);
  EXPECT_EQ(context.insns, 2u);
}

TEST_F(UnitTest, SixteenBytesAreAGeneralProtectionFault) {
  std::fill_n(host.memory.begin() + 0x1000, 15, 0x66);
  const ir::RunResult result = run();
  EXPECT_EQ(result.kind, ir::ExitKind::trap);
  EXPECT_EQ(result.payload, trap_payload(vector_gp, 0));
}

TEST_F(UnitTest, LockWhereItMustNotStandIsInvalid) {
  code(0x1000, {0xf0, 0x01, 0xc0});  // lock add eax, eax
  EXPECT_EQ(run().payload, trap_payload(vector_ud));
}

TEST_F(UnitTest, OneInsnUnderTrapAndInAShadow) {
  code(0x1000, {0x40, 0x40});
  s.system_flags |= Rflags::tf;
  EXPECT_EQ(translate().guest_insns, 1u);
  s.system_flags &= ~static_cast<uint32_t>(Rflags::tf);
  s.interrupt_shadow = 1;
  EXPECT_EQ(translate().guest_insns, 1u);
  run();
  EXPECT_EQ(s.interrupt_shadow, 0);
}

TEST_F(UnitTest, MovToSsBeginsAShadow) {
  code(0x1000, {0x31, 0xc0, 0x8e, 0xd0, 0x40});  // xor eax, eax; mov ss, ax; inc eax: the null selector faults
  EXPECT_EQ(run().kind, ir::ExitKind::leave);
  EXPECT_EQ(s.event.vector, vector_gp);
  EXPECT_EQ(s.rip, 0x1002u);
  EXPECT_EQ(s.interrupt_shadow, 0);
}

/// The first x87 instruction finds the state in memory and is done by helpers; those behind it are the host's, and leave the
/// pointers to the last of them all the same.
TEST_F(UnitTest, PointersToTheLastX87Instruction) {
  s.x87.control = 0x37f;
  s.gpr[rax] = 0x2000;
  s.gpr[rbx] = 0x2100;
  code(0x1000, {0xd9, 0xe8, 0xdc, 0x00, 0xd9, 0xe0, 0x90});  // fld1; fadd qword [eax]; fchs; nop
  EXPECT_EQ(run().payload, trap_x87_careful);
  EXPECT_EQ(s.rip, 0x1000u);
  EXPECT_EQ(s.x87.place, X87Place::memory);
  s.x87.careful = true;
  run();
  EXPECT_EQ(s.rip, 0x1002u);
  EXPECT_EQ(s.x87.place, X87Place::unit);
  EXPECT_FALSE(s.x87.careful);
  EXPECT_TRUE(translate(3).helpers.empty());
  run(3);
  EXPECT_EQ(s.x87.place, X87Place::unit);
  EXPECT_EQ(s.x87.insn_pointer, 0x1004u);
  EXPECT_EQ(s.x87.insn_selector, 8u);
  EXPECT_EQ(s.x87.data_pointer, 0x2000u);
  EXPECT_EQ(s.x87.opcode, 0x1e0u);
  code(0x1000, {0xd9, 0x33});  // fnstenv [ebx]
  run(1);
  EXPECT_EQ(s.x87.place, X87Place::memory);
  EXPECT_EQ(host.memory[0x2100 + 12], 0x04);  // the instruction's pointer
  EXPECT_EQ(s.x87.physical[7].sign_exponent, 0xbfff);
}

TEST_F(UnitTest, ASegmentLikeTheOneBeforeDoesNotEndTheUnit) {
  const uint64_t gdt[] = {0, 0x00cf9b000000ffff, 0x00cf93000000ffff, 0x0040930000001000};  // the last has 4 KiB
  std::memcpy(host.memory.data() + 0x3000, gdt, sizeof gdt);
  s.gdtr = {0x3000, sizeof gdt - 1};
  s.gpr[rax] = 0x10;
  code(0x1000, {0x8e, 0xd8, 0x8e, 0xc0, 0x40});  // mov ds, ax; mov es, ax; inc eax
  run(3);
  EXPECT_EQ(s.rip, 0x1005u);
  s.gpr[rax] = 0x18;
  code(0x1000, {0x8e, 0xd8, 0x40});
  run(2);
  EXPECT_EQ(s.rip, 0x1002u);
  EXPECT_EQ(s.segment[ds].selector, 0x18);
}

/// STAC and CLAC do not end the unit: the accesses behind them are made as they say, and the ways out lead to units of the
/// mode in force.
TEST_F(UnitTest, StacAndClacChangeTheSpaceOnTheWay) {
  s.cr4 |= Cr4::smap;
  code(0x1000, {0x8b, 0x00, 0x0f, 0x01, 0xcb, 0x8b, 0x18, 0x0f, 0x01, 0xca, 0x8b, 0x08});  // mov; stac; mov; clac; mov
  const ir::Unit unit = translate(5);
  std::vector<uint64_t> spaces;
  for (const ir::Instr& instr : unit.code)
    if (instr.op == ir::Op::load) spaces.push_back(instr.imm);
  EXPECT_EQ(spaces, (std::vector<uint64_t>{space_supervisor, space_supervisor_open, space_supervisor}));
  EXPECT_EQ(translate(3).code.back().op, ir::Op::exit_goto);
  code(0x1000, {0x0f, 0x01, 0xcb, 0x74, 0x01, 0x90, 0x8b, 0x00});  // stac; jz +1; nop; mov
  for (const ir::Instr& instr : translate().code) EXPECT_NE(instr.op, ir::Op::load);
  run();
  EXPECT_TRUE(s.system_flags & Rflags::ac);
  EXPECT_EQ(s.rip, 0x1005u);
}

TEST_F(UnitTest, TheShadowOfStiEndsInTheUnit) {
  code(0x1000, {0xfb, 0x40, 0x40});  // sti; inc eax; inc eax
  EXPECT_EQ(translate(1).code.back().op, ir::Op::exit_indirect);
  run(1);
  EXPECT_EQ(s.interrupt_shadow, 1);
  s.interrupt_shadow = 0;
  s.system_flags &= ~static_cast<uint32_t>(Rflags::if_);
  code(0x1000, {0xfb, 0x40, 0x40});
  context.events = ir::event_interrupt;  // waits, and comes behind the first increment
  EXPECT_EQ(run(3).kind, ir::ExitKind::event);
  EXPECT_EQ(s.interrupt_shadow, 0);
  EXPECT_EQ(s.rip, 0x1002u);
  EXPECT_EQ(context.insns, 3u);
}

/// Where the upper half of the dividend only extends the lower one no helper is called.
TEST_F(UnitTest, DivisionsOfExtendedNumbers) {
  s.efer = Efer::lme | Efer::lma;
  s.segment[cs].attributes = 0xa09b;
  struct {
    uint64_t dividend, divisor, quotient, remainder;
    bool is_signed, faults;
  } const cases[] = {
      {100, 7, 14, 2, false, false},
      {~0ull, 10, ~0ull / 10, ~0ull % 10, false, false},
      {5, 0, 0, 0, false, true},
      {static_cast<uint64_t>(-100), 7, static_cast<uint64_t>(-14), static_cast<uint64_t>(-2), true, false},
      {100, static_cast<uint64_t>(-7), static_cast<uint64_t>(-14), 2, true, false},
      {5, 0, 0, 0, true, true},
      {1ull << 63, ~0ull, 0, 0, true, true}};
  for (const auto& one : cases) {
    if (one.is_signed) code(0x1000, {0x48, 0x99, 0x48, 0xf7, 0xf9});  // cqo; idiv rcx
    else code(0x1000, {0x31, 0xd2, 0x48, 0xf7, 0xf1});                // xor edx, edx; div rcx
    s.gpr[rax] = one.dividend;
    s.gpr[rcx] = one.divisor;
    EXPECT_TRUE(translate(2).helpers.empty());
    const ir::RunResult result = run(2);
    EXPECT_EQ(result.kind, one.faults ? ir::ExitKind::trap : ir::ExitKind::next) << one.dividend;
    if (one.faults) continue;
    EXPECT_EQ(s.gpr[rax], one.quotient);
    EXPECT_EQ(s.gpr[rdx], one.remainder);
  }
}

/// Runs `mov [eax], ebx` or `mov ebx, [eax]` with a segment as DS. True: not refused.
struct SegmentTest : UnitTest {
  bool access(const Segment& segment, uint32_t offset, bool write) {
    s.segment[ds] = segment;
    s.gpr[rax] = offset;
    code(0x1000, {static_cast<uint8_t>(write ? 0x89 : 0x8b), 0x18, 0xc3});
    s.segment[ss].limit = 0;  // RET faults
    const ir::RunResult result = run(1);
    if (result.kind == ir::ExitKind::trap) {
      EXPECT_EQ(result.payload, trap_payload(vector_gp, 0));
      EXPECT_EQ(s.rip, 0x1000u);
    }
    return result.kind == ir::ExitKind::next;
  }
};

TEST_F(SegmentTest, LimitsAreOfTheLastByte) {
  const Segment data = {0x100, 0xfff, 0x18, 0x4093};
  EXPECT_TRUE(access(data, 0xffc, true));
  EXPECT_FALSE(access(data, 0xffd, true));
  EXPECT_FALSE(access(data, 0xffff'fffe, false));
  access(data, 0x20, true);
  EXPECT_EQ(host.memory[0x120], static_cast<uint8_t>(s.gpr[rbx]));
}

TEST_F(SegmentTest, ExpandDownSegmentsAreAllowedAboveTheirLimit) {
  const Segment down16 = {0, 0xfff, 0x18, 0x0097}, down32 = {0, 0xfff, 0x18, 0x4097};
  EXPECT_FALSE(access(down16, 0xfff, true));
  EXPECT_TRUE(access(down16, 0x1000, true));
  EXPECT_FALSE(access(down16, 0xfffd, true));
  EXPECT_FALSE(access(down32, 0xffc, true));
  EXPECT_TRUE(access(down32, 0x2000, true));
}

TEST_F(SegmentTest, TypesSayWhatMayBeDone) {
  const Segment read_only = {0, 0x3fff, 0x18, 0x4091}, code_only = {0, 0x3fff, 0x18, 0x4099};
  const Segment readable_code = {0, 0x3fff, 0x18, 0x409b}, null = {0, 0, 0, 0};
  EXPECT_TRUE(access(read_only, 0, false));
  EXPECT_FALSE(access(read_only, 0, true));
  EXPECT_FALSE(access(code_only, 0, false));
  EXPECT_TRUE(access(readable_code, 0, false));
  EXPECT_FALSE(access(readable_code, 0, true));
  EXPECT_FALSE(access(null, 0, false));
}

TEST_F(SegmentTest, StackAccessesRaiseTheirOwnException) {
  s.segment[ss] = {0, 0xff, 0x18, 0x4093};
  s.gpr[rsp] = 0x101;
  code(0x1000, {0x58});  // pop eax
  EXPECT_EQ(run(1).payload, trap_payload(vector_ss, 0));
  EXPECT_EQ(s.gpr[rsp], 0x101u);
}

TEST_F(SegmentTest, CodeEndsWithItsLimit) {
  s.segment[cs].limit = 0x1001;
  code(0x1000, {0x40, 0xb8, 1, 2, 3, 4});
  EXPECT_EQ(run().payload, trap_payload(vector_gp, 0));
  EXPECT_EQ(s.rip, 0x1001u);
  EXPECT_EQ(s.gpr[rax], 1u);
}

TEST_F(SegmentTest, InstructionsThatNeedMuchDoNotMakeAUnitTooLarge) {
  s.segment[ss] = {0, 0xffff, 0x18, 0x4093};  // its limit is checked at each push
  for (uint64_t at = 0x1000; at < 0x1000 + 64 * 4; at += 4) code(at, {0xc8, 0, 0, 31});  // enter 0, 31
  s.rip = 0x1000;
  const ir::Unit unit = translate();
  EXPECT_GT(unit.guest_insns, 1u);
  EXPECT_LE(unit.code.size(), ir::max_unit_size);
}

}  // namespace
}  // namespace strata::isa::x86
