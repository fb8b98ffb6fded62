// Instructions of general registers, memory and constants: which form their operands ask for.
#include <type_traits>

#include "codegen/x64/assembler.h"

namespace strata::codegen::x64 {

namespace {

/// As the instruction has it in its operand's bits.
int64_t cut(int64_t value, unsigned size) {
  switch (size) {
    case 1: return static_cast<int8_t>(value);
    case 2: return static_cast<int16_t>(value);
    case 4: return static_cast<int32_t>(value);
    default: STRATA_ASSERT(value == static_cast<int32_t>(value)); return value;
  }
}

bool is_accumulator(const x86::Gp& reg) { return reg.id() == 0 && !reg.isGpbHi(); }
bool is_accumulator(const x86::Mem&) { return false; }

}  // namespace

void Assembler::encode(Form form, const Gp& a, const Gp& b) {
  const bool checksum = form.shape == Shape::checksum;
  const unsigned size = checksum ? b.size() : a.size();
  if (checksum) form.wide = a.size() == 8;
  const bool bytes = is_low_byte_by_rex(a) || is_low_byte_by_rex(b);
  const auto put_both = [&](unsigned opcode, const Gp& reg, const Gp& rm) {
    Head both = head(form, opcode, size);
    STRATA_ASSERT(!reg.isGpbHi());
    if (bytes) both.rex |= any_rex;
    put_operands(both, reg.id(), rm);
  };
  switch (form.shape) {
    case Shape::extend: return put_both(form.opcode + (b.size() == 2 ? 1u : 0u), a, b);
    case Shape::reg_rm: return put_both(form.opcode, a, b);
    case Shape::arithmetic:
    case Shape::move:
    case Shape::test:
    case Shape::rm_reg: return put_both(by_size(form.opcode, size), b, a);
    case Shape::checksum: return put_both(by_size(form.opcode, size), a, b);
    case Shape::bit_test: return put_both(form.opcode, b, a);
    case Shape::multiply: form.map = 1; return put_both(0xaf, a, b);
    case Shape::shift:
      STRATA_ASSERT(b == x86::cl);
      return put_operands(head(form, by_size(form.opcode + 2u, size), size), form.extension, a);
    default: no_form();
  }
}

void Assembler::encode(Form form, const Gp& reg, const Mem& rm) {
  const unsigned size = reg.size();
  Head both = head(form, form.opcode, size);
  switch (form.shape) {
    case Shape::arithmetic:
    case Shape::move: both.opcode = static_cast<uint8_t>(by_size(form.opcode + 2u, size)); break;
    case Shape::extend: both.opcode = static_cast<uint8_t>(form.opcode + (rm.size() == 2 ? 1 : 0)); break;
    case Shape::multiply: both.map = 1, both.opcode = 0xaf; break;
    case Shape::lea:
    case Shape::reg_rm: break;
    default: no_form();
  }
  if (is_low_byte_by_rex(reg)) both.rex |= any_rex;
  put_operands(both, reg.id(), rm);
}

void Assembler::encode(Form form, const Mem& rm, const Gp& reg) {
  const unsigned size = reg.size();
  if (form.shape == Shape::shift) {
    STRATA_ASSERT(reg == x86::cl);
    return put_operands(head(form, by_size(form.opcode + 2u, rm.size()), rm.size()), form.extension, rm);
  }
  Head both = head(form, by_size(form.opcode, size), size);
  switch (form.shape) {
    case Shape::arithmetic:
    case Shape::move:
    case Shape::test:
    case Shape::rm_reg: break;
    case Shape::bit_test: both.opcode = form.opcode; break;
    default: no_form();
  }
  STRATA_ASSERT(!reg.isGpbHi());
  if (is_low_byte_by_rex(reg)) both.rex |= any_rex;
  put_operands(both, reg.id(), rm);
}

void Assembler::encode(Form form, const Mem& rm, const Gp& reg, const Gp& accumulator) {
  if (form.shape != Shape::rm_reg || accumulator.id() != 0) no_form();
  encode(form, rm, reg);
}

// With immediates.

template <class Rm>
void Assembler::arithmetic(Form form, const Rm& rm, int64_t value) {
  const unsigned size = rm.size();
  const bool byte = is_byte(value), accumulator = is_accumulator(rm);
  if (accumulator && (size == 1 || !byte)) {
    const Head short_form = head(form, by_size(form.opcode + 4u, size), size);
    pen_ = start(short_form, short_form.rex);
  } else {
    const unsigned opcode = size == 1 ? 0x80 : byte ? 0x83 : 0x81;
    put_operands(head(form, opcode, size), form.extension, rm, byte ? 1 : size == 2 ? 2 : 4);
  }
  put_immediate(value, byte ? 1 : size);
}

template <class Rm>
void Assembler::immediate(Form form, const Rm& rm, int64_t value) {
  const unsigned size = rm.size();
  switch (form.shape) {
    case Shape::arithmetic: return arithmetic(form, rm, cut(value, size));
    case Shape::test: {
      if (is_accumulator(rm)) {
        const Head short_form = head(form, by_size(0xa8, size), size);
        pen_ = start(short_form, short_form.rex);
      } else {
        put_operands(head(form, by_size(0xf6, size), size), 0, rm, size < 4 ? size : 4);
      }
      return put_immediate(cut(value, size), size);
    }
    case Shape::shift: {
      const bool once = value == 1;
      put_operands(head(form, by_size(once ? 0xd0 : 0xc0, size), size), form.extension, rm, once ? 0 : 1);
      if (!once) pen_.put(static_cast<uint8_t>(value));
      return;
    }
    case Shape::bit_test:
      put_operands(head(form, 0xba, size), form.extension, rm, 1);
      return pen_.put(static_cast<uint8_t>(value));
    default: break;
  }
  if constexpr (std::is_same_v<Rm, Gp>) {
    if (form.shape == Shape::move) return move_constant(rm, value);
    if (form.shape == Shape::multiply) return encode(form, rm, rm, Imm(value));
  } else if (form.shape == Shape::move) {
    put_operands(head(form, by_size(0xc6, size), size), 0, rm, size < 4 ? size : 4);
    return put_immediate(cut(value, size), size);
  }
  no_form();
}

template void Assembler::immediate(Form, const Gp&, int64_t);
template void Assembler::immediate(Form, const Mem&, int64_t);

/// Leaves the host's flags alone.
void Assembler::move_constant(const Gp& reg, int64_t value) {
  const unsigned size = reg.size(), number = (reg.id() & 7) + (reg.isGpbHi() ? 4 : 0);
  const Form form{};
  if (size == 8 && value == static_cast<int32_t>(value)) {
    put_operands(head(form, 0xc7, size), 0, reg);
    return pen_.put_32(static_cast<uint32_t>(value));
  }
  const Head constant = head(form, (size == 1 ? 0xb0 : 0xb8) + number, size);
  pen_ = start(constant, constant.rex | reg.id() >> 3 | (is_low_byte_by_rex(reg) ? any_rex : 0));
  if (size < 8) return put_immediate(value, size);
  std::memcpy(pen_.at, &value, sizeof value);
  pen_.at += sizeof value;
}

void Assembler::encode(Form form, const Gp& reg, const Gp& rm, const Imm& value) {
  const unsigned size = reg.size();
  if (form.shape == Shape::vex_immediate) {
    vex(form, reg, 0, rm);
    return pen_.put(static_cast<uint8_t>(value.value()));
  }
  if (form.shape != Shape::multiply) no_form();
  const int64_t factor = cut(value.value(), size);
  put_operands(head(form, is_byte(factor) ? 0x6b : 0x69, size), reg.id(), rm);
  put_immediate(factor, is_byte(factor) ? 1 : size);
}

// Three general registers.

void Assembler::encode(Form form, const Gp& a, const Gp& b, const Gp& c) {
  if (form.shape == Shape::vex_count) return vex(form, a, c.id(), b);
  if (form.shape == Shape::vex_source) return vex(form, a, b.id(), c);
  no_form();
}

void Assembler::vex(Form form, const Gp& reg, unsigned source, const Gp& rm) {
  const unsigned prefix = form.prefix == 0 ? 0 : form.prefix == 0x66 ? 1 : form.prefix == 0xf3 ? 2 : 3;
  const unsigned r = reg.id() >> 3, b = rm.id() >> 3;
  Pen pen = pen_;
  pen.put(0xc4);
  pen.put((r ^ 1) << 7 | 1 << 6 | (b ^ 1) << 5 | form.map);
  pen.put((reg.size() == 8 ? 0x80u : 0u) | (~source & 15) << 3 | prefix);
  pen.put(form.opcode);
  pen.put(0xc0 | (reg.id() & 7) << 3 | (rm.id() & 7));
  pen_ = pen;
}

}  // namespace strata::codegen::x64
