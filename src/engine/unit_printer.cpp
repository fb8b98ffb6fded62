// The text of a unit, stage by stage.
#include "engine/unit_printer.h"

#include <fmt/format.h>

#include "ir/text.h"
#include "isa/x86/disasm.h"

namespace strata::engine {

namespace {

/// The instructions of the unit, in the order of their addresses in each block; what stands between them is not its.
std::string guest_code(const isa::Guest& guest, const isa::CodeKey& key, std::span<const uint8_t> code,
                       const ir::Unit& unit) {
  std::string text;
  for (const ir::Instr& instr : unit.code) {
    const uint64_t within = instr.imm - key.pc;
    if (instr.op == ir::Op::insn && within < code.size())
      text += guest.disassemble(key, key.address + within, code.subspan(within));
  }
  return text;
}

std::string host_code(std::span<const std::byte> code) {
#if defined(__x86_64__)
  return isa::x86::disassemble({reinterpret_cast<const uint8_t*>(code.data()), code.size()},
                               reinterpret_cast<uint64_t>(code.data()), 64);
#else
  return fmt::format("{} bytes\n", code.size());
#endif
}

}  // namespace

bool UnitPrinter::wants(const isa::CodeKey& key, const ir::Unit& unit) const {
  return !options_.address || *options_.address - key.address < unit.guest_bytes;
}

void UnitPrinter::translated(const isa::Guest& guest, const isa::CodeKey& key, std::span<const uint8_t> code,
                             const ir::Unit& unit) {
  if (!wants(key, unit)) return;
  text_ = fmt::format("== {:x}, mode {:x}: {} instructions, {} bytes\n", key.address, key.mode, unit.guest_insns,
                      unit.guest_bytes);
  if (options_.code) text_ += "-- guest\n" + guest_code(guest, key, code, unit);
  if (options_.ir) text_ += "-- IR\n" + ir::print(unit);
}

void UnitPrinter::compiled(const isa::CodeKey& key, const ir::Unit& unit, const codegen::Code& code) {
  if (!wants(key, unit)) return;
  if (options_.ir) text_ += "-- IR after the passes\n" + ir::print(unit);
  const codegen::HostCode host = code.host_code();
  if (options_.code && !host.usual.empty())
    text_ += fmt::format("-- host, {} bytes\n{}-- host, seldom run, {} bytes\n{}", host.usual.size(),
                         host_code(host.usual), host.seldom.size(), host_code(host.seldom));
  write_(text_ + "\n");
}

}  // namespace strata::engine
