// Descriptor tables, LDTR and TR, and the instructions that ask about segments; TLB invalidation; SWAPGS; random.
#include <utility>

#include "isa/x86/helpers/define.h"
#include "isa/x86/system/control_bits.h"
#include "isa/x86/system/control_registers.h"
#include "isa/x86/system/descriptor.h"
#include "isa/x86/system/linear.h"
#include "isa/x86/system/paging.h"
#include "isa/x86/system/register_helpers.h"
#include "isa/x86/system/segments.h"

namespace strata::isa::x86 {
namespace {

Selector selector_of(uint64_t word) { return Selector{static_cast<uint16_t>(word)}; }

bool umip_forbids(const State& s) { return (s.cr4 & Cr4::umip) && s.cpl > 0; }

uint64_t load_table(ir::ExecContext& context, uint64_t which, uint64_t base, uint64_t limit) {
  Cpu& cpu = Cpu::of(context);
  if (in_64bit_code(cpu.state) && !is_canonical(base)) return raise(cpu, vector_gp, 0);
  (which == 0 ? cpu.state.gdtr : cpu.state.idtr) = {base, static_cast<uint16_t>(limit)};
  return 0;
}

uint64_t store_table(ir::ExecContext& context, uint64_t which, uint64_t want_limit) {
  Cpu& cpu = Cpu::of(context);
  if (umip_forbids(cpu.state)) return raise(cpu, vector_gp, 0);
  const Table& table = which == 0 ? cpu.state.gdtr : cpu.state.idtr;
  return want_limit ? table.limit : table.base;
}

uint64_t load_system_segment(ir::ExecContext& context, uint64_t which, uint64_t selector) {
  Cpu& cpu = Cpu::of(context);
  const bool done = which == 0 ? load_ldtr(cpu, selector_of(selector)) : load_tr(cpu, selector_of(selector));
  if (!done) leave(cpu);
  return 0;
}

uint64_t store_system_segment(ir::ExecContext& context, uint64_t which) {
  Cpu& cpu = Cpu::of(context);
  if (umip_forbids(cpu.state)) return raise(cpu, vector_gp, 0);
  return which == 0 ? cpu.state.ldtr.selector : cpu.state.tr.selector;
}

uint64_t store_msw(ir::ExecContext& context) {
  Cpu& cpu = Cpu::of(context);
  if (umip_forbids(cpu.state)) return raise(cpu, vector_gp, 0);
  return cpu.state.cr0;
}

/// Whether LAR or LSL may look at a descriptor (SDM vol. 2, table of types under LAR and LSL).
bool type_can_be_asked(const State& s, const Descriptor& d, bool for_limit) {
  if (!d.is_system()) return true;
  const bool is_long = in_long_mode(s);
  switch (d.type()) {
    case type_ldt:
    case type_tss32_available:
    case type_tss32_busy: return true;
    case type_tss16_available:
    case type_tss16_busy: return !is_long;
    case type_call_gate16:
    case type_task_gate: return !is_long && !for_limit;
    case type_call_gate32: return !for_limit;
    default: return false;
  }
}

enum class Look : uint8_t { absent, visible, refused };

/// Reads a descriptor for a question: nothing faults but the memory itself.
Look look(Cpu& cpu, Selector selector, Descriptor& d) {
  State& s = cpu.state;
  if (selector.is_null()) return Look::absent;
  if (!read_descriptor(cpu, selector, d)) {
    const bool page_fault = s.event.vector == vector_pf;
    if (!page_fault) s.event.type = Event::none;
    return page_fault ? Look::refused : Look::absent;
  }
  const bool visible = d.is_conforming() || (d.dpl() >= s.cpl && d.dpl() >= selector.rpl());
  return visible ? Look::visible : Look::absent;
}

uint64_t ask(ir::ExecContext& context, uint64_t word, bool for_limit) {
  Cpu& cpu = Cpu::of(context);
  if (!uses_descriptors(cpu.state)) return raise(cpu, vector_ud);
  Descriptor d;
  const Look seen = look(cpu, selector_of(word), d);
  if (seen == Look::refused) return leave(cpu);
  if (seen == Look::absent || !type_can_be_asked(cpu.state, d, for_limit)) return 0;
  return uint64_t{1} << 32 | (for_limit ? d.limit() : d.high & 0x00ffff00);
}

uint64_t load_access_rights(ir::ExecContext& context, uint64_t selector) { return ask(context, selector, false); }
uint64_t load_segment_limit(ir::ExecContext& context, uint64_t selector) { return ask(context, selector, true); }

uint64_t verify_segment(ir::ExecContext& context, uint64_t word, uint64_t for_writing) {
  Cpu& cpu = Cpu::of(context);
  if (!uses_descriptors(cpu.state)) return raise(cpu, vector_ud);
  Descriptor d;
  const Look seen = look(cpu, selector_of(word), d);
  if (seen == Look::refused) return leave(cpu);
  if (seen == Look::absent) return 0;
  return for_writing ? d.is_writable_data() : d.is_readable();
}

uint64_t invalidate_page(ir::ExecContext& context, uint64_t linear) {
  Cpu& cpu = Cpu::of(context);
  if (is_canonical(linear) || !in_long_mode(cpu.state)) cpu.host->flush_mapping(linear);
  return 0;
}

/// INVPCID: an address, one process context, all but global, all (SDM vol. 2). Entries are not kept by context, so
/// what is asked for one is done for the one in use.
uint64_t invalidate_pcid(ir::ExecContext& context, uint64_t type, uint64_t address) {
  Cpu& cpu = Cpu::of(context);
  uint64_t descriptor[2];
  if (!cpu.host->read(address, descriptor, sizeof descriptor, Mode::of(cpu.state).data_space())) return leave(cpu);
  if (type > 3 || (type < 2 && descriptor[0] >> 12)) return raise(cpu, vector_gp, 0);
  if (type < 2 && !(cpu.state.cr4 & Cr4::pcide) && descriptor[0] != 0) return raise(cpu, vector_gp, 0);
  if (type == 0 && !is_canonical(descriptor[1])) return raise(cpu, vector_gp, 0);
  // SDM vol. 2, INVPCID: one address of one, all of one, all with global pages, all without.
  switch (type) {
    case 0:
      if (descriptor[0] == process_context(cpu.state)) cpu.host->flush_mapping(descriptor[1]);
      else cpu.host->flush_address_space(descriptor[0]);
      break;
    case 1: cpu.host->flush_address_space(descriptor[0]); break;
    case 2: cpu.host->flush_mappings(true); break;
    default: cpu.host->flush_address_space(Host::all_address_spaces);
  }
  return 0;
}

uint64_t check_fsgsbase(ir::ExecContext& context) {
  Cpu& cpu = Cpu::of(context);
  return cpu.state.cr4 & Cr4::fsgsbase ? 0 : raise(cpu, vector_ud);
}

uint64_t check_canonical(ir::ExecContext& context, uint64_t address) {
  return is_canonical(address) ? 0 : raise(Cpu::of(context), vector_gp, 0);
}

uint64_t random(ir::ExecContext& context) { return Cpu::of(context).random(); }

}  // namespace

namespace helpers {
using ir::Type;
const ir::Helper load_table =
    define_helper("load_table", x86::load_table, Type::none, {Type::i8, Type::i64, Type::i16});
const ir::Helper store_table = define_helper("store_table", x86::store_table, Type::i64, {Type::i8, Type::i8});
const ir::Helper load_system_segment =
    define_helper("load_system_segment", x86::load_system_segment, Type::none, {Type::i8, Type::i16});
const ir::Helper store_system_segment =
    define_helper("store_system_segment", x86::store_system_segment, Type::i64, {Type::i8});
const ir::Helper store_msw = define_helper("smsw", x86::store_msw, Type::i64, {});
const ir::Helper load_access_rights = define_helper("lar", x86::load_access_rights, Type::i64, {Type::i16});
const ir::Helper load_segment_limit = define_helper("lsl", x86::load_segment_limit, Type::i64, {Type::i16});
const ir::Helper verify_segment =
    define_helper("verify_segment", x86::verify_segment, Type::i64, {Type::i16, Type::i8});
const ir::Helper invalidate_page = define_helper("invlpg", x86::invalidate_page, Type::none, {Type::i64});
const ir::Helper invalidate_pcid = define_helper("invpcid", x86::invalidate_pcid, Type::none, {Type::i64, Type::i64});
const ir::Helper check_fsgsbase = define_helper("check_fsgsbase", x86::check_fsgsbase, Type::none, {});
const ir::Helper check_canonical = define_helper("check_canonical", x86::check_canonical, Type::none, {Type::i64});
const ir::Helper random = define_helper("rdrand", x86::random, Type::i64, {});
}  // namespace helpers

}  // namespace strata::isa::x86
