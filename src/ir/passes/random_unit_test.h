// For the tests of passes: units of random instructions over the slots and helpers of pass_test.h.
#pragma once

#include <algorithm>
#include <random>
#include <vector>

#include "ir/passes/pass_test.h"

namespace strata::ir {

/// Writes well-typed instructions without order or purpose, full of small constants and repeated operands.
class RandomUnit {
 public:
  explicit RandomUnit(uint64_t seed) : random_(seed) {}

  Unit make() {
    unit_.layout = &test_layout;
    for (const Helper& helper : test_helpers) unit_.helpers.push_back(&helper);
    const BlockId blocks = 1 + below(4);
    for (BlockId id = 0; id < blocks; ++id) {
      for (auto& values : values_) values.clear();
      const auto begin = static_cast<uint32_t>(unit_.code.size());
      if (chance(3)) compare_slots();
      for (unsigned count = below(40); count > 0; --count) instr();
      terminator(id, blocks);
      unit_.blocks.push_back({begin, static_cast<uint32_t>(unit_.code.size())});
    }
    return std::move(unit_);
  }

 private:
  uint32_t below(uint32_t bound) { return static_cast<uint32_t>(random_() % bound); }
  bool chance(uint32_t of) { return below(of) == 0; }
  Type integer(Type from = Type::i8) {
    return static_cast<Type>(static_cast<unsigned>(from) +
                             below(1 + static_cast<unsigned>(Type::i64) - static_cast<unsigned>(from)));
  }

  Value append(Instr instr) {
    unit_.code.push_back(instr);
    const Type type = result_type(unit_, instr);
    const auto value = static_cast<Value>(unit_.code.size() - 1);
    if (type != Type::none) values_[static_cast<unsigned>(type)].push_back(value);
    return value;
  }

  Value append(Op op, Type type, std::initializer_list<Value> args, uint64_t imm = 0) {
    Instr instr{.op = op, .type = type};
    std::copy(args.begin(), args.end(), instr.arg);
    instr.imm = imm;
    return append(instr);
  }

  Value constant(Type type) {
    const uint64_t choices[] = {
        0, 1, 2, 8, 31, 63, 0x7f, 0x80, 0xff, ~uint64_t{0}, ~uint64_t{0} << (bits(type) - 1), random_()};
    return append(Op::constant, type, {}, choices[below(12)] & mask(type));
  }

  /// An older value, mostly a young one; a slot or constant where there is none.
  Value any(Type type) {
    const auto& values = values_[static_cast<unsigned>(type)];
    if (!values.empty() && !chance(6)) {
      const auto depth = std::min<size_t>(values.size(), chance(3) ? values.size() : 3);
      return values[values.size() - 1 - below(static_cast<uint32_t>(depth))];
    }
    if (type == Type::i64 && chance(2)) return append(Op::get, type, {}, below(3));
    if (type == Type::i32 && chance(2)) return append(Op::get, type, {}, 3 + below(2));
    return constant(type);
  }

  Value flags() {
    const auto& values = values_[static_cast<unsigned>(Type::i32)];
    for (unsigned tries = 0; tries < 4 && !values.empty(); ++tries) {
      const Value value = values[values.size() - 1 - below(static_cast<uint32_t>(std::min<size_t>(values.size(), 6)))];
      const Op op = unit_.code[value].op;
      if ((op >= Op::flags_add && op <= Op::flags_merge) || (op == Op::get && unit_.code[value].imm == 5)) return value;
    }
    return append(Op::get, Type::i32, {}, 5);
  }

  void instr() {
    switch (below(10)) {
      case 0:
      case 1:
      case 2: arithmetic(); break;
      case 3: compare(); break;
      case 4: conversion(); break;
      case 5:
      case 6: chance(4) ? with_carry() : flag_operation(); break;
      case 7:
      case 8: state(); break;
      default: effect();
    }
  }

  /// A sum of masked values, masked again.
  void wrapping() {
    const Type type = integer();
    const Value low = append(Op::constant, type, {}, 0xffff & mask(type));
    const Value a = append(Op::and_, type, {any(type), low}), b = any(type);
    const Value sum = append(chance(2) ? Op::sub : Op::add, type, {chance(2) ? a : b, chance(2) ? a : b});
    append(Op::and_, type, {sum, chance(2) ? low : constant(type)});
  }

  void arithmetic() {
    if (chance(6)) return wrapping();
    static constexpr Op ops[] = {Op::add,   Op::add,  Op::sub,  Op::sub,  Op::mul,    Op::div_u, Op::rem_u,
                                 Op::div_s, Op::and_, Op::or_,  Op::xor_, Op::not_,   Op::neg,   Op::shl,
                                 Op::shr,   Op::sar,  Op::rotl, Op::rotr, Op::popcnt, Op::rem_s};
    const Op op = ops[below(std::size(ops))];
    const bool logic = op == Op::and_ || op == Op::or_ || op == Op::xor_;
    const Type type = integer(logic ? Type::i1 : Type::i8);
    const Value a = any(type);
    if (info(op).operands == 1) {
      append(op, type, {a});
    } else {
      append(op, type, {a, op >= Op::shl && op <= Op::rotr ? any(Type::i8) : chance(8) ? a : any(type)});
    }
  }

  void with_carry() {
    static constexpr Op ops[] = {Op::adc, Op::sbb, Op::carry_adc, Op::carry_sbb};
    const Type type = integer(Type::i32);
    const Value a = any(type), b = chance(4) ? a : any(type);
    append(ops[below(4)], type, {a, b, any(Type::i1)});
  }

  void compare() {
    const auto op = static_cast<Op>(static_cast<unsigned>(Op::eq) + below(6));
    const Type type = integer(op <= Op::ne ? Type::i1 : Type::i8);
    const Value a = any(type);
    append(op, type, {a, any(type)});
  }

  void conversion() {
    const Type wide = integer(Type::i16);
    const auto narrow = static_cast<Type>(1 + below(static_cast<unsigned>(wide) - 1));
    switch (below(5)) {
      case 0: append(Op::zext, wide, {any(narrow)}); break;
      case 1: append(Op::sext, wide, {any(narrow)}); break;
      case 2: append(Op::trunc, narrow, {any(wide)}); break;
      case 3: {
        const Value into = any(wide);
        append(Op::insert_low, wide, {into, any(narrow)});
        break;
      }
      default: {
        const Type type = integer(Type::i1);
        const Value condition = any(Type::i1), yes = any(type);
        append(Op::select, type, {condition, yes, any(type)});
      }
    }
  }

  void flag_operation() {
    const Type type = integer();
    const Value a = any(type), b = any(type);
    switch (below(8)) {
      case 0: append(Op::flags_add, type, {a, b}); break;
      case 1: append(Op::flags_sub, type, {a, b}); break;
      case 2: append(chance(2) ? Op::flags_adc : Op::flags_sbb, type, {a, b, any(Type::i1)}); break;
      case 3: append(Op::flags_logic, type, {a}); break;
      case 4: {
        constexpr uint32_t masks[] = {0, Flag::carry, Flag::all, Flag::all & ~Flag::carry, Flag::zero | Flag::sign};
        const Value old = flags();
        append(Op::flags_merge, Type::i32, {old, flags()}, masks[below(5)]);
        break;
      }
      default: append(Op::cond, Type::i1, {flags()}, below(16));
    }
  }

  /// As guests do in front of a branch.
  void compare_slots() {
    const bool wide = chance(2);
    const Type type = wide ? Type::i64 : Type::i32;
    const uint64_t slot = wide ? below(3) : 3 + below(2);
    const Value a = append(Op::get, type, {}, slot), b = chance(2) ? constant(type) : append(Op::get, type, {}, slot);
    const Value changed = append(chance(2) ? Op::add : Op::sub, type, {a, b});
    if (chance(2)) append(Op::set, type, {changed}, slot);
    const Value flags = append(chance(2) ? Op::flags_sub : Op::flags_add, type, {chance(2) ? a : changed, b});
    append(Op::set, Type::i32, {flags}, 5);
    append(Op::eq, type, {a, b});
  }

  void state() {
    switch (below(6)) {
      case 0: append(Op::get, Type::i64, {}, below(3)); break;
      case 1: append(Op::get, Type::i32, {}, 3 + below(2)); break;
      case 2: append(Op::set, Type::i64, {any(Type::i64)}, below(3)); break;
      case 3: append(Op::set, Type::i32, {any(Type::i32)}, 3 + below(2)); break;
      case 4: append(Op::set, Type::i32, {flags()}, 5); break;
      default: append(Op::insn, Type::none, {}, below(1000));
    }
  }

  void effect() {
    const Type type = integer();
    switch (below(6)) {
      case 0: append(Op::load, type, {any(Type::i64)}); break;
      case 1: {
        const Value address = any(Type::i64);
        append(Op::store, type, {address, any(type)});
        break;
      }
      case 2: append(Op::poll, Type::none, {}); break;
      case 3: leave_if(any(Type::i1)); break;
      case 4: append(Op::call, Type::i32, {}, 0); break;
      default:
        if (chance(2)) append(Op::call, Type::none, {}, 1 + below(3));
    }
  }

  void leave_if(Value condition) {
    Instr instr{.op = Op::exit_if, .kind = static_cast<uint8_t>(ExitKind::trap)};
    instr.arg[0] = condition;
    instr.imm = 100 + below(100);
    append(instr);
  }

  void terminator(BlockId id, BlockId blocks) {
    const auto later = [&] { return id + 1 + below(blocks - id - 1); };
    if (id + 1 == blocks || chance(6)) {
      append({.op = Op::exit, .kind = static_cast<uint8_t>(ExitKind::trap), .imm = 200u + id});
      return;
    }
    const bool jump = chance(2);
    Instr instr{.op = jump ? Op::jump : Op::branch};
    if (!jump && chance(2)) compare_slots();
    if (!jump) instr.arg[0] = any(Type::i1);
    instr.target[0] = later();
    instr.target[1] = jump ? 0 : later();
    append(instr);
  }

  std::mt19937_64 random_;
  Unit unit_;
  std::vector<Value> values_[10];  ///< by type, of the block that is being written
};

inline std::vector<uint64_t> random_slots(std::mt19937_64& random) {
  std::vector<uint64_t> slots;
  for (const Slot& slot : test_layout.slots) {
    slots.push_back((random() >> random() % 64) & mask(slot.type));
    if (slot.name == "f") slots.back() &= Flag::all;
    if (slot.name == "x") slots.back() = 0;
  }
  return slots;
}

}  // namespace strata::ir
