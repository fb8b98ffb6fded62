// Tests of counted machines: runs repeat themselves, and a back end that is wrong is found and its instruction named.
#include "machine/pc/lockstep.h"

#include <gmock/gmock.h>

#include <array>

#include "codegen/interp/interpreter.h"
#include "machine/pc/test_guests_test.h"

#if defined(__x86_64__)

namespace strata::machine::pc {
namespace {

using testing::HasSubstr;

constexpr uint64_t mib = uint64_t{1} << 20;
constexpr uint64_t plenty = 2'000'000'000;

struct Collected final : iface::Console {
  std::string text;
  void write(std::span<const std::byte> bytes) override {
    for (const std::byte byte : bytes) text += std::to_integer<char>(byte);
  }
  size_t read(std::span<std::byte>) override { return 0; }
  void on_input(std::function<void()>) override {}
};

CountedOptions guest_options(const std::string& command_line, iface::Console* console,
                             engine::BackendKind backend = engine::BackendKind::jit) {
  CountedOptions options;
  options.memory = 16 * mib;
  options.vcpu.backend = backend;
  options.console = console;
  options.boot = {.kernel = test_guest(), .initrd = {}, .command_line = command_line};
  return options;
}

TEST(CountedTimers, RingInTheOrderOfTheirDeadlines) {
  memory::DeviceLock lock;
  CountedTimers timers(lock);
  std::vector<std::pair<int, uint64_t>> rung;
  const auto make = [&](int number) {
    return timers.make([&rung, &timers, number] { rung.emplace_back(number, timers.now()); });
  };
  const auto a = make(1), b = make(2), c = make(3), d = make(4);
  EXPECT_FALSE(timers.next_deadline());
  a->arm(30);
  b->arm(10);
  c->arm(30);
  d->arm(20);
  d->cancel();
  EXPECT_EQ(timers.next_deadline(), 10u);
  timers.advance_to(29);
  a->arm(30);  // anew, so behind c
  timers.advance_to(100);
  EXPECT_EQ(rung, (std::vector<std::pair<int, uint64_t>>{{2, 10}, {3, 30}, {1, 30}}));
  EXPECT_EQ(timers.now(), 100u);
  EXPECT_FALSE(timers.next_deadline());
}

struct Outcome {
  std::string printed;
  uint64_t insns = 0, time = 0;
  bool operator==(const Outcome&) const = default;
};

Outcome run_guest(const std::string& command_line, engine::BackendKind backend) {
  Collected console;
  const auto machine = *CountedMachine::make(guest_options(command_line, &console, backend));
  const auto exit = machine->run_to(plenty);
  EXPECT_TRUE(exit && exit->reason == MachineExitReason::power_off) << machine->vcpu().describe();
  return {console.text, machine->insns(), machine->now()};
}

/// Guests that sleep between interrupts of the PIC, the APIC, and TSC deadlines.
TEST(CountedMachine, EqualRunsAreEqualOnBothBackEnds) {
  for (const std::string guest : {"i", "a", "o"}) {
    const Outcome first = run_guest(guest, engine::BackendKind::jit);
    EXPECT_EQ(first.printed, ".....");
    EXPECT_GT(first.time, first.insns) << "it slept";
    EXPECT_EQ(run_guest(guest, engine::BackendKind::jit), first);
    EXPECT_EQ(run_guest(guest, engine::BackendKind::interp), first);
  }
}

TEST(CountedMachine, GoesOnFromASnapshotAsItDidBefore) {
  Collected console;
  const auto machine = *CountedMachine::make(guest_options("i", &console));
  while (console.text.size() < 2) ASSERT_FALSE(machine->run_to(machine->insns() + 1));
  const auto snapshot = machine->snapshot();
  ASSERT_TRUE(snapshot);
  std::vector<uint64_t> ends;
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(machine->run_to(plenty));
    ends.push_back(machine->insns());
    EXPECT_EQ(console.text, ".....");
    console.text = "..";
    ASSERT_TRUE(machine->restore(*snapshot));
  }
  EXPECT_EQ(ends[0], ends[1]);
}

TEST(Lockstep, MachinesThatAgreeEndTogether) {
  for (const std::string guest : {"p", "i", "o"}) {
    Collected console;
    const auto lockstep = *Lockstep::make({.machine = guest_options(guest, &console), .checkpoint = 20'000});
    const auto end = lockstep->run(plenty);
    ASSERT_TRUE(end) << end.error().message;
    EXPECT_FALSE(end->difference) << end->difference->text;
    EXPECT_TRUE(end->exit && end->exit->reason == MachineExitReason::power_off);
    EXPECT_EQ(console.text, guest == "p" ? "Hi" : ".....");
  }
}

/// An interpreter that does something else in place of one operation.
class WrongBackend final : public codegen::Backend {
 public:
  WrongBackend(ir::Op right, ir::Op wrong) : right_(right), wrong_(wrong) {}
  std::string_view name() const override { return "wrong"; }
  std::unique_ptr<codegen::Code> compile(const ir::Unit& unit) override {
    ir::Unit changed = unit;
    for (ir::Instr& instr : changed.code)
      if (instr.op == right_) instr.op = wrong_;
    return interpreter_.compile(changed);
  }
  std::unique_ptr<codegen::Runner> make_runner() override { return interpreter_.make_runner(); }

 private:
  const ir::Op right_, wrong_;
  codegen::interp::Interpreter interpreter_;
};

/// A multiboot kernel with this code at its begin.
std::vector<std::byte> kernel_of(std::span<const uint8_t> code) {
  constexpr uint32_t flags = 0x10000, magic = 0x1badb002, address = 0x100000;
  constexpr uint32_t header[] = {magic, flags, -(magic + flags), address, address, 0, 0, address + 32};
  std::vector<std::byte> kernel(sizeof header + code.size() + 64);
  std::memcpy(kernel.data(), header, sizeof header);
  std::memcpy(kernel.data() + sizeof header, code.data(), code.size());
  return kernel;
}

Lockstep::End run_wrong(std::span<const uint8_t> code, ir::Op right, ir::Op wrong) {
  CountedOptions machine;
  machine.memory = 16 * mib;
  machine.boot = {.kernel = kernel_of(code), .initrd = {}, .command_line = {}};
  machine.vcpu.make_backend = [=] { return std::make_unique<WrongBackend>(right, wrong); };
  const auto lockstep = *Lockstep::make({.machine = std::move(machine), .checkpoint = 1'000'000});
  auto end = lockstep->run(plenty);
  EXPECT_TRUE(end) << end.error().message;
  return std::move(*end);
}

TEST(Lockstep, AWrongInstructionIsFoundAndNamed) {
  // mov ecx, 100000; xor eax, eax; again: add eax, ecx; dec ecx; jnz again; imul eax, eax, 3; mov ebx, eax; cli; hlt
  constexpr auto code = std::to_array<uint8_t>({0xb9, 0xa0, 0x86, 0x01, 0x00, 0x31, 0xc0, 0x01, 0xc8, 0x49, 0x75, 0xfb,
                                                0x6b, 0xc0, 0x03, 0x89, 0xc3, 0xfa, 0xf4});
  EXPECT_FALSE(run_wrong(code, ir::Op::mul, ir::Op::mul).difference);
  const auto end = run_wrong(code, ir::Op::mul, ir::Op::sub);
  ASSERT_TRUE(end.difference);
  EXPECT_TRUE(end.difference->exact) << end.difference->text;
  EXPECT_EQ(end.difference->insns, 2u + 3u * 100'000u + 1u);
  for (const char* part : {"the processor's state", "reference, 300003 instructions", "tested, 300003 instructions",
                           "imul eax, eax, 0x03", "-- IR after the passes"})
    EXPECT_THAT(end.difference->text, HasSubstr(part));
}

/// Registers and flags agree all the time: the difference is in RAM only, and seen at a checkpoint.
TEST(Lockstep, AWrongStoreIsFoundInRam) {
  // mov ecx, 300000; mov edi, 0x200000; again: not dword [edi]; add edi, 4; dec ecx; jnz again; cli; hlt
  constexpr auto code = std::to_array<uint8_t>({0xb9, 0xe0, 0x93, 0x04, 0x00, 0xbf, 0x00, 0x00, 0x20, 0x00,
                                                0xf7, 0x17, 0x83, 0xc7, 0x04, 0x49, 0x75, 0xf8, 0xfa, 0xf4});
  const auto end = run_wrong(code, ir::Op::not_, ir::Op::neg);
  ASSERT_TRUE(end.difference);
  EXPECT_TRUE(end.difference->exact) << end.difference->text;
  EXPECT_EQ(end.difference->insns, 3u);
  EXPECT_THAT(end.difference->text, HasSubstr("RAM at 200000: ff, tested 00"));
  EXPECT_THAT(end.difference->text, HasSubstr("f717  "));
}

}  // namespace
}  // namespace strata::machine::pc

#endif
