// PAUSE where another processor may be what the guest waits for.
#include <sched.h>

#include "isa/x86/cpu.h"
#include "isa/x86/helpers/define.h"
#include "isa/x86/system/helpers.h"

namespace strata::isa::x86::helpers {
namespace {

/// What others do soon is done sooner by waiting; for longer, one of them may want this host processor.
constexpr uint32_t pauses_before_yield = 16;

uint64_t wait_a_little(ir::ExecContext& context) {
  Cpu& cpu = Cpu::of(context);
  if (++cpu.pauses % pauses_before_yield == 0) sched_yield();
  return 0;
}

}  // namespace

const ir::Helper pause = define_helper("pause", wait_a_little, ir::Type::none, {}, ir::HelperEffect::state);

}  // namespace strata::isa::x86::helpers
