// The toy instruction set's semantics and its back end.
#include "engine/toy_guest_test.h"

namespace strata::engine::toy {

using ir::ExitKind;
using ir::Type;
using ir::Value;

namespace {

int16_t imm_of(const std::array<uint8_t, 12>& code) { return static_cast<int16_t>(code[2] | code[3] << 8); }
unsigned length_of(Op op) { return op == Op::li64 ? 12 : 4; }
constexpr uint64_t payload_of(Op op, unsigned a, unsigned b) { return static_cast<uint64_t>(op) | a << 8 | b << 16; }

}  // namespace

/// Units end at branches, at what `handle` does, and at the end of a page; a unit that branches to its own beginning has
/// a loop, with a poll.
ir::Unit Guest::translate(const isa::CodeKey& key, unsigned max_insns) {
  ++translations;
  STRATA_ASSERT(entered == 0);
  ir::Builder b(toy::layout());
  b.begin(b.new_block());
  uint64_t pc = key.pc;
  unsigned insns = 0;
  const auto same_page = [&] { return ((pc ^ key.pc) & ir::page_mask) == 0; };
  while (b.in_block() && insns < max_insns && (insns == 0 || same_page())) {
    std::array<uint8_t, 12> code = {};
    bool fetched = host_->fetch(pc, code.data(), 4, 0);
    const unsigned length = length_of(static_cast<Op>(code[0]));
    if (fetched && length > 4) fetched = host_->fetch(pc + 4, code.data() + 4, length - 4, 0);
    if (!fetched && insns > 0) break;
    b.insn(pc);
    if (!fetched) {
      b.exit(ExitKind::memory);
      return b.finish(key.pc, 0, 0);
    }
    ++insns;
    translate_one(b, pc, code, key.pc);
    pc += length;
  }
  if (b.in_block()) b.exit_goto(pc);
  return b.finish(key.pc, static_cast<uint32_t>(pc - key.pc), insns);
}

void Guest::translate_one(ir::Builder& b, uint64_t pc, const std::array<uint8_t, 12>& code, uint64_t start) {
  const auto op = static_cast<Op>(code[0]);
  const ir::SlotId a = code[1] & 7, rb = code[2] & 7;
  const uint64_t next = pc + length_of(op);
  const auto imm = static_cast<uint64_t>(int64_t{imm_of(code)});
  const auto address = [&](unsigned scale) { return b.add(b.get(rb), b.i64(code[3] * scale)); };
  switch (op) {
    case Op::li: b.set(a, b.i64(imm)); break;
    case Op::li64: {
      uint64_t value = 0;
      std::memcpy(&value, &code[4], sizeof value);
      b.set(a, b.i64(value));
      break;
    }
    case Op::addi: b.set(a, b.add(b.get(a), b.i64(imm))); break;
    case Op::add: b.set(a, b.add(b.get(a), b.get(rb))); break;
    case Op::load: b.set(a, b.load(Type::i64, address(8), 0)); break;
    case Op::store: b.store(address(8), b.get(a), 0); break;
    case Op::store8: b.store(address(1), b.trunc(Type::i8, b.get(a)), 0); break;
    case Op::swap: b.set(a, b.atomic(ir::Op::atomic_swap, address(8), b.get(a), 0)); break;
    case Op::jmp: b.exit_goto(next + imm); break;
    case Op::jr: b.exit_indirect(b.get(a)); break;
    case Op::bnz: {
      const ir::BlockId taken = b.new_block(), not_taken = b.new_block();
      b.branch(b.ne(b.get(a), b.i64(0)), taken, not_taken);
      b.begin(taken);
      if (next + imm == start) {
        b.set(slot_pc, b.i64(start));
        b.poll();
        b.jump(0);
      } else {
        b.exit_goto(next + imm);
      }
      b.begin(not_taken);
      b.exit_goto(next);
      break;
    }
    case Op::illegal: b.exit(ExitKind::trap, 0xff); break;
    case Op::halt:
      b.set(slot_pc, b.i64(next));
      b.exit(ExitKind::halt);
      break;
    default:
      b.set(slot_pc, b.i64(next));
      b.exit(ExitKind::leave, payload_of(op, code[1] & 7, code[2]));
      break;
  }
}

bool Guest::map(uint64_t address, ir::Space, isa::Access access, isa::Mapping& mapping) {
  ++walks;
  const uint64_t page = address >> ir::page_bits;
  if (regs.table == 0) {
    mapping = {.physical = page << ir::page_bits, .readable = true, .writable = true, .executable = true};
    return true;
  }
  uint64_t entry = 0, index = page;
  if (page < 512) {
    host_->read_physical(regs.table + (page & ~15ull) * 8, &entry, 8);
    if ((entry & Pte::large) != 0) index = page & ~15ull;
    host_->read_physical(regs.table + index * 8, &entry, 8);
  }
  const uint64_t needed = access == isa::Access::read ? Pte::r : access == isa::Access::write ? Pte::w : Pte::x;
  if ((entry & needed) == 0) {
    regs.fault_address = address;
    return false;
  }
  mapping.physical = (entry & ir::page_mask) + ((page - index) << ir::page_bits);
  mapping.readable = (entry & Pte::r) != 0;
  mapping.writable = (entry & Pte::w) != 0;
  mapping.executable = (entry & Pte::x) != 0;
  mapping.global = (entry & Pte::global) != 0;
  mapping.span = (entry & Pte::large) != 0 ? 16 * ir::page_size : ir::page_size;
  return true;
}

isa::Next Guest::handle(ExitKind kind, uint64_t payload) {
  STRATA_ASSERT(entered == 0);
  switch (kind) {
    case ExitKind::memory:
      ++faults;
      if (regs.fault_vector == 0) return isa::Next::shutdown;
      regs.epc = regs.pc;
      regs.pc = regs.fault_vector;
      return isa::Next::run;
    case ExitKind::trap: last_trap = static_cast<unsigned>(payload); return isa::Next::shutdown;
    case ExitKind::halt: return interrupt_ready() ? take_interrupt() : isa::Next::halt;
    case ExitKind::leave: return do_op(static_cast<Op>(payload & 0xff), payload >> 8 & 0xff, payload >> 16 & 0xff);
    default:
      ++looked;
      if (shadow > 0) {
        --shadow;
        context_->events |= ir::event_interrupt;
        return isa::Next::run;
      }
      return interrupt_ready() ? take_interrupt() : isa::Next::run;
  }
}

isa::Next Guest::take_interrupt() {
  irq = false;
  regs.irq_enabled = false;
  regs.epc = regs.pc;
  regs.pc = regs.irq_vector;
  return isa::Next::run;
}

isa::Next Guest::do_op(Op op, unsigned a, unsigned b) {
  switch (op) {
    case Op::table:
      regs.table = regs.r[a];
      host_->flush_mappings(false);
      break;
    case Op::flush: host_->flush_mapping(regs.r[a]); break;
    case Op::irq_on: regs.irq_enabled = true; break;
    case Op::ret:
      regs.irq_enabled = true;
      regs.pc = regs.epc;
      break;
    case Op::out: host_->port_out(static_cast<uint16_t>(b), 4, static_cast<uint32_t>(regs.r[a])); break;
    case Op::mode: regs.mode = a; break;
    case Op::ticks: regs.r[a] = host_->ticks(); break;
    case Op::stop: return isa::Next::shutdown;
    default: last_trap = static_cast<unsigned>(op); return isa::Next::shutdown;
  }
  return interrupt_ready() ? take_interrupt() : isa::Next::run;
}

namespace {

struct Code final : codegen::Code {
  ir::Unit unit;
  unsigned& alive;
  size_t claimed;
  Code(ir::Unit compiled, unsigned& counter, size_t size) : unit(std::move(compiled)), alive(counter), claimed(size) {
    ++alive;
  }
  ~Code() override { --alive; }
  size_t bytes() const override { return claimed; }
};

/// Runs one unit.
class UnitRun {
 public:
  UnitRun(const ir::Unit& unit, ir::ExecContext& context) : unit_(unit), context_(context), values_(unit.code.size()) {}

  ir::RunResult run() {
    for (at_ = unit_.blocks[0].begin;;)
      if (step(unit_.code[at_])) return result_;
  }

 private:
  uint64_t& slot(uint64_t number) {
    return *reinterpret_cast<uint64_t*>(context_.state + unit_.layout->slots[number].offset);
  }
  uint64_t arg(const ir::Instr& instr, unsigned i) const { return values_[instr.arg[i]]; }

  bool leave(ExitKind kind, uint64_t payload = 0, uint8_t link = ir::RunResult::no_link) {
    result_ = {.kind = kind, .link = link, .payload = payload};
    if (kind == ExitKind::memory || kind == ExitKind::trap) --context_.insns;  // it was not done
    return true;
  }

  uint8_t link() const {
    uint8_t count = 0;
    for (uint32_t i = 0; i < at_; ++i) count += unit_.code[i].op == ir::Op::exit_goto;
    return count;
  }

  bool go_to(ir::BlockId block) {
    at_ = unit_.blocks[block].begin;
    return false;
  }

  bool swap(const ir::Instr& instr) {
    bool slow = false;
    uint64_t fresh = arg(instr, 1);
    void* host = context_.memory->pin_for_update(arg(instr, 0), 8, 0, &slow);
    if (host != nullptr) {  // any alignment; nobody else runs here
      std::memcpy(&values_[at_], host, 8);
      std::memcpy(host, &fresh, 8);
      return true;
    }
    return slow && context_.memory->load(arg(instr, 0), 8, 0, &values_[at_]) &&
           context_.memory->store(arg(instr, 0), 8, 0, &fresh);
  }

  bool store(uint64_t address, uint64_t value, unsigned size) {
    const ir::TlbEntry& entry = context_.tlb[0]->at(address);
    if (entry.write != ir::page_number(address + size - 1)) return context_.memory->store(address, size, 0, &value);
    std::memcpy(reinterpret_cast<void*>(address + entry.addend), &value, size);
    return true;
  }

  bool load(uint64_t address, uint64_t* value) {
    const ir::TlbEntry& entry = context_.tlb[0]->at(address);
    if (entry.read != ir::page_number(address + 7)) return context_.memory->load(address, 8, 0, value);
    std::memcpy(value, reinterpret_cast<void*>(address + entry.addend), 8);
    return true;
  }

  /// True: the unit has been left.
  bool step(const ir::Instr& instr) {
    switch (instr.op) {
      case ir::Op::nop:
      case ir::Op::expect_return: break;
      case ir::Op::constant: values_[at_] = instr.imm; break;
      case ir::Op::get: values_[at_] = slot(instr.imm); break;
      case ir::Op::set: slot(instr.imm) = arg(instr, 0); break;
      case ir::Op::insn:
        slot(slot_pc) = instr.imm;
        ++context_.insns;
        break;
      case ir::Op::add: values_[at_] = arg(instr, 0) + arg(instr, 1); break;
      case ir::Op::ne: values_[at_] = arg(instr, 0) != arg(instr, 1); break;
      case ir::Op::trunc: values_[at_] = arg(instr, 0) & ir::mask(instr.type); break;
      case ir::Op::load:
        if (!load(arg(instr, 0), &values_[at_])) return leave(ExitKind::memory);
        break;
      case ir::Op::store:
        if (!store(arg(instr, 0), arg(instr, 1), ir::bytes(instr.type))) return leave(ExitKind::memory);
        break;
      case ir::Op::atomic_swap:
        if (!swap(instr)) return leave(ExitKind::memory);
        break;
      case ir::Op::poll:
        if (context_.events != 0) return leave(ExitKind::event);
        break;
      case ir::Op::jump: return go_to(instr.target[0]);
      case ir::Op::branch: return go_to(instr.target[arg(instr, 0) != 0 ? 0 : 1]);
      case ir::Op::exit_goto: slot(slot_pc) = instr.imm; return leave(ExitKind::next, 0, link());
      case ir::Op::exit_indirect: slot(slot_pc) = arg(instr, 0); return leave(ExitKind::next);
      case ir::Op::exit: return leave(static_cast<ExitKind>(instr.kind), instr.imm);
      default: STRATA_UNREACHABLE();
    }
    ++at_;
    return false;
  }

  const ir::Unit& unit_;
  ir::ExecContext& context_;
  std::vector<uint64_t> values_;
  uint32_t at_ = 0;
  ir::RunResult result_;
};

class Runner final : public codegen::Runner {
 public:
  ir::RunResult run(const codegen::Code& code, ir::ExecContext& context) override {
    return UnitRun(static_cast<const Code&>(code).unit, context).run();
  }
};

}  // namespace

std::unique_ptr<codegen::Code> Backend::compile(const ir::Unit& unit) {
  return std::make_unique<Code>(unit, alive, claimed_bytes);
}

std::unique_ptr<codegen::Runner> Backend::make_runner() { return std::make_unique<Runner>(); }

}  // namespace strata::engine::toy
