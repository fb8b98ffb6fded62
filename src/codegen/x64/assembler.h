// Writes the host's instructions. Units are mostly made of a few dozen of them, and writing them is half of what a unit
// costs, so this knows those of instruction_forms.h only, and takes an instruction apart as little as it can.
#pragma once

#include <asmjit/x86.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include "base/assert.h"
#include "codegen/x64/instruction_forms.h"
#include "codegen/x64/registers.h"

namespace strata::codegen::x64 {

/// With asmjit's operands, and its functions named like instructions, which come to `_emitI`. Labels are 32 bits away, but
/// for jumps back to near ones.
class Assembler : public x86::EmitterImplicitT<Assembler> {
 public:
  using Label = asmjit::Label;
  using Gp = x86::Gp;
  using Vec = x86::Vec;
  using Mem = x86::Mem;
  using Imm = asmjit::Imm;
  using Error = asmjit::Error;
  using Id = asmjit::InstId;

  /// Starts over. The memory must have room for all.
  void begin(std::span<std::byte> memory);

  Label newLabel() {  // NOLINT(readability-identifier-naming): as asmjit has it
    places_.push_back(unbound);
    return Label(static_cast<uint32_t>(places_.size() - 1));
  }
  void bind(const Label& label) { places_[label.id()] = static_cast<uint32_t>(offset()); }
  size_t offset() const { return static_cast<size_t>(pen_.at - begin_); }
  uint32_t offset_of(const Label& label) const {
    STRATA_ASSERT(places_[label.id()] != unbound, "a label stands nowhere");
    return places_[label.id()];
  }
  /// Writes what stood open: all labels that are referred to have been bound.
  void resolve();

  /// Instructions that are the same each time: encoded when they are wanted first, then copied. No labels.
  struct Piece {
    std::array<uint8_t, 16> bytes = {};
    size_t size = 0;
  };
  template <class Write>
  void repeat(Piece& piece, Write write) {
    STRATA_ASSERT(pen_.at < end_, "more code than there is memory for");
    uint8_t* const begin = pen_.at;
    if (piece.size == 0) {
      write();
      piece.size = static_cast<size_t>(pen_.at - begin);
      STRATA_ASSERT(piece.size <= piece.bytes.size());
      std::memcpy(piece.bytes.data(), begin, piece.size);
    } else {
      std::memcpy(begin, piece.bytes.data(), piece.bytes.size());
      pen_.at += piece.size;
    }
  }

  void embed(const void* bytes, size_t size);
  /// Few bytes.
  template <size_t size>
  void embed(const uint8_t (&bytes)[size]) {
    STRATA_ASSERT(pen_.at + size < end_, "more code than there is memory for");
    std::memcpy(pen_.at, bytes, size);
    pen_.at += size;
  }
  void embed_word(uint64_t word) { embed(&word, sizeof word); }
  void align(size_t alignment);  ///< with zeros

  template <class... Operands>
  void emit(Id id, const Operands&... operands) {
    _emitI(id, operands...);
  }

  // What asmjit's functions call. NOLINTBEGIN(readability-identifier-naming)
  void addInstOptions(asmjit::InstOptions options) {
    STRATA_ASSERT(options == asmjit::InstOptions::kX86_Lock);
    pen_.put(0xf0);
  }
  template <class... Operands>
  Error _emitI(Id id, const Operands&... operands) {
    STRATA_ASSERT(pen_.at < end_, "more code than there is memory for");
    encode(instruction_forms[id], operands...);
    return asmjit::kErrorOk;
  }
  // NOLINTEND(readability-identifier-naming)

 private:
  static constexpr uint32_t unbound = ~uint32_t{0};

  static constexpr uint32_t wide = 8;        ///< REX.W
  static constexpr uint32_t any_rex = 0x40;  ///< it has to be there for the lower bytes of rsp to rdi

  /// Writes bytes. Functions have a copy of it: the compiler must take it that a byte written to memory changes `at`, but
  /// where that is a variable of their own.
  struct Pen {
    uint8_t* at = nullptr;
    void put(uint32_t byte) { *at++ = static_cast<uint8_t>(byte); }
    void put_32(uint32_t value) {
      std::memcpy(at, &value, sizeof value);
      at += sizeof value;
    }
  };
  /// What stands in front of ModRM.
  struct Head {
    uint8_t prefix, map, opcode;
    bool word;  ///< operands of 16 bits
    uint32_t rex;
  };
  /// 32 bits that wait for a label: the distance from `from` to `addend` bytes behind it.
  struct Reference {
    uint32_t at, from, label;
    int32_t addend;
  };

  static Head head(Form form) { return {form.prefix, form.map, form.opcode, false, form.wide ? wide : 0u}; }
  static Head head(Form form, unsigned opcode, unsigned size) {
    return {form.prefix, form.map, static_cast<uint8_t>(opcode), size == 2, form.wide || size == 8 ? wide : 0u};
  }

  [[noreturn]] static void no_form();
  static bool is_byte(int64_t value) { return value == static_cast<int8_t>(value); }
  /// Of rsp to rdi: without REX it would be the second byte of rax to rbx.
  static bool is_low_byte_by_rex(const Gp& reg) { return reg.isGpbLo() && reg.id() >= 4; }
  /// The second opcode is for all sizes but bytes.
  static unsigned by_size(unsigned opcode, unsigned size) { return opcode + (size != 1); }

  void encode(Form form);
  void encode(Form form, const Label& label);
  void encode(Form form, const Gp& rm) { one(form, rm); }
  void encode(Form form, const Mem& rm) { one(form, rm); }
  void encode(Form form, const Gp& a, const Gp& b);
  void encode(Form form, const Gp& reg, const Mem& rm);
  void encode(Form form, const Mem& rm, const Gp& reg);
  void encode(Form form, const Mem& rm, const Gp& reg, const Gp& accumulator);  ///< cmpxchg
  void encode(Form form, const Gp& rm, const Imm& value) { immediate(form, rm, value.value()); }
  void encode(Form form, const Mem& rm, const Imm& value) { immediate(form, rm, value.value()); }
  void encode(Form form, const Gp& reg, const Gp& rm, const Imm& value);
  void encode(Form form, const Gp& a, const Gp& b, const Gp& c);
  void encode(Form form, const Vec& reg, const Vec& rm);
  void encode(Form form, const Vec& reg, const Mem& rm);
  void encode(Form form, const Mem& rm, const Vec& reg);
  void encode(Form form, const Vec& reg, const Gp& rm);
  void encode(Form form, const Gp& a, const Vec& b);
  void encode(Form form, const Vec& rm, const Imm& value);
  void encode(Form form, const Vec& reg, const Vec& rm, const Imm& value) { with_byte(form, reg, rm, value.value()); }
  void encode(Form form, const Vec& reg, const Mem& rm, const Imm& value) { with_byte(form, reg, rm, value.value()); }
  void encode(Form form, const Vec& reg, const Gp& rm, const Imm& value) { with_byte(form, reg, rm, value.value()); }
  void encode(Form form, const Gp& a, const Vec& b, const Imm& value);

  template <class Rm>
  void one(Form form, const Rm& rm);
  template <class Rm>
  void immediate(Form form, const Rm& rm, int64_t value);
  template <class Rm>
  void arithmetic(Form form, const Rm& rm, int64_t value);
  template <class Rm>
  void with_byte(Form form, const Vec& reg, const Rm& rm, int64_t value);
  void move_constant(const Gp& reg, int64_t value);
  void vex(Form form, const Gp& reg, unsigned source, const Gp& rm);

  Pen start(Head head, uint32_t rex) const {
    Pen pen = pen_;
    if (head.word) pen.put(0x66);
    if (head.prefix != 0) pen.put(head.prefix);
    if (rex != 0) pen.put(any_rex | rex);
    if (head.map != 0) {
      pen.put(0x0f);
      if (head.map > 1) pen.put(head.map == 2 ? 0x38 : 0x3a);
    }
    pen.put(head.opcode);
    return pen;
  }
  /// ModRM with what belongs to it. `behind`: bytes of an immediate that follows.
  void put_operands(Head head, unsigned reg, const Gp& rm, unsigned behind = 0);
  void put_operands(Head head, unsigned reg, const Vec& rm, unsigned behind = 0);
  void put_operands(Head head, unsigned reg, const Mem& rm, unsigned behind = 0);
  void put_label(Head head, uint32_t rex, unsigned reg, const Mem& rm, unsigned behind);
  void put_reference(uint32_t label, int32_t addend, unsigned behind);
  void put_immediate(int64_t value, unsigned size) {
    pen_.put_32(static_cast<uint32_t>(value));
    if (size < 4) pen_.at -= 4 - size;
  }

  uint8_t *begin_ = nullptr, *end_ = nullptr;
  Pen pen_;
  std::vector<uint32_t> places_;  ///< by label
  std::vector<Reference> references_;
};

}  // namespace strata::codegen::x64
