// The exception that one instruction raises by its form and the mode alone.
#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "isa/x86/mode.h"
#include "isa/x86/system/control_bits.h"
#include "isa/x86/translate/unit.h"

namespace strata::isa::x86 {

/// Memory that is code only.
class CodeHost final : public Host {
 public:
  std::vector<uint8_t> code;

  bool read(uint64_t address, void* out, unsigned size, ir::Space) override {
    for (unsigned i = 0; i < size; ++i)
      static_cast<uint8_t*>(out)[i] = address + i < code.size() ? code[address + i] : 0xf4;
    return true;
  }
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
};

inline constexpr int none = -1;

/// The unit of one instruction in 32-bit code.
inline ir::Unit unit_of(std::vector<uint8_t> code, uint64_t cr0, uint64_t cr4) {
  CodeHost host;
  host.code = std::move(code);
  Cpu cpu;
  cpu.state = {};
  cpu.state.cr0 = Cr0::pe | cr0;
  cpu.state.cr4 = cr4;
  cpu.state.mxcsr = 0x1f80;
  cpu.state.segment[cs] = {0, 0xffff'ffff, 8, 0xc09b};
  cpu.host = &host;
  return translate_unit(cpu, {0, 0, Mode::of(cpu.state).pack()}, 1);
}

inline bool is_trap(const ir::Instr& instr) { return instr.kind == static_cast<uint8_t>(ir::ExitKind::trap); }

/// The exception that the instruction raises whatever its operands are.
inline int raised(std::vector<uint8_t> code, uint64_t cr0 = 0, uint64_t cr4 = Cr4::osfxsr) {
  const ir::Unit unit = unit_of(std::move(code), cr0, cr4);
  const ir::Instr& last = unit.code.back();
  return last.op == ir::Op::exit && is_trap(last) ? static_cast<int>(last.imm & 0xff) : none;
}

/// Whether its IR itself raises the exception under some condition.
inline bool may_raise(std::vector<uint8_t> code, Vector vector, uint64_t cr0 = 0) {
  const ir::Unit unit = unit_of(std::move(code), cr0, Cr4::osfxsr);
  return std::any_of(unit.code.begin(), unit.code.end(), [&](const ir::Instr& instr) {
    return instr.op == ir::Op::exit_if && is_trap(instr) && (instr.imm & 0xff) == vector;
  });
}

}  // namespace strata::isa::x86
