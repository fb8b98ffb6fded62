// Every operation that computes, with every type, lane and operand types that the typing rules allow, its operands and
// its result standing at every kind of place; held against the models.
#include <gtest/gtest.h>

#include "codegen/interp/reference_test.h"
#include "codegen/interp/tested_backend_test.h"
#include "ir/flags.h"
#include "ir/text.h"
#include "ir/typing.h"

namespace strata::codegen::interp {
namespace {

using ir::Instr;
using ir::Op;
using ir::Type;
using ir::Value;

constexpr Type slot_types[] = {Type::i8, Type::i16, Type::i32, Type::i64, Type::f32, Type::f64, Type::v128};
constexpr Value none = ir::no_value;
constexpr unsigned operand_slots = 4;  // of each type: three operands and a result

/// The pc, then four slots of each type. The narrow ones stand side by side, where writing too much is seen.
const ir::StateLayout& layout() {
  static const ir::StateLayout instance = [] {
    ir::StateLayout made;
    made.slots.push_back({"pc", 0, Type::i64});
    made.size = 16;
    for (const Type type : slot_types) {
      made.size = (made.size + 15) / 16 * 16;
      for (unsigned i = 0; i < operand_slots; ++i) {
        made.slots.push_back({std::string(name(type)) + "_" + std::to_string(i), made.size, type});
        made.size += ir::bytes(type);
      }
    }
    return made;
  }();
  return instance;
}

ir::SlotId slot_of(Type type, unsigned i) {
  const auto* found = std::find(std::begin(slot_types), std::end(slot_types), type == Type::i1 ? Type::i8 : type);
  return static_cast<ir::SlotId>(1 + (found - slot_types) * operand_slots + i);
}

/// One operation in a unit of its own.
class Case {
 public:
  Case(Op op, Type type, ir::Lane lane, std::vector<Type> operands)
      : instr_{.op = op, .type = type, .lane = lane}, operands_(std::move(operands)) {}

  /// Whether the typing rules allow it; with a valid immediate then.
  bool valid(std::mt19937_64& random) {
    unit_ = {.layout = &layout()};
    for (unsigned i = 0; i < operands_.size(); ++i) {
      instr_.arg[i] = append({.op = Op::constant, .type = operands_[i]});
    }
    for (const uint64_t bound : {16, 4096, 256, 8, 4, 2, 1}) {
      instr_.imm = random() % bound & (instr_.op == Op::flags_merge ? ir::Flag::all : ~uint32_t{0});
      if (!ir::type_error(unit_, instr_)) return true;
    }
    return false;
  }

  void check(std::mt19937_64& random) {
    unit_ = {.layout = &layout()};
    World world(layout());
    for (const ir::Slot& slot : layout().slots) world.set(slot, {edgy(random), edgy(random)});
    std::vector<Datum> inputs;
    for (unsigned i = 0; i < operands_.size(); ++i) instr_.arg[i] = place_operand(i, world, random, inputs);
    const Value value = append(instr_);
    const Datum expected = compute(unit_, instr_, inputs);
    const Type type = ir::result_type(unit_, instr_);
    place_result(value, type, random);
    append({.op = Op::exit_goto, .imm = 1});
    unit_.blocks = {{0, static_cast<uint32_t>(unit_.code.size())}};

    World before(layout());
    before.state = world.state;
    tested_runner().run(*tested_backend().compile(unit_), world.context);
    const ir::SlotId result = slot_of(type, 3);
    before.set(layout().slots[0], {1, 0});
    before.set(layout().slots[result], expected);
    for (const ir::Slot& slot : layout().slots) {
      ASSERT_EQ(world.get(slot), before.get(slot))
          << std::hex << "slot " << slot.name << ": " << world.get(slot).lo << ":" << world.get(slot).hi
          << ", expected " << before.get(slot).lo << ":" << before.get(slot).hi << "\n"
          << ir::print(unit_);
    }
  }

 private:
  Value append(const Instr& instr) {
    unit_.code.push_back(instr);
    return static_cast<Value>(unit_.code.size() - 1);
  }

  Datum input_for(Type type, std::mt19937_64& random) const {
    Datum value{edgy(random), edgy(random)};
    const bool flags = instr_.op == Op::cond || instr_.op == Op::flags_merge;
    if (ir::is_float(type) && random() % 2) value.lo = small_float(type, random);
    if (instr_.op >= Op::vshl && instr_.op <= Op::vsar && random() % 2) value.lo %= 64;
    if (instr_.op >= Op::vfadd && random() % 2) {
      value.lo = instr_.lane == ir::Lane::f32 ? small_float(Type::f32, random) << 32 | small_float(Type::f32, random)
                                              : small_float(Type::f64, random);
    }
    if (ir::bits(type) <= 64) value = {value.lo & ir::mask(type) & (flags ? uint64_t{ir::Flag::all} : ~uint64_t{0}), 0};
    return value;
  }

  static uint64_t small_float(Type type, std::mt19937_64& random) {
    const double value = static_cast<double>(static_cast<int64_t>(random() % 4001) - 2000) / 8;
    uint64_t bits = 0;
    if (type == Type::f64) std::memcpy(&bits, &value, 8);
    const auto narrow = static_cast<float>(value);
    if (type == Type::f32) std::memcpy(&bits, &narrow, 4);
    return bits;
  }

  /// In a slot, in a cell, or in the instruction.
  Value place_operand(unsigned i, World& world, std::mt19937_64& random, std::vector<Datum>& inputs) {
    const Type type = operands_[i];
    if (i > 0 && type == operands_[0] && random() % 8 == 0) {
      inputs.push_back(inputs[0]);
      return instr_.arg[0];
    }
    const Datum value = inputs.emplace_back(input_for(type, random));
    const unsigned place = random() % 3;
    if (place == 0) return constant(type, value);
    const ir::SlotId slot = slot_of(type, i);
    world.set(layout().slots[slot], value);
    const Value got = append({.op = Op::get, .type = layout().slots[slot].type, .imm = slot});
    if (type == Type::i1) return append({.op = Op::trunc, .type = type, .arg = {got, none, none, none}});
    if (place == 1) return got;
    const Value yes = append({.op = Op::constant, .type = Type::i1, .imm = 1});
    return append({.op = Op::select, .type = type, .arg = {yes, got, got, none}});
  }

  Value constant(Type type, const Datum& value) {
    if (type != Type::v128) return append({.op = Op::constant, .type = type, .imm = value.lo});
    unit_.vectors.push_back(value);
    return append({.op = Op::vconstant, .type = type, .imm = unit_.vectors.size() - 1});
  }

  void place_result(Value value, Type type, std::mt19937_64& random) {
    if (type == Type::i1) {
      type = Type::i8;
      value = append({.op = Op::zext, .type = type, .arg = {value, none, none, none}});
    }
    if (random() % 2) append({.op = Op::poll});  // keeps the set from being done by the operation
    append({.op = Op::set, .type = type, .arg = {value, none, none, none}, .imm = slot_of(type, 3)});
  }

  Instr instr_;
  std::vector<Type> operands_;
  ir::Unit unit_;
};

constexpr Type all_types[] = {Type::i1, Type::i8, Type::i16, Type::i32, Type::i64, Type::f32, Type::f64, Type::v128};

std::vector<std::vector<Type>> operand_types(unsigned count) {
  std::vector<std::vector<Type>> lists = {{}};
  for (; count > 0; --count) {
    std::vector<std::vector<Type>> longer;
    for (const auto& list : lists) {
      for (const Type type : all_types) {
        longer.push_back(list);
        longer.back().push_back(type);
      }
    }
    lists = std::move(longer);
  }
  return lists;
}

/// Gives how many forms of the operation there are.
unsigned check_operation(Op op, std::mt19937_64& random) {
  unsigned forms = 0;
  for (unsigned lane = 0; lane <= static_cast<unsigned>(ir::Lane::f64); ++lane) {
    for (const Type type : all_types) {
      for (const auto& operands : operand_types(ir::info(op).operands)) {
        Case one(op, type, static_cast<ir::Lane>(lane), operands);
        if (!one.valid(random)) continue;
        ++forms;
        for (unsigned round = 0; round < 40; ++round) {
          one.valid(random);
          one.check(random);
          if (::testing::Test::HasFatalFailure()) return forms;
        }
      }
    }
    if (lane == 0 && forms != 0) break;  // the operation has no lanes
  }
  return forms;
}

/// All but constants, which are operands of the others.
std::vector<Op> computing_operations() {
  std::vector<Op> operations;
  for (unsigned i = 0; i < std::size(ir::op_table); ++i) {
    const auto op = static_cast<Op>(i);
    const bool constant = op == Op::constant || op == Op::vconstant;
    if (!constant && (ir::has(op, ir::Trait::pure) || ir::has(op, ir::Trait::float_env))) operations.push_back(op);
  }
  return operations;
}

class Operations : public ::testing::TestWithParam<Op> {};

TEST_P(Operations, AgreeWithTheModel) {
  std::mt19937_64 random(static_cast<unsigned>(GetParam()) + 1);
  EXPECT_GT(check_operation(GetParam(), random), 0u);
}

INSTANTIATE_TEST_SUITE_P(All, Operations, ::testing::ValuesIn(computing_operations()),
                         [](const auto& one) { return std::string(ir::name(one.param)); });

}  // namespace
}  // namespace strata::codegen::interp
