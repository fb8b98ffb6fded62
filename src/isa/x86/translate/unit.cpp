// The loop of translation: fetch, decode, let the groups emit, go where the code goes, and end the unit.
#include "isa/x86/translate/unit.h"

#include <algorithm>

#include "isa/x86/decode.h"
#include "isa/x86/helpers/define.h"
#include "isa/x86/system/helpers.h"
#include "isa/x86/translate/groups.h"

namespace strata::isa::x86 {
namespace {

/// Code bytes, read ahead inside a page.
class CodeWindow {
 public:
  CodeWindow(Host& host, ir::Space space, unsigned code_bits)
      : host_(host), space_(space), mask_(code_bits == 64 ? ~uint64_t{0} : 0xffff'ffff) {}

  /// The bytes from `address` on: 15, or as many as the page has. Empty: refused.
  std::span<const uint8_t> at(uint64_t address) {
    const size_t page_left = ir::page_size - (address & ~ir::page_mask);
    const size_t wanted = std::min<size_t>(longest_insn, page_left);
    if (address < begin_ || address + wanted > begin_ + size_) {
      const size_t size = std::min<size_t>(read_ahead, page_left);
      if (!host_.fetch(address, bytes_, static_cast<unsigned>(size), space_)) return {};
      begin_ = address;
      size_ = size;
    }
    return {bytes_ + (address - begin_), wanted};
  }

  /// For an instruction that begins at `address` and crosses into the next page. Empty: that page is not executable.
  std::span<const uint8_t> across_pages(uint64_t address) {
    const auto head = at(address);
    std::copy(head.begin(), head.end(), crossing_);
    const uint64_t next_page = (address + head.size()) & mask_;
    const size_t tail = longest_insn - head.size();
    if (!host_.fetch(next_page, crossing_ + head.size(), static_cast<unsigned>(tail), space_)) return {};
    return {crossing_, longest_insn};
  }

 private:
  static constexpr size_t longest_insn = 15, read_ahead = 64;
  Host& host_;
  const ir::Space space_;
  const uint64_t mask_;
  uint64_t begin_ = 1, size_ = 0;
  uint8_t bytes_[read_ahead];
  uint8_t crossing_[longest_insn];
};

/// Fetches again what could not be fetched, now that the instruction's turn has come.
uint64_t fetch_again(ir::ExecContext& context, uint64_t address) {
  Cpu& cpu = Cpu::of(context);
  cpu.host->probe(address, 1, Mode::of(cpu.state).code_space(), Access::execute);
  return leave(cpu);
}

const ir::Helper fetch_again_helper =
    define_helper("fetch_again", fetch_again, Type::none, {Type::i64}, ir::HelperEffect::may_exit);

class UnitLoop {
 public:
  UnitLoop(Cpu& cpu, const CodeKey& key, const Mode& mode, unsigned max_insns)
      : cpu_(cpu),
        key_(key),
        t_(key, mode, cpu.cpuid, region_of(key, mode, max_insns)),
        window_(*cpu.host, t_.mode.code_space(), t_.mode.code_bits),
        pc_(key.pc) {
    max_insns_ = t_.mode.one_by_one() ? 1 : std::max(max_insns, 1u);
  }

  ir::Unit run() {
    const ir::BlockId entry = t_.b.new_block();
    t_.b.begin(entry);
    t_.region.begun(pc_, entry);
    while (insns_ < max_insns_ && t_.b.size() < ir::max_unit_size / 2 && go_on() && one_insn()) {
    }
    if (!t_.ended()) leave();
    t_.region.leave_rest(t_.b, t_.told(0));
    ir::Unit unit = t_.b.finish(key_.pc, bytes_, insns_);
    unit.relocatable = key_.relocatable;
    unit.data_space = t_.mode.usual_data_space();
    return unit;
  }

 private:
  static Region region_of(const CodeKey& key, const Mode& mode, unsigned max_insns) {
    const bool whole = max_insns > 1 && !mode.one_by_one();
    return {key.pc, ir::page_size - (key.address & ~ir::page_mask), whole};
  }

  /// Goes where code is wanted next, and begins the block that waits for it. False: nothing is.
  bool go_on() {
    if (!t_.ended() && behind_shadow_) {
      t_.b.set(slot_rip, t_.pc_value(pc_));
      t_.b.poll();
    }
    behind_shadow_ = false;
    if (t_.ended()) {
      const auto next = t_.region.next_waiting(pc_);
      if (!next) return false;
      pc_ = *next;
    }
    if (const auto block = t_.region.waiting_at(pc_)) {
      if (!t_.ended() && (t_.in_shadow || t_.ac_changed())) leave();
      if (!t_.ended()) t_.b.jump(*block);
      t_.begin_block(*block);
      t_.region.begun(pc_, *block);
    }
    return true;
  }

  /// In front of the instruction at pc_, which a shadow makes a unit of its own.
  void leave() {
    if (!t_.in_shadow) return t_.b.exit_goto(t_.told(pc_));
    t_.b.exit_indirect(t_.b.i64(pc_));
    t_.in_shadow = false;
  }

  uint64_t linear(uint64_t pc) const {
    const uint64_t address = key_.address + (pc - key_.pc);
    return t_.mode.code_bits == 64 ? address : address & 0xffff'ffff;
  }

  /// False: the unit ends in front of the instruction.
  bool one_insn() {
    const uint64_t address = linear(pc_);
    if (insns_ > 0 && ((address ^ key_.address) & ir::page_mask) != 0) return false;
    const Event before = cpu_.state.event;
    DecodeStatus status = DecodeStatus::more;
    auto bytes = window_.at(address);
    if (!bytes.empty()) status = decode(bytes, t_.mode.code_bits, t_.insn);
    if (status == DecodeStatus::more && !bytes.empty()) {
      if (insns_ > 0) return false;
      const uint64_t next_page = linear(pc_ + bytes.size());
      bytes = window_.across_pages(address);
      if (bytes.empty()) return cpu_.state.event = before, cannot_fetch(next_page);
      status = decode(bytes, t_.mode.code_bits, t_.insn);
    }
    if (bytes.empty()) return cpu_.state.event = before, cannot_fetch(address);
    emit(status, address, static_cast<uint32_t>(bytes.size()));
    return true;
  }

  /// The unit keeps no bytes, so that it is not kept either: next time the page may be there.
  bool cannot_fetch(uint64_t address) {
    if (insns_ > 0) return false;
    t_.b.insn(t_.told(pc_));
    t_.call(fetch_again_helper, {t_.b.i64(address)});
    t_.b.exit(ir::ExitKind::leave);
    return false;
  }

  void emit(DecodeStatus status, uint64_t address, uint32_t looked_at) {
    t_.begin_insn(pc_);
    t_.b.insn(t_.told(pc_));
    ++insns_;
    if (t_.mode.x87_careful) t_.b.set(slot_x87_careful, t_.b.i8(0));
    if (t_.mode.shadow || t_.in_shadow) t_.b.set(slot_interrupt_shadow, t_.b.i8(0));
    behind_shadow_ = t_.in_shadow;
    t_.in_shadow = false;
    if (t_.mode.trap) t_.call(helpers::single_step, {});
    if (t_.mode.breakpoints) t_.call(helpers::check_breakpoint, {t_.b.i64(address)});
    if (status != DecodeStatus::ok) {
      cover(looked_at);  // each of them may be what makes it no instruction
      pc_ += 1;
      return status == DecodeStatus::too_long ? t_.general_protection() : t_.invalid();
    }
    cover(t_.insn.length);
    t_.region.at(t_.next_pc());
    check_code_limit();
    if (!t_.lock_is_wrong()) translate_insn(t_);
    pc_ = t_.next_pc();
  }

  void cover(uint32_t length) { bytes_ = std::max(bytes_, static_cast<uint32_t>(pc_ - key_.pc) + length); }

  /// The instruction's last byte must lie inside CS's limit; in real mode that is never below 64 KiB.
  void check_code_limit() {
    const uint64_t last = pc_ + t_.insn.length - 1;
    if (t_.mode.flat_code || (!t_.mode.protected_ && last <= 0xffff)) return;
    const Value limit = t_.b.zext(Type::i64, t_.b.get(segment_limit_slot(cs)));
    t_.raise_if(t_.b.lt_u(limit, t_.b.i64(last)), vector_gp, 0);
  }

  Cpu& cpu_;
  const CodeKey& key_;
  Translator t_;
  CodeWindow window_;
  uint64_t pc_;
  unsigned max_insns_;
  uint32_t insns_ = 0, bytes_ = 0;
  bool behind_shadow_ = false;  ///< the instruction before ended an interrupt shadow: those that waited come now
};

}  // namespace

ir::Unit translate_unit(Cpu& cpu, const CodeKey& key, unsigned max_insns) {
  return UnitLoop(cpu, key, Mode::unpack(key.mode), max_insns).run();
}

}  // namespace strata::isa::x86
