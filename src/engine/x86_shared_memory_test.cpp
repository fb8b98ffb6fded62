// Two x86 processors on one memory: locked instructions are atomic between them, on both back ends.
#include <gtest/gtest.h>

#include <array>
#include <thread>

#include "engine/x86_machine_test.h"

namespace strata::engine {
namespace {

using iface::ExitReason;

constexpr uint64_t code = 0x4000, data = 0x300000, rounds = 100'000;

// clang-format off
constexpr auto program = std::to_array<uint8_t>({
    // mov r12d, 100000; again: lock inc dword [rdi]; mov esi, 1; lock xadd [rdi + 8], rsi
    0x41, 0xbc, 0xa0, 0x86, 0x01, 0x00, 0xf0, 0xff, 0x07, 0xbe, 0x01, 0x00, 0x00, 0x00, 0xf0, 0x48, 0x0f, 0xc1, 0x77, 0x08,
    // mov rax, [rdi + 16]; mov rdx, [rdi + 24]; pair: lea rbx, [rax + 1]; lea rcx, [rdx + 3]
    0x48, 0x8b, 0x47, 0x10, 0x48, 0x8b, 0x57, 0x18, 0x48, 0x8d, 0x58, 0x01, 0x48, 0x8d, 0x4a, 0x03,
    // lock cmpxchg16b [rdi + 16]; jnz pair
    0xf0, 0x48, 0x0f, 0xc7, 0x4f, 0x10, 0x75, 0xf0,
    // lock: mov eax, 1; xchg [rdi + 32], eax; test eax, eax; jz mine; pause; jmp lock
    0xb8, 0x01, 0x00, 0x00, 0x00, 0x87, 0x47, 0x20, 0x85, 0xc0, 0x74, 0x04, 0xf3, 0x90, 0xeb, 0xf0,
    // mine: inc dword [rdi + 36]; mov dword [rdi + 32], 0; lock neg dword [rdi + 44]; dec r12d; jnz again; hlt
    0xff, 0x47, 0x24, 0xc7, 0x47, 0x20, 0x00, 0x00, 0x00, 0x00, 0xf0, 0xf7, 0x5f, 0x2c, 0x41, 0xff, 0xcc, 0x75, 0xb7, 0xf4,
});
// clang-format on

struct X86SharedMemoryTest : testing::TestWithParam<BackendKind>, X86Machine {
  std::unique_ptr<X86Vcpu> processor(unsigned number) {
    options.backend = GetParam();
    options.number = number;
    options.count = 2;
    if (number == 0) options.code = std::move(*make_shared_code(options));
    make();
    long_mode(code);
    auto registers = cpu->registers();
    registers.gpr[7] = data;
    cpu->set_registers(registers);
    return std::move(cpu);
  }
};

INSTANTIATE_TEST_SUITE_P(All, X86SharedMemoryTest, testing::Values(BackendKind::interp, BackendKind::jit),
                         [](const auto& one) { return one.param == BackendKind::jit ? "jit" : "interp"; });

TEST_P(X86SharedMemoryTest, LockedInstructionsAreAtomic) {
  space.write(code, std::as_bytes(std::span(program)));
  space.write_as<uint32_t>(data + 44, 5);
  const auto first = processor(0), second = processor(1);
  ExitReason other = ExitReason::failed;
  std::thread runs([&] { other = second->run().reason; });
  EXPECT_EQ(first->run().reason, ExitReason::halted) << first->describe();
  runs.join();
  EXPECT_EQ(other, ExitReason::halted) << second->describe();
  EXPECT_EQ(space.read_as<uint32_t>(data), 2 * rounds);
  EXPECT_EQ(space.read_as<uint64_t>(data + 8), 2 * rounds);
  EXPECT_EQ(space.read_as<uint64_t>(data + 16), 2 * rounds);
  EXPECT_EQ(space.read_as<uint64_t>(data + 24), 6 * rounds);
  EXPECT_EQ(space.read_as<uint32_t>(data + 36), 2 * rounds);
  EXPECT_EQ(space.read_as<uint32_t>(data + 44), 5u);
}

TEST_P(X86SharedMemoryTest, CompareAndExchangeOf16Bytes) {
  const auto compare = std::to_array<uint8_t>({0xf0, 0x48, 0x0f, 0xc7, 0x0f, 0xf4});  // lock cmpxchg16b [rdi]; hlt
  space.write(code, std::as_bytes(std::span(compare)));
  const auto first = processor(0);
  using Pair = std::array<uint64_t, 2>;
  const auto run = [&](uint64_t low, uint64_t high, uint64_t address) {
    auto registers = first->registers();
    registers.rip = code;
    registers.rflags = 2;
    registers.gpr[0] = low, registers.gpr[2] = high;
    registers.gpr[3] = 0x33, registers.gpr[1] = 0x11;
    registers.gpr[7] = address;
    first->set_registers(registers);
    const auto reason = first->run().reason;
    const bool zero = (first->registers().rflags & 0x40) != 0;
    return std::tuple(reason, zero, first->registers().gpr[0], first->registers().gpr[2]);
  };
  space.write_as<Pair>(data, {5, 6});
  EXPECT_EQ(run(5, 7, data), std::tuple(ExitReason::halted, false, 5u, 6u));
  EXPECT_EQ(space.read_as<Pair>(data), (Pair{5, 6}));
  EXPECT_EQ(run(5, 6, data), std::tuple(ExitReason::halted, true, 5u, 6u));
  EXPECT_EQ(space.read_as<Pair>(data), (Pair{0x33, 0x11}));
  EXPECT_EQ(std::get<0>(run(5, 6, data + 8)), ExitReason::shutdown);  // not aligned, and there is no IDT
  EXPECT_EQ(std::get<0>(run(5, 6, 0x400000)), ExitReason::shutdown);  // not mapped
  EXPECT_EQ(first->registers().cr2, 0x400000u);
}

}  // namespace
}  // namespace strata::engine
