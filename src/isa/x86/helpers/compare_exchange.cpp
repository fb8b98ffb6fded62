// CMPXCHG16B as the host's own: IR has no atomic update of 16 bytes.
#include "isa/x86/helpers/compare_exchange.h"

#include <cstring>

#include "isa/x86/cpu.h"
#include "isa/x86/helpers/define.h"

namespace strata::isa::x86::helpers {
namespace {

struct alignas(16) Pair {
  uint64_t low, high;
  bool operator==(const Pair&) const = default;
};

/// `expected` becomes what was there.
bool exchange(void* where, Pair& expected, Pair desired) {
#if defined(__x86_64__)
  // By hand: the compiler's builtin is a call into a library that may use locks.
  bool equal;
  asm volatile("lock cmpxchg16b %1"
               : "=@ccz"(equal), "+m"(*static_cast<Pair*>(where)), "+a"(expected.low), "+d"(expected.high)
               : "b"(desired.low), "c"(desired.high)
               : "memory");
  return equal;
#else
  return __atomic_compare_exchange(static_cast<Pair*>(where), &expected, &desired, false, __ATOMIC_SEQ_CST,
                                   __ATOMIC_SEQ_CST);
#endif
}

/// In a device's memory, where nothing is atomic on a real machine either. A failed compare writes the old value back.
bool exchange_slowly(ir::SlowMemory& memory, uint64_t address, ir::Space space, Pair& expected, Pair desired,
                     bool& refused) {
  Pair old;
  refused = !memory.load(address, sizeof old, space, &old);
  if (refused) return false;
  const bool equal = old == expected;
  refused = !memory.store(address, sizeof old, space, equal ? &desired : &old);
  expected = old;
  return equal;
}

uint64_t compare_exchange(ir::ExecContext& context, uint64_t address, uint64_t space_number) {
  Cpu& cpu = Cpu::of(context);
  auto& gpr = cpu.state.gpr;
  const auto space = static_cast<ir::Space>(space_number);
  Pair value{gpr[rax], gpr[rdx]};
  const Pair desired{gpr[rbx], gpr[rcx]};
  bool through_slow_path = false, refused = false, equal = false;
  if (void* where = context.memory->pin_for_update(address, sizeof value, space, &through_slow_path)) {
    equal = exchange(where, value, desired);
  } else if (through_slow_path) {
    equal = exchange_slowly(*context.memory, address, space, value, desired, refused);
  } else {
    refused = true;
  }
  if (refused) return leave(cpu);
  gpr[rax] = value.low;
  gpr[rdx] = value.high;
  return equal;
}

}  // namespace

const ir::Helper compare_exchange_128 =
    define_helper("compare_exchange_128", compare_exchange, ir::Type::i8, {ir::Type::i64, ir::Type::i8});

}  // namespace strata::isa::x86::helpers
