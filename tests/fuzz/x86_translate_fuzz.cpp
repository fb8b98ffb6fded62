// Any bytes as x86 code in any mode: they are decoded, translated to IR that the verifier accepts, and compiled; and the
// decoder agrees with itself on how many bytes it wants.
#include <cstring>

#include "base/assert.h"
#include "codegen/interp/interpreter.h"
#include "ir/passes/pipeline.h"
#include "ir/verify.h"
#include "isa/x86/cpu.h"
#include "isa/x86/decode.h"
#include "isa/x86/mode.h"
#include "isa/x86/translate/unit.h"
#include "tests/fuzz/bytes.h"

using namespace strata;
using namespace strata::isa::x86;

namespace {

/// Code behind one address, and nothing else.
class CodeOnly final : public isa::Host {
 public:
  std::span<const uint8_t> code;
  uint64_t base = 0;

  bool fetch(uint64_t address, void* out, unsigned size, ir::Space) override {
    if (address - base > code.size()) return false;
    std::memset(out, 0x90, size);
    const auto rest = code.subspan(address - base);
    std::memcpy(out, rest.data(), std::min<size_t>(size, rest.size()));
    return true;
  }
  bool read(uint64_t, void*, unsigned, ir::Space) override { return false; }
  bool write(uint64_t, const void*, unsigned, ir::Space) override { return false; }
  bool probe(uint64_t, unsigned, ir::Space, isa::Access) override { return false; }
  void read_physical(uint64_t, void* out, unsigned size) override { std::memset(out, 0xff, size); }
  void write_physical(uint64_t, const void*, unsigned) override {}
  bool compare_exchange_physical(uint64_t, unsigned, uint64_t, uint64_t) override { return false; }
  void flush_mappings(bool) override {}
  void flush_mapping(uint64_t) override {}
  uint32_t port_in(uint16_t, unsigned) override { return 0; }
  void port_out(uint16_t, unsigned, uint32_t) override {}
  uint64_t ticks() override { return 0; }
  uint64_t tick_rate() override { return 1; }
};

/// What fits gives the same whether more bytes stand behind it or not.
void check_decoder(std::span<const uint8_t> bytes, unsigned code_bits) {
  Insn whole, part;
  if (decode(bytes, code_bits, whole) != DecodeStatus::ok) return;
  STRATA_ASSERT(whole.length <= 15 && whole.length <= bytes.size());
  STRATA_ASSERT(decode(bytes.first(whole.length), code_bits, part) == DecodeStatus::ok && part.length == whole.length);
  STRATA_ASSERT(decode(bytes.first(whole.length - 1u), code_bits, part) == DecodeStatus::more);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static ir::Pipeline pipeline(true);
  static codegen::interp::Interpreter interpreter;
  static Cpu cpu;
  static ir::ExecContext context;
  fuzz::Bytes input(data, size);
  CodeOnly host;
  cpu.cpuid = *Cpuid::model("strata64");
  cpu.host = &host;
  cpu.context = &context;

  Mode mode = Mode::unpack(input.number<uint64_t>() & ~uint64_t{3});
  constexpr uint8_t code_sizes[] = {16, 32, 64};
  mode.code_bits = code_sizes[input.number<uint8_t>() % 3];
  host.base = input.number<uint16_t>();
  const std::span<const uint8_t> code(data + std::min<size_t>(size, 11), size - std::min<size_t>(size, 11));
  host.code = code;
  check_decoder(code, mode.code_bits);

  const isa::CodeKey key{host.base, host.base, mode.pack()};
  ir::Unit unit = translate_unit(cpu, key, 32);
  const auto verified = ir::verify(unit);
  STRATA_ASSERT(verified.has_value(), "the translator made IR that is not well formed");
  pipeline.run(unit);
  interpreter.compile(unit);
  return 0;
}
