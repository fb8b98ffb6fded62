// Instructions as text, by Zydis.
#include "isa/x86/disasm.h"

#include <Zydis/Zydis.h>
#include <fmt/format.h>

namespace strata::isa::x86 {
namespace {

ZydisMachineMode machine_mode(unsigned code_bits) {
  switch (code_bits) {
    case 64: return ZYDIS_MACHINE_MODE_LONG_64;
    case 32: return ZYDIS_MACHINE_MODE_LEGACY_32;
    default: return ZYDIS_MACHINE_MODE_LEGACY_16;
  }
}

}  // namespace

std::string disassemble(std::span<const uint8_t> code, uint64_t address, unsigned code_bits) {
  std::string text;
  while (!code.empty()) {
    ZydisDisassembledInstruction instruction;
    const bool good =
        ZYAN_SUCCESS(ZydisDisassembleIntel(machine_mode(code_bits), address, code.data(), code.size(), &instruction));
    const size_t length = good ? instruction.info.length : 1;
    std::string bytes;
    for (uint8_t byte : code.first(length)) bytes += fmt::format("{:02x}", byte);
    text += fmt::format("{:x}  {:<30}  {}\n", address, bytes, good ? instruction.text : "(bad)");
    code = code.subspan(length);
    address += length;
  }
  return text;
}

}  // namespace strata::isa::x86
