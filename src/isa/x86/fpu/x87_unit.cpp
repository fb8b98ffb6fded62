// Every x87 instruction once, as a stub in the host's own code, and the exchange of the whole state.
#include "isa/x86/fpu/x87_unit.h"

#include "base/assert.h"

namespace strata::isa::x86::x87_unit {

#if defined(__x86_64__)

// Four bytes a stub: the instruction and a return. Register forms: all second bytes C0..FF of the eight opcodes.
// Memory forms: the eight reg fields of the eight opcodes, with [rdi] as operand.
asm(R"(
  .text
  .p2align 4
strata_x87_register_forms:
  .irp opcode, 0xd8, 0xd9, 0xda, 0xdb, 0xdc, 0xdd, 0xde, 0xdf
  .set modrm, 0xc0
  .rept 64
  .byte \opcode, modrm
  ret
  nop
  .set modrm, modrm + 1
  .endr
  .endr
strata_x87_memory_forms:
  .irp opcode, 0xd8, 0xd9, 0xda, 0xdb, 0xdc, 0xdd, 0xde, 0xdf
  .set modrm, 0x07
  .rept 8
  .byte \opcode, modrm
  ret
  nop
  .set modrm, modrm + 8
  .endr
  .endr

# uint64_t strata_x87_with_flags(stub, flags): calls the stub under these flags and gives those behind it.
strata_x87_with_flags:
  pushq %rsi
  popfq
  call *%rdi
  pushfq
  popq %rax
  cld
  ret
)");

extern "C" {
extern const uint8_t strata_x87_register_forms[];
extern const uint8_t strata_x87_memory_forms[];
uint64_t strata_x87_with_flags(const void* stub, uint64_t flags);
}

namespace {

constexpr unsigned stub_size = 4;

/// What FNSAVE writes in 32-bit and 64-bit code (SDM vol. 1, figure 8-9).
struct __attribute__((packed)) SavedUnit {
  uint32_t control, status, tags;
  uint32_t pointers[4];
  struct __attribute__((packed)) {
    uint64_t significand;
    uint16_t sign_exponent;
  } st[8];
};
static_assert(sizeof(SavedUnit) == 108);

const uint8_t* register_stub(uint8_t opcode, uint8_t modrm) {
  STRATA_ASSERT(opcode >= 0xd8 && opcode <= 0xdf && modrm >= 0xc0);
  return strata_x87_register_forms + ((opcode - 0xd8u) * 64 + (modrm - 0xc0u)) * stub_size;
}

}  // namespace

void load(Cpu& cpu) {
  if (cpu.x87_on_unit) return;
  const X87& x = cpu.state.x87;
  SavedUnit unit = {};
  unit.control = x.control | exceptions;
  unit.status = x.status & 0x7f7fu;  // without ES and B, which follow from the masks
  const unsigned top = x.status >> 11 & 7;
  for (unsigned i = 0; i < 8; i++) {
    if (!(x.valid >> i & 1)) unit.tags |= 3u << (2 * i);
    const X87Register& from = x.physical[(top + i) & 7];
    unit.st[i] = {from.significand, from.sign_exponent};
  }
  asm volatile("frstor %0" : : "m"(unit));
  cpu.x87_on_unit = true;
}

void unload(Cpu& cpu) {
  if (!cpu.x87_on_unit) return;
  SavedUnit unit;
  asm volatile("fnsave %0" : "=m"(unit));
  X87& x = cpu.state.x87;
  x.status = summarized(static_cast<uint16_t>(unit.status), x.control);
  const unsigned top = x.status >> 11 & 7;
  x.valid = 0;
  for (unsigned i = 0; i < 8; i++) {
    if ((unit.tags >> (2 * i) & 3) != 3) x.valid |= static_cast<uint8_t>(1u << i);
    x.physical[(top + i) & 7] = {unit.st[i].significand, unit.st[i].sign_exponent};
  }
  cpu.x87_on_unit = false;
}

void run(uint8_t opcode, uint8_t modrm) { reinterpret_cast<void (*)()>(register_stub(opcode, modrm))(); }

uint32_t run_with_flags(uint8_t opcode, uint8_t modrm, uint32_t flags) {
  constexpr uint64_t ours = 0x202;  // IF and the bit that is always set
  return static_cast<uint32_t>(strata_x87_with_flags(register_stub(opcode, modrm), flags | ours) & ir::Flag::all);
}

void run(uint8_t opcode, uint8_t reg, void* operand) {
  const uint8_t* stub = strata_x87_memory_forms + ((opcode - 0xd8u) * 8 + reg) * stub_size;
  reinterpret_cast<void (*)(void*)>(stub)(operand);
}

uint16_t status() {
  uint16_t value;
  asm volatile("fnstsw %0" : "=m"(value));
  return value;
}

void clear_exceptions() { asm volatile("fnclex"); }

void set_control(uint16_t control) { asm volatile("fldcw %0" : : "m"(control)); }

#else
#error "this host has no x87 unit: an implementation in software stands here"
#endif

}  // namespace strata::isa::x86::x87_unit
