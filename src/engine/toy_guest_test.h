// A toy instruction set with paging, faults and interrupts, and a toy back end: enough to test the engine by itself.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include "base/assert.h"
#include "codegen/backend.h"
#include "ir/builder.h"
#include "isa/guest.h"

namespace strata::engine::toy {

/// Instructions have four bytes: op, a, b, c; li64 has eight more. `imm` is b and c as a signed number.
enum class Op : uint8_t {
  illegal,  // traps
  li,       // ra := imm
  li64,     // ra := the next eight bytes
  addi,     // ra := ra + imm
  add,      // ra := ra + rb
  load,     // ra := 64 bits at rb + 8 * c
  store,    // 64 bits at rb + 8 * c := ra
  store8,   // 8 bits at rb + c := ra
  swap,     // ra and the 64 bits at rb + 8 * c change places in one
  bnz,      // if ra != 0, pc := next pc + imm
  jmp,      // pc := next pc + imm
  jr,       // pc := ra
  halt,
  table,   // page table := ra (0: no paging); forgets mappings that are not global
  flush,   // forgets the mapping of the address ra
  irq_on,  // interrupts may be taken from here on
  ret,     // pc := epc, interrupts on
  out,     // port b := ra
  mode,    // mode := a
  ticks,   // ra := the host's ticks
  stop,    // shuts down
};

struct State {
  std::array<uint64_t, 8> r;
  uint64_t pc;
  uint64_t table, epc, fault_vector, fault_address, irq_vector, mode;
  bool irq_enabled;
};

/// A page table is an array of 512 entries, indexed by virtual page: the frame's address and these.
struct Pte {
  static constexpr uint64_t r = 1, w = 2, x = 4, global = 8;
  static constexpr uint64_t large = 16;  ///< in an entry whose index divides by 16: maps 16 pages
  static constexpr uint64_t all = r | w | x;
};

inline constexpr ir::SlotId slot_pc = 8;

inline const ir::StateLayout& layout() {
  static const ir::StateLayout result = [] {
    ir::StateLayout made;
    for (unsigned i = 0; i < 8; ++i) made.slots.push_back({"r" + std::to_string(i), i * 8, ir::Type::i64});
    made.slots.push_back({"pc", offsetof(State, pc), ir::Type::i64});
    made.size = sizeof(State);
    made.pc = slot_pc;
    return made;
  }();
  return result;
}

class Guest final : public isa::Guest {
 public:
  ir::BackendRoom room;
  State regs = {};
  std::atomic<bool> irq = false;
  unsigned translations = 0, faults = 0, walks = 0, entered = 0;
  unsigned last_trap = 0, forgotten = 0, looked = 0;
  unsigned shadow = 0;  ///< so many times handle(event) asks to be called again behind one more unit

  const ir::StateLayout& layout() const override { return toy::layout(); }
  std::byte* state() override { return reinterpret_cast<std::byte*>(&regs); }
  void attach(isa::Host& host, ir::ExecContext& context) override {
    host_ = &host;
    context_ = &context;
  }
  void forget_refusal() override { ++forgotten; }
  isa::CodeKey key() const override { return {regs.pc, regs.pc, regs.mode | uint64_t{regs.table != 0} << 8}; }
  ir::Unit translate(const isa::CodeKey& key, unsigned max_insns) override;
  bool map(uint64_t address, ir::Space space, isa::Access access, isa::Mapping& mapping) override;
  ir::Space code_space() const override { return 0; }
  isa::Next handle(ir::ExitKind kind, uint64_t payload) override;
  void enter_code() override { ++entered; }
  void leave_code() override { --entered; }
  bool interrupt_ready() override { return irq && regs.irq_enabled; }
  void reset() override { regs = {}; }
  void save(std::vector<std::byte>&) const override {}
  Result<void> restore(std::span<const std::byte>) override { return {}; }
  std::string disassemble(const isa::CodeKey&, uint64_t address, std::span<const uint8_t> code) const override {
    return std::to_string(address) + " op " + std::to_string(code[0]) + "\n";
  }
  std::string describe() const override { return "toy at " + std::to_string(regs.pc); }

 private:
  isa::Next take_interrupt();
  isa::Next do_op(Op op, unsigned a, unsigned b);
  void translate_one(ir::Builder& b, uint64_t pc, const std::array<uint8_t, 12>& code, uint64_t start);

  isa::Host* host_ = nullptr;
  ir::ExecContext* context_ = nullptr;
};

/// Interprets the few operations that the toy front end emits.
class Backend final : public codegen::Backend {
 public:
  unsigned alive = 0;  ///< compiled units that have not been freed
  size_t claimed_bytes = 100;

  std::string_view name() const override { return "toy"; }
  std::unique_ptr<codegen::Code> compile(const ir::Unit& unit) override;
  std::unique_ptr<codegen::Runner> make_runner() override;
};

/// Writes toy programs.
class Assembler {
 public:
  std::vector<uint8_t> bytes;
  size_t at() const { return bytes.size(); }
  Assembler& op(Op op, unsigned a = 0, unsigned b = 0, unsigned c = 0) {
    for (unsigned byte : {static_cast<unsigned>(op), a, b, c}) bytes.push_back(static_cast<uint8_t>(byte));
    return *this;
  }
  Assembler& imm(Op code, unsigned a, int value) {
    return op(code, a, static_cast<unsigned>(value) & 0xff, static_cast<unsigned>(value) >> 8 & 0xff);
  }
  Assembler& li(unsigned a, int value) { return imm(Op::li, a, value); }
  Assembler& li64(unsigned a, uint64_t value) {
    op(Op::li64, a);
    for (unsigned i = 0; i < 8; ++i) bytes.push_back(static_cast<uint8_t>(value >> (8 * i)));
    return *this;
  }
  /// A branch to an offset in this program.
  Assembler& branch(Op code, unsigned a, size_t target) {
    return imm(code, a, static_cast<int>(target) - static_cast<int>(at()) - 4);
  }
};

}  // namespace strata::engine::toy
