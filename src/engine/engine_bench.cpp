// What the loop costs on x86 code: links, calls, a tight loop, stores beside code, flushes, translation.
#include <benchmark/benchmark.h>

#include <array>
#include <atomic>
#include <chrono>
#include <thread>

#include "engine/x86_machine_test.h"

namespace strata::engine {
namespace {

constexpr uint64_t base = 0x1000;

/// 64-bit code, none of which ends.
// clang-format off
constexpr auto program = std::to_array<uint8_t>({
    // 00 links: jmp to the next page, where there is a jmp back
    0xe9, 0xfb, 0x0f, 0x00, 0x00, 0x00, 0x00, 0x00, 0x0f, 0x1f, 0x84, 0x00, 0x00, 0x00, 0x00, 0x00,
    // 10 calls: call 17; jmp 10; 17: ret
    0xe8, 0x02, 0x00, 0x00, 0x00, 0xeb, 0xf9, 0xc3, 0x0f, 0x1f, 0x84, 0x00, 0x00, 0x00, 0x00, 0x00,
    // 20 sieve: mov rdi, 0x200000; xor ecx, ecx; 29: mov byte [rdi + rcx], 1; add rcx, 3; cmp rcx, 0x10000; jb 29; jmp 20
    0x48, 0xc7, 0xc7, 0x00, 0x00, 0x20, 0x00, 0x31, 0xc9, 0xc6, 0x04, 0x0f, 0x01, 0x48, 0x83, 0xc1, 0x03, 0x48, 0x81,
    0xf9, 0x00, 0x00, 0x01, 0x00, 0x72, 0xef, 0xeb, 0xe4, 0x0f, 0x1f, 0x40, 0x00,
    // 40 stores: lea rdi, [rip + 0x800]; 47: mov [rdi], rax; inc rax; jmp 47
    0x48, 0x8d, 0x3d, 0x00, 0x08, 0x00, 0x00, 0x48, 0x89, 0x07, 0x48, 0xff, 0xc0, 0xeb, 0xf8, 0x90,
    // 50 tables: mov rax, cr3; 53: mov cr3, rax; mov rbx, [0x200000]; jmp 53
    0x0f, 0x20, 0xd8, 0x0f, 0x22, 0xd8, 0x48, 0x8b, 0x1c, 0x25, 0x00, 0x00, 0x20, 0x00, 0xeb, 0xf3,
});
// clang-format on

void run(benchmark::State& state, uint64_t offset) {
  X86Machine machine;
  machine.options.backend = static_cast<BackendKind>(state.range(0));
  machine.space.write(base, std::as_bytes(std::span(program)));
  const auto back = std::to_array<uint8_t>({0xe9, 0xfb, 0xef, 0xff, 0xff});
  machine.space.write(base + 0x1000, std::as_bytes(std::span(back)));
  machine.make();
  machine.long_mode(base + offset);
  std::atomic<bool> done = false;
  std::thread kicker([&] {  // nothing else ends these loops
    while (!done) {
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
      machine.cpu->kick();
    }
  });
  for (auto _ : state) machine.cpu->run();
  done = true;
  kicker.join();
  using benchmark::Counter;
  const auto stats = machine.cpu->stats();
  state.counters["insns"] = Counter(static_cast<double>(stats.insns), Counter::kIsRate);
  state.counters["s_a_unit"] =
      Counter(static_cast<double>(stats.units_run), static_cast<Counter::Flags>(Counter::kIsRate | Counter::kInvert));
}

void both_back_ends(benchmark::internal::Benchmark* benchmark) {
  for (const BackendKind kind : {BackendKind::interp, BackendKind::jit}) benchmark->Arg(static_cast<int64_t>(kind));
  benchmark->ArgName("jit")->Unit(benchmark::kMillisecond);
}

BENCHMARK_CAPTURE(run, links, 0x00)->Apply(both_back_ends);
BENCHMARK_CAPTURE(run, calls, 0x10)->Apply(both_back_ends);
BENCHMARK_CAPTURE(run, sieve, 0x20)->Apply(both_back_ends);
BENCHMARK_CAPTURE(run, stores_beside_code, 0x40)->Apply(both_back_ends);
BENCHMARK_CAPTURE(run, page_table_changes, 0x50)->Apply(both_back_ends);

/// 64 units of 16 instructions each, translated anew each time.
void translate(benchmark::State& state) {
  X86Machine machine;
  machine.options.backend = static_cast<BackendKind>(state.range(0));
  constexpr unsigned units = 64, unit_bytes = 64;
  constexpr auto body =
      std::to_array<uint8_t>({0x48, 0x89, 0x47, 0x08, 0x48, 0x01, 0xd8, 0x48, 0x8b, 0x4f, 0x10, 0x39, 0xca});
  for (unsigned unit = 0; unit < units; ++unit) {
    uint64_t at = base + unit * unit_bytes;
    for (unsigned i = 0; i < 4; ++i, at += body.size()) machine.space.write(at, std::as_bytes(std::span(body)));
    const auto end = std::to_array<uint8_t>({0xeb, 0x0a});  // over the rest of the 64 bytes
    machine.space.write(at, std::as_bytes(std::span(end)));
  }
  machine.space.write_as<uint8_t>(base + units * unit_bytes, 0xf4);
  machine.make();
  for (auto _ : state) {
    machine.space.wrote(base, units * unit_bytes);
    machine.long_mode(base);
    auto registers = machine.cpu->registers();
    registers.gpr[7] = 0x200000;
    machine.cpu->set_registers(registers);
    machine.cpu->run();
  }
  const auto stats = machine.cpu->stats();
  state.counters["us_a_unit"] = static_cast<double>(stats.make_ns()) / static_cast<double>(stats.units) / 1e3;
  state.counters["bytes_a_unit"] = static_cast<double>(stats.code_bytes) / units;
}
BENCHMARK(translate)->Apply(both_back_ends);

}  // namespace
}  // namespace strata::engine
