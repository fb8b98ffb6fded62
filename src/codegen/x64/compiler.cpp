// Units and blocks: the order of things in a unit's host code.
#include "codegen/x64/compiler.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include "base/assert.h"

namespace strata::codegen::x64 {

namespace {

/// More than any unit of ir::max_unit_size becomes. What is never touched takes no memory of the host.
constexpr size_t most_bytes = size_t{8} << 20;

}  // namespace

Compiler::Workspace::Workspace() : bytes(std::make_unique_for_overwrite<std::byte[]>(most_bytes)) {}

void Compiler::Workspace::clear() {
  assembler.begin({bytes.get(), most_bytes});
  const auto clear_all = [](auto&... all) { (all.clear(), ...); };
  clear_all(blocks, stub_jumps, unlinked, other_ways, counts, open_sunk, exit_values, owed_sets, places, links, steps,
            step_runs);
}

Compiler::Compiler(const ir::Unit& unit, const HostFeatures& host, Sharing sharing, const Thunks& thunks,
                   Workspace& workspace)
    : unit_(unit),
      host_(host),
      sharing_(sharing),
      homes_(thunks.homes()),
      work_(workspace),
      code_(std::make_unique<X64Code>(thunks)) {
  work_.clear();
  scratch_.notes.assign(unit.code.size(), Note{});
  scratch_.slots.resize(std::max(scratch_.slots.size(), unit.layout->slots.size()));
  code_->relocatable = unit.relocatable;
  code_->first_pc = first_pc();
  code_->mode = unit.mode;
  code_->data_space = unit.data_space;
  for (size_t i = 0; i < unit.blocks.size(); ++i) blocks_.push_back(a_.newLabel());
  at_insn_blocks_.assign(unit.blocks.size(), 1);
  at_insn_blocks_[0] = 0;
  count_ways_in();
  find_vector_users();
}

/// That of Unit::code, by which links are counted too, but ways out go behind the rest: loops are one run then.
std::vector<ir::BlockId> Compiler::order_blocks() {
  std::vector<ir::BlockId> order(unit_.blocks.size());
  for (ir::BlockId id = 0; id < order.size(); ++id) order[id] = id;
  std::sort(order.begin(), order.end(),
            [this](ir::BlockId a, ir::BlockId b) { return unit_.blocks[a].begin < unit_.blocks[b].begin; });
  link_of_block_.assign(order.size(), ir::RunResult::no_link);
  for (const ir::BlockId id : order) {
    if (at(unit_.blocks[id].end - 1).op != Op::exit_goto || unlinked_.size() == ir::RunResult::no_link) continue;
    link_of_block_[id] = static_cast<uint8_t>(unlinked_.size());
    unlinked_.emplace_back();
  }
  std::stable_partition(order.begin(), order.end(),
                        [this](ir::BlockId id) { return at(unit_.blocks[id].begin).op != Op::exit_goto; });
  return order;
}

std::unique_ptr<X64Code> Compiler::run() {
  const std::vector<ir::BlockId> order = order_blocks();
  write_linked_entry();
  if (order[0] != 0) a_.jmp(blocks_[0]);
  for (size_t i = 0; i < order.size(); ++i) {
    next_block_ = i + 1 < order.size() ? order[i + 1] : never;
    compile_block(order[i]);
  }
  code_->seldom = static_cast<uint32_t>(a_.offset());
  write_loading_of_vectors();
  write_other_ways();
  write_stubs();
  return finish();
}

/// Refuses to begin unless the page of `address` is the one in RAM whose number is written here later. Gives where: in
/// front of that offset.
uint32_t Compiler::check_place(uint64_t address) {
  constexpr unsigned entry_bits = 5;
  static_assert(sizeof(ir::TlbEntry) == 1u << entry_bits);
  const x86::Mem table = x86::ptr(x86::rsp, Frame::code_pages(unit_.code_space));
  int32_t entry = 0;
  if (unit_.relocatable) {
    a_.mov(x86::rdx, unit_base());
    if (const auto behind = (address & ir::page_mask) - (unit_.guest_address & ir::page_mask); behind != 0)
      a_.add(x86::rdx, static_cast<int32_t>(behind));
    a_.mov(x86::ecx, x86::edx);
    a_.shr(x86::rdx, ir::page_bits);
    a_.shr(x86::ecx, ir::page_bits - entry_bits);
    a_.and_(x86::ecx, static_cast<uint32_t>((ir::tlb_entries - 1) << entry_bits));
    a_.add(x86::rcx, table);
  } else {
    entry = static_cast<int32_t>(ir::tlb_index(address) << entry_bits);
    a_.mov(x86::rcx, table);
    load_constant(x86::rdx, ir::page_number(address));
  }
  a_.cmp(x86::rdx, x86::ptr(x86::rcx, entry + static_cast<int32_t>(offsetof(ir::TlbEntry, read))));
  jump_to_stub(CondCode::kNE, refused_);
  constexpr int32_t no_page = std::numeric_limits<int32_t>::min();  // negative, so it is none's; and of 32 bits
  a_.cmp(x86::qword_ptr(x86::rcx, entry + static_cast<int32_t>(offsetof(ir::TlbEntry, addend))), no_page);
  const uint32_t place = here_in_code();
  jump_to_stub(CondCode::kNE, refused_);
  return place;
}

/// Of counted units.
void Compiler::check_count() {
  look_for_events();
  jump_to_stub(CondCode::kNE, refused_);
  a_.movq(x86::rax, count_register);
  a_.add(x86::rax, std::max(1u, unit_.guest_insns));
  a_.cmp(x86::rax, x86::ptr(x86::rsp, Frame::insn_limit));
  jump_to_stub(CondCode::kA, refused_);
}

/// Where other code begins this one: only while its pages are mapped where it was made from. The pc slot does not hold
/// this code's pc then, but unit_base does its page.
void Compiler::write_linked_entry() {
  refused_ = make_refusal();
  linked_entry_ = static_cast<uint32_t>(a_.offset());
  code_->place = check_place(unit_.guest_address);
  code_->crosses = (unit_.guest_address & ~ir::page_mask) + unit_.guest_bytes > ir::page_size;
  if (code_->crosses) code_->place_behind = check_place(unit_.guest_address + ir::page_size);
  near_entry_ = static_cast<uint32_t>(a_.offset());
  if (unit_.counted) check_count();
  if (wants_pc(0)) write_pc(first_pc());
  entry_ = static_cast<uint32_t>(a_.offset());
  want_vectors();
}

void Compiler::compile_block(ir::BlockId id) {
  const ir::Block& block = unit_.blocks[id];
  block_ = id;
  ++scratch_.block;
  analyse(unit_, block, homes_, scratch_);
  open_sunk_.clear();
  host_flags_ = nullptr;
  carry_ = ir::no_value;
  pc_lags_ = false;
  at_insn_ = at_insn_blocks_[id] != 0;
  uncounted_ = uncounted_before_[id];
  uncounted_before_[id] = compiled;
  begun_ = id != 0;
  returns_to_.reset();
  a_.bind(blocks_[id]);
  for (position_ = block.begin; position_ < block.end; ++position_) {
    general_.pinned = vectors_.pinned = 0;
    compile_instr(unit_.code[position_]);
  }
  forget_values();
}

void Compiler::compile_instr(const Instr& instr) {
  Note& found = note(position_);
  if (ir::has(instr.op, ir::Trait::terminator)) return compile_terminator(instr);
  switch (instr.op) {
    case Op::nop:
    case Op::constant:
    case Op::vconstant: return;
    case Op::get:
      if (found.last_use == 0 || found.fused) return;
      if (instr.imm == unit_.layout->flags) {
        keep_carry(position_);
        host_flags_ = nullptr;
      }
      return get(instr);
    case Op::drop: return note_set(instr.imm, position_, false);
    case Op::insn: note_set(unit_.layout->pc, position_, false); return begin_insn(instr.imm);
    case Op::set: {
      const bool sunk = is_sunk(instr, found);
      note_set(instr.imm, position_, sunk);
      if (instr.imm == unit_.layout->pc) return set_pc(instr.arg[0], sunk);
      if (sunk) return;
      if (instr.imm == unit_.layout->flags && !note(instr.arg[0]).direct) keep_carry(position_);
      return set(instr);
    }
    default: break;
  }
  if (is_sunk(instr, found) || found.fused || found.early || (is_pure(unit_, instr) && found.last_use == 0)) return;
  if (!moves_only(instr) && !takes_carry(instr.op)) host_flags_ = nullptr;
  if (!leaves_flags(instr)) keep_carry(position_);
  compile_operation(instr);
}

void Compiler::compile_operation(const Instr& instr) {
  switch (instr.op) {
    case Op::load: return load(instr);
    case Op::store: return store(instr);
    case Op::atomic_swap:
    case Op::atomic_add:
    case Op::atomic_and:
    case Op::atomic_or:
    case Op::atomic_xor:
    case Op::atomic_cas: return atomic(instr);
    case Op::fence: a_.mfence(); return;
    case Op::call: return call(instr);
    case Op::exit_if: return exit_if(instr);
    case Op::poll: return poll();
    case Op::expect_return: returns_to_ = instr.imm; return;
    default:
      if (compile_integer(instr) || compile_carry(instr) || compile_float_stack(instr) || compile_vector(instr)) return;
      interpret(instr);
  }
}

/// What C++ wants to know of the code.
void Compiler::keep_records() {
  for (const auto& [number, jump_end, stays] : unlinked_)
    work_.links.push_back(
        {.owner = code_.get(), .jump_end = jump_end, .unlinked = stub_offset(number), .stays = stays});
  code_->keep(work_.links, steps_, places_);
}

std::unique_ptr<X64Code> Compiler::finish() {
  a_.resolve();
  code_->stand_in(code_->thunks->memory().allocate(a_.offset()));
  std::memcpy(code_->span.write, work_.bytes.get(), a_.offset());
  for (const auto& [end, count] : counts_) {
    const auto distance = static_cast<int32_t>(code_->thunks->count(count) - (code_->span.run + end));
    std::memcpy(code_->span.write + end - sizeof distance, &distance, sizeof distance);
  }
  code_->entry = entry_;
  code_->linked_entry = linked_entry_;
  code_->near_entry = near_entry_;
  return std::move(code_);
}

}  // namespace strata::codegen::x64
