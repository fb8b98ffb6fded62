// What differs between two outcomes, and a program as text.
#include <fmt/format.h>

#include "isa/x86/disasm.h"
#include "isa/x86/lockstep/world_test.h"

namespace strata::isa::x86::lockstep {
namespace {

std::string flag_names(uint64_t flags) {
  constexpr struct {
    unsigned bit;
    const char* name;
  } names[] = {{0, "CF"}, {2, "PF"}, {4, "AF"}, {6, "ZF"}, {7, "SF"}, {10, "DF"}, {11, "OF"}};
  std::string text;
  for (const auto& flag : names)
    if (flags >> flag.bit & 1) text += fmt::format("{} ", flag.name);
  return text.empty() ? "none" : text;
}

/// Not compared: FXSAVE's instruction and data pointers (x87 people compare them where they matter), reserved bytes.
constexpr bool is_compared(size_t byte_of_fx) {
  if (byte_of_fx < 5) return true;                       // control, status, tags
  if (byte_of_fx >= 24 && byte_of_fx < 28) return true;  // MXCSR
  if (byte_of_fx >= 32 && byte_of_fx < 160) return (byte_of_fx & 15) < 10;
  return byte_of_fx >= 160 && byte_of_fx < 416;
}

std::string fx_differences(const FxArea& before, const FxArea& host, const FxArea& strata) {
  std::string text;
  for (size_t i = 0; i < host.bytes.size(); i += 8) {
    bool differs = false;
    for (size_t k = i; k < i + 8; ++k) differs |= is_compared(k) && host.bytes[k] != strata.bytes[k];
    if (!differs) continue;
    const std::string name = i >= 160  ? fmt::format("xmm{}+{}", (i - 160) / 16, i & 8)
                             : i >= 32 ? fmt::format("st{}+{}", (i - 32) / 16, i & 8)
                                       : fmt::format("fx+{}", i);
    text += fmt::format("  {}: before {:016x}, host {:016x}, strata {:016x}\n", name, before.get<uint64_t>(i),
                        host.get<uint64_t>(i), strata.get<uint64_t>(i));
  }
  return text;
}

std::string memory_differences(const char* name, uint64_t base, const std::vector<uint8_t>& host,
                               const std::vector<uint8_t>& strata) {
  std::string text;
  unsigned shown = 0;
  for (size_t i = 0; i < host.size() && shown < 16; ++i) {
    if (host[i] == strata[i]) continue;
    ++shown;
    text += fmt::format("  {} {:x}: host {:02x}, strata {:02x}\n", name, base + i, host[i], strata[i]);
  }
  return text;
}

}  // namespace

std::string differences(const Program& program, const Outcome& host, const Outcome& strata) {
  static constexpr const char* names[] = {"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
                                          "r8",  "r9",  "r10", "r11", "r12", "r13", "r14", "r15"};
  const Registers &h = host.registers, &s = strata.registers, &before = program.registers;
  std::string text;
  if (h.vector != s.vector || h.rip != s.rip)
    text += fmt::format("  ends at {:x} with vector {}, strata at {:x} with {}\n", h.rip, h.vector, s.rip, s.vector);
  const unsigned registers = program.code_size == CodeSize::bits64 ? 16 : 8;
  for (unsigned i = 0; i < registers; ++i)
    if (h.gpr[i] != s.gpr[i])
      text += fmt::format("  {}: before {:x}, host {:x}, strata {:x}\n", names[i], before.gpr[i], h.gpr[i], s.gpr[i]);
  if (h.flags != s.flags)
    text += fmt::format("  flags: before {}, host {}, strata {}\n", flag_names(before.flags), flag_names(h.flags),
                        flag_names(s.flags));
  text += fx_differences(before.fx, h.fx, s.fx);
  text += memory_differences("data", data_base, host.memory.data, strata.memory.data);
  text += memory_differences("stack", stack_base, host.memory.stack, strata.memory.stack);
  return text;
}

std::string disassembly(const Program& program) {
  return disassemble(program.code, code_base, static_cast<unsigned>(program.code_size));
}

}  // namespace strata::isa::x86::lockstep
