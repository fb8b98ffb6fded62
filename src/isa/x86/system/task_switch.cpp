// Hardware task switches (SDM vol. 3, 8.3).
#include "isa/x86/system/control_bits.h"
#include "isa/x86/system/linear.h"
#include "isa/x86/system/segments.h"
#include "isa/x86/system/tss.h"

namespace strata::isa::x86 {
namespace {

constexpr uint32_t busy_bit = 2u << 8;

/// The fields of a TSS that a switch saves and loads, in the order in which both forms have them.
struct TaskState {
  uint32_t cr3 = 0;
  uint32_t eip = 0;
  uint32_t eflags = 0;
  uint32_t gpr[8] = {};
  uint16_t segment[6] = {};
  uint16_t ldt = 0;
};

/// Where the dynamic part stands: EIP (or IP) first, then flags, eight registers, and the selectors.
struct TssForm {
  unsigned size;       ///< of a register field
  uint32_t registers;  ///< offset of EIP
  unsigned segments;   ///< selectors saved: the 16-bit form has no FS and GS
  unsigned selector;   ///< bytes from one selector field to the next
  uint32_t ldt;        ///< offset of the LDT selector
  uint32_t minimum_limit;
};
constexpr TssForm form16 = {2, 14, 4, 2, 42, 43};
constexpr TssForm form32 = {4, 32, 6, 4, 96, 103};

const TssForm& form_of(unsigned type) { return type & 8 ? form32 : form16; }

TaskState capture(const State& s, uint64_t next_rip, uint32_t flags) {
  TaskState task;
  task.eip = static_cast<uint32_t>(next_rip);
  task.eflags = flags;
  for (unsigned i = 0; i < 8; i++) task.gpr[i] = static_cast<uint32_t>(s.gpr[i]);
  for (unsigned i = 0; i < 6; i++) task.segment[i] = s.segment[i].selector;
  return task;
}

bool save(Cpu& cpu, uint64_t base, const TssForm& form, const TaskState& task) {
  uint64_t at = base + form.registers;
  auto put = [&](uint64_t value, unsigned size, unsigned step) {
    const bool ok = write_linear(cpu, at, size, value, space_supervisor);
    at += step;
    return ok;
  };
  if (!put(task.eip, form.size, form.size) || !put(task.eflags, form.size, form.size)) return false;
  for (uint32_t value : task.gpr) {
    if (!put(value, form.size, form.size)) return false;
  }
  for (unsigned i = 0; i < form.segments; i++) {
    if (!put(task.segment[i], 2, form.selector)) return false;
  }
  return true;
}

bool load(Cpu& cpu, uint64_t base, const TssForm& form, TaskState& task) {
  uint64_t at = base + form.registers;
  bool ok = true;
  auto get = [&](unsigned size, unsigned step) {
    uint64_t value = 0;
    ok = ok && read_linear(cpu, at, size, value, space_supervisor);
    at += step;
    return static_cast<uint32_t>(value);
  };
  task.eip = get(form.size, form.size);
  task.eflags = get(form.size, form.size);
  for (uint32_t& value : task.gpr) value = get(form.size, form.size) | (form.size == 2 ? 0xffff0000 : 0);
  for (unsigned i = 0; i < form.segments; i++) task.segment[i] = static_cast<uint16_t>(get(2, form.selector));
  at = base + form.ldt;
  task.ldt = static_cast<uint16_t>(get(2, 2));
  at = base + 28;
  if (form.size == 4) task.cr3 = get(4, 4);
  return ok;
}

bool check_new_tss(Cpu& cpu, Selector selector, TaskSwitch why, Descriptor& tss) {
  const uint8_t vector = why == TaskSwitch::return_ ? vector_ts : vector_gp;
  const uint16_t error = selector.without_rpl();
  if (selector.is_null() || selector.in_ldt()) return fault(cpu, vector, error);
  if (!read_descriptor(cpu, selector, tss, vector)) return false;
  const unsigned wanted = why == TaskSwitch::return_ ? 3 : 1;  // busy or available
  if (!tss.is_system() || (tss.type() & 7) != wanted) return fault(cpu, vector, error);
  if (!tss.present()) return fault(cpu, vector_np, error);
  if (tss.limit() < form_of(tss.type()).minimum_limit) return fault(cpu, vector_ts, error);
  return true;
}

/// The new task's segments. Faults here are the new task's: its registers are loaded already.
bool load_segments(Cpu& cpu, const TaskState& task) {
  State& s = cpu.state;
  if (task.eflags & Rflags::vm) {
    for (unsigned i = 0; i < 6; i++) {
      s.segment[i] = real_mode_segment(s, static_cast<SegmentName>(i), task.segment[i]);
    }
    s.cpl = 3;
    return true;
  }
  const Selector code{task.segment[cs]};
  Descriptor d;
  if (code.is_null()) return fault(cpu, vector_ts, 0);
  if (!read_descriptor(cpu, code, d, vector_ts)) return false;
  const bool fits = d.is_conforming() ? d.dpl() <= code.rpl() : d.dpl() == code.rpl();
  if (!d.is_code() || !fits) return fault(cpu, vector_ts, code.without_rpl());
  if (!d.present()) return fault(cpu, vector_np, code.without_rpl());
  if (!mark_accessed(cpu, code, d)) return false;
  set_code_segment(s, d.segment(code.value), code.rpl());
  Segment stack;
  if (!check_stack_segment(cpu, Selector{task.segment[ss]}, s.cpl, stack, vector_ts)) return false;
  s.segment[ss] = stack;
  for (SegmentName name : {ds, es, fs, gs}) {
    if (load_data_segment(cpu, name, Selector{task.segment[name]})) continue;
    if (s.event.vector == vector_gp) s.event.vector = vector_ts;
    return false;
  }
  return check_target(cpu, s.segment[cs], s.rip);
}

void load_registers(Cpu& cpu, const TaskState& task, bool is_32bit) {
  State& s = cpu.state;
  if (is_32bit && (s.cr0 & Cr0::pg) && s.cr3 != task.cr3) {
    s.cr3 = task.cr3;
    cpu.host->flush_mappings(false);
  }
  for (unsigned i = 0; i < 8; i++) s.gpr[i] = task.gpr[i];
  s.rip = task.eip;
  set_rflags(s, (task.eflags & (is_32bit ? 0x3f7fd7u : 0x7fd7u)) | Rflags::fixed);
  for (Segment& segment : s.segment) segment = {0, 0, 0, 0};
}

}  // namespace

bool switch_task(Cpu& cpu, Selector selector, TaskSwitch why, uint64_t next_rip) {
  State& s = cpu.state;
  if (in_long_mode(s)) return fault(cpu, vector_gp, selector.without_rpl());
  Descriptor tss;
  if (!check_new_tss(cpu, selector, why, tss)) return false;

  const TssForm& old_form = form_of(s.tr.attributes & 15);
  const TssForm& new_form = form_of(tss.type());
  TaskState task;
  if (!load(cpu, tss.base(), new_form, task)) return false;

  uint32_t old_flags = static_cast<uint32_t>(rflags(s));
  if (why == TaskSwitch::return_) old_flags &= ~static_cast<uint32_t>(Rflags::nt);
  if (!save(cpu, s.tr.base, old_form, capture(s, next_rip, old_flags))) return false;

  if (why == TaskSwitch::jump || why == TaskSwitch::return_) {
    Descriptor old;
    const Selector old_selector{s.tr.selector};
    if (!read_descriptor(cpu, old_selector, old) || !mark_descriptor(cpu, old_selector, old, 0, busy_bit)) return false;
  }
  if (why == TaskSwitch::call || why == TaskSwitch::interrupt) {
    if (!write_linear(cpu, tss.base(), s.tr.selector)) return false;  // the back link
    task.eflags |= Rflags::nt;
  }
  if (why != TaskSwitch::return_ && !mark_descriptor(cpu, selector, tss, busy_bit)) return false;
  tss.high |= busy_bit;

  s.tr = tss.segment(selector.value);
  s.cr0 |= Cr0::ts;
  load_registers(cpu, task, new_form.size == 4);
  s.dr[7] &= ~uint64_t{0x155};  // local breakpoints
  s.ldtr = {0, 0, task.ldt, 0};
  if (!(task.eflags & Rflags::vm) || task.ldt != 0) {
    if (!load_ldtr(cpu, Selector{task.ldt})) {
      s.event.vector = vector_ts;
      return false;
    }
  }
  return load_segments(cpu, task);
}

}  // namespace strata::isa::x86
