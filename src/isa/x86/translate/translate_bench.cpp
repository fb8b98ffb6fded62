// What translating costs: a block of six instructions as compilers write them, and one of real-mode code.
#include <benchmark/benchmark.h>

#include <cstring>
#include <vector>

#include "isa/x86/cpu.h"
#include "isa/x86/decode.h"
#include "isa/x86/mode.h"
#include "isa/x86/translate/unit.h"

namespace strata::isa::x86 {
namespace {

class CodeHost final : public Host {
 public:
  explicit CodeHost(std::vector<uint8_t> code) : code_(std::move(code)) { code_.resize(ir::page_size, 0xf4); }
  bool fetch(uint64_t address, void* out, unsigned size, ir::Space) override {
    std::memcpy(out, code_.data() + (address & ~ir::page_mask), size);
    return true;
  }
  bool read(uint64_t, void*, unsigned, ir::Space) override { return false; }
  bool write(uint64_t, const void*, unsigned, ir::Space) override { return false; }
  bool probe(uint64_t, unsigned, ir::Space, Access) override { return true; }
  void read_physical(uint64_t, void*, unsigned) override {}
  void write_physical(uint64_t, const void*, unsigned) override {}
  bool compare_exchange_physical(uint64_t, unsigned, uint64_t, uint64_t) override { return false; }
  void flush_mappings(bool) override {}
  void flush_mapping(uint64_t) override {}
  uint32_t port_in(uint16_t, unsigned) override { return 0; }
  void port_out(uint16_t, unsigned, uint32_t) override {}
  uint64_t ticks() override { return 0; }
  uint64_t tick_rate() override { return 1; }

 private:
  std::vector<uint8_t> code_;
};

void translate(benchmark::State& state, std::vector<uint8_t> code, const Mode& mode) {
  CodeHost host(std::move(code));
  Cpu cpu{};
  cpu.cpuid = *Cpuid::model("strata64");
  cpu.host = &host;
  const CodeKey key{0x1000, 0x1000, mode.pack()};
  size_t instructions = 0;
  for (auto _ : state) {
    const ir::Unit unit = translate_unit(cpu, key, 64);
    instructions = unit.code.size();
    benchmark::DoNotOptimize(unit.code.data());
  }
  state.counters["ir"] = static_cast<double>(instructions);
}

Mode long_mode() {
  Mode mode;
  mode.code_bits = 64;
  mode.protected_ = mode.long_ = mode.flat_data = mode.flat_stack = mode.flat_code = mode.open_fs = mode.open_gs = true;
  mode.sse = true;
  mode.cpl = 3;
  return mode;
}

void six_instructions(benchmark::State& state) {
  // mov rax, [rdi+8]; add rax, rsi; mov [rdi+8], rax; lea rcx, [rax+rdx*4]; cmp rcx, 0x40; jne -0x20
  translate(state, {0x48, 0x8b, 0x47, 0x08, 0x48, 0x01, 0xf0, 0x48, 0x89, 0x47, 0x08,
                    0x48, 0x8d, 0x0c, 0x90, 0x48, 0x83, 0xf9, 0x40, 0x75, 0xe0},
            long_mode());
}
BENCHMARK(six_instructions);

void real_mode(benchmark::State& state) {
  // push bp; mov bp, sp; mov ax, [bp+4]; add ax, [si]; pop bp; ret
  translate(state, {0x55, 0x89, 0xe5, 0x8b, 0x46, 0x04, 0x03, 0x04, 0x5d, 0xc3}, Mode{});
}
BENCHMARK(real_mode);

void decoding(benchmark::State& state) {
  const uint8_t code[15] = {0x48, 0x8b, 0x84, 0x91, 0x10, 0x20, 0x30, 0x40};  // mov rax, [rcx+rdx*4+..]
  Insn insn;
  for (auto _ : state) {
    decode(code, 64, insn);
    benchmark::DoNotOptimize(insn);
  }
}
BENCHMARK(decoding);

/// What the engine asks for behind every indirect jump.
void mode_of_state(benchmark::State& state) {
  State s{};
  s.cr0 = 0x80050033;
  s.cr4 = 0x6f0;
  s.efer = 0xd01;
  s.cpl = 3;
  s.mxcsr = 0x1f80;
  s.system_flags = 0x202;
  s.segment[cs].attributes = 0xa0fb;
  for (auto _ : state) {
    benchmark::ClobberMemory();
    benchmark::DoNotOptimize(Mode::packed(s));
  }
}
BENCHMARK(mode_of_state);

}  // namespace
}  // namespace strata::isa::x86
