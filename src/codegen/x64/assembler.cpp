// Labels, what all instructions have in common, and those with one operand or none.
#include "codegen/x64/assembler.h"

#include <type_traits>

namespace strata::codegen::x64 {

void Assembler::no_form() { assertion_failed("the instruction has such a form", __FILE__, __LINE__); }

void Assembler::begin(std::span<std::byte> memory) {
  constexpr size_t spare = 64;  // for the instruction at hand
  begin_ = pen_.at = reinterpret_cast<uint8_t*>(memory.data());
  end_ = begin_ + memory.size() - spare;
  places_.clear();
  references_.clear();
}

void Assembler::resolve() {
  for (const Reference& one : references_) {
    STRATA_ASSERT(places_[one.label] != unbound, "a label that was referred to stands nowhere");
    const uint32_t distance = places_[one.label] + static_cast<uint32_t>(one.addend) - one.from;
    std::memcpy(begin_ + one.at, &distance, sizeof distance);
  }
  references_.clear();
}

void Assembler::embed(const void* bytes, size_t size) {
  STRATA_ASSERT(pen_.at + size < end_, "more code than there is memory for");
  std::memcpy(pen_.at, bytes, size);
  pen_.at += size;
}

void Assembler::align(size_t alignment) {
  while (offset() % alignment != 0) pen_.put(0);
}

// The bytes.

void Assembler::put_operands(Head head, unsigned reg, const Gp& rm, unsigned) {
  unsigned number = rm.id();
  uint32_t rex = head.rex | (reg >> 3) << 2 | number >> 3;
  if (rm.isGpbHi()) {
    STRATA_ASSERT(rex == 0, "no REX with it");
    number += 4;
  } else if (is_low_byte_by_rex(rm)) {
    rex |= any_rex;
  }
  Pen pen = start(head, rex);
  pen.put(0xc0 | (reg & 7) << 3 | (number & 7));
  pen_ = pen;
}

void Assembler::put_operands(Head head, unsigned reg, const Vec& rm, unsigned) {
  Pen pen = start(head, head.rex | (reg >> 3) << 2 | rm.id() >> 3);
  pen.put(0xc0 | (reg & 7) << 3 | (rm.id() & 7));
  pen_ = pen;
}

void Assembler::put_operands(Head head, unsigned reg, const Mem& rm, unsigned behind) {
  using Signature = asmjit::OperandSignature;
  constexpr uint32_t kind = uint32_t{Signature::kMemBaseTypeMask} | uint32_t{Mem::kSignatureMemSegmentMask};
  const uint32_t rex = head.rex | (reg >> 3) << 2;
  if ((rm.signature().bits() & kind) != Signature::fromMemBaseType(asmjit::RegType::kX86_Gpq).bits())
    return put_label(head, rex, reg, rm, behind);
  const unsigned base = rm.baseId() & 7;
  const int32_t offset = rm.offsetLo32();
  // The numbers of rsp and rbp in ModRM mean other things.
  const unsigned mode = offset == 0 && base != 5 ? 0 : is_byte(offset) ? 0x40 : 0x80;
  const unsigned index = rm.hasIndex() ? rm.indexId() : 4;  // 4: none
  Pen pen = start(head, rex | (index >> 3) << 1 | rm.baseId() >> 3);
  if (rm.hasIndex() || base == 4) {
    STRATA_ASSERT(!rm.hasIndex() || (rm.indexType() == asmjit::RegType::kX86_Gpq && index != 4));
    pen.put(mode | (reg & 7) << 3 | 4);
    pen.put(rm.shift() << 6 | (index & 7) << 3 | base);
  } else {
    pen.put(mode | (reg & 7) << 3 | base);
  }
  if (mode == 0x40) pen.put(static_cast<uint8_t>(offset));
  else if (mode == 0x80) pen.put_32(static_cast<uint32_t>(offset));
  pen_ = pen;
}

void Assembler::put_label(Head head, uint32_t rex, unsigned reg, const Mem& rm, unsigned behind) {
  STRATA_ASSERT(rm.hasBaseLabel() && !rm.hasIndex() && !rm.hasSegment());
  pen_ = start(head, rex);
  pen_.put((reg & 7) << 3 | 5);
  put_reference(rm.baseId(), rm.offsetLo32(), behind);
}

void Assembler::put_reference(uint32_t label, int32_t addend, unsigned behind) {
  const auto at = static_cast<uint32_t>(offset());
  references_.push_back({at, at + 4 + behind, label, addend});
  pen_.put_32(0);
}

// No operand, or one.

void Assembler::encode(Form form) {
  if (form.shape != Shape::alone) no_form();
  pen_ = start(head(form), form.wide ? wide : 0);
  if (form.other != 0) pen_.put(form.other);
}

/// Back to where a byte reaches: the short form.
void Assembler::encode(Form form, const Label& label) {
  const bool conditional = form.shape == Shape::conditional_jump;
  if (!conditional && form.shape != Shape::jump) no_form();
  const bool is_call = form.extension == 2;
  if (const uint32_t place = places_[label.id()]; place != unbound && !is_call) {
    const int64_t distance = int64_t{place} - static_cast<int64_t>(offset() + 2);
    if (is_byte(distance)) {
      pen_.put(conditional ? form.opcode : 0xebu);
      return pen_.put(static_cast<uint8_t>(distance));
    }
  }
  if (conditional) pen_.put(0x0f);
  pen_.put(conditional ? form.opcode + 0x10u : form.opcode);
  put_reference(label.id(), 0, 0);
}

template <class Rm>
void Assembler::one(Form form, const Rm& rm) {
  const unsigned size = rm.size();
  switch (form.shape) {
    case Shape::one_operand:
    case Shape::multiply: return put_operands(head(form, by_size(form.opcode, size), size), form.extension, rm);
    case Shape::jump: return put_operands(head(form, 0xff, 4), form.extension, rm);
    case Shape::byte: return put_operands(head(form), 0, rm);
    case Shape::float_control: return put_operands(head(form), form.extension, rm);
    case Shape::alone: return encode(form);  // with the register that it means
    default: break;
  }
  if constexpr (std::is_same_v<Rm, Gp>) {
    if (form.shape == Shape::byte_swap) {
      pen_ = start(head(form, form.opcode + (rm.id() & 7), size), (size == 8 ? wide : 0) | rm.id() >> 3);
      return;
    }
  }
  no_form();
}

template void Assembler::one(Form, const Gp&);
template void Assembler::one(Form, const Mem&);

}  // namespace strata::codegen::x64
