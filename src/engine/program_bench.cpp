// What a unit costs, by stages, where the code is what compilers make: this program's own, or that of another one that
// STRATA_BENCH_PROGRAM names. Each unit begins where the one before it ends.
#include <benchmark/benchmark.h>
#include <elf.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <memory>
#include <vector>

#include "codegen/x64/translator.h"
#include "ir/passes/pipeline.h"
#include "isa/x86/cpu.h"
#include "isa/x86/mode.h"
#include "isa/x86/translate/unit.h"

namespace strata::engine {
namespace {

using isa::x86::Cpu;

/// The bytes of the first executable segment, from its middle on.
std::vector<uint8_t> program_code(size_t size) {
  const char* named = std::getenv("STRATA_BENCH_PROGRAM");
  std::ifstream file(named != nullptr ? named : "/proc/self/exe", std::ios::binary);
  const std::vector<char> bytes{std::istreambuf_iterator<char>(file), {}};
  Elf64_Ehdr header{};
  if (bytes.size() < sizeof header) return {};
  std::memcpy(&header, bytes.data(), sizeof header);
  for (unsigned i = 0; i < header.e_phnum; ++i) {
    Elf64_Phdr segment{};
    std::memcpy(&segment, bytes.data() + header.e_phoff + i * sizeof segment, sizeof segment);
    if (segment.p_type != PT_LOAD || (segment.p_flags & PF_X) == 0) continue;
    const size_t begin = segment.p_offset + segment.p_filesz / 2;
    const size_t end = std::min<size_t>(begin + size, segment.p_offset + segment.p_filesz);
    return {bytes.data() + begin, bytes.data() + end};
  }
  return {};
}

class CodeHost final : public isa::Host {
 public:
  explicit CodeHost(std::vector<uint8_t> code) : code_(std::move(code)) {}
  size_t size() const { return code_.size(); }
  bool fetch(uint64_t address, void* out, unsigned size, ir::Space) override {
    const uint64_t offset = address - base;
    if (offset + size > code_.size()) return false;
    std::memcpy(out, code_.data() + offset, size);
    return true;
  }
  bool read(uint64_t, void*, unsigned, ir::Space) override { return false; }
  bool write(uint64_t, const void*, unsigned, ir::Space) override { return false; }
  bool probe(uint64_t, unsigned, ir::Space, isa::Access) override { return true; }
  void read_physical(uint64_t, void*, unsigned) override {}
  void write_physical(uint64_t, const void*, unsigned) override {}
  bool compare_exchange_physical(uint64_t, unsigned, uint64_t, uint64_t) override { return false; }
  void flush_mappings(bool) override {}
  void flush_mapping(uint64_t) override {}
  uint32_t port_in(uint16_t, unsigned) override { return 0; }
  void port_out(uint16_t, unsigned, uint32_t) override {}
  uint64_t ticks() override { return 0; }
  uint64_t tick_rate() override { return 1; }

  static constexpr uint64_t base = 0x40'0000;

 private:
  std::vector<uint8_t> code_;
};

isa::x86::Mode user_mode() {
  isa::x86::Mode mode;
  mode.code_bits = 64;
  mode.protected_ = mode.long_ = mode.flat_data = mode.flat_stack = mode.flat_code = mode.open_fs = mode.open_gs = true;
  mode.sse = true;
  mode.cpl = 3;
  return mode;
}

enum class Until : int { front_end, passes, back_end };

void program(benchmark::State& state) {
  const auto until = static_cast<Until>(state.range(0));
  CodeHost host(program_code(size_t{1} << 18));
  Cpu cpu{};
  cpu.cpuid = *isa::x86::Cpuid::model("strata64");
  cpu.host = &host;
  ir::Pipeline pipeline;
  codegen::x64::Translator translator;
  constexpr size_t kept = 1024;  // what came before is dropped, the oldest first
  std::vector<std::unique_ptr<codegen::Code>> codes(kept);
  size_t units = 0, insns = 0, bytes = 0;
  for (auto _ : state) {
    for (uint64_t at = host.base; at + 2 * ir::page_size < host.base + host.size();) {
      const isa::CodeKey key{at, at, user_mode().pack(), true};
      ir::Unit unit = translate_unit(cpu, key, 64);
      unit.guest_address = at;
      unit.mode = 1;
      at += std::max(unit.guest_bytes, 1u);
      insns += unit.guest_insns;
      if (until >= Until::passes) pipeline.run(unit);
      if (until >= Until::back_end) {
        auto& code = codes[units % kept];
        code = translator.compile(unit);
        bytes += code->bytes();
      }
      ++units;
      benchmark::DoNotOptimize(unit.code.data());
    }
  }
  using benchmark::Counter;
  state.counters["units"] = static_cast<double>(units);
  state.counters["insns_a_unit"] = static_cast<double>(insns) / static_cast<double>(units);
  state.counters["bytes_a_unit"] = static_cast<double>(bytes) / static_cast<double>(units);
  state.counters["s_a_unit"] =
      Counter(static_cast<double>(units), static_cast<Counter::Flags>(Counter::kIsRate | Counter::kInvert));
}
BENCHMARK(program)->DenseRange(0, 2)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace strata::engine
