// For the tests of passes: runs a unit in the interpreter, in the same played world as the reference run.
#pragma once

#include <array>
#include <cstring>
#include <memory>
#include <string_view>

#include "codegen/interp/interpreter.h"
#include "ir/passes/played_world_test.h"
#include "ir/state_memory_test.h"

namespace strata::ir {

class InterpretedRun final : public SlowMemory {
 public:
  InterpretedRun(Unit unit, std::vector<uint64_t> slots, unsigned leave_at)
      : unit_(std::move(unit)), world_{leave_at}, state_(unit_.layout->size) {
    write_slots(slots);
    for (const Helper*& helper : unit_.helpers) helper = with_function(*helper);
    context_.state = state_.data();
    context_.tlb.fill(&empty_tlb());
    context_.memory = this;
    context_.cpu = this;
    context_.events = leave_at == 0;
  }

  std::vector<uint64_t> seen() {
    codegen::interp::Interpreter interpreter;
    const auto code = interpreter.compile(unit_);
    const RunResult result = interpreter.make_runner()->run(*code, context_);
    const bool has_payload = result.kind != ExitKind::memory && result.kind != ExitKind::event;
    world_.left(result.kind, has_payload ? result.payload : 0, read_slots());
    return std::move(world_.seen);
  }

 private:
  static Tlb& empty_tlb() {
    static Tlb tlb;
    return tlb;
  }

  bool load(uint64_t address, unsigned size, Space, void* out) override {
    const auto value = world_.load(address, integer_type(size * 8));
    context_.events = world_.leave_at == 0;
    if (value) std::memcpy(out, &*value, size);
    return value.has_value();
  }

  bool store(uint64_t address, unsigned size, Space, const void* in) override {
    uint64_t value = 0;
    std::memcpy(&value, in, size);
    const bool done = world_.store(address, value);
    context_.events = world_.leave_at == 0;
    return done;
  }

  void* pin_for_update(uint64_t, unsigned, Space, bool*) override { return nullptr; }

  std::vector<uint64_t> read_slots() const {
    std::vector<uint64_t> slots;
    for (const Slot& slot : unit_.layout->slots) {
      slots.push_back(0);
      std::memcpy(&slots.back(), state_.data() + slot.offset, std::min(bytes(slot.type), 8u));
    }
    return slots;
  }

  void write_slots(const std::vector<uint64_t>& slots) {
    for (size_t i = 0; i < slots.size(); ++i) {
      const Slot& slot = unit_.layout->slots[i];
      std::memcpy(state_.data() + slot.offset, &slots[i], std::min(bytes(slot.type), 8u));
    }
  }

  static InterpretedRun& of(ExecContext& context) { return *static_cast<InterpretedRun*>(context.cpu); }

  static uint64_t pure(ExecContext&) { return 77; }
  static uint64_t reads(ExecContext& context) {
    of(context).world_.see(of(context).read_slots());
    return 0;
  }
  static uint64_t writes(ExecContext& context) {
    InterpretedRun& run = of(context);
    std::vector<uint64_t> slots = run.read_slots();
    run.world_.see(slots);
    run.world_.change(*run.unit_.layout, slots);
    run.write_slots(slots);
    return 0;
  }
  static uint64_t leaves(ExecContext& context) {
    writes(context);
    context.leave = of(context).world_.helper_leaves();
    context.leave_kind = ExitKind::halt;
    context.leave_payload = 9;
    return 0;
  }

  /// The test's helper of that effect, with a function.
  const Helper* with_function(const Helper& helper) {
    constexpr uint64_t (*functions[])(ExecContext&) = {pure, reads, writes, leaves};
    const auto effect = static_cast<size_t>(helper.effect);
    helpers_[effect] = helper;
    helpers_[effect].function = reinterpret_cast<Helper::Function>(functions[effect]);
    return &helpers_[effect];
  }

  Unit unit_;
  PlayedWorld world_;
  StateMemory state_;
  std::array<Helper, 4> helpers_;
  ExecContext context_;
};

}  // namespace strata::ir
