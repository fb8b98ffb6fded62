// Instructions of vector registers.
#include "codegen/x64/assembler.h"

namespace strata::codegen::x64 {

void Assembler::encode(Form form, const Vec& reg, const Vec& rm) {
  switch (form.shape) {
    case Shape::vector:
    case Shape::vector_move: return put_operands(head(form), reg.id(), rm);
    case Shape::vector_shift:
      if (form.opcode == 0) no_form();
      return put_operands(head(form), reg.id(), rm);
    case Shape::word:
      if (!form.wide) no_form();
      return put_operands({.prefix = 0xf3, .map = 1, .opcode = 0x7e, .word = false, .rex = 0}, reg.id(), rm);
    default: no_form();
  }
}

void Assembler::encode(Form form, const Vec& reg, const Mem& rm) {
  switch (form.shape) {
    case Shape::vector:
    case Shape::vector_move: return put_operands(head(form), reg.id(), rm);
    case Shape::word:
      if (form.wide) form = {Shape::word, 0xf3, 1, 0x7e};
      return put_operands(head(form), reg.id(), rm);
    default: no_form();
  }
}

void Assembler::encode(Form form, const Mem& rm, const Vec& reg) {
  if (form.shape == Shape::word && form.wide) form = {Shape::word, 0x66, 1, 0, 0, 0xd6};
  else if (form.shape != Shape::word && form.shape != Shape::vector_move) no_form();
  put_operands(head(form, form.other, 0), reg.id(), rm);
}

void Assembler::encode(Form form, const Vec& reg, const Gp& rm) {
  if (form.shape != Shape::word && form.shape != Shape::vector) no_form();
  put_operands(head(form, form.opcode, rm.size() == 8 ? 8 : 4), reg.id(), rm);
}

void Assembler::encode(Form form, const Gp& a, const Vec& b) {
  const unsigned size = a.size() == 8 ? 8 : 4;
  if (form.shape == Shape::word) return put_operands(head(form, form.other, size), b.id(), a);
  if (form.shape != Shape::vector) no_form();
  put_operands(head(form, form.opcode, size), a.id(), b);
}

void Assembler::encode(Form form, const Vec& rm, const Imm& value) {
  if (form.shape != Shape::vector_shift) no_form();
  put_operands(head(form, form.other, 0), form.extension, rm);
  pen_.put(static_cast<uint8_t>(value.value()));
}

template <class Rm>
void Assembler::with_byte(Form form, const Vec& reg, const Rm& rm, int64_t value) {
  if (form.shape != Shape::vector) no_form();
  put_operands(head(form), reg.id(), rm, 1);
  pen_.put(static_cast<uint8_t>(value));
}

template void Assembler::with_byte(Form, const Vec&, const Vec&, int64_t);
template void Assembler::with_byte(Form, const Vec&, const Gp&, int64_t);
template void Assembler::with_byte(Form, const Vec&, const Mem&, int64_t);

/// A lane: pextrw names its operands the other way round.
void Assembler::encode(Form form, const Gp& a, const Vec& b, const Imm& value) {
  if (form.shape == Shape::vector) put_operands(head(form), a.id(), b);
  else if (form.shape == Shape::vector_lane) put_operands(head(form), b.id(), a);
  else no_form();
  pen_.put(static_cast<uint8_t>(value.value()));
}

}  // namespace strata::codegen::x64
