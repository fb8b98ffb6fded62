// Atomic updates of guest memory, done as atomic updates of the host's.
#include <atomic>

#include "base/assert.h"
#include "codegen/interp/handlers.h"
#include "codegen/interp/single_step.h"

namespace strata::codegen::interp {
namespace {

/// The new value for an old one.
template <ir::Op O, class T>
T updated(T old, T operand) {
  if constexpr (O == ir::Op::atomic_swap) return operand;
  if constexpr (O == ir::Op::atomic_add) return static_cast<T>(old + operand);
  if constexpr (O == ir::Op::atomic_and) return old & operand;
  if constexpr (O == ir::Op::atomic_or) return old | operand;
  if constexpr (O == ir::Op::atomic_xor) return old ^ operand;
}

/// In host memory. Compiler builtins, for std::atomic_ref demands alignment: x86 hosts do this at any (a guest's
/// unaligned lock is a split lock on the host too). On other hosts an unaligned update may trap.
template <ir::Op O, class T>
T update(void* where, T operand, [[maybe_unused]] T desired) {
  T* const at = static_cast<T*>(where);
  if constexpr (O == ir::Op::atomic_swap) return __atomic_exchange_n(at, operand, __ATOMIC_SEQ_CST);
  if constexpr (O == ir::Op::atomic_add) return __atomic_fetch_add(at, operand, __ATOMIC_SEQ_CST);
  if constexpr (O == ir::Op::atomic_and) return __atomic_fetch_and(at, operand, __ATOMIC_SEQ_CST);
  if constexpr (O == ir::Op::atomic_or) return __atomic_fetch_or(at, operand, __ATOMIC_SEQ_CST);
  if constexpr (O == ir::Op::atomic_xor) return __atomic_fetch_xor(at, operand, __ATOMIC_SEQ_CST);
  if constexpr (O == ir::Op::atomic_cas) {
    __atomic_compare_exchange_n(at, &operand, desired, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
    return operand;
  }
}

/// Where there is no host memory (devices, two pages): a load and a store. A failed compare writes the old value back,
/// as processors do: an address that may not be written is refused either way.
template <ir::Op O, class T>
bool update_slowly(ir::SlowMemory& memory, uint64_t address, ir::Space space, T operand, [[maybe_unused]] T desired,
                   T& old) {
  if (!memory.load(address, sizeof(T), space, &old)) return false;
  T fresh;
  if constexpr (O == ir::Op::atomic_cas) {
    fresh = old == operand ? desired : old;
  } else {
    fresh = updated<O>(old, operand);
  }
  return memory.store(address, sizeof(T), space, &fresh);
}

/// False when refused. Apart from the handler, so that its locals do not keep the handler's last call from being a jump.
template <ir::Op O, class T>
[[gnu::noinline]] bool make(const Step* step, std::byte* state, std::byte* frame, ir::ExecContext* context) {
  const auto address = STRATA_ANY(uint64_t, a);
  const auto operand = STRATA_ANY(T, b), desired = STRATA_ANY(T, c);
  const auto space = static_cast<ir::Space>(step->imm);
  bool through_slow_path = false;
  T old;
  if (void* where = context->memory->pin_for_update(address, sizeof(T), space, &through_slow_path)) {
    old = update<O, T>(where, operand, desired);
  } else if (!through_slow_path || !update_slowly<O, T>(*context->memory, address, space, operand, desired, old)) {
    return false;
  }
  write_any(old, step, state, frame);
  return true;
}

template <ir::Op O, class T>
Next atomic_handler(STRATA_STEP_PARAMS) {
  if (!make<O, T>(step, state, frame, context)) return leave(STRATA_STEP_ARGS, ir::ExitKind::memory, 0);
  STRATA_NEXT_STEP(1);
}

template <ir::Op O>
AtomicUpdate update_of(Width width) {
  static constexpr AtomicUpdate updates[] = {&make<O, uint8_t>, &make<O, uint16_t>, &make<O, uint32_t>,
                                             &make<O, uint64_t>};
  return updates[index(width)];
}

template <ir::Op O>
Handler atomic_of(Width width) {
  static constexpr Handler handlers[] = {&atomic_handler<O, uint8_t>, &atomic_handler<O, uint16_t>,
                                         &atomic_handler<O, uint32_t>, &atomic_handler<O, uint64_t>};
  return handlers[index(width)];
}

Next fence_handler(STRATA_STEP_PARAMS) {
  std::atomic_thread_fence(std::memory_order_seq_cst);
  STRATA_NEXT_STEP(1);
}

}  // namespace

Handler atomic(ir::Op op, Width width) {
  switch (op) {
    case ir::Op::atomic_swap: return atomic_of<ir::Op::atomic_swap>(width);
    case ir::Op::atomic_add: return atomic_of<ir::Op::atomic_add>(width);
    case ir::Op::atomic_and: return atomic_of<ir::Op::atomic_and>(width);
    case ir::Op::atomic_or: return atomic_of<ir::Op::atomic_or>(width);
    case ir::Op::atomic_xor: return atomic_of<ir::Op::atomic_xor>(width);
    case ir::Op::atomic_cas: return atomic_of<ir::Op::atomic_cas>(width);
    default: STRATA_UNREACHABLE();
  }
}

AtomicUpdate atomic_update(ir::Op op, ir::Type type) {
  const Width width = width_of(type);
  switch (op) {
    case ir::Op::atomic_swap: return update_of<ir::Op::atomic_swap>(width);
    case ir::Op::atomic_add: return update_of<ir::Op::atomic_add>(width);
    case ir::Op::atomic_and: return update_of<ir::Op::atomic_and>(width);
    case ir::Op::atomic_or: return update_of<ir::Op::atomic_or>(width);
    case ir::Op::atomic_xor: return update_of<ir::Op::atomic_xor>(width);
    case ir::Op::atomic_cas: return update_of<ir::Op::atomic_cas>(width);
    default: STRATA_UNREACHABLE();
  }
}

Handler fence() { return &fence_handler; }

}  // namespace strata::codegen::interp
