// Tests of the assembler: each instruction that it knows against the bytes of asmjit's, in all forms that it takes, with
// all registers, kinds of addresses and sizes of constants.
#include "codegen/x64/assembler.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <array>
#include <string>

namespace strata::codegen::x64 {
namespace {

using asmjit::imm;
using x86::Gp;
using x86::Mem;
using x86::Xmm;

std::string hex(std::span<const uint8_t> bytes) {
  std::string text;
  for (const uint8_t byte : bytes) text += fmt::format("{:02x} ", byte);
  return text;
}

/// Both assemblers, which are told the same.
class Pair {
 public:
  Pair() {
    holder_.init(asmjit::Environment::host());
    holder_.attach(&theirs_);
    ours_.begin(memory_);
  }

  template <class... Operands>
  void expect_same(Inst::Id id, const Operands&... operands) {
    const size_t our_begin = ours_.offset(), their_begin = theirs_.offset();
    const asmjit::Error error = theirs_.emit(id, operands...);
    asmjit::String name;
    asmjit::InstAPI::instIdToString(asmjit::Arch::kX64, id, name);
    ASSERT_EQ(error, asmjit::kErrorOk) << name.data() << ": " << asmjit::DebugUtils::errorAsString(error);
    ours_.emit(id, operands...);
    ++compared_;
    const std::span<const uint8_t> their_bytes(theirs_.bufferData() + their_begin, theirs_.offset() - their_begin);
    const std::span our_bytes(reinterpret_cast<const uint8_t*>(memory_.data()) + our_begin, ours_.offset() - our_begin);
    ASSERT_EQ(hex(our_bytes), hex(their_bytes)) << name.data();
  }
  /// Where there is such an instruction.
  template <class... Operands>
  void expect_same_if_known(Inst::Id id, const Operands&... operands) {
    const asmjit::Operand_ all[] = {operands...};
    const asmjit::BaseInst inst(id);
    if (asmjit::InstAPI::validate(asmjit::Arch::kX64, inst, all, sizeof...(operands)) == asmjit::kErrorOk)
      expect_same(id, operands...);
  }

  /// Room for more.
  void begin_again() {
    ours_.begin(memory_);
    theirs_.setOffset(0);
  }
  unsigned compared() const { return compared_; }

 private:
  std::vector<std::byte> memory_ = std::vector<std::byte>(size_t{1} << 16);
  asmjit::CodeHolder holder_;
  x86::Assembler theirs_;
  Assembler ours_;
  unsigned compared_ = 0;
};

Gp general(unsigned number, unsigned size) {
  if (size == 1) return x86::gpb_lo(number);
  if (size == 2) return x86::gpw(number);
  if (size == 4) return x86::gpd(number);
  return x86::gpq(number);
}

constexpr int64_t constants[] = {0,   1,      2,       -1,     5,          127,         -128, 128,
                                 255, 0x7fff, -0x8000, 0xffff, 0x12345678, 0x7fff'ffff, -129, -0x80000000};
constexpr unsigned sizes[] = {1, 2, 4, 8};

bool fits(int64_t constant, unsigned size) {
  if (size == 8) return constant == static_cast<int32_t>(constant);
  const int64_t limit = int64_t{1} << (8 * size - 1);
  return constant >= -limit && constant < limit;
}

std::vector<Mem> addresses(unsigned size) {
  std::vector<Mem> all;
  for (unsigned base = 0; base < 16; ++base) {
    for (const int32_t offset : {0, 8, -128, 127, 128, -129, 0x12345})
      all.push_back(x86::Mem(x86::gpq(base), offset, size));
    for (unsigned index = 0; index < 16; ++index) {
      if (index == 4) continue;
      for (const int32_t offset : {0, 16, 4096})
        all.push_back(x86::Mem(x86::gpq(base), x86::gpq(index), index & 3, offset, size));
    }
  }
  return all;
}

template <class Do>
void for_all(std::initializer_list<Shape> shapes, Do check) {
  for (unsigned id = 1; id < instruction_forms.size(); ++id) {
    for (const Shape shape : shapes)
      if (instruction_forms[id].shape == shape) check(static_cast<Inst::Id>(id));
    if (testing::Test::HasFatalFailure()) return;
  }
}

TEST(Assembler, RowsAreOfOneInstructionEach) {
  for (const auto& row : forms::rows)
    EXPECT_EQ(
        std::count_if(std::begin(forms::rows), std::end(forms::rows), [&](const auto& o) { return o.id == row.id; }),
        1);
}

TEST(Assembler, RegistersOfAllSizes) {
  Pair both;
  const auto shapes = {Shape::arithmetic, Shape::test,     Shape::move,     Shape::extend,  Shape::reg_rm,
                       Shape::rm_reg,     Shape::bit_test, Shape::multiply, Shape::checksum};
  for_all(shapes, [&](Inst::Id id) {
    both.begin_again();
    for (const unsigned to : sizes) {
      for (const unsigned from : sizes) {
        if (from == 1 && id == Inst::kIdImul) continue;  // that means ax
        if (id == Inst::kIdXchg) continue;               // there is a shorter form that we leave out
        for (unsigned a = 0; a < 16; ++a)
          for (unsigned b = 0; b < 16; ++b) both.expect_same_if_known(id, general(a, to), general(b, from));
      }
    }
  });
  both.expect_same(Inst::kIdMovzx, x86::eax, x86::ah);
  both.expect_same(Inst::kIdMovzx, x86::edi, x86::bh);
  EXPECT_GT(both.compared(), 10'000u);
}

TEST(Assembler, RegistersAndMemory) {
  Pair both;
  const auto shapes = {Shape::arithmetic, Shape::test,     Shape::move,   Shape::lea,
                       Shape::extend,     Shape::reg_rm,   Shape::rm_reg, Shape::bit_test,
                       Shape::jump,       Shape::multiply, Shape::byte,   Shape::one_operand};
  for (const unsigned size : sizes) {
    const std::vector<Mem> all = addresses(size);
    for_all(shapes, [&](Inst::Id id) {
      both.begin_again();
      unsigned reg = 0;
      for (const Mem& memory : all) {
        const Shape shape = instruction_forms[id].shape;
        if (shape != Shape::jump || size == 8) both.expect_same_if_known(id, memory);
        const Gp other = general(reg++ & 15, shape == Shape::extend ? 4 : size);
        if (shape != Shape::test && shape != Shape::rm_reg) both.expect_same_if_known(id, other, memory);
        if (shape != Shape::byte) both.expect_same_if_known(id, memory, other);
      }
    });
  }
  EXPECT_GT(both.compared(), 10'000u);
}

TEST(Assembler, Constants) {
  Pair both;
  for_all({Shape::arithmetic, Shape::test, Shape::move}, [&](Inst::Id id) {
    for (const unsigned size : sizes) {
      both.begin_again();
      for (const int64_t constant : constants) {
        if (!fits(constant, size)) continue;
        for (unsigned reg = 0; reg < 16; ++reg) both.expect_same(id, general(reg, size), imm(constant));
        both.expect_same(id, x86::Mem(x86::rbp, 40, size), imm(constant));
        both.expect_same(id, x86::Mem(x86::r13, x86::r9, 2, 0, size), imm(constant));
      }
    }
  });
  for (const uint64_t wide : {0x1234'5678'9abcull, 0x8000'0000'0000'0000ull})
    for (unsigned reg = 0; reg < 16; ++reg) both.expect_same(Inst::kIdMov, x86::gpq(reg), imm(wide));
  // In 32 bits the same constants without a sign.
  both.expect_same(Inst::kIdAnd, x86::ecx, imm(0xffff'fff0u));
  both.expect_same(Inst::kIdAnd, x86::eax, imm(0x8000'0000u));
  both.expect_same(Inst::kIdMov, x86::r9d, imm(0xffff'ffffu));
  both.expect_same(Inst::kIdTest, x86::r9d, imm(0xffff'ffffu));
  both.expect_same(Inst::kIdMov, x86::ch, imm(5));
  for_all({Shape::shift, Shape::bit_test}, [&](Inst::Id id) {
    both.begin_again();
    for (const unsigned size : sizes) {
      for (unsigned reg = 0; reg < 16; ++reg) {
        for (const int count : {0, 1, 2, 7, 31}) {
          both.expect_same_if_known(id, general(reg, size), imm(count));
          both.expect_same_if_known(id, x86::Mem(x86::gpq(reg), 8, size), imm(count));
        }
        if (instruction_forms[id].shape == Shape::bit_test) continue;
        both.expect_same(id, general(reg, size), x86::cl);
        both.expect_same(id, x86::Mem(x86::gpq(reg), 8, size), x86::cl);
      }
    }
  });
  for (const unsigned size : {2, 4, 8}) {
    for (const int64_t constant : constants) {
      if (!fits(constant, size)) continue;
      both.expect_same(Inst::kIdImul, general(9, size), general(3, size), imm(constant));
      both.expect_same(Inst::kIdImul, general(3, size), general(12, size), imm(constant));
    }
  }
}

TEST(Assembler, OneOperandAndNone) {
  Pair both;
  for_all({Shape::one_operand, Shape::multiply, Shape::byte, Shape::byte_swap}, [&](Inst::Id id) {
    both.begin_again();
    for (unsigned reg = 0; reg < 16; ++reg)
      for (const unsigned size : sizes)
        if (instruction_forms[id].shape != Shape::byte_swap || size > 2)
          both.expect_same_if_known(id, general(reg, size));
  });
  for (const Inst::Id id : {Inst::kIdJmp, Inst::kIdCall})
    for (unsigned reg = 0; reg < 16; ++reg) both.expect_same(id, x86::gpq(reg));
  for_all({Shape::alone}, [&](Inst::Id id) {
    if (id == Inst::kIdFnstsw) both.expect_same(id, x86::ax);
    else both.expect_same(id);
  });
  both.expect_same(Inst::kIdFldcw, x86::word_ptr(x86::rsp, 300));
}

TEST(Assembler, VexForms) {
  Pair both;
  for_all({Shape::vex_count, Shape::vex_source}, [&](Inst::Id id) {
    both.begin_again();
    for (const unsigned size : {4, 8})
      for (unsigned reg = 0; reg < 16; ++reg)
        both.expect_same(id, general(reg, size), general(15 - reg, size), general((reg + 5) & 15, size));
  });
  for (const unsigned size : {4, 8})
    for (unsigned reg = 0; reg < 16; ++reg)
      both.expect_same(Inst::kIdRorx, general(reg, size), general((reg + 7) & 15, size), imm(reg));
}

TEST(Assembler, Vectors) {
  Pair both;
  const auto shapes = {Shape::vector, Shape::vector_move, Shape::vector_shift, Shape::vector_lane, Shape::word};
  const std::vector<Mem> all = addresses(0);
  for_all(shapes, [&](Inst::Id id) {
    both.begin_again();
    const Shape shape = instruction_forms[id].shape;
    for (unsigned a = 0; a < 16; ++a) {
      for (unsigned b = 0; b < 16; ++b) {
        const Xmm x = x86::xmm(a), y = x86::xmm(b);
        if (id == Inst::kIdSha256rnds2) both.expect_same(id, x, y);
        else both.expect_same_if_known(id, x, y);
        both.expect_same_if_known(id, x, y, imm(a));
        for (const unsigned size : {4, 8}) {
          const Gp g = general(b, size);
          // Of moves of 32 bits asmjit knows those of 64 too.
          if (shape == Shape::word && (size == 8) != instruction_forms[id].wide) continue;
          both.expect_same_if_known(id, x, g);
          both.expect_same_if_known(id, g, x);
          both.expect_same_if_known(id, x, g, imm(a));
          if (size == (instruction_forms[id].wide ? 8 : 4)) both.expect_same_if_known(id, g, x, imm(a));
        }
      }
      if (shape == Shape::vector_shift) both.expect_same(id, x86::xmm(a), imm(a + 1));
    }
    unsigned reg = 0;
    for (const Mem& memory : all) {
      const Xmm x = x86::xmm(reg++ & 15);
      if (shape == Shape::vector_shift || shape == Shape::vector_lane) continue;
      both.expect_same_if_known(id, x, memory);
      if (shape != Shape::vector) both.expect_same_if_known(id, memory, x);
    }
  });
  EXPECT_GT(both.compared(), 100'000u);
}

/// Jumps and addresses that name labels, back and forth, near and far; the whole code is compared.
TEST(Assembler, Labels) {
  std::vector<std::byte> memory(size_t{1} << 16);
  asmjit::CodeHolder holder;
  holder.init(asmjit::Environment::host());
  x86::Assembler theirs(&holder);
  Assembler ours;
  ours.begin(memory);
  const auto write = [](auto& a) {
    const asmjit::Label back = a.newLabel(), far = a.newLabel(), word = a.newLabel();
    a.bind(back);
    a.jmp(far);
    a.jne(far);
    a.call(far);
    a.paddq(x86::xmm13, x86::ptr(word));
    a.mov(x86::r9, x86::Mem(word, 24, 8));
    a.cmp(x86::Mem(word, 8, 4), 5);
    a.cmp(x86::Mem(word, 8, 4), 500);
    a.cmp(x86::Mem(word, 8, 2), 500);
    a.test(x86::Mem(word, 8, 1), 5);
    a.mov(x86::Mem(word, 8, 8), 5);
    a.shl(x86::Mem(word, 8, 8), 5);
    a.shl(x86::Mem(word, 8, 8), 1);
    a.pshufd(x86::xmm3, x86::Mem(word, 16, 16), 0x44);
    a.jmp(x86::Mem(word, 0, 8));
    for (unsigned i = 0; i < 60; ++i) {  // until it is too far for a byte
      a.je(back);
      a.jmp(back);
      a.call(back);
    }
    a.lock().xadd(x86::dword_ptr(x86::rcx), x86::r9d);
    a.lock().cmpxchg(x86::qword_ptr(x86::r11), x86::r9, x86::rax);
    a.bind(far);
    a.ret();
    a.bind(word);
  };
  write(ours);
  write(theirs);
  ours.resolve();
  ASSERT_EQ(theirs.offset(), ours.offset());
  EXPECT_EQ(hex({reinterpret_cast<const uint8_t*>(memory.data()), ours.offset()}),
            hex({theirs.bufferData(), theirs.offset()}));
}

TEST(AssemblerDeathTest, WhatItDoesNotKnowIsABug) {
  std::vector<std::byte> memory(256);
  Assembler a;
  a.begin(memory);
  EXPECT_DEATH(a.emit(Inst::kIdVpaddd, x86::xmm0, x86::xmm1), "has such a form");
  EXPECT_DEATH(a.emit(Inst::kIdPaddd, x86::rax, x86::rcx), "has such a form");
  a.jmp(a.newLabel());
  EXPECT_DEATH(a.resolve(), "stands nowhere");
  EXPECT_DEATH(for (unsigned i = 0; i < 300; ++i) a.lahf(), "more code than");
}

}  // namespace
}  // namespace strata::codegen::x64
