// x87 and SSE state in the form in which FXSAVE and XSAVE lay it out.
#include "isa/x86/fpu/state_area.h"

#include <cstring>

#include "isa/x86/cpu.h"
#include "isa/x86/fpu/x87_unit.h"
#include "isa/x86/helpers/define.h"
#include "isa/x86/host_float.h"
#include "isa/x86/mode.h"
#include "isa/x86/system/control_bits.h"

namespace strata::isa::x86 {
namespace {

/// SDM vol. 1, tables 10-2 and 13-1, and the header of XSAVE (13.4.2).
struct Area {
  uint16_t control, status;
  uint8_t valid, reserved1;
  uint16_t opcode;
  uint64_t insn_pointer, data_pointer;
  uint32_t mxcsr, mxcsr_mask;
  uint64_t st[8][2];
  ir::Vec128 xmm[16];
  uint8_t available[96];
  uint64_t components, compaction, reserved2[6];
};
static_assert(sizeof(Area) == 576 && offsetof(Area, xmm) == 160 && offsetof(Area, components) == 512);

constexpr unsigned legacy_size = 512;
constexpr uint64_t component_x87 = 1, component_sse = 2;
constexpr uint16_t control_at_init = 0x37f;

unsigned top(const X87& x87) { return x87.status >> 11 & 7; }

void save_x87(const State& s, Area& area, unsigned bits) {
  const X87& x = s.x87;
  area.control = x.control;
  area.status = x.status;
  area.valid = x.valid;
  area.reserved1 = 0;
  area.opcode = x.opcode;
  area.insn_pointer = bits == 64 ? x.insn_pointer : (x.insn_pointer & 0xffffffff) | uint64_t{x.insn_selector} << 32;
  area.data_pointer = bits == 64 ? x.data_pointer : (x.data_pointer & 0xffffffff) | uint64_t{x.data_selector} << 32;
  for (unsigned i = 0; i < 8; i++) {
    const X87Register& from = x.physical[(top(x) + i) & 7];
    area.st[i][0] = from.significand;
    area.st[i][1] = from.sign_exponent;
  }
}

void load_x87(State& s, const Area& area, unsigned bits) {
  X87& x = s.x87;
  x.control = static_cast<uint16_t>((area.control & 0x1f7f) | 0x40);
  x.status = x87_unit::summarized(area.status, x.control);
  x.valid = area.valid;
  x.opcode = area.opcode & 0x7ff;
  x.insn_pointer = bits == 64 ? area.insn_pointer : area.insn_pointer & 0xffffffff;
  x.data_pointer = bits == 64 ? area.data_pointer : area.data_pointer & 0xffffffff;
  x.insn_selector = bits == 64 ? 0 : static_cast<uint16_t>(area.insn_pointer >> 32);
  x.data_selector = bits == 64 ? 0 : static_cast<uint16_t>(area.data_pointer >> 32);
  for (unsigned i = 0; i < 8; i++) {
    x.physical[(top(x) + i) & 7] = {area.st[i][0], static_cast<uint16_t>(area.st[i][1])};
  }
}

void initialise_x87(State& s) {
  s.x87 = X87{};
  s.x87.control = control_at_init;
}

void save_mxcsr(const State& s, Area& area) {
  area.mxcsr = host_float::current(s.mxcsr);
  area.mxcsr_mask = host_float::Mxcsr::writable;
}

/// False: a reserved bit is set.
bool is_valid_mxcsr(uint32_t value) { return !(value & ~host_float::Mxcsr::writable); }

void load_mxcsr(State& s, uint32_t value) {
  s.mxcsr = value;
  host_float::enter(value);
}

bool read_area(Cpu& cpu, uint64_t address, Area& area, unsigned size) {
  return cpu.host->read(address, &area, size, Mode::of(cpu.state).data_space());
}

bool write_area(Cpu& cpu, uint64_t address, const Area& area, unsigned size) {
  return cpu.host->write(address, &area, size, Mode::of(cpu.state).data_space());
}

uint64_t fxsave(ir::ExecContext& context, uint64_t address, uint64_t bits, uint64_t registers) {
  Cpu& cpu = Cpu::of(context);
  x87_unit::unload(cpu);
  const State& s = cpu.state;
  Area area;
  if (!read_area(cpu, address, area, legacy_size)) return leave(cpu);  // the bytes that it leaves alone
  save_x87(s, area, static_cast<unsigned>(bits));
  save_mxcsr(s, area);
  if (s.cr4 & Cr4::osfxsr) std::memcpy(area.xmm, s.xmm.data(), registers * sizeof(ir::Vec128));
  if (!write_area(cpu, address, area, legacy_size)) leave(cpu);
  return 0;
}

uint64_t fxrstor(ir::ExecContext& context, uint64_t address, uint64_t bits, uint64_t registers) {
  Cpu& cpu = Cpu::of(context);
  x87_unit::unload(cpu);
  State& s = cpu.state;
  Area area;
  if (!read_area(cpu, address, area, legacy_size)) return leave(cpu);
  if (!is_valid_mxcsr(area.mxcsr)) return raise(cpu, vector_gp, 0);
  load_x87(s, area, static_cast<unsigned>(bits));
  load_mxcsr(s, area.mxcsr);
  if (s.cr4 & Cr4::osfxsr) std::memcpy(s.xmm.data(), area.xmm, registers * sizeof(ir::Vec128));
  return 0;
}

uint64_t requested_components(const State& s) { return ((s.gpr[rdx] << 32) | (s.gpr[rax] & 0xffffffff)) & s.xcr0; }

/// Every component counts as in use, so what is asked for is written (SDM vol. 1, 13.7).
uint64_t xsave(ir::ExecContext& context, uint64_t address, uint64_t bits, uint64_t registers) {
  Cpu& cpu = Cpu::of(context);
  x87_unit::unload(cpu);
  const State& s = cpu.state;
  const uint64_t asked = requested_components(s);
  Area area;
  if (!read_area(cpu, address, area, sizeof area)) return leave(cpu);
  if (asked & component_x87) save_x87(s, area, static_cast<unsigned>(bits));
  if (asked & component_sse) {
    save_mxcsr(s, area);
    std::memcpy(area.xmm, s.xmm.data(), registers * sizeof(ir::Vec128));
  }
  area.components |= asked;
  if (!write_area(cpu, address, area, sizeof area)) leave(cpu);
  return 0;
}

bool header_is_valid(const State& s, const Area& area) {
  return !(area.components & ~s.xcr0) && area.compaction == 0 && area.reserved2[0] == 0;
}

uint64_t xrstor(ir::ExecContext& context, uint64_t address, uint64_t bits, uint64_t registers) {
  Cpu& cpu = Cpu::of(context);
  x87_unit::unload(cpu);
  State& s = cpu.state;
  const uint64_t asked = requested_components(s);
  Area area;
  if (!read_area(cpu, address, area, sizeof area)) return leave(cpu);
  if (!header_is_valid(s, area)) return raise(cpu, vector_gp, 0);
  if ((asked & component_sse) && !is_valid_mxcsr(area.mxcsr)) return raise(cpu, vector_gp, 0);
  if (asked & component_x87) {
    area.components& component_x87 ? load_x87(s, area, static_cast<unsigned>(bits)) : initialise_x87(s);
  }
  if (asked & component_sse) {
    load_mxcsr(s, area.mxcsr);  // from memory even where the component is in its initial state (13.8.1)
    for (unsigned i = 0; i < registers; i++) {
      s.xmm[i] = area.components & component_sse ? area.xmm[i] : ir::Vec128{};
    }
  }
  return 0;
}

}  // namespace

namespace helpers {
using ir::Type;
const ir::Helper fxsave = define_helper("fxsave", x86::fxsave, Type::none, {Type::i64, Type::i8, Type::i8});
const ir::Helper fxrstor = define_helper("fxrstor", x86::fxrstor, Type::none, {Type::i64, Type::i8, Type::i8});
const ir::Helper xsave = define_helper("xsave", x86::xsave, Type::none, {Type::i64, Type::i8, Type::i8});
const ir::Helper xrstor = define_helper("xrstor", x86::xrstor, Type::none, {Type::i64, Type::i8, Type::i8});
}  // namespace helpers

}  // namespace strata::isa::x86
