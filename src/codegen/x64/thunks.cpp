// The shared pieces of host code.
#include "codegen/x64/thunks.h"

#include <cstddef>

#include "codegen/x64/exit_place.h"
#include "codegen/x64/frame.h"
#include "codegen/x64/registers.h"
#include "codegen/x64/slow_calls.h"

namespace strata::codegen::x64 {

namespace {

using ir::ExecContext;
using Way = ExitPlace::Way;

template <class F>
uint64_t address_of(F* function) {
  return reinterpret_cast<uint64_t>(function);
}

class Writer {
 public:
  explicit Writer(const Homes& homes) : homes_(homes) {
    holder_.init(asmjit::Environment::host());
    holder_.attach(&a_);
    for (asmjit::Label& label : thunks_) label = a_.newLabel();
  }

  CodeSpan write(CodeMemory& memory, uint32_t& counts) {
    enter();
    slow();
    calls_that_see_the_state();
    other_calls();
    load_vectors();
    other_ways();
    a_.align(asmjit::AlignMode::kZero, 16);
    counts = static_cast<uint32_t>(a_.offset());
    for (uint64_t number = 1; number <= Thunks::most_counted; ++number) {
      a_.embedUInt64(number);
      a_.embedUInt64(0);
    }
    const CodeSpan span = memory.allocate(holder_.codeSize());
    holder_.relocateToBase(reinterpret_cast<uint64_t>(span.run));
    holder_.copyFlattenedData(span.write, span.size);
    return span;
  }

 private:
  static constexpr x86::Gp saved_[] = {x86::rbx, x86::rbp, x86::r12, x86::r13, x86::r14, x86::r15};
  static constexpr int32_t pushed = 8;  ///< the return address, inside thunks that are called
  /// Cells in which the slow thunk keeps what it is handed in registers that hold no values.
  static constexpr unsigned place = 1, data = 2;

  static x86::Mem in_context(const x86::Gp& context, size_t offset) {
    return x86::ptr(context, static_cast<int32_t>(offset), 8);
  }
  static x86::Mem in_frame(int32_t offset) { return x86::ptr(x86::rsp, offset, 8); }
  static x86::Mem in_state(uint32_t offset, int32_t above) {
    return x86::ptr(x86::rsp, above + Frame::state + static_cast<int32_t>(offset));
  }

  void enter() {
    for (const x86::Gp& reg : saved_) a_.push(reg);
    static_assert(Frame::state == 0);
    a_.mov(x86::rax, in_context(x86::rsi, offsetof(ExecContext, state)));
    a_.push(x86::rax);  // and the stack pointer is aligned
    a_.mov(x86::ptr(x86::rax, Frame::stack), x86::rsp);
    a_.mov(x86::rsp, x86::rax);
    a_.mov(in_frame(Frame::context), x86::rsi);
    a_.lea(x86::edx, x86::ptr(uint64_t{offsetof(ExecContext, tlb)}, x86::rdx, 3));
    a_.mov(in_frame(Frame::data_tlb), x86::rdx);
    a_.mov(x86::rdx, x86::rdi);
    for (unsigned i = 0; i < Frame::thunks; ++i) {
      a_.lea(x86::rax, x86::ptr(thunks_[i]));
      a_.mov(in_frame(Frame::thunk(i)), x86::rax);
    }
    a_.mov(in_frame(Frame::vectors_live), 0);
    load_context(x86::rsi, 0);
    a_.mov(x86::rax, in_context(x86::rsi, offsetof(ExecContext, returns)));
    a_.mov(in_frame(Frame::returns), x86::rax);
    load_homes(0);
    a_.jmp(x86::rdx);
  }

  /// All that is not in line (exit_place.h). cx: number of the place, rdx: the CodeData. Every value is where it was, and
  /// is there again where code goes on, but in rcx and rdx; so is the host's carry flag.
  void slow() {
    a_.bind(thunks_[Frame::slow]);
    a_.setnc(x86::byte_ptr(x86::rsp, Frame::no_carry));
    for_saved_registers([this](unsigned reg) { a_.mov(in_cell(reg), x86::gpq(reg)); });
    a_.movzx(x86::ecx, x86::cx);
    a_.lea(x86::ecx, x86::ptr(x86::rcx, x86::rcx, 2));
    a_.lea(x86::rcx, x86::ptr(x86::rdx, x86::rcx, 2, sizeof(CodeData)));
    static_assert(ExitPlace::bytes == (1 + 4) << 2);
    a_.mov(in_cell(place), x86::rcx);
    a_.mov(in_cell(data), x86::rdx);
    a_.movzx(x86::eax, x86::byte_ptr(x86::rcx, ExitPlace::way_byte));
    a_.and_(x86::eax, 7);
    refused_ = a_.newLabel();
    const asmjit::Label others = a_.newLabel(), store = a_.newLabel();
    a_.cmp(x86::eax, static_cast<unsigned>(Way::store));
    a_.je(store);
    a_.ja(others);
    look_alone(offsetof(ir::TlbEntry, read));
    call_and_go_on(address_of(&slow_load));
    a_.bind(store);
    look_alone(offsetof(ir::TlbEntry, write));
    call_and_go_on(address_of(&slow_store));
    a_.bind(others);
    const asmjit::Label float_stack = a_.newLabel(), ways_out = a_.newLabel();
    a_.cmp(x86::eax, static_cast<unsigned>(Way::float_stack));
    a_.je(float_stack);
    a_.ja(ways_out);
    call_and_go_on(address_of(&slow_update));
    a_.bind(float_stack);
    call_and_go_on(address_of(&slow_float_stack));
    a_.bind(ways_out);
    exit();
  }

  /// A look into the TLB for the bytes of one access alone: where its neighbours share none, one of them is not in that
  /// page, or may not be written; and for those that miss, a look at the large pages. Goes on to the access itself, or
  /// falls through. rcx: the place, rdx: the CodeData.
  void look_alone(size_t tag) {
    const asmjit::Label miss = a_.newLabel(), found = a_.newLabel(), alone = a_.newLabel();
    const x86::Gp size = x86::rdx, address = x86::rsi, space = x86::rdi, entry = x86::rax;
    const auto load_size = [&] {  // less one
      a_.movzx(size.r32(), x86::byte_ptr(x86::rcx, ExitPlace::address_byte));
      a_.shr(size.r32(), 4);
    };
    a_.movzx(x86::eax, x86::byte_ptr(x86::rcx, ExitPlace::address_byte));
    a_.and_(x86::eax, 15);
    a_.movsxd(address, x86::dword_ptr(x86::rcx, ExitPlace::displacement_word));
    a_.add(address, x86::ptr(x86::rsp, x86::rax, 3, Frame::cells));
    a_.movzx(space.r32(), x86::byte_ptr(x86::rcx, ExitPlace::space_byte));
    a_.shr(space.r32(), 6);
    load_size();
    find_entry(ir::page_bits, offsetof(ir::Tlb, pages), ir::tlb_entries);
    a_.cmp(x86::rdx, x86::ptr(entry, static_cast<int32_t>(tag)));
    a_.je(alone);
    load_size();
    find_entry(ir::large_page_bits, offsetof(ir::Tlb, large), ir::large_tlb_entries);
    a_.cmp(x86::rdx, x86::ptr(entry, static_cast<int32_t>(tag)));
    a_.jne(miss);
    a_.add(x86::dword_ptr(x86::rsp, Frame::large_hits), 1u << 29);
    a_.jc(miss);  // C++ fills the entry of a page that is asked for again and again
    // Neighbours share the large page where they could be in no other, and all may be written there.
    for (const int32_t distance : {-static_cast<int32_t>(ir::page_size), 2 * static_cast<int32_t>(ir::page_size)}) {
      a_.lea(x86::rdx, x86::ptr(address, distance));
      a_.shr(x86::rdx, ir::large_page_bits);
      a_.cmp(x86::rdx, x86::ptr(entry, static_cast<int32_t>(offsetof(ir::TlbEntry, write))));
      a_.jne(alone);
    }
    a_.mov(x86::rsi, x86::ptr(entry, offsetof(ir::TlbEntry, addend)));
    a_.jmp(found);
    a_.bind(alone);
    a_.xor_(x86::esi, x86::esi);
    a_.bind(found);
    a_.movzx(x86::edx, x86::byte_ptr(x86::rcx, ExitPlace::way_byte));
    a_.shr(x86::edx, 3);
    a_.lea(x86::rdi, x86::ptr(x86::rsp, x86::rdx, 3, Frame::page(Frame::near_pages) - int32_t{Frame::near_pages} * 8));
    a_.cmp(x86::edx, Frame::near_pages);
    a_.lea(x86::rdx, x86::ptr(x86::rsp, x86::rdx, 3, Frame::page(0)));
    a_.cmovb(x86::rdi, x86::rdx);
    a_.mov(x86::ptr(x86::rdi), x86::rsi);
    a_.mov(x86::edi, x86::dword_ptr(x86::rcx, ExitPlace::resume_word));
    a_.and_(x86::edi, 0xff'ffff);
    a_.mov(x86::rdx, in_cell(data));
    a_.mov(x86::rdx, x86::ptr(x86::rdx, offsetof(CodeData, begin)));
    a_.add(x86::rdx, x86::rdi);
    a_.mov(x86::rcx, x86::ptr(entry, offsetof(ir::TlbEntry, addend)));
    for (const x86::Gp& reg : {x86::rax, x86::rsi, x86::rdi}) a_.mov(reg, in_cell(reg.id()));
    go_on();
    a_.bind(miss);
  }

  /// Of the table that stands there in the TLB of the space rdi, for the address rsi: rax: the entry, rdx: the number of
  /// the page of the byte that is so far behind.
  void find_entry(unsigned bits, size_t table, size_t entries) {
    constexpr unsigned entry_bits = 5;
    static_assert(sizeof(ir::TlbEntry) == 1u << entry_bits);
    a_.mov(x86::eax, x86::esi);
    a_.shr(x86::eax, bits - entry_bits);
    a_.and_(x86::eax, static_cast<uint32_t>((entries - 1) << entry_bits));
    a_.add(x86::rax, x86::ptr(x86::rsp, x86::rdi, 3, Frame::tlb(0)));
    a_.add(x86::rax, static_cast<uint32_t>(table));
    a_.add(x86::rdx, x86::rsi);
    a_.shr(x86::rdx, bits);
  }

  /// C++ makes the access, or refuses it.
  void call_and_go_on(uint64_t function) {
    save_vectors();
    call_at_place(function);
    a_.mov(x86::rcx, in_frame(Frame::context));
    a_.movq(count_register, in_context(x86::rcx, offsetof(ExecContext, insns)));
    a_.test(x86::rax, x86::rax);
    a_.jz(refused_);
    a_.mov(x86::rcx, x86::rdx);
    a_.mov(x86::rdx, x86::rax);
    for (const uint8_t reg : vector_registers) a_.movups(x86::xmm(reg), vector_cell(reg));
    for_saved_registers([this](unsigned reg) { a_.mov(x86::gpq(reg), in_cell(reg)); });
    go_on();
  }

  /// At rdx, with the host's carry as it was.
  void go_on() {
    a_.cmp(x86::byte_ptr(x86::rsp, Frame::no_carry), 1);
    a_.jmp(x86::rdx);
  }

  /// Steps that do sunk sets find values in the cells.
  void exit() {
    const asmjit::Label leave = a_.newLabel();
    a_.cmp(x86::eax, static_cast<unsigned>(Way::leave));
    a_.je(leave);
    save_vectors();
    a_.jmp(leave);
    a_.bind(refused_);
    for (const uint8_t reg : general_lost_in_calls) a_.mov(x86::gpq(reg), in_cell(reg));
    for (const Homes::Home& home : homes_.vectors.all()) a_.movups(x86::xmm(home.reg), vector_cell(home.reg));
    a_.bind(leave);
    store_homes(0);
    store_vectors(0);
    call_at_place(address_of(&leave_at));
    a_.mov(x86::rcx, in_frame(Frame::context));
    a_.mov(x86::rsi, in_frame(Frame::returns));
    a_.mov(in_context(x86::rcx, offsetof(ExecContext, returns)), x86::rsi);
    a_.mov(x86::rsp, in_frame(Frame::stack));
    a_.add(x86::rsp, 8);
    for (size_t i = std::size(saved_); i-- > 0;) a_.pop(saved_[i]);
    a_.ret();
  }

  /// Of slow_calls.h.
  void call_at_place(uint64_t function) {
    a_.mov(x86::rdi, in_cell(data));
    a_.mov(x86::rsi, in_cell(place));
    a_.mov(x86::rdx, in_frame(Frame::context));
    a_.movq(in_context(x86::rdx, offsetof(ExecContext, insns)), count_register);
    a_.lea(x86::rcx, x86::ptr(x86::rsp, Frame::cells));
    a_.mov(x86::rax, function);
    call_on_own_stack(0);
  }

  /// save, rdx: the code; then, once the operands are in place, call_and_load with the function in rax.
  void calls_that_see_the_state() {
    a_.bind(thunks_[Frame::save]);
    store_homes(pushed);
    store_vectors(pushed);
    store_context(x86::rdx, x86::rax, pushed);
    a_.ret();
    a_.bind(thunks_[Frame::call_and_load]);
    call_on_own_stack(pushed);
    a_.mov(x86::rcx, in_frame(pushed + Frame::context));
    load_context(x86::rcx, pushed);
    load_homes(pushed);
    a_.ret();
  }

  /// The same with spare and call_and_restore. What C++ loses waits in the state.
  void other_calls() {
    a_.bind(thunks_[Frame::spare]);
    for (const Homes::Home& home : homes_.general.all())
      if (lost_in_calls(home.reg)) a_.mov(in_state(home.offset, pushed), x86::gpq(home.reg));
    store_vectors(pushed);
    store_context(x86::rdx, x86::rax, pushed);
    a_.ret();
    a_.bind(thunks_[Frame::call_and_restore]);
    call_on_own_stack(pushed);
    a_.mov(x86::rcx, in_frame(pushed + Frame::context));
    a_.movq(count_register, in_context(x86::rcx, offsetof(ExecContext, insns)));
    for (const Homes::Home& home : homes_.general.all())
      if (lost_in_calls(home.reg)) a_.mov(x86::gpq(home.reg), in_state(home.offset, pushed));
    a_.ret();
  }

  /// C++, at rax.
  void call_on_own_stack(int32_t above) {
    a_.mov(x86::rsp, in_frame(above + Frame::stack));
    a_.call(x86::rax);
    a_.mov(x86::rsp, x86::ptr(x86::rsp));
    if (above != 0) a_.sub(x86::rsp, above);
  }

  static x86::Mem in_cell(unsigned number) { return in_frame(Frame::cell(number)); }
  static x86::Mem vector_cell(unsigned reg) { return x86::ptr(x86::rsp, Frame::cell(Frame::vectors + 2 * reg), 16); }
  void save_vectors() {
    for (const uint8_t reg : vector_registers) a_.movups(vector_cell(reg), x86::xmm(reg));
  }

  /// Those that hold values and addresses.
  template <class Visit>
  void for_saved_registers(Visit visit) {
    visit(x86::rax.id());
    for (const uint8_t reg : homes_.general.pool()) visit(reg);
    for (const Homes::Home& home : homes_.general.all()) visit(home.reg);
  }

  /// What code holds of the context.
  void load_context(const x86::Gp& context, int32_t above) {
    const auto copy = [&](size_t from, int32_t to) {
      a_.movq(x86::xmm14, in_context(context, from));
      a_.movq(in_frame(above + to), x86::xmm14);
    };
    // What C++ has not written just before, two words at a time.
    const auto copy_pair = [&](size_t from, int32_t to) {
      a_.movups(x86::xmm14, x86::ptr(context, static_cast<int32_t>(from)));
      a_.movups(x86::ptr(x86::rsp, above + to), x86::xmm14);
    };
    static_assert(ir::max_spaces % 2 == 0 && Frame::near_spaces % 2 == 0);
    a_.movq(count_register, in_context(context, offsetof(ExecContext, insns)));
    for (unsigned i = 0; i < ir::max_spaces; i += 2) {
      copy_pair(offsetof(ExecContext, tlb) + i * sizeof(ir::Tlb*), Frame::tlb(i));
      copy_pair(offsetof(ExecContext, code_pages) + i * sizeof(ir::TlbEntry*), Frame::code_pages(i));
    }
    a_.mov(tlb_register, in_frame(above + Frame::data_tlb));
    a_.mov(tlb_register, x86::ptr(context, tlb_register));
    a_.lea(tlb_register, x86::ptr(tlb_register, TlbRegister::offset));
    copy(offsetof(ExecContext, jumps), Frame::jumps);
    copy(offsetof(ExecContext, insn_limit), Frame::insn_limit);
  }

  /// `context`: a register to lose.
  void store_context(const x86::Gp& code, const x86::Gp& context, int32_t above) {
    a_.mov(context, in_frame(above + Frame::context));
    a_.mov(in_context(context, offsetof(ExecContext, running)), code);
    a_.movq(in_context(context, offsetof(ExecContext, insns)), count_register);
  }

  void store_homes(int32_t above) {
    for (const Homes::Home& home : homes_.general.all()) a_.mov(in_state(home.offset, above), x86::gpq(home.reg));
    settle_flags(above);
  }
  void load_homes(int32_t above) {
    unsettle_flags(above);
    for (const Homes::Home& home : homes_.general.all()) a_.mov(x86::gpq(home.reg), in_state(home.offset, above));
  }

  /// Where they stand in their homes they go to the state, and stand there from then on.
  void store_vectors(int32_t above) {
    if (homes_.vectors.all().empty()) return;
    const asmjit::Label done = a_.newLabel();
    const x86::Mem live = x86::byte_ptr(x86::rsp, above + Frame::vectors_live);
    a_.cmp(live, 0);
    a_.je(done);
    for (const Homes::Home& home : homes_.vectors.all()) a_.movups(in_state(home.offset, above), x86::xmm(home.reg));
    a_.mov(live, 0);
    a_.bind(done);
  }
  void load_vectors() {
    a_.bind(thunks_[Frame::load_vectors]);
    for (const Homes::Home& home : homes_.vectors.all()) a_.movups(x86::xmm(home.reg), in_state(home.offset, pushed));
    a_.mov(x86::byte_ptr(x86::rsp, pushed + Frame::vectors_live), 1);
    a_.ret();
  }

  void other_ways() {
    a_.bind(thunks_[Frame::other_ways]);
    const asmjit::Label found = a_.newLabel();
    for (size_t way = 1; way < JumpTable::ways; ++way) {
      a_.xor_(x86::rcx, static_cast<unsigned>((way ^ (way - 1)) * sizeof(JumpTable::Entry)));
      a_.cmp(x86::rdx, x86::ptr(x86::rcx, offsetof(JumpTable::Entry, pc)));
      a_.je(found);
    }
    a_.jmp(x86::rax);
    a_.bind(found);
    a_.jmp(x86::ptr(x86::rcx, offsetof(JumpTable::Entry, target)));
  }

  /// From RawFlags to the form of the IR, and back. In rsi and rdi, which hold nothing then.
  void settle_flags(int32_t above) {
    if (homes_.flags() < 0) return;
    const x86::Mem flags = in_state(static_cast<uint32_t>(homes_.flags()), above);
    x86::Mem raw = flags;
    raw.setSize(sizeof(uint16_t));
    a_.movzx(x86::esi, raw);
    a_.mov(x86::edi, x86::esi);
    a_.shr(x86::esi, 8);
    a_.and_(x86::esi, ir::Flag::all & ~ir::Flag::overflow);
    a_.and_(x86::edi, RawFlags::overflow);
    a_.shl(x86::edi, overflow_bit);
    a_.or_(x86::esi, x86::edi);
    a_.mov(flags, x86::esi);
  }
  void unsettle_flags(int32_t above) {
    if (homes_.flags() < 0) return;
    const x86::Mem flags = in_state(static_cast<uint32_t>(homes_.flags()), above);
    a_.mov(x86::esi, flags);
    a_.movzx(x86::edi, x86::sil);
    a_.shl(x86::edi, 8);
    a_.shr(x86::esi, overflow_bit);
    a_.or_(x86::esi, x86::edi);
    a_.mov(flags, x86::esi);
  }

  const Homes& homes_;
  asmjit::CodeHolder holder_;
  x86::Assembler a_;
  std::array<asmjit::Label, Frame::thunks> thunks_;
  asmjit::Label refused_;
};

}  // namespace

Thunks::Thunks(CodeMemory& memory, AllJumps& jumps, const Homes& homes)
    : memory_(memory), jumps_(jumps), homes_(homes), span_(Writer(homes).write(memory, counts_)) {}
Thunks::~Thunks() { memory_.release(span_); }

}  // namespace strata::codegen::x64
