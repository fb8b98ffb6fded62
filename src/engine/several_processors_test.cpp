// Processors that share code, each on a thread of its own: what one writes the others run, and nothing is lost of what they
// do at the same time.
#include <gtest/gtest.h>

#include <thread>

#include "engine/x86_machine_test.h"

namespace strata::engine {
namespace {

using iface::ExitReason;
using iface::X86Registers;
using Bytes = std::vector<uint8_t>;

enum Gpr : uint8_t { rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi, r8, r9, r10 };

struct SeveralProcessorsTest : testing::TestWithParam<BackendKind>, X86Machine {
  static constexpr uint64_t first_code = 0x1000, second_code = 0x2000, flag = 0x3000, answer = 0x3040;
  std::vector<std::unique_ptr<X86Vcpu>> others;
  std::shared_ptr<SharedCode> code;

  void SetUp() override { options.backend = GetParam(); }
  void make_several(unsigned count) {
    options.count = count;
    options.code = std::move(*make_shared_code(options));
    make();
    for (options.number = 1; options.number < count; ++options.number)
      others.push_back(std::move(*make_x86_vcpu(options)));
  }
  void put(uint64_t address, const Bytes& bytes) { space.write(address, std::as_bytes(std::span(bytes))); }
  X86Vcpu& processor(size_t number) { return number == 0 ? *cpu : *others[number - 1]; }

  /// Each begins at its pc, in long mode, with a stack of its own, and runs until HLT.
  void run_all(const std::vector<uint64_t>& pcs, const std::function<void(size_t, X86Registers&)>& prepare) {
    long_mode(pcs[0]);
    const X86Registers usual = cpu->registers();
    std::vector<std::thread> threads;
    for (size_t i = 0; i < pcs.size(); ++i) {
      X86Registers registers = usual;
      registers.rip = pcs[i];
      registers.gpr[rsp] = 0x8000 + i * 0x1000;
      prepare(i, registers);
      processor(i).set_registers(registers);
    }
    for (size_t i = 0; i < pcs.size(); ++i)
      threads.emplace_back([&, i] { EXPECT_EQ(processor(i).run().reason, ExitReason::halted) << i; });
    for (std::thread& thread : threads) thread.join();
  }
  uint64_t gpr(size_t number, Gpr reg) { return processor(number).registers().gpr[reg]; }
};

INSTANTIATE_TEST_SUITE_P(All, SeveralProcessorsTest, testing::Values(BackendKind::interp, BackendKind::jit),
                         [](const auto& one) { return one.param == BackendKind::jit ? "jit" : "interp"; });

TEST_P(SeveralProcessorsTest, LockedUpdatesAreAtomic) {
  make_several(4);
  constexpr uint32_t rounds = 50'000;
  // lock inc dword [flag]; dec ecx; jnz; hlt
  put(first_code, {0xf0, 0xff, 0x04, 0x25, 0x00, 0x30, 0, 0, 0xff, 0xc9, 0x75, 0xf4, 0xf4});
  run_all({first_code, first_code, first_code, first_code},
          [](size_t, X86Registers& registers) { registers.gpr[rcx] = rounds; });
  EXPECT_EQ(space.read_as<uint32_t>(flag), 4 * rounds);
}

TEST_P(SeveralProcessorsTest, AUnitIsMadeOnceForAll) {
  make_several(3);
  constexpr unsigned blocks = 100;
  for (unsigned i = 0; i < blocks; ++i)
    put(0x10'0000 + 64 * i, {0x48, 0x83, 0xc2, 0x40, 0xff, 0xe2});  // add rdx, 64; jmp rdx
  put(0x10'0000 + 64 * blocks, {0xf4});
  run_all({0x10'0000, 0x10'0000, 0x10'0000}, [](size_t, X86Registers& registers) { registers.gpr[rdx] = 0x10'0000; });
  uint64_t units = 0;
  for (size_t i = 0; i < 3; ++i) units += processor(i).stats().units;
  EXPECT_EQ(units, blocks + 1);
  EXPECT_EQ(cpu->stats().units_kept, blocks + 1);
}

/// The writer counts, puts the count into `mov eax, imm32; ret`, and tells it by the flag; the other, which serializes as
/// it should, runs that, compares, and answers.
TEST_P(SeveralProcessorsTest, CodeIsRunAsAnotherHasWrittenIt) {
  make_several(2);
  constexpr uint32_t rounds = 3000;
  constexpr uint64_t function = 0x5000;
  put(function, {0xb8, 0, 0, 0, 0, 0xc3});
  put(first_code, {0xff, 0xc1,                                                   // inc ecx
                   0x89, 0x4e, 0x01,                                             // mov [rsi + 1], ecx
                   0x89, 0x0c, 0x25, 0x00, 0x30, 0,    0,                        // mov [flag], ecx
                   0xf3, 0x90,                                                   // pause
                   0x39, 0x0c, 0x25, 0x40, 0x30, 0,    0,                        // cmp [answer], ecx
                   0x75, 0xf5, 0x39, 0xd9, 0x75, 0xe5, 0xf4});                   // jne; cmp ecx, ebx; jne; hlt
  put(second_code, {0x41, 0xff, 0xc0,                                            // inc r8d
                    0xf3, 0x90,                                                  // pause
                    0x44, 0x39, 0x04, 0x25, 0x00, 0x30, 0,    0,    0x75, 0xf4,  // cmp [flag], r8d; jne
                    0x31, 0xc0, 0x0f, 0xa2,                                      // xor eax, eax; cpuid
                    0xff, 0xd6,                                                  // call rsi
                    0x44, 0x39, 0xc0, 0x74, 0x03, 0x41, 0xff, 0xc2,              // cmp eax, r8d; je; inc r10d
                    0x44, 0x89, 0x04, 0x25, 0x40, 0x30, 0,    0,                 // mov [answer], r8d
                    0x45, 0x39, 0xc8, 0x75, 0xd6, 0xf4});                        // cmp r8d, r9d; jne; hlt
  run_all({first_code, second_code}, [](size_t, X86Registers& registers) {
    registers.gpr[rsi] = function;
    registers.gpr[rbx] = registers.gpr[r9] = rounds;
  });
  EXPECT_EQ(gpr(1, r8), rounds);
  EXPECT_EQ(gpr(1, r10), 0u) << "runs of code that was not there any more";
}

/// The same in one page after the other, which hold code for the first time, and again later.
TEST_P(SeveralProcessorsTest, PagesBecomeCode) {
  make_several(2);
  constexpr uint32_t rounds = 2000;
  const Bytes place = {0x25, 0xff, 0, 0, 0,    0xc1, 0xe0,
                       0x0c, 0x05, 0, 0, 0x10, 0};  // eax := 0x10'0000 + (eax & 255) * 4096
  Bytes writer = {0xff, 0xc1, 0x89, 0xc8};          // inc ecx; mov eax, ecx
  writer.insert(writer.end(), place.begin(), place.end());
  // mov byte [rax], 0xb8; mov [rax + 1], ecx; mov byte [rax + 5], 0xc3; mov [flag], ecx; then as above
  for (const uint8_t byte : {0xc6, 0x00, 0xb8, 0x89, 0x48, 0x01, 0xc6, 0x40, 0x05, 0xc3, 0x89, 0x0c, 0x25, 0x00, 0x30,
                             0,    0,    0xf3, 0x90, 0x39, 0x0c, 0x25, 0x40, 0x30, 0,    0,    0x75, 0xf5, 0x39, 0xd9})
    writer.push_back(byte);
  writer.insert(writer.end(), {0x75, static_cast<uint8_t>(-static_cast<int>(writer.size()) - 2), 0xf4});
  put(first_code, writer);
  Bytes reader = {0x41, 0xff, 0xc0, 0xf3, 0x90, 0x44, 0x39, 0x04, 0x25, 0x00, 0x30,
                  0,    0,    0x75, 0xf4, 0x31, 0xc0, 0x0f, 0xa2, 0x44, 0x89, 0xc0};  // .. cpuid; mov eax, r8d
  reader.insert(reader.end(), place.begin(), place.end());
  for (const uint8_t byte : {0xff, 0xd0, 0x44, 0x39, 0xc0, 0x74, 0x03, 0x41, 0xff, 0xc2, 0x44,
                             0x89, 0x04, 0x25, 0x40, 0x30, 0,    0,    0x45, 0x39, 0xc8})
    reader.push_back(byte);
  reader.insert(reader.end(), {0x75, static_cast<uint8_t>(-static_cast<int>(reader.size()) - 2), 0xf4});
  put(second_code, reader);
  run_all({first_code, second_code},
          [](size_t, X86Registers& registers) { registers.gpr[rbx] = registers.gpr[r9] = rounds; });
  EXPECT_EQ(gpr(1, r8), rounds);
  EXPECT_EQ(gpr(1, r10), 0u) << "runs of code that was not there any more";
}

/// More units than there is room for: while some are dropped and freed others run.
TEST_P(SeveralProcessorsTest, UnitsAreDroppedForRoomWhileOthersRun) {
  options.code_bytes = uint64_t{64} << 10;
  make_several(3);
  constexpr unsigned blocks = 1000, rounds = 20;
  constexpr uint64_t base = 0x10'0000;
  // add rdx, 64; inc eax; jmp rdx
  for (unsigned i = 0; i < blocks; ++i) put(base + 64 * i, {0x48, 0x83, 0xc2, 0x40, 0xff, 0xc0, 0xff, 0xe2});
  // mov edx, base; dec ecx; jz; jmp rdx; hlt
  put(base + 64 * blocks, {0xba, 0, 0, 0x10, 0, 0xff, 0xc9, 0x74, 0x02, 0xff, 0xe2, 0xf4});
  run_all({base, base + 64 * 333, base + 64 * 666}, [](size_t i, X86Registers& registers) {
    registers.gpr[rdx] = base + 64 * 333 * i;
    registers.gpr[rcx] = rounds;
  });
  for (size_t i = 0; i < 3; ++i) EXPECT_EQ(gpr(i, rax), blocks * rounds - 333 * i);
  EXPECT_GT(cpu->stats().evictions, 1000u);
  EXPECT_LE(cpu->stats().code_bytes, options.code_bytes + 8192);
}

/// Each writes to code that all run: an immediate, forth and back.
TEST_P(SeveralProcessorsTest, AllChangeCodeThatAllRun) {
  make_several(3);
  constexpr uint32_t rounds = 3000;
  // xor byte [second_code + 1], 1; call second_code; dec ecx; jnz; hlt
  put(first_code, {0x80, 0x34, 0x25, 0x01, 0x20, 0, 0, 1, 0xe8, 0xf3, 0x0f, 0, 0, 0xff, 0xc9, 0x75, 0xef, 0xf4});
  put(second_code, {0xb0, 0, 0xff, 0xc2, 0xc3});  // mov al, imm8; inc edx; ret
  run_all({first_code, first_code, first_code}, [](size_t, X86Registers& registers) { registers.gpr[rcx] = rounds; });
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(gpr(i, rdx), rounds);
    EXPECT_LE(gpr(i, rax), 1u);
  }
}

/// A kick reaches a processor that another has stopped, and those that sleep stop nobody.
TEST_P(SeveralProcessorsTest, WhoDoesNotRunIsNotWaitedFor) {
  make_several(2);
  put(first_code, {0x80, 0x34, 0x25, 0x01, 0x20, 0, 0, 1, 0xe8, 0xf3, 0x0f, 0, 0, 0xff, 0xc9, 0x75, 0xef, 0xf4});
  put(second_code, {0xb0, 0, 0xff, 0xc2, 0xc3});
  run_all({first_code}, [](size_t, X86Registers& registers) { registers.gpr[rcx] = 100; });
  EXPECT_EQ(gpr(0, rdx), 100u);
}

}  // namespace
}  // namespace strata::engine
