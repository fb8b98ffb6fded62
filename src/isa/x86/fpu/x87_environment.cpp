// FNSTENV, FLDENV, FNSAVE, FRSTOR: the x87 environment in memory (SDM vol. 1, 8.1.10).
#include <cstring>

#include "isa/x86/cpu.h"
#include "isa/x86/fpu/x87_helpers.h"
#include "isa/x86/fpu/x87_unit.h"
#include "isa/x86/helpers/define.h"
#include "isa/x86/mode.h"

namespace strata::isa::x86 {
namespace {

constexpr unsigned register_size = 10;

/// Seven fields of 2 or 4 bytes: control, status, tags, and four that hold the pointers in one of two ways.
struct Environment {
  uint32_t field[7];
};

uint16_t exponent_of(const X87Register& r) { return r.sign_exponent & 0x7fff; }

/// The two bits of the tag word: valid, zero, special, empty.
uint32_t tag_of(const X87& x, unsigned number) {
  if (!(x.valid >> number & 1)) return 3;
  const X87Register& r = x.physical[number];
  if (exponent_of(r) == 0) return r.significand == 0 ? 1 : 2;
  const bool normal = exponent_of(r) != 0x7fff && (r.significand >> 63);
  return normal ? 0 : 2;
}

Environment environment_of(const X87& x, unsigned bits, bool real) {
  uint32_t tags = 0;
  for (unsigned i = 0; i < 8; i++) tags |= tag_of(x, i) << (2 * i);
  const auto ip = static_cast<uint32_t>(x.insn_pointer), dp = static_cast<uint32_t>(x.data_pointer);
  if (!real) {
    const uint32_t above = 0xffff0000;  // unused, and ones as processors write it
    return {{x.control, x.status, tags, ip, x.insn_selector | uint32_t{x.opcode} << 16, dp, x.data_selector | above}};
  }
  const uint32_t ip20 = ip + x.insn_selector * 16u, dp20 = dp + x.data_selector * 16u;
  if (bits == 16) {
    return {
        {x.control, x.status, tags, ip20 & 0xffff, (ip20 >> 4 & 0xf000) | x.opcode, dp20 & 0xffff, dp20 >> 4 & 0xf000}};
  }
  return {{x.control, x.status, tags, ip20 & 0xffff, (ip20 >> 4 & 0xffff000) | x.opcode, dp20 & 0xffff,
           dp20 >> 4 & 0xffff000}};
}

/// Real mode keeps bits 16 and up of the linear addresses above the opcode, or alone.
void set_pointers(X87& x, const Environment& e, unsigned bits, bool real) {
  if (!real) {
    x.insn_pointer = e.field[3];
    x.insn_selector = static_cast<uint16_t>(e.field[4]);
    x.opcode = e.field[4] >> 16 & 0x7ff;
    x.data_pointer = e.field[5];
    x.data_selector = static_cast<uint16_t>(e.field[6]);
    return;
  }
  const uint32_t high = bits == 16 ? 0xf000 : 0xffff000;
  x.insn_pointer = (e.field[3] & 0xffff) | (e.field[4] & high) << 4;
  x.data_pointer = (e.field[5] & 0xffff) | (e.field[6] & high) << 4;
  x.insn_selector = x.data_selector = 0;
  x.opcode = e.field[4] & 0x7ff;
}

void set_environment(X87& x, const Environment& e, unsigned bits, bool real) {
  x.control = static_cast<uint16_t>((e.field[0] & 0x1f7f) | 0x40);
  x.status = x87_unit::summarized(static_cast<uint16_t>(e.field[1]), x.control);
  x.valid = 0;
  for (unsigned i = 0; i < 8; i++) {
    if ((e.field[2] >> (2 * i) & 3) != 3) x.valid |= static_cast<uint8_t>(1u << i);
  }
  set_pointers(x, e, bits, real);
}

unsigned field_size(uint64_t bits) { return bits == 16 ? 2 : 4; }

/// In memory, little-endian; the upper halves of the first three 32-bit fields are ones, as processors write them.
unsigned pack(const Environment& e, unsigned size, uint8_t* out) {
  for (unsigned i = 0; i < 7; i++) {
    const bool narrow = i < 3;
    const uint32_t value = size == 4 && narrow ? e.field[i] | 0xffff0000 : e.field[i];
    std::memcpy(out + i * size, &value, size);
  }
  return 7 * size;
}

Environment unpack(const uint8_t* in, unsigned size) {
  Environment e = {};
  for (unsigned i = 0; i < 7; i++) std::memcpy(&e.field[i], in + i * size, size);
  return e;
}

uint64_t fnstenv(ir::ExecContext& context, uint64_t linear, uint64_t bits, uint64_t real) {
  Cpu& cpu = Cpu::of(context);
  x87_unit::unload(cpu);
  uint8_t bytes[28];
  const unsigned size = pack(environment_of(cpu.state.x87, static_cast<unsigned>(bits), real), field_size(bits), bytes);
  if (!cpu.host->write(linear, bytes, size, Mode::of(cpu.state).data_space())) return leave(cpu);
  cpu.state.x87.control |= x87_unit::exceptions;
  cpu.state.x87.status &= 0x7f7f;
  return 0;
}

uint64_t fldenv(ir::ExecContext& context, uint64_t linear, uint64_t bits, uint64_t real) {
  Cpu& cpu = Cpu::of(context);
  uint8_t bytes[28];
  if (!cpu.host->read(linear, bytes, 7 * field_size(bits), Mode::of(cpu.state).data_space())) return leave(cpu);
  x87_unit::unload(cpu);
  set_environment(cpu.state.x87, unpack(bytes, field_size(bits)), static_cast<unsigned>(bits), real);
  return 0;
}

uint64_t fnsave(ir::ExecContext& context, uint64_t linear, uint64_t bits, uint64_t real) {
  Cpu& cpu = Cpu::of(context);
  x87_unit::unload(cpu);
  X87& x = cpu.state.x87;
  uint8_t bytes[28 + 8 * register_size];
  unsigned size = pack(environment_of(x, static_cast<unsigned>(bits), real), field_size(bits), bytes);
  const unsigned top = x.status >> 11 & 7;
  for (unsigned i = 0; i < 8; i++, size += register_size) {
    std::memcpy(bytes + size, &x.physical[(top + i) & 7], register_size);
  }
  if (!cpu.host->write(linear, bytes, size, Mode::of(cpu.state).data_space())) return leave(cpu);
  const auto registers = x.physical;
  x = X87{};
  x.physical = registers;
  x.control = 0x37f;
  return 0;
}

uint64_t frstor(ir::ExecContext& context, uint64_t linear, uint64_t bits, uint64_t real) {
  Cpu& cpu = Cpu::of(context);
  uint8_t bytes[28 + 8 * register_size];
  unsigned at = 7 * field_size(bits);
  if (!cpu.host->read(linear, bytes, at + 8 * register_size, Mode::of(cpu.state).data_space())) return leave(cpu);
  x87_unit::unload(cpu);
  X87& x = cpu.state.x87;
  set_environment(x, unpack(bytes, field_size(bits)), static_cast<unsigned>(bits), real);
  const unsigned top = x.status >> 11 & 7;
  for (unsigned i = 0; i < 8; i++, at += register_size) {
    std::memcpy(&x.physical[(top + i) & 7], bytes + at, register_size);
  }
  return 0;
}

}  // namespace

namespace helpers {
using ir::Type;
const ir::Helper fnstenv = define_helper("fnstenv", x86::fnstenv, Type::none, {Type::i64, Type::i8, Type::i8});
const ir::Helper fldenv = define_helper("fldenv", x86::fldenv, Type::none, {Type::i64, Type::i8, Type::i8});
const ir::Helper fnsave = define_helper("fnsave", x86::fnsave, Type::none, {Type::i64, Type::i8, Type::i8});
const ir::Helper frstor = define_helper("frstor", x86::frstor, Type::none, {Type::i64, Type::i8, Type::i8});
}  // namespace helpers

}  // namespace strata::isa::x86
