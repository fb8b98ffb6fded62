// Places where code goes to C++: their records, and the stubs that say which one it is.
#include <algorithm>
#include <cstring>

#include "base/assert.h"
#include "base/bits.h"
#include "codegen/interp/single_step.h"
#include "codegen/x64/compiler.h"

namespace strata::codegen::x64 {

using ir::ExitKind;
using Way = ExitPlace::Way;
using Pc = ExitPlace::Pc;

namespace {

// A stub has the lower half of its number, and the tail behind it the upper one: as many stubs share one as reach it.
constexpr uint32_t stub_bytes = 4, tail_bytes = 19, stubs_a_tail = 32;

}  // namespace

/// The cell in which an exit finds a value: what registers held is saved there by the thunk; constants and sunk values
/// are computed by the exit's own steps.
uint16_t Compiler::exit_operand(Value value) {
  const Instr& instr = at(value);
  const Note& found = note(value);
  const bool constant = instr.op == Op::constant || instr.op == Op::vconstant;
  const bool in_state = instr.op == Op::get && found.fused;
  if (!constant && !in_state && !is_sunk(instr, found)) {
    if (found.cell != 0) return static_cast<uint16_t>(found.cell);
    STRATA_ASSERT(found.reg >= 0, "an exit wants a value that was not kept");
    const auto reg = static_cast<uint8_t>(found.reg);
    return static_cast<uint16_t>(is_vector(value) ? Frame::vectors + 2u * reg : reg);
  }
  for (const auto& [known, where] : exit_values_)
    if (known == value) return where;
  uint16_t operands[4] = {};
  const unsigned count = ir::info(instr.op).operands;
  for (unsigned i = 0; i < count; ++i) operands[i] = exit_operand(instr.arg[i]);
  const auto where = static_cast<uint16_t>(Frame::temporaries + next_temporary_);
  next_temporary_ += 2;
  STRATA_ASSERT(where + 2u <= Frame::all_cells, "too much is left to one exit");
  if (constant) interp::append_constant(steps_, unit_, instr, where);
  else if (in_state) interp::append_get(steps_, slot_of(instr), where);
  else interp::append_operation(steps_, unit_, instr, where, operands);
  exit_values_.push_back({value, where});
  return where;
}

/// Places often owe the same: the steps from `begin` on may stand there already.
uint32_t Compiler::share_steps(size_t begin) {
  const auto first = static_cast<uint32_t>(begin), size = static_cast<uint32_t>(steps_.size() - begin);
  uint64_t hash = size;
  for (size_t at = begin; at < steps_.size(); ++at) {
    uint64_t words[2];
    static_assert(sizeof words == sizeof(interp::Step));
    std::memcpy(words, &steps_[at], sizeof words);
    hash = ((hash ^ words[0]) * 0x9e37'79b9'7f4a'7c15 ^ words[1]) * 0xff51'afd7'ed55'8ccd;
  }
  const auto known = std::find_if(step_runs_.rbegin(), step_runs_.rend(), [&](const StepRun& run) {
    return run.hash == hash && run.size == size &&
           std::memcmp(&steps_[run.first], &steps_[begin], size * sizeof(interp::Step)) == 0;
  });
  if (known != step_runs_.rend()) {
    steps_.resize(begin);
    return known->first;
  }
  if (step_runs_.size() < most_step_runs) step_runs_.push_back({hash, first, size});
  return first;
}

/// The sets that are owed here.
void Compiler::owe_steps(ExitPlace& place) {
  if (open_sunk_.empty()) return;
  const size_t begin = steps_.size();
  next_temporary_ = 0;
  exit_values_.clear();
  owed_sets_.clear();
  for (const auto& [slot, set] : open_sunk_) owed_sets_.push_back({slot, exit_operand(at(set).arg[0])});
  for (const auto& [slot, from] : owed_sets_) interp::append_set(steps_, unit_.layout->slots[slot], from);
  interp::append_end(steps_);
  const uint32_t first = share_steps(begin);
  STRATA_ASSERT(first < ExitPlace::no_steps, "too much is left to the exits of one unit");
  place.first_step = first;
}

/// Whether a place may name the pc.
bool Compiler::is_near(uint64_t pc) const { return fits(pc - first_pc()); }

ExitPlace& Compiler::make_place(Way way, ExitKind kind) {
  STRATA_ASSERT(uncounted_ <= ExitPlace::most_insns, "an instruction of the guest's is more than one of the unit's");
  ExitPlace place;
  place.way = way;
  place.kind = kind;
  if (pc_lags_) {
    place.pc = Pc::near;
    place.near_pc = static_cast<int32_t>(pc_ - first_pc());
  }
  place.insns = static_cast<uint16_t>(uncounted_) & ExitPlace::most_insns;
  place.begun = begun_ ? 1 : 0;
  place.at_insn = at_insn_ ? 1 : 0;
  if (way != Way::leave) owe_steps(place);
  return places_.emplace_back(place);
}

uint32_t Compiler::last_place() const { return static_cast<uint32_t>(places_.size()) - 1; }

ExitPlace& Compiler::make_access(Way way, const Gp& address, unsigned size, uint64_t space) {
  ExitPlace& place = make_place(way, ExitKind::memory);
  place.space = space & 3;
  place.access = {.displacement = 0, .resume = 0, .address = address.id() & 15, .last = (size - 1) & 15};
  return place;
}

uint32_t Compiler::make_exit(ExitKind kind, uint64_t payload) {
  make_place(Way::exit, kind).set_wide(payload);
  return last_place();
}

/// At a block's end.
void Compiler::leave(ExitKind kind, uint64_t payload) {
  make_place(Way::leave, kind).set_wide(payload);
  jump_to_stub(last_place());
}

/// Code has counted, and knows where it goes.
uint32_t Compiler::make_link(uint64_t pc, uint8_t link) {
  ExitPlace place;
  place.way = Way::leave;
  place.pc = Pc::far;
  place.link = link;
  place.set_wide(pc);
  places_.push_back(place);
  return last_place();
}

/// Where code does not know.
uint32_t Compiler::make_exit_to(const Gp& pc) {
  ExitPlace place;
  place.way = Way::leave;
  place.pc = Pc::in_register;
  place.access.address = pc.id() & 15;
  places_.push_back(place);
  return last_place();
}

/// For linked code that must not begin.
uint32_t Compiler::make_refusal() {
  ExitPlace place;
  place.way = Way::leave;
  place.pc = Pc::near;
  place.not_begun = 1;
  places_.push_back(place);
  return last_place();
}

void Compiler::jump_to_stub(uint32_t number) {
  const uint8_t jump[] = {0xe9, 0, 0, 0, 0};
  a_.embed(jump);
  stub_jumps_.push_back({static_cast<uint32_t>(a_.offset()), number});
}

/// Links of code that others run are written as one (X64Code::jump_to): what is written is not to cross a boundary. The
/// jump stands behind so many bytes.
void Compiler::align_link(uint32_t before) {
  if (sharing_ == Sharing::alone) return;
  constexpr uint8_t nops[][3] = {{0x90}, {0x66, 0x90}, {0x0f, 0x1f, 0x00}};
  constexpr size_t last = Link::unit - sizeof(uint32_t);
  const size_t displacement = (a_.offset() + before + 1) % Link::unit;
  if (displacement > last) a_.embed(nops[Link::unit - displacement - 1], Link::unit - displacement);
}

void Compiler::jump_to_stub(CondCode holds, uint32_t number) {
  const uint8_t jump[] = {0x0f, static_cast<uint8_t>(0x80 | static_cast<uint8_t>(holds)), 0, 0, 0, 0};
  a_.embed(jump);
  stub_jumps_.push_back({static_cast<uint32_t>(a_.offset()), number});
}

uint32_t Compiler::stub_offset(uint32_t number) const {
  return stubs_ + number * stub_bytes + number / stubs_a_tail * tail_bytes;
}

/// Each: mov cl, number; jmp tail. The tail: mov ch, number >> 8; mov rdx, data; jmp slow.
void Compiler::write_stubs() {
  stubs_ = static_cast<uint32_t>(a_.offset());
  keep_records();
  const auto count = static_cast<uint32_t>(places_.size());
  STRATA_ASSERT(count <= 0x10000, "a unit has too many exits");
  for (uint32_t first = 0; first < count; first += stubs_a_tail) {
    const uint32_t last = std::min(count, first + stubs_a_tail) - 1;
    for (uint32_t number = first; number <= last; ++number) {
      const auto to_tail = static_cast<uint8_t>((last - number) * stub_bytes);
      const uint8_t stub[stub_bytes] = {0xb1, static_cast<uint8_t>(number), 0xeb, to_tail};
      a_.embed(stub);
    }
    const size_t tail = a_.offset();
    a_.mov(x86::ch, first >> 8);
    constexpr uint8_t mov_rdx[] = {0x48, 0xba};
    a_.embed(mov_rdx, sizeof mov_rdx);
    a_.embed_word(reinterpret_cast<uint64_t>(code_->records.get()));
    a_.jmp(x86::ptr(x86::rsp, Frame::thunk(Frame::slow), 8));
    STRATA_ASSERT(a_.offset() - tail == tail_bytes);
  }
  for (const auto& [end, number] : stub_jumps_) {
    const uint32_t distance = stub_offset(number) - end;
    std::memcpy(work_.bytes.get() + end - sizeof distance, &distance, sizeof distance);
  }
}

}  // namespace strata::codegen::x64
