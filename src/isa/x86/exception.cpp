// Exceptions as helpers and system code raise them.
#include "isa/x86/exception.h"

#include "isa/x86/cpu.h"

namespace strata::isa::x86 {

bool fault(Cpu& cpu, uint8_t vector) {
  cpu.state.event = {Event::exception, vector, false, 0, 0};
  return false;
}

bool fault(Cpu& cpu, uint8_t vector, uint32_t error) {
  cpu.state.event = {Event::exception, vector, true, error, 0};
  return false;
}

uint64_t leave(Cpu& cpu) {
  cpu.context->leave = true;
  cpu.context->leave_kind = ir::ExitKind::leave;
  cpu.context->leave_payload = 0;
  return 0;
}

uint64_t raise(Cpu& cpu, uint8_t vector) {
  fault(cpu, vector);
  return leave(cpu);
}

uint64_t raise(Cpu& cpu, uint8_t vector, uint32_t error) {
  fault(cpu, vector, error);
  return leave(cpu);
}

}  // namespace strata::isa::x86
