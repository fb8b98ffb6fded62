// String instructions (SDM vol. 1, 7.3.9): element by element, and in runs through host memory where the TLB has it.
#include "isa/x86/helpers/strings.h"

#include <algorithm>
#include <bit>

#include "base/bits.h"
#include "ir/evaluate.h"
#include "isa/x86/cpu.h"
#include "isa/x86/helpers/define.h"
#include "isa/x86/helpers/segment_check.h"
#include "isa/x86/helpers/string_runs.h"

namespace strata::isa::x86::helpers {
namespace {

/// Elements between two looks at interrupts.
constexpr unsigned patience = 4096;

class Strings {
 public:
  Strings(ir::ExecContext& context, StringSpec spec)
      : context_(context),
        cpu_(Cpu::of(context)),
        s_(cpu_.state),
        spec_(spec),
        mask_(low_mask(spec.address_bits())),
        down_(s_.system_flags & Rflags::df),
        shift_(static_cast<unsigned>(std::countr_zero(spec.size()))),
        delta_(down_ ? -uint64_t{spec.size()} : spec.size()) {}

  /// Whether the instruction is done. After a fault the unit leaves, whatever is given.
  bool run() {
    if (!spec_.repeat()) return element();
    for (unsigned i = 0; i < patience; ++i) {
      if (count() == 0) return true;
      if (!spec_.one_step() && run_of_elements()) continue;
      if (!element()) return false;
      set(rcx, count() - 1);
      if (stopped_by_comparison()) return true;
      if (spec_.one_step()) return count() == 0;
    }
    return count() == 0;
  }

 private:
  uint64_t count() const { return s_.gpr[rcx] & mask_; }
  uint64_t offset(Gpr number) const { return s_.gpr[number] & mask_; }

  /// Sets a register of the address size.
  void set(Gpr number, uint64_t value) {
    s_.gpr[number] = spec_.address_bits() == 16 ? insert_bits(s_.gpr[number], 0, 16, value) : value & mask_;
  }

  bool reads_source() const {
    return spec_.op() <= StringOp::cmps || spec_.op() == StringOp::lods || spec_.op() == StringOp::outs;
  }
  bool compares() const { return spec_.op() == StringOp::cmps || spec_.op() == StringOp::scas; }
  bool stopped_by_comparison() const { return compares() && ((s_.flags & Rflags::zf) != 0) != spec_.while_equal(); }

  /// False: raised.
  bool linear(SegmentName name, uint64_t from, uint64_t size, bool write, uint64_t& address) {
    const Segment& segment = s_.segment[name];
    if (spec_.flat()) {
      address = from + (name == fs || name == gs ? segment.base : 0);
      return true;
    }
    if (segment_refuses_now(s_, name, from, size, write)) {
      raise(cpu_, name == ss ? vector_ss : vector_gp, 0);
      return false;
    }
    address = (segment.base + from) & 0xffff'ffff;
    return true;
  }

  bool read(SegmentName segment, Gpr pointer, uint64_t& value) {
    uint64_t address = 0;
    value = 0;
    if (!linear(segment, offset(pointer), spec_.size(), false, address)) return false;
    return cpu_.host->read(address, &value, spec_.size(), spec_.space()) || refused();
  }

  bool write(uint64_t value) {
    uint64_t address = 0;
    if (!linear(es, offset(rdi), spec_.size(), true, address)) return false;
    return cpu_.host->write(address, &value, spec_.size(), spec_.space()) || refused();
  }

  bool refused() {
    leave(cpu_);
    return false;
  }

  void compare(uint64_t a, uint64_t c) { s_.flags = ir::flags_of_sub(ir::integer_type(spec_.size() * 8), a, c, false); }

  void load_accumulator(uint64_t value) {
    if (spec_.size() >= 4) s_.gpr[rax] = value;
    else s_.gpr[rax] = insert_bits(s_.gpr[rax], 0, spec_.size() * 8, value);
  }

  uint64_t accumulator() const { return s_.gpr[rax] & low_mask(spec_.size() * 8); }
  uint16_t port() const { return static_cast<uint16_t>(s_.gpr[rdx]); }

  /// The destination is asked for first, so that nothing that a device gave is lost.
  bool input() {
    uint64_t address = 0;
    if (!linear(es, offset(rdi), spec_.size(), true, address)) return false;
    if (!cpu_.host->probe(address, spec_.size(), spec_.space(), Access::write)) return refused();
    return write(cpu_.host->port_in(port(), spec_.size()));
  }

  /// One element. False: a fault, nothing changed.
  bool element() {
    uint64_t source = 0, destination = 0;
    if (reads_source() && !read(spec_.segment(), rsi, source)) return false;
    switch (spec_.op()) {
      case StringOp::movs:
        if (!write(source)) return false;
        break;
      case StringOp::stos:
        if (!write(accumulator())) return false;
        break;
      case StringOp::ins:
        if (!input()) return false;
        break;
      case StringOp::cmps:
      case StringOp::scas:
        if (!read(es, rdi, destination)) return false;
        compare(spec_.op() == StringOp::cmps ? source : accumulator(), destination);
        break;
      case StringOp::lods: load_accumulator(source); break;
      case StringOp::outs: cpu_.host->port_out(port(), spec_.size(), static_cast<uint32_t>(source)); break;
    }
    if (reads_source()) set(rsi, offset(rsi) + delta_);
    if (spec_.op() != StringOp::lods && spec_.op() != StringOp::outs) set(rdi, offset(rdi) + delta_);
    return true;
  }

  /// Elements from a pointer to the end of its page and of its segment, going up or down.
  uint64_t room(uint64_t from, uint64_t address) const {
    const uint64_t in_page = address & ~ir::page_mask;
    if (!down_) {
      const uint64_t in_space = mask_ - from;
      return std::min(ir::page_size - in_page, in_space == mask_ ? mask_ : in_space + 1) >> shift_;
    }
    if (in_page + spec_.size() > ir::page_size) return 0;
    return (std::min(in_page, from) >> shift_) + 1;
  }

  /// A source or destination of a run: its first element in host memory, and how many elements follow. Where the limit
  /// of its segment might stop some of them there is no run.
  std::byte* run_memory(SegmentName name, Gpr pointer, bool for_write, uint64_t& elements) {
    const uint64_t from = offset(pointer);
    uint64_t address = from;
    const Segment& segment = s_.segment[name];
    if (!spec_.flat()) address = (from + segment.base) & 0xffff'ffff;
    else if (name == fs || name == gs) address += segment.base;
    elements = std::min(elements, room(from, address));
    if (elements == 0) return nullptr;
    const uint64_t bytes = elements * spec_.size(), lowest = down_ ? from + spec_.size() - bytes : from;
    if (!spec_.flat() && segment_refuses_now(s_, name, lowest, bytes, for_write)) return nullptr;
    return host_memory(context_, address, spec_.space(), for_write);
  }

  /// Moves or fills as many elements as pages and count allow. False: not possible here, go on by elements.
  bool run_of_elements() {
    if (spec_.op() != StringOp::movs && spec_.op() != StringOp::stos) return false;
    const bool moves = spec_.op() == StringOp::movs;
    uint64_t elements = count();
    std::byte* to = run_memory(es, rdi, true, elements);
    const std::byte* from = to && moves ? run_memory(spec_.segment(), rsi, false, elements) : nullptr;
    if (!to || (moves && !from)) return false;
    if (moves) move_run(to, from, elements, spec_.size(), down_);
    else fill_run(down_ ? to - (elements - 1) * spec_.size() : to, accumulator(), elements, spec_.size());
    set(rdi, offset(rdi) + elements * delta_);
    if (moves) set(rsi, offset(rsi) + elements * delta_);
    set(rcx, count() - elements);
    return true;
  }

  ir::ExecContext& context_;
  Cpu& cpu_;
  State& s_;
  const StringSpec spec_;
  const uint64_t mask_;
  const bool down_;
  const unsigned shift_;  ///< of the size
  const uint64_t delta_;  ///< modulo 2^64
};

uint64_t step(ir::ExecContext& context, uint64_t spec) { return Strings(context, StringSpec(spec)).run(); }

}  // namespace

const ir::Helper string_step = define_helper("string_step", step, ir::Type::i8, {ir::Type::i64});

}  // namespace strata::isa::x86::helpers
