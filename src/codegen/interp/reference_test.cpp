// The plain way to run IR, against which the interpreter is held; and its memory.
#include "codegen/interp/reference_test.h"

#include <gtest/gtest.h>

#include "ir/evaluate.h"

namespace strata::codegen::interp {

using ir::ExitKind;
using ir::Op;
using ir::Type;

TestMemory::TestMemory() : bytes_(pages * ir::page_size), kinds_(pages, plain) {
  for (unsigned page = 0; page < pages; ++page) set_kind(page, plain);
}

void TestMemory::set_kind(unsigned page, Kind kind) {
  kinds_[page] = kind;
  const uint64_t address = base + page * ir::page_size;
  ir::TlbEntry& entry = tlb_.at(address);
  entry.read = kind == plain || kind == read_only ? ir::page_number(address) : ir::TlbEntry::no_page;
  entry.write = kind == plain ? ir::page_number(address) : ir::TlbEntry::no_page;
  entry.addend = reinterpret_cast<uint64_t>(bytes_.data()) - base;
}

TestMemory::Kind TestMemory::kind_of(uint64_t address) const {
  return address >= base && address - base < bytes_.size() ? kinds_[(address - base) / ir::page_size] : refused;
}

bool TestMemory::allowed(uint64_t address, unsigned size, bool write) const {
  for (const uint64_t at : {address, address + size - 1}) {
    if (kind_of(at) == refused || (write && kind_of(at) == read_only)) return false;
  }
  return true;
}

bool TestMemory::load(uint64_t address, unsigned size, ir::Space space, void* out) {
  ++slow_loads;
  last_space = space;
  if (!allowed(address, size, false)) return false;
  std::memcpy(out, at(address), size);
  return true;
}

bool TestMemory::store(uint64_t address, unsigned size, ir::Space space, const void* in) {
  ++slow_stores;
  last_space = space;
  if (!allowed(address, size, true)) return false;
  std::memcpy(at(address), in, size);
  return true;
}

void* TestMemory::pin_for_update(uint64_t address, unsigned size, ir::Space space, bool* through_slow_path) {
  last_space = space;
  if (!allowed(address, size, true)) return nullptr;
  *through_slow_path = kind_of(address) == device || (address ^ (address + size - 1)) >> ir::page_bits;
  return *through_slow_path ? nullptr : at(address);
}

namespace {

unsigned slot_bytes(const ir::Slot& slot) { return slot.type == Type::f80 ? 16 : ir::bytes(slot.type); }

}  // namespace

void World::set(const ir::Slot& to, const Datum& value) { std::memcpy(slot(to), &value, slot_bytes(to)); }

Datum World::get(const ir::Slot& from) {
  Datum value;
  std::memcpy(static_cast<void*>(&value), slot(from), slot_bytes(from));
  return value;
}

Datum compute(const ir::Unit& unit, const ir::Instr& instr, const std::vector<Datum>& operands) {
  const Type first = operands.empty() ? Type::none : ir::result_type(unit, unit.code[instr.arg[0]]);
  if (instr.op == Op::constant) return {instr.imm, 0};
  if (instr.op == Op::vconstant) return unit.vectors[instr.imm];
  if (instr.op == Op::select) return operands[0].lo ? operands[1] : operands[2];
  if (is_float_operation(instr.op)) return compute_float(instr, first, operands);
  if (instr.op >= Op::vadd && instr.op < Op::vfadd) return compute_vector(instr, first, operands);
  std::vector<ir::Constant> constants;
  for (size_t i = 0; i < operands.size(); ++i) {
    constants.push_back({ir::result_type(unit, unit.code[instr.arg[i]]), operands[i].lo});
  }
  return {ir::evaluate(instr, constants).value(), 0};
}

namespace {

class Run {
 public:
  Run(const ir::Unit& unit, World& world) : unit_(unit), world_(world), values_(unit.code.size()) {}

  void run() {
    for (ir::BlockId block = 0; block != outside;) block = run_block(block);
  }

 private:
  static constexpr ir::BlockId outside = ~ir::BlockId{0};

  const ir::Slot& slot(uint64_t id) const { return unit_.layout->slots[id]; }
  const Datum& operand(const ir::Instr& instr, unsigned i) const { return values_[instr.arg[i]]; }
  void set_pc(uint64_t pc) { world_.set(slot(unit_.layout->pc), {pc, 0}); }

  void leave(ExitKind kind, uint64_t payload, uint8_t link = ir::RunResult::no_link) {
    const bool fault = kind == ExitKind::memory || kind == ExitKind::trap;
    if ((fault && begun_) || (kind == ExitKind::event && at_insn_)) --world_.context.insns;
    world_.result = {.kind = kind, .link = link, .payload = payload};
  }

  uint8_t link_of(uint32_t position) const {
    uint8_t link = 0;
    for (uint32_t i = 0; i < position; ++i) link += unit_.code[i].op == Op::exit_goto;
    return link;
  }

  /// False when refused.
  bool access(const ir::Instr& instr, Datum& value) {
    const uint64_t address = operand(instr, 0).lo;
    const unsigned size = ir::bytes(instr.type);
    const auto space = static_cast<ir::Space>(instr.imm);
    if (instr.op == Op::load) return world_.memory.load(address, size, space, &value);
    if (instr.op == Op::store) return world_.memory.store(address, size, space, &operand(instr, 1));
    bool slow = false;
    if (!world_.memory.pin_for_update(address, size, space, &slow) && !slow) return false;
    if (!world_.memory.load(address, size, space, &value)) return false;
    const uint64_t fresh = updated(instr, value.lo);
    return world_.memory.store(address, size, space, &fresh);
  }

  uint64_t updated(const ir::Instr& instr, uint64_t old) const {
    const uint64_t operand_value = operand(instr, 1).lo;
    switch (instr.op) {
      case Op::atomic_swap: return operand_value;
      case Op::atomic_add: return old + operand_value;
      case Op::atomic_and: return old & operand_value;
      case Op::atomic_or: return old | operand_value;
      case Op::atomic_xor: return old ^ operand_value;
      default: return old == operand_value ? operand(instr, 2).lo : old;
    }
  }

  Datum call(const ir::Instr& instr, const ir::Helper& helper) {
    using Function = uint64_t (*)(ir::ExecContext&, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t);
    const auto function = reinterpret_cast<Function>(helper.function);
    Datum result, copies[4];
    uint64_t words[5] = {};
    unsigned count = 0;
    const bool vector = ir::bits(helper.result) > 64;
    if (vector) words[count++] = reinterpret_cast<uint64_t>(&result);
    for (unsigned i = 0; i < helper.operands.size(); ++i) {
      copies[i] = operand(instr, i);
      words[count++] = ir::bits(helper.operands[i]) > 64 ? reinterpret_cast<uint64_t>(&copies[i]) : copies[i].lo;
    }
    const uint64_t word = function(world_.context, words[0], words[1], words[2], words[3], words[4]);
    if (!vector) result = {word & ir::mask(helper.result), 0};
    return result;
  }

  /// Gives the next block, `outside`, or nothing when the block goes on.
  std::optional<ir::BlockId> step(uint32_t position) {
    const ir::Instr& instr = unit_.code[position];
    ir::ExecContext& context = world_.context;
    switch (instr.op) {
      case Op::nop:
      case Op::expect_return:
      case Op::fence: return {};
      case Op::get: values_[position] = world_.get(slot(instr.imm)); return {};
      case Op::set:
        world_.set(slot(instr.imm), operand(instr, 0));
        if (instr.imm == unit_.layout->pc) at_insn_ = false;
        return {};
      case Op::drop: world_.set(slot(instr.imm), {0x5555'5555'5555'5555, 0}); return {};  // for nobody to see
      case Op::insn:
        set_pc(instr.imm);
        ++context.insns;
        begun_ = at_insn_ = true;
        return {};
      case Op::load:
      case Op::store:
      case Op::atomic_swap:
      case Op::atomic_add:
      case Op::atomic_and:
      case Op::atomic_or:
      case Op::atomic_xor:
      case Op::atomic_cas:
        if (access(instr, values_[position])) return {};
        leave(ExitKind::memory, 0);
        return outside;
      case Op::call: {
        const ir::Helper& helper = *unit_.helpers[instr.imm];
        values_[position] = call(instr, helper);
        if (helper.effect != ir::HelperEffect::may_exit || !context.leave) return {};
        context.leave = false;
        leave(context.leave_kind, context.leave_payload);
        return outside;
      }
      case Op::exit_if:
        if (operand(instr, 0).lo == 0) return {};
        [[fallthrough]];
      case Op::exit: leave(static_cast<ExitKind>(instr.kind), instr.imm); return outside;
      case Op::poll:
        if (context.events == 0) return {};
        leave(ExitKind::event, 0);
        return outside;
      case Op::jump: return instr.target[0];
      case Op::branch: return instr.target[operand(instr, 0).lo != 0 ? 0 : 1];
      case Op::exit_goto:
        set_pc(instr.imm);
        leave(ExitKind::next, 0, link_of(position));
        return outside;
      case Op::exit_indirect:
        set_pc(operand(instr, 0).lo);
        leave(ExitKind::next, 0);
        return outside;
      default: {
        std::vector<Datum> operands;
        for (unsigned i = 0; i < ir::info(instr.op).operands; ++i) operands.push_back(operand(instr, i));
        values_[position] = compute(unit_, instr, operands);
        return {};
      }
    }
  }

  ir::BlockId run_block(ir::BlockId block) {
    begun_ = begun_ || block != 0;
    for (uint32_t i = unit_.blocks[block].begin;; ++i) {
      if (const auto next = step(i)) return *next;
    }
  }

  const ir::Unit& unit_;
  World& world_;
  std::vector<Datum> values_;
  bool at_insn_ = false, begun_ = false;
};

}  // namespace

void run_plainly(const ir::Unit& unit, World& world) { Run(unit, world).run(); }

uint64_t edgy(std::mt19937_64& random) {
  const uint64_t one_bit = uint64_t{1} << random() % 64;
  switch (random() % 10) {
    case 0: return 0;
    case 1: return 1;
    case 2: return ~uint64_t{0};
    case 3: return one_bit;
    case 4: return one_bit - 1;
    case 5: return ~one_bit;
    case 6: return random() % 256;
    case 7: return (random() & 1 ? 0x7f7f7f7f7f7f7f7f : 0x8080808080808080);
    default: return random();
  }
}

}  // namespace strata::codegen::interp
