// The CPUID instruction.
#include "isa/x86/helpers/define.h"
#include "isa/x86/system/register_helpers.h"

#include "isa/x86/cpu.h"

namespace strata::isa::x86 {
namespace {

uint64_t cpuid(ir::ExecContext& context) {
  Cpu& cpu = Cpu::of(context);
  State& s = cpu.state;
  const CpuidLeaf leaf =
      cpu.cpuid.leaf(static_cast<uint32_t>(s.gpr[rax]), static_cast<uint32_t>(s.gpr[rcx]), s.cr4, s.xcr0);
  s.gpr[rax] = leaf.eax;
  s.gpr[rbx] = leaf.ebx;
  s.gpr[rcx] = leaf.ecx;
  s.gpr[rdx] = leaf.edx;
  return 0;
}

}  // namespace

namespace helpers {
const ir::Helper cpuid = define_helper("cpuid", x86::cpuid, ir::Type::none, {}, ir::HelperEffect::state);
}  // namespace helpers

}  // namespace strata::isa::x86
