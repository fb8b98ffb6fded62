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

/// False when refused.
template <ir::Op O, class T>
bool make(ir::ExecContext& context, uint64_t address, ir::Space space, T operand, T desired, T& old) {
  bool through_slow_path = false;
  if (void* where = context.memory->pin_for_update(address, sizeof(T), space, &through_slow_path)) {
    old = update<O, T>(where, operand, desired);
    return true;
  }
  return through_slow_path && update_slowly<O, T>(*context.memory, address, space, operand, desired, old);
}

/// Apart from the handler, so that its locals do not keep the handler's last call from being a jump.
template <ir::Op O, class T>
[[gnu::noinline]] bool make_step(const Step* step, std::byte* state, std::byte* frame, ir::ExecContext* context) {
  const auto address = STRATA_ANY(uint64_t, a);
  const auto operand = STRATA_ANY(T, b), desired = STRATA_ANY(T, c);
  T old;
  if (!make<O, T>(*context, address, static_cast<ir::Space>(step->imm), operand, desired, old)) return false;
  write_any(old, step, state, frame);
  return true;
}

template <ir::Op O, class T>
Next atomic_handler(STRATA_STEP_PARAMS) {
  if (!make_step<O, T>(step, state, frame, context)) return leave(STRATA_STEP_ARGS, ir::ExitKind::memory, 0);
  STRATA_NEXT_STEP(1);
}

template <ir::Op O, class T>
bool make_words(ir::ExecContext& context, uint64_t address, ir::Space space, uint64_t* words) {
  T old;
  if (!make<O, T>(context, address, space, static_cast<T>(words[0]), static_cast<T>(words[1]), old)) return false;
  words[0] = old;
  return true;
}

using MakeWords = bool (*)(ir::ExecContext&, uint64_t, ir::Space, uint64_t*);

template <ir::Op O>
MakeWords make_words_of(Width width) {
  static constexpr MakeWords all[] = {&make_words<O, uint8_t>, &make_words<O, uint16_t>, &make_words<O, uint32_t>,
                                      &make_words<O, uint64_t>};
  return all[index(width)];
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

bool atomic_update(ir::ExecContext& context, uint64_t address, AtomicShape shape, uint64_t* words) {
  const Width width = width_of(shape.type);
  const MakeWords make = [&] {
    switch (shape.op) {
      case ir::Op::atomic_swap: return make_words_of<ir::Op::atomic_swap>(width);
      case ir::Op::atomic_add: return make_words_of<ir::Op::atomic_add>(width);
      case ir::Op::atomic_and: return make_words_of<ir::Op::atomic_and>(width);
      case ir::Op::atomic_or: return make_words_of<ir::Op::atomic_or>(width);
      case ir::Op::atomic_xor: return make_words_of<ir::Op::atomic_xor>(width);
      case ir::Op::atomic_cas: return make_words_of<ir::Op::atomic_cas>(width);
      default: STRATA_UNREACHABLE();
    }
  }();
  return make(context, address, shape.space, words);
}

Handler fence() { return &fence_handler; }

}  // namespace strata::codegen::interp
