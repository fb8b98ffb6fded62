// Makes x87 programs: numbers around every edge of every format, any stack, any control word, any instruction.
#include "isa/x86/lockstep/x87_inputs_test.h"

#include <algorithm>

#include "isa/x86/state.h"

namespace strata::isa::x86::lockstep {
namespace {

using Places = X87Places;
constexpr uint16_t exceptions = 0x3f, summary = 0x8080;
constexpr size_t middle = data_middle - data_base;

template <class T>
void put(uint8_t* out, T value) {
  std::memcpy(out, &value, sizeof value);
}

/// Most of the second bytes that no processor knows.
bool is_no_register_form(uint8_t opcode, uint8_t modrm) {
  return (opcode == 0xda && modrm >= 0xe0 && modrm != 0xe9) || (opcode == 0xdd && modrm >= 0xf0) ||
         ((opcode == 0xdb || opcode == 0xdf) && modrm >= 0xf8);
}

}  // namespace

uint64_t X87Programs::fraction(unsigned bits) {
  const uint64_t all = (uint64_t{1} << bits) - 1, top = uint64_t{1} << (bits - 1);
  const uint64_t edges[] = {0, 0, 1, 2, all, all - 1, top, top - 1, top + 1, top | 1, all << (bits / 2) & all};
  return chance(60) ? one_of(edges) : word() & all;
}

/// A binary32 or binary64.
uint64_t X87Programs::ieee(unsigned exponent_bits, unsigned fraction_bits) {
  const unsigned all = (1u << exponent_bits) - 1, bias = all >> 1;
  const unsigned edges[] = {0, 0, 1, 2, bias - 1, bias, bias, bias + 1, bias + 2, bias + 15, bias + 31, all - 1, all};
  const uint64_t exponent = chance(70) ? one_of(edges) : below(all + 1);
  return uint64_t{chance(50)} << (exponent_bits + fraction_bits) | exponent << fraction_bits | fraction(fraction_bits);
}

/// All encodings, those among them that the 387 and later do not support.
X87Programs::Extended X87Programs::extended() {
  constexpr unsigned bias = 0x3fff;
  static constexpr uint16_t edges[] = {
      0,           0,          1,          2,          bias - 64,   bias - 1,    bias,        bias,        bias + 1,
      bias + 2,    bias + 14,  bias + 15,  bias + 30,  bias + 31,   bias + 62,   bias + 63,   bias + 64,   bias + 127,
      bias + 128,  bias - 126, bias - 127, bias - 150, bias + 1023, bias + 1024, bias - 1022, bias - 1023, bias - 1074,
      bias - 1075, 0x7ffd,     0x7ffe,     0x7fff,     0x7fff,      0x1fff,      0x5fff};
  const uint16_t exponent = chance(60) ? one_of(edges) : chance(60) ? bias - 8 + below(80) : below(0x8000);
  const bool integer_bit = exponent == 0 ? chance(20) : !chance(6);
  uint64_t low = fraction(63);
  if (chance(20)) low = fraction(chance(50) ? 23 : 52) << (chance(50) ? 40 : 11) & ~(uint64_t{1} << 63);
  if (exponent == 0 && chance(50)) low = 0;
  return {uint64_t{integer_bit} << 63 | low, static_cast<uint16_t>(exponent | (chance(50) ? 0x8000 : 0))};
}

uint16_t X87Programs::control() {
  if (chance(30)) return 0x37f;
  const unsigned precision_and_rounding = below(16) << 8;
  const unsigned masks = chance(50) ? exceptions : chance(50) ? exceptions & ~(1u << below(6)) : below(64);
  return static_cast<uint16_t>(precision_and_rounding | 0x40 | masks);
}

/// With ES and B as they follow from the rest.
uint16_t X87Programs::status(uint16_t control, unsigned percent_waiting) {
  unsigned value = static_cast<unsigned>(word()) & 0x7f7f;
  if (chance(60)) value &= ~unsigned{exceptions | 0x40};
  if (!chance(percent_waiting)) value &= control | ~unsigned{exceptions};
  if (value & ~unsigned{control} & exceptions) value |= summary;
  return static_cast<uint16_t>(value);
}

void X87Programs::fill_operand(uint8_t* out) {
  switch (below(6)) {
    case 0: put(out, static_cast<uint32_t>(ieee(8, 23))); break;
    case 1: put(out, ieee(11, 52)); break;
    case 2:  // BCD
      for (unsigned i = 0; i < 9; ++i) out[i] = static_cast<uint8_t>(chance(4) ? word() : below(10) << 4 | below(10));
      out[9] = static_cast<uint8_t>(chance(10) ? word() : chance(50) ? 0 : 0x80);
      break;
    case 3: put(out, chance(50) ? word() : uint64_t{1} << below(64)); break;
    default: {
      const Extended value = extended();
      put(out, value.significand);
      put(out + 8, value.sign_exponent);
    }
  }
}

void X87Programs::fill_environment(uint8_t* out, unsigned field_bytes) {
  const uint16_t cw = control();
  put(out, cw);
  put(out + field_bytes, static_cast<uint16_t>(chance(50) ? status(cw, 10) : word()));
  put(out + 2 * field_bytes, static_cast<uint16_t>(word()));
  for (unsigned i = 0; i < 8; ++i) {
    const Extended value = extended();
    put(out + 7 * field_bytes + 10 * i, value.significand);
    put(out + 7 * field_bytes + 10 * i + 8, value.sign_exponent);
  }
}

/// An image of FXSAVE, of which x87 and MXCSR are no noise.
void X87Programs::fill_fx(uint8_t* out) {
  const uint16_t cw = control();
  put(out, cw);
  put(out + 2, static_cast<uint16_t>(chance(50) ? status(cw, 10) : word()));
  put(out + 4, static_cast<uint16_t>(chance(90) ? word() & 0xff : word()));
  put(out + 24, static_cast<uint32_t>(chance(95) ? 0x1f80 | (word() & 0x603f) : uint64_t{1} << (18 + below(14))));
  for (unsigned i = 0; i < 32; ++i) put(out + 160 + 8 * i, word());
  for (unsigned i = 0; i < 8; ++i) {
    const Extended value = extended();
    put(out + 32 + 16 * i, value.significand);
    put(out + 40 + 16 * i, value.sign_exponent);
  }
}

void X87Programs::fill() {
  Registers& registers = program_.registers;
  const bool is_64 = program_.code_size == CodeSize::bits64;
  for (unsigned i = 0; i < (is_64 ? 16 : 8); ++i) registers.gpr[i] = word() & (is_64 ? ~uint64_t{0} : 0xffff'ffff);
  registers.gpr[rsp] = stack_start;
  registers.gpr[rbx] = data_middle;
  registers.flags = word() & Rflags::arithmetic;
  auto* data = program_.memory.data.data() + middle;
  for (unsigned i = 0; i < Places::operand_count; ++i) fill_operand(data + Places::operands + 16 * i);
  for (unsigned i = 0; i < Places::control_word_count; ++i)
    put(data + Places::control_words + 2 * i, static_cast<uint16_t>(chance(80) ? control() : word()));
  fill_environment(data + Places::environment16, 2);
  fill_environment(data + Places::environment32, 4);
  fill_environment(data + Places::state16, 2);
  fill_environment(data + Places::state32, 4);
  fill_fx(data + Places::fx_area);
  fill_fx(data + Places::xsave_area);
  put(data + Places::xsave_area + 512, uint64_t{below(4)} | (chance(3) ? uint64_t{1} << 60 : 0));
  if (chance(5)) put(data + Places::xsave_area + 520 + 8 * below(7), word());  // the rest of XSAVE's header

  fill_fx(registers.fx.bytes.data());
  const uint16_t cw = control();
  registers.fx.put(0, cw);
  registers.fx.put(2, status(cw, 4));
  registers.fx.put(4, static_cast<uint16_t>(chance(40) ? 0xff : chance(20) ? 0 : word() & 0xff));
  registers.fx.put<uint32_t>(24, 0x1f80);
}

void X87Programs::memory_operand(unsigned reg, unsigned displacement) {
  emit(0x83 | reg << 3);  // [RBX + displacement]
  for (unsigned i = 0; i < 4; ++i) emit(displacement >> (8 * i));
}

void X87Programs::memory_form(uint8_t opcode, unsigned reg) {
  const bool environment = opcode == 0xd9 && (reg == 4 || reg == 6), state = opcode == 0xdd && (reg == 4 || reg == 6);
  if (environment || state) {
    const bool narrow = chance(50);
    if (narrow) emit(0x66);
    emit(opcode);
    const unsigned place = environment ? narrow ? Places::environment16 : Places::environment32
                           : narrow    ? Places::state16
                                       : Places::state32;
    return memory_operand(reg, place);
  }
  emit(opcode);
  if (opcode == 0xd9 && reg == 5 && chance(80))
    return memory_operand(reg, Places::control_words + 2 * below(Places::control_word_count));
  const unsigned at_the_end = static_cast<unsigned>(data_size - middle) - below(12);
  memory_operand(reg, chance(98) ? Places::operands + 16 * below(Places::operand_count) : at_the_end);
}

/// FXSAVE, FXRSTOR, XSAVE, XRSTOR.
void X87Programs::state_form() {
  const bool xsave = chance(50);
  if (xsave) {
    emit(0xb8), emit(below(4)), emit(0), emit(0), emit(0);  // MOV EAX, components
    emit(0x31), emit(0xd2);                                 // XOR EDX, EDX
  }
  if (program_.code_size == CodeSize::bits64 && chance(50)) emit(0x48);
  emit(0x0f), emit(0xae);
  const unsigned astray = chance(95) ? 0 : 8;
  const unsigned place = xsave ? Places::xsave_area : Places::fx_area, end = static_cast<unsigned>(data_size - middle);
  memory_operand((xsave ? 4 : 0) + below(2),
                 chance(97) ? place + astray : end - 64 * (1 + below(7)));  // or reaches beyond
}

/// Some of MMX: every kind that reads or writes registers, and EMMS.
void X87Programs::mmx_form() {
  static constexpr uint8_t opcodes[] = {0x6f, 0x7f, 0xe7, 0xfc, 0xef, 0x63, 0x6e, 0x7e, 0xd7, 0x77};
  const uint8_t opcode = one_of(opcodes);
  emit(0x0f), emit(opcode);
  if (opcode == 0x77) return;
  const bool memory = opcode == 0xe7 || (opcode != 0xd7 && chance(50));
  const unsigned reg = opcode == 0xd7 ? unsigned{rax} : below(8);
  if (memory) memory_operand(reg, Places::operands + 16 * below(Places::operand_count));
  else emit(0xc0 | reg << 3 | (opcode == 0x7e ? unsigned{rax} : below(8)));
}

void X87Programs::instruction() {
  const auto opcode = static_cast<uint8_t>(0xd8 + below(8));
  if (chance(2)) return emit(0x9b);
  if (chance(3)) return state_form();
  if (chance(4)) return mmx_form();
  if (chance(4)) return memory_form(0xd9, 4 + below(4));
  if (chance(2)) return memory_form(0xdd, 4 + below(4));
  if (chance(35)) return memory_form(opcode, below(8));
  auto modrm = static_cast<uint8_t>(0xc0 + below(64));
  if (is_no_register_form(opcode, modrm) && chance(95)) modrm = static_cast<uint8_t>(0xc0 + below(8));
  emit(opcode), emit(modrm);
}

Program X87Programs::program(unsigned longest) {
  program_.code.clear();
  for (unsigned left = 1 + below(longest); left > 0; --left) instruction();
  fill();
  return program_;
}

Program X87Programs::loop(unsigned longest) {
  program_.code.clear();
  for (unsigned left = 1 + below(longest); left > 0; --left) instruction();
  const auto back = static_cast<uint32_t>(-static_cast<int>(program_.code.size() + 8));
  emit(0xff), emit(0xc9);  // dec ecx
  emit(0x0f), emit(0x85);  // jnz
  for (unsigned i = 0; i < 4; ++i) emit(back >> (8 * i) & 0xff);
  fill();
  program_.registers.gpr[1] = 2 + below(9);
  return program_;
}

Program X87Programs::program_of(uint8_t opcode, uint8_t modrm) {
  program_.code.clear();
  if (modrm >= 0xc0) emit(opcode), emit(modrm);
  else memory_form(opcode, modrm >> 3 & 7);
  if (chance(30)) emit(0x9b);  // what waits, shows
  fill();
  return program_;
}

void forget_pointers(Memory& memory) {
  uint8_t* data = memory.data.data() + middle;
  const auto forget = [&](unsigned from, unsigned size) { std::fill_n(data + from, size, uint8_t{0}); };
  for (const unsigned place : {Places::environment16, Places::state16}) forget(place + 6, 8);
  for (const unsigned place : {Places::environment32, Places::state32}) forget(place + 12, 16);
  for (const unsigned place : {Places::fx_area, Places::xsave_area}) {
    forget(place + 6, 18);
    forget(place + 28, 4);  // which bits of MXCSR exist
  }
  data[Places::xsave_area + 512] |= 3;  // what is in use: processors may leave out what has its initial value
}

}  // namespace strata::isa::x86::lockstep
