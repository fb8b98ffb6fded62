// MMX registers as SSE instructions see them (SDM vol. 1, 9.5.1).
#include "isa/x86/cpu.h"
#include "isa/x86/fpu/x87_unit.h"
#include "isa/x86/helpers/define.h"
#include "isa/x86/helpers/sse.h"
#include "isa/x86/system/control_bits.h"

namespace strata::isa::x86::helpers {
namespace {

constexpr uint16_t exception_pending = 0x80, top_of_stack = 0x3800;

/// Whether an x87 exception waits; where the processor tells of those by an interrupt line, this board has none.
bool exception_waits(Cpu& cpu) {
  x87_unit::unload(cpu);
  return (cpu.state.x87.status & exception_pending) && (cpu.state.cr0 & Cr0::ne);
}

uint64_t check(ir::ExecContext& context) {
  Cpu& cpu = Cpu::of(context);
  return exception_waits(cpu) ? raise(cpu, vector_mf) : 0;
}

/// From x87 to MMX: the stack's top becomes register 0, and no register is empty.
uint64_t enter(ir::ExecContext& context) {
  Cpu& cpu = Cpu::of(context);
  if (exception_waits(cpu)) return raise(cpu, vector_mf);
  X87& x87 = cpu.state.x87;
  x87.status &= static_cast<uint16_t>(~top_of_stack);
  x87.valid = 0xff;
  x87.place = X87Place::mmx;
  return 0;
}

/// EMMS.
uint64_t empty(ir::ExecContext& context) {
  Cpu& cpu = Cpu::of(context);
  if (exception_waits(cpu)) return raise(cpu, vector_mf);
  cpu.state.x87.status &= static_cast<uint16_t>(~top_of_stack);
  cpu.state.x87.valid = 0;
  return 0;
}

using enum ir::Type;
using ir::HelperEffect;

}  // namespace

const ir::Helper mmx_check = define_helper("mmx_check", check, none, {}, HelperEffect::may_exit);
const ir::Helper mmx_enter = define_helper("mmx_enter", enter, none, {}, HelperEffect::may_exit);
const ir::Helper mmx_empty = define_helper("mmx_empty", empty, none, {}, HelperEffect::may_exit);

}  // namespace strata::isa::x86::helpers
