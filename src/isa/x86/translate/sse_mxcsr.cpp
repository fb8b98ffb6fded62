// LDMXCSR and STMXCSR.
#include "isa/x86/helpers/sse.h"
#include "isa/x86/host_float.h"
#include "isa/x86/translate/sse.h"

namespace strata::isa::x86::sse {

bool translate_mxcsr(Translator& t) {
  const Insn& insn = t.insn;
  const bool ours = insn.map == Map::map_0f && insn.opcode == 0xae && insn.simd_prefix == 0 &&
                    !insn.is_register_form() && (insn.reg == 2 || insn.reg == 3);
  if (!ours) return false;
  if (t.sse_unusable()) return true;
  if (insn.reg == 3) return t.store_rm(t.call(helpers::read_mxcsr, {})), true;
  const Value value = t.load_rm(32);
  const Value reserved = t.b.and_(value, t.b.i32(~host_float::Mxcsr::writable));
  t.raise_if(t.b.ne(reserved, t.b.i32(0)), vector_gp, 0);
  t.call(helpers::write_mxcsr, {value});
  t.end_after_this();  // exceptions may be unmasked now, which is part of the mode
  return true;
}

}  // namespace strata::isa::x86::sse
