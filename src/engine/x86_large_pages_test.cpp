// Tests of accesses that only the entries of large pages serve: code among data, flushes, breakpoints, both ends.
#include <gtest/gtest.h>

#include <array>
#include <bit>
#include <cstring>

#include "engine/x86_machine_test.h"

namespace strata::engine {
namespace {

using iface::ExitReason;

/// Assembled from the comments; loaded at `base`.
// clang-format off
constexpr auto program = std::to_array<uint8_t>({
    // 000: mov edi, 0x400000; mov ecx, 512; xor eax, eax; again: mov [rdi], rcx; mov [rdi + 8], rdi; add rdi, 0x1000;
    //      dec ecx; jnz again
    0xbf, 0x00, 0x00, 0x40, 0x00, 0xb9, 0x00, 0x02, 0x00, 0x00, 0x31, 0xc0, 0x48, 0x89, 0x0f, 0x48,
    0x89, 0x7f, 0x08, 0x48, 0x81, 0xc7, 0x00, 0x10, 0x00, 0x00, 0xff, 0xc9, 0x75, 0xee,
    // 01e: mov edi, 0x400000; mov ecx, 512; again: add rax, [rdi]; add rax, [rdi + 8]; add rdi, 0x1000; dec ecx;
    //      jnz again; hlt
    0xbf, 0x00, 0x00, 0x40, 0x00, 0xb9, 0x00, 0x02, 0x00, 0x00, 0x48, 0x03, 0x07, 0x48, 0x03, 0x47,
    0x08, 0x48, 0x81, 0xc7, 0x00, 0x10, 0x00, 0x00, 0xff, 0xc9, 0x75, 0xee, 0xf4, 0x0f, 0x1f, 0x44, 0x00, 0x00,
    // 040: mov dword [0x200000], 1; call go; mov byte [0x300001], 2; call go; hlt; 5e: go: mov ebx, 0x300000; jmp rbx
    0xc7, 0x04, 0x25, 0x00, 0x00, 0x20, 0x00, 0x01, 0x00, 0x00, 0x00, 0xe8, 0x0e, 0x00, 0x00, 0x00,
    0xc6, 0x04, 0x25, 0x01, 0x00, 0x30, 0x00, 0x02, 0xe8, 0x01, 0x00, 0x00, 0x00, 0xf4, 0xbb, 0x00,
    0x00, 0x30, 0x00, 0xff, 0xe3, 0x66, 0x66, 0x2e, 0x0f, 0x1f, 0x84, 0x00, 0x00, 0x00, 0x00, 0x00,
    // 070: call go; mov dword [0x200000], 1; mov byte [0x300001], 2; call go; hlt
    0xe8, 0xe9, 0xff, 0xff, 0xff, 0xc7, 0x04, 0x25, 0x00, 0x00, 0x20, 0x00, 0x01, 0x00, 0x00, 0x00,
    0xc6, 0x04, 0x25, 0x01, 0x00, 0x30, 0x00, 0x02, 0xe8, 0xd1, 0xff, 0xff, 0xff, 0xf4, 0x66, 0x90,
    // 090: mov eax, [0x600008]; mov qword [0x12018], 0x200087; invlpg [0x7ff000]; mov ebx, [0x601008];
    //      mov ecx, [0x600008]; hlt
    0x8b, 0x04, 0x25, 0x08, 0x00, 0x60, 0x00, 0x48, 0xc7, 0x04, 0x25, 0x18, 0x20, 0x01, 0x00, 0x87,
    0x00, 0x20, 0x00, 0x0f, 0x01, 0x3c, 0x25, 0x00, 0xf0, 0x7f, 0x00, 0x8b, 0x1c, 0x25, 0x08, 0x10,
    0x60, 0x00, 0x8b, 0x0c, 0x25, 0x08, 0x00, 0x60, 0x00, 0xf4, 0x66, 0x0f, 0x1f, 0x44, 0x00, 0x00,
    // 0c0: mov eax, 0x201000; mov dr0, rax; mov eax, [0x200000]; mov eax, [0x202000]; mov eax, [0x203000];
    //      mov eax, 0xf0001; mov dr7, rax; mov eax, [0x202000]; mov eax, [0x203000]; mov eax, [0x201000]; hlt
    0xb8, 0x00, 0x10, 0x20, 0x00, 0x0f, 0x23, 0xc0, 0x8b, 0x04, 0x25, 0x00, 0x00, 0x20, 0x00, 0x8b,
    0x04, 0x25, 0x00, 0x20, 0x20, 0x00, 0x8b, 0x04, 0x25, 0x00, 0x30, 0x20, 0x00, 0xb8, 0x01, 0x00,
    0x0f, 0x00, 0x0f, 0x23, 0xf8, 0x8b, 0x04, 0x25, 0x00, 0x20, 0x20, 0x00, 0x8b, 0x04, 0x25, 0x00,
    0x30, 0x20, 0x00, 0x8b, 0x04, 0x25, 0x00, 0x10, 0x20, 0x00, 0xf4, 0x0f, 0x1f, 0x44, 0x00, 0x00,
    // 100: xor eax, eax; mov rdx, rsi; mov ecx, 64; again: add rax, [rsi]; rol rax, 1; add rax, [rsi + 8]; rol rax, 1;
    //      add rax, [rsi + 24]; add [rsi + 40], rax; rol rax, 1; add rsi, 3; dec ecx; jnz again; hlt
    0x31, 0xc0, 0x48, 0x89, 0xf2, 0xb9, 0x40, 0x00, 0x00, 0x00, 0x48, 0x03, 0x06, 0x48, 0xd1, 0xc0,
    0x48, 0x03, 0x46, 0x08, 0x48, 0xd1, 0xc0, 0x48, 0x03, 0x46, 0x18, 0x48, 0x01, 0x46, 0x28, 0x48,
    0xd1, 0xc0, 0x48, 0x83, 0xc6, 0x03, 0xff, 0xc9, 0x75, 0xe0, 0xf4,
});
// clang-format on
constexpr uint64_t base = 0x20100;
constexpr uint64_t mib2 = 2 << 20;

struct X86LargePages : testing::TestWithParam<BackendKind>, X86Machine {
  /// Behind the first two large pages come the same two of memory the other way round.
  void SetUp() override {
    space.write(base, std::as_bytes(std::span(program)));
    options.backend = GetParam();
    make();
    long_mode(base);
    space.write_as<uint64_t>(0x12010, mib2 | 0x87);
    space.write_as<uint64_t>(0x12018, 0x87);
  }

  void run_from(uint64_t offset) {
    iface::X86Registers registers = cpu->registers();
    registers.rip = base + offset;
    cpu->set_registers(registers);
    EXPECT_EQ(cpu->run().reason, ExitReason::halted);
  }
  uint64_t gpr(unsigned number) { return cpu->registers().gpr[number]; }
};

INSTANTIATE_TEST_SUITE_P(All, X86LargePages, testing::Values(BackendKind::interp, BackendKind::jit),
                         [](const auto& one) { return one.param == BackendKind::jit ? "jit" : "interp"; });

TEST_P(X86LargePages, ServeAllTheirPagesAfterOneWalk) {
  run_from(0);
  EXPECT_EQ(gpr(0), 512u * 513 / 2 + 512u * 0x400000 + 511u * 512 / 2 * 0x1000);
  EXPECT_EQ(space.read_as<uint64_t>(mib2 + 17 * 0x1000 + 8), 0x400000u + 17 * 0x1000);
  EXPECT_LE(cpu->stats().walks, 8u);
}

TEST_P(X86LargePages, CodeAmongDataThatWasWrittenIsWatched) {
  for (const uint64_t order : {0x40, 0x70}) {
    SetUp();
    const auto code = std::to_array<uint8_t>({0xb0, 0x01, 0xc3});  // mov al, 1; ret
    space.write(0x300000, std::as_bytes(std::span(code)));
    run_from(order);
    EXPECT_EQ(gpr(0) & 0xff, 2u);
    EXPECT_EQ(space.read_as<uint32_t>(mib2), 1u);
  }
}

TEST_P(X86LargePages, FlushingAnyAddressFlushesThem) {
  space.write_as<uint32_t>(0x8, 1);
  space.write_as<uint32_t>(mib2 + 0x8, 2);
  space.write_as<uint32_t>(mib2 + 0x1008, 3);
  run_from(0x90);
  EXPECT_EQ(gpr(0), 1u);
  EXPECT_EQ(gpr(3), 3u);
  EXPECT_EQ(gpr(1), 2u);
}

TEST_P(X86LargePages, BreakpointsInThemAreHit) {
  iface::X86Registers registers = cpu->registers();
  registers.rip = base + 0xc0;
  registers.idtr = {.base = 0, .limit = 0};  // whatever is raised ends it
  cpu->set_registers(registers);
  EXPECT_EQ(cpu->run().reason, ExitReason::shutdown);
  EXPECT_EQ(cpu->registers().rip, base + 0xfa);  // a trap, behind the load
}

TEST_P(X86LargePages, EndWhereOthersBegin) {
  constexpr uint64_t boundary = 0x600000, around = 512;
  for (const uint64_t begin : {boundary - 220, boundary - 150, boundary - 64, boundary - 41, boundary - 0x1000 - 70}) {
    std::array<std::byte, 2 * around> bytes;
    uint64_t random = begin;
    for (std::byte& byte : bytes) byte = std::byte((random = random * 6364136223846793005 + 1442695040888963407) >> 56);
    const uint64_t first = begin - around / 2;
    const auto physical = [](uint64_t address) { return address < boundary ? address - mib2 : address - boundary; };
    for (uint64_t i = 0; i < bytes.size(); ++i) space.write_as<std::byte>(physical(first + i), bytes[i]);

    uint64_t sum = 0;
    const auto word = [&bytes](uint64_t offset) {
      uint64_t value = 0;
      std::memcpy(&value, &bytes[offset], sizeof value);
      return value;
    };
    for (uint64_t i = 0, at = around / 2; i < 64; ++i, at += 3) {
      sum = std::rotl(sum + word(at), 1);
      sum = std::rotl(sum + word(at + 8), 1) + word(at + 24);
      const uint64_t updated = word(at + 40) + sum;
      std::memcpy(&bytes[at + 40], &updated, sizeof updated);
      sum = std::rotl(sum, 1);
    }
    iface::X86Registers registers = cpu->registers();
    registers.gpr[6] = begin;
    cpu->set_registers(registers);
    run_from(0x100);
    EXPECT_EQ(gpr(0), sum) << std::hex << begin;
    for (uint64_t i = 0; i < bytes.size(); ++i)
      ASSERT_EQ(space.read_as<std::byte>(physical(first + i)), bytes[i]) << std::hex << begin << ' ' << i;
  }
}

}  // namespace
}  // namespace strata::engine
