// One random instruction of a pattern: sizes, registers and addresses by chance, then its bytes.
#include <algorithm>

#include "isa/x86/lockstep/pattern_test.h"
#include "isa/x86/state.h"

namespace strata::isa::x86::lockstep {
namespace {

constexpr uint8_t pointers_64[] = {rbx, r12, r13}, pointers_32[] = {rbx, rbp};
constexpr uint8_t free_64[] = {rax, rcx, rdx, rbp, rsi, rdi, r8, r9, r10, r11, r15};
constexpr uint8_t free_32[] = {rax, rcx, rdx, rsi, rdi};
constexpr uint8_t free_bytes_without_rex[] = {0, 1, 2, 4, 5, 6};  // AL CL DL AH CH DH; BL and BH are the pointer's

}  // namespace

/// What one instruction has been given by chance.
struct Generator::Operands {
  bool rex = false, memory = false;
  unsigned bits = 32;
  uint8_t reg = 0, rm = 0, opcode_register = 0, vvvv = 0;
  // Memory: the ModRM byte's mod and rm, an optional SIB byte, a displacement.
  uint8_t mod = 0, rm_field = 0, sib = 0, rex_x = 0, rex_b = 0;
  bool has_sib = false, rip_relative = false;
  unsigned displacement_bytes = 0;
  int64_t displacement = 0;

  void choose_sizes(Generator& g, const Pattern& p);
  /// An address in the data region by a pointer register, absolute, or by the stack pointer.
  void choose_memory(Generator& g, const Pattern& p);
  void choose_registers(Generator& g, const Pattern& p);
};

void Generator::Operands::choose_memory(Generator& g, const Pattern& p) {
  memory = true;
  const int64_t step = p.align16 && !g.one_in(20) ? 16 : 1;
  int64_t offset = (static_cast<int64_t>(g.below(0xc00)) - 0x600) / step * step;
  if (step == 1 && g.one_in(8)) offset = (g.one_in(2) ? 0x800 : -0x800) - static_cast<int64_t>(g.below(16));
  if (g.one_in(40)) offset = (0x1800 - static_cast<int64_t>(g.below(24))) / step * step;  // faults, or nearly
  const unsigned kind = g.below(8);
  if (kind == 0 || (kind == 1 && g.is_64())) {  // absolute or rip-relative: no base
    displacement_bytes = 4;
    displacement = static_cast<int64_t>(data_middle) + offset;
    rm_field = 5;
    if (g.is_64() && kind == 0) rm_field = 4, has_sib = true, sib = 0x25;
    rip_relative = g.is_64() && kind == 1;
    return;
  }
  uint8_t base = g.is_64() ? pointers_64[rex ? g.below(3) : 0] : pointers_32[g.below(2)];
  if (kind == 2 && step == 1) base = rsp, offset = g.below(64);
  displacement_bytes = base == rsp || g.one_in(2) ? 1 : 4;
  if (displacement_bytes == 1) offset = static_cast<int8_t>(offset & ~(step - 1));
  if (offset == 0 || (g.one_in(6) && (base & 7) != rbp && base != rsp)) displacement_bytes = 0, offset = 0;
  if (displacement_bytes == 0 && (base & 7) == rbp) displacement_bytes = 1;
  displacement = offset;
  mod = displacement_bytes == 0 ? 0 : displacement_bytes == 1 ? 1 : 2;
  rm_field = base & 7;
  rex_b = base >> 3;
  const bool index = rex && g.is_64() && step == 1 && g.one_in(3);
  if (index || rm_field == 4) {
    has_sib = true;
    rm_field = 4;
    const uint8_t index_field = index ? r14 & 7 : 4;
    rex_x = index;
    sib = static_cast<uint8_t>((index ? g.below(4) << 6 : 0) | index_field << 3 | (base & 7));
  }
}

uint8_t Generator::any_register(bool byte_without_rex) {
  if (byte_without_rex) return free_bytes_without_rex[below(std::size(free_bytes_without_rex))];
  return is_64() ? free_64[below(std::size(free_64))] : free_32[below(std::size(free_32))];
}

uint8_t Generator::register_of(char register_class, bool byte_without_rex) {
  if (register_class == 'n') return static_cast<uint8_t>(below(8));
  if (register_class == 'x') return static_cast<uint8_t>(below(is_64() ? 16 : 8));
  return any_register(byte_without_rex);
}

void Generator::Operands::choose_sizes(Generator& g, const Pattern& p) {
  switch (p.size) {
    case 'b': bits = 8; break;
    case 'v': bits = g.one_in(4) ? 16 : g.is_64() && g.one_in(2) ? 64 : 32; break;
    case 'y': bits = g.is_64() && g.one_in(2) ? 64 : 32; break;
    case 'q': bits = 64; break;
    default: break;
  }
  rex = g.is_64() && (bits == 64 || p.vex || g.one_in(2));
}

void Generator::Operands::choose_registers(Generator& g, const Pattern& p) {
  const auto pick = [&](char register_class, unsigned operand_bits) -> uint8_t {
    for (;;) {
      const uint8_t number = g.register_of(register_class, operand_bits == 8 && !rex);
      if (number < 8 || rex) return number;
    }
  };
  reg = p.modrm_digit == 8 ? pick(p.reg_class, bits) : static_cast<uint8_t>(std::max(p.modrm_digit, 0));
  if (p.has_modrm() && !memory) rm = pick(p.rm_class, p.rm_bits ? p.rm_bits : bits), rex_b = rm >> 3;
  if (p.plus_register) opcode_register = pick('g', bits), rex_b = opcode_register >> 3;
  if (p.uses_vvvv) vvvv = g.any_register(false);
}

void Generator::emit_prefixes(const Pattern& p, const Operands& o) {
  const bool wide = o.bits == 64;
  if (p.may_lock && o.memory && one_in(3)) emit(0xf0);
  if (one_in(40)) emit(0x3e);
  if (o.memory && is_64() && one_in(20)) emit(0x67);
  if (p.vex) {
    const unsigned inverted = (o.reg >> 3) << 7 | o.rex_x << 6 | o.rex_b << 5;
    emit(0xc4);
    emit(static_cast<uint8_t>((~inverted & 0xe0) | p.vex_map));
    emit(static_cast<uint8_t>(wide << 7 | (~o.vvvv & 15) << 3 | p.vex_pp));
    return;
  }
  if (o.bits == 16) emit(0x66);
  for (uint8_t prefix : p.prefixes) emit(prefix);
  if (o.rex) emit(static_cast<uint8_t>(0x40 | wide << 3 | (o.reg >> 3) << 2 | o.rex_x << 1 | o.rex_b));
}

void Generator::emit_opcode(const Pattern& p, const Operands& o) {
  for (size_t i = 0; i + 1 < p.opcode.size(); ++i) emit(p.opcode[i]);
  unsigned last = p.opcode.back();
  if (p.plus_register) last += o.opcode_register & 7;
  if (p.plus_condition) last += below(16);
  emit(static_cast<uint8_t>(last));
}

void Generator::emit_immediates(const Pattern& p, const Operands& o) {
  for (char immediate : p.immediates) {
    const unsigned full = o.bits == 16 ? 2 : 4;
    const unsigned bytes = immediate == 'b' ? 1 : immediate == 'w' ? 2 : immediate == 'v' && o.bits == 64 ? 8 : full;
    emit(value(), bytes);
  }
}

void Generator::instruction(const Pattern& p) {
  Operands o;
  o.choose_sizes(*this, p);
  if (p.has_modrm() && !p.register_only && (p.memory_only || one_in(2))) o.choose_memory(*this, p);
  o.choose_registers(*this, p);
  emit_prefixes(p, o);
  emit_opcode(p, o);
  size_t displacement_at = 0;
  if (p.has_modrm()) {
    const unsigned mod = o.memory ? o.mod : 3, rm = o.memory ? o.rm_field : o.rm;
    emit(static_cast<uint8_t>(mod << 6 | (o.reg & 7) << 3 | (rm & 7)));
    if (o.has_sib) emit(o.sib);
    displacement_at = code_.size();
    if (o.memory) emit(static_cast<uint64_t>(o.displacement), o.displacement_bytes);
  }
  emit_immediates(p, o);
  if (o.rip_relative) {  // now that the instruction's end is known
    const uint64_t relative = static_cast<uint64_t>(o.displacement) - (code_base + code_.size());
    for (unsigned i = 0; i < 4; ++i) code_[displacement_at + i] = static_cast<uint8_t>(relative >> (8 * i));
  }
  if (p.scan && host_scans_keep_flags())
    for (const uint8_t byte : {0x0f, 0x94, 0xc0, 0x00, 0xc0}) emit(byte);  // setz al; add al, al
}

}  // namespace strata::isa::x86::lockstep
