// The 16-byte compare and exchange (SDM vol. 2, CMPXCHG16B).
#include "isa/x86/helpers/exchange.h"

#include <array>

#include "isa/x86/cpu.h"
#include "isa/x86/helpers/define.h"

namespace strata::isa::x86::helpers {
namespace {

/// Always writes, as the processor does. One processor runs the guest, so that nothing comes between.
uint64_t cmpxchg16b(ir::ExecContext& context, uint64_t address, uint64_t space_number) {
  Cpu& cpu = Cpu::of(context);
  auto& gpr = cpu.state.gpr;
  const auto space = static_cast<ir::Space>(space_number);
  std::array<uint64_t, 2> memory;
  if (!cpu.host->probe(address, sizeof memory, space, Access::write)) return leave(cpu);
  if (!cpu.host->read(address, memory.data(), sizeof memory, space)) return leave(cpu);
  const bool equal = memory[0] == gpr[rax] && memory[1] == gpr[rdx];
  const std::array<uint64_t, 2> desired = equal ? std::array{gpr[rbx], gpr[rcx]} : memory;
  if (!cpu.host->write(address, desired.data(), sizeof desired, space)) return leave(cpu);
  if (!equal) gpr[rax] = memory[0], gpr[rdx] = memory[1];
  return equal;
}

using enum ir::Type;

}  // namespace

const ir::Helper compare_exchange_16 = define_helper("compare_exchange_16", cmpxchg16b, i8, {i64, i8});

}  // namespace strata::isa::x86::helpers
