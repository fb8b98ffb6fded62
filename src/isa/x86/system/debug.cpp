// MOV DR, breakpoints on code, and the single step.
#include "isa/x86/system/debug.h"

#include "isa/x86/helpers/define.h"
#include "isa/x86/system/control_bits.h"
#include "isa/x86/system/helpers.h"
#include "isa/x86/system/register_helpers.h"

namespace strata::isa::x86 {
namespace {

bool is_enabled(const State& s, unsigned number) { return s.dr[7] >> (number * 2) & 3; }

enum Kind : uint8_t { on_execution = 0, on_write = 1, on_port = 2, on_access = 3 };

Kind kind(const State& s, unsigned number) { return static_cast<Kind>(s.dr[7] >> (16 + number * 4) & 3); }

bool breaks_on_code(const State& s, unsigned number) {
  return is_enabled(s, number) && kind(s, number) == on_execution;
}

bool on_data(const State& s, unsigned number) { return is_enabled(s, number) && (kind(s, number) & 1); }

/// LEN of DR7: 1, 2, 8 or 4 bytes, and the breakpoint is aligned to that.
unsigned length(const State& s, unsigned number) {
  constexpr unsigned lengths[] = {1, 2, 8, 4};
  return lengths[s.dr[7] >> (18 + number * 4) & 3];
}

uint64_t first_byte(const State& s, unsigned number) { return s.dr[number] & ~uint64_t{length(s, number) - 1}; }

/// DR4 and DR5 are DR6 and DR7, unless CR4.DE makes them invalid. General detect traps every access.
bool check_access(Cpu& cpu, uint64_t& number) {
  State& s = cpu.state;
  if (number == 4 || number == 5) {
    if (s.cr4 & Cr4::de) return fault(cpu, vector_ud);
    number += 2;
  }
  if (!(s.dr[7] & Dr7::gd)) return true;
  s.dr[6] |= Dr6::bd;
  s.dr[7] &= ~Dr7::gd;
  return fault(cpu, vector_db);
}

uint64_t read_dr(ir::ExecContext& context, uint64_t number) {
  Cpu& cpu = Cpu::of(context);
  if (!check_access(cpu, number)) return leave(cpu);
  return cpu.state.dr[number];
}

uint64_t write_dr(ir::ExecContext& context, uint64_t number, uint64_t value) {
  Cpu& cpu = Cpu::of(context);
  if (!check_access(cpu, number)) return leave(cpu);
  if (number >= 6 && value >> 32) return raise(cpu, vector_gp, 0);
  if (number == 6) value = (value & 0xe00f) | Dr6::fixed;
  if (number == 7) value = (value & 0xffff2bff) | Dr7::fixed;
  cpu.state.dr[number] = value;
  cpu.host->flush_mappings(true);  // pages become watched, or no longer are
  return 0;
}

uint64_t single_step(ir::ExecContext& context) {
  Cpu& cpu = Cpu::of(context);
  cpu.stepping = true;
  context.events |= 1;
  return 0;
}

uint64_t check_breakpoint(ir::ExecContext& context, uint64_t linear) {
  Cpu& cpu = Cpu::of(context);
  State& s = cpu.state;
  if (s.system_flags & Rflags::rf) {  // set by IRET from the handler: this once, no breakpoint
    s.system_flags &= ~static_cast<uint32_t>(Rflags::rf);
    return 0;
  }
  uint64_t hit = 0;
  for (unsigned i = 0; i < 4; i++) {
    if (breaks_on_code(s, i) && s.dr[i] == linear) hit |= 1u << i;
  }
  if (!hit) return 0;
  s.dr[6] = (s.dr[6] & ~uint64_t{15}) | hit;
  return raise(cpu, vector_db);
}

}  // namespace

bool has_breakpoints(const State& state) { return state.dr[7] & Dr7::enabled; }

bool is_watched(const State& state, uint64_t address, uint64_t span) {
  if (!has_breakpoints(state)) return false;
  for (unsigned i = 0; i < 4; i++) {
    if (on_data(state, i) && ((first_byte(state, i) ^ address) & ~(span - 1)) == 0) return true;
  }
  return false;
}

void note_access(Cpu& cpu, uint64_t address, unsigned size, Access access) {
  const State& s = cpu.state;
  for (unsigned i = 0; i < 4; i++) {
    if (!on_data(s, i) || (access == Access::read && kind(s, i) == on_write)) continue;
    const uint64_t first = first_byte(s, i);
    if (address < first + length(s, i) && first < address + size) cpu.data_breakpoints |= 1u << i;
  }
  if (cpu.data_breakpoints) cpu.context->events |= ir::event_interrupt;
}

bool take_debug_trap(Cpu& cpu) {
  if (!cpu.stepping && !cpu.data_breakpoints) return false;
  State& s = cpu.state;
  s.dr[6] = (s.dr[6] & ~uint64_t{15}) | cpu.data_breakpoints | (cpu.stepping ? Dr6::bs : 0);
  cpu.stepping = false;
  cpu.data_breakpoints = 0;
  return true;
}

namespace helpers {
using ir::Type;
const ir::Helper read_dr = define_helper("read_dr", x86::read_dr, Type::i64, {Type::i8});
const ir::Helper write_dr = define_helper("write_dr", x86::write_dr, Type::none, {Type::i8, Type::i64});
const ir::Helper single_step = define_helper("single_step", x86::single_step, Type::none, {});
const ir::Helper check_breakpoint = define_helper("check_breakpoint", x86::check_breakpoint, Type::none, {Type::i64});
}  // namespace helpers

}  // namespace strata::isa::x86
