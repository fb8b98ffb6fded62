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

struct Line {
  std::string text;
  size_t length;
};

/// `code` is not empty.
Line disassemble_line(std::span<const uint8_t> code, uint64_t address, unsigned code_bits) {
  ZydisDisassembledInstruction instruction;
  const bool good =
      ZYAN_SUCCESS(ZydisDisassembleIntel(machine_mode(code_bits), address, code.data(), code.size(), &instruction));
  const size_t length = good ? instruction.info.length : 1;
  std::string bytes;
  for (uint8_t byte : code.first(length)) bytes += fmt::format("{:02x}", byte);
  return {fmt::format("{:x}  {:<30}  {}\n", address, bytes, good ? instruction.text : "(bad)"), length};
}

}  // namespace

std::string disassemble(std::span<const uint8_t> code, uint64_t address, unsigned code_bits) {
  std::string text;
  while (!code.empty()) {
    const Line line = disassemble_line(code, address, code_bits);
    text += line.text;
    code = code.subspan(line.length);
    address += line.length;
  }
  return text;
}

std::string disassemble_one(std::span<const uint8_t> code, uint64_t address, unsigned code_bits) {
  return code.empty() ? std::string() : disassemble_line(code, address, code_bits).text;
}

}  // namespace strata::isa::x86
