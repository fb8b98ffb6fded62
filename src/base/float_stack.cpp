// Every operation once, as a stub in the host's own code.
#include "base/float_stack.h"

#include "base/assert.h"

#include <bit>

namespace strata::float_stack {

// clang-format off
Operand operand(uint8_t opcode, uint8_t reg) {
  using enum Operand;
  static constexpr Operand operands[8][8] = {
      {load32, load32, load32, load32, load32, load32, load32, load32},        // D8: arithmetic with an m32fp
      {load32, none, store32, store32, control, control, control, control},    // D9: FLD, -, FST, FSTP
      {load32, load32, load32, load32, load32, load32, load32, load32},        // DA: arithmetic with an m32int
      {load32, store32, store32, store32, none, load80, none, store80},        // DB: FILD FISTTP FIST FISTP, FLD, FSTP
      {load64, load64, load64, load64, load64, load64, load64, load64},        // DC: arithmetic with an m64fp
      {load64, store64, store64, store64, control, none, control, control},    // DD: FLD FISTTP FST FSTP
      {load16, load16, load16, load16, load16, load16, load16, load16},        // DE: arithmetic with an m16int
      {load16, store16, store16, store16, load80, load64, store80, store64},   // DF: FILD FISTTP FIST FISTP,
  };                                                                           //     FBLD FILD FBSTP FISTP
  return operands[opcode & 7][reg];
}
// clang-format on

#if defined(__x86_64__)

// Four bytes a stub: the instruction and a return. Register forms: all second bytes C0..FF of the eight opcodes.
// Memory forms: the eight reg fields of the eight opcodes, with [rdi] as operand.
asm(R"(
  .text
  .p2align 4
strata_float_stack_registers:
  .irp opcode, 0xd8, 0xd9, 0xda, 0xdb, 0xdc, 0xdd, 0xde, 0xdf
  .set modrm, 0xc0
  .rept 64
  .byte \opcode, modrm
  ret
  nop
  .set modrm, modrm + 1
  .endr
  .endr
strata_float_stack_memory:
  .irp opcode, 0xd8, 0xd9, 0xda, 0xdb, 0xdc, 0xdd, 0xde, 0xdf
  .set modrm, 0x07
  .rept 8
  .byte \opcode, modrm
  ret
  nop
  .set modrm, modrm + 8
  .endr
  .endr

# uint64_t strata_float_stack_with_flags(stub, flags): calls the stub under these flags and gives those behind it.
strata_float_stack_with_flags:
  pushq %rsi
  popfq
  call *%rdi
  pushfq
  popq %rax
  cld
  ret
)");

extern "C" {
extern const uint8_t strata_float_stack_registers[];
extern const uint8_t strata_float_stack_memory[];
uint64_t strata_float_stack_with_flags(const void* stub, uint64_t flags);
}

namespace {

constexpr unsigned stub_size = 4;

const uint8_t* register_stub(Operation operation) {
  const unsigned opcode = operation >> 8, modrm = operation & 0xff;
  STRATA_ASSERT(opcode >= 0xd8 && opcode <= 0xdf && modrm >= 0xc0);
  return strata_float_stack_registers + ((opcode - 0xd8) * 64 + (modrm - 0xc0)) * stub_size;
}

}  // namespace

void run(Operation operation) { std::bit_cast<void (*)()>(register_stub(operation))(); }

uint32_t run_with_flags(Operation operation, uint32_t flags) {
  constexpr uint64_t ours = 0x202;        // IF and the bit that is always set
  constexpr uint64_t arithmetic = 0x8d5;  // CF PF AF ZF SF OF
  return static_cast<uint32_t>(strata_float_stack_with_flags(register_stub(operation), flags | ours) & arithmetic);
}

void run(Operation operation, void* memory) {
  const unsigned opcode = operation >> 8, reg = operation >> 3 & 7;
  STRATA_ASSERT(opcode >= 0xd8 && opcode <= 0xdf);
  const uint8_t* const stub = strata_float_stack_memory + ((opcode - 0xd8) * 8 + reg) * stub_size;
  std::bit_cast<void (*)(void*)>(stub)(memory);
}

uint16_t status() {
  uint16_t value;
  asm volatile("fnstsw %0" : "=m"(value));
  return value;
}

void set_control(uint16_t control) { asm volatile("fldcw %0" : : "m"(control)); }

Image take() {
  Image image;
  asm volatile("fnsave %0" : "=m"(image));
  return image;
}

void put(const Image& image) { asm volatile("frstor %0" : : "m"(image)); }

#else
#error "this host has no x87 unit: an implementation in software stands here"
#endif

}  // namespace strata::float_stack
