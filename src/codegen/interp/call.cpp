// Calls of helpers: operands from anywhere, by value or for vectors by address.
#include <array>
#include <utility>

#include "codegen/interp/handlers.h"
#include "codegen/interp/program.h"

namespace strata::codegen::interp {
namespace {

template <size_t>
using Word = uint64_t;

inline const CallExtension& extension(const Step* step) { return *reinterpret_cast<const CallExtension*>(step + 1); }

/// Operand number `i` as the helper takes it.
inline uint64_t argument(unsigned i, const Step* step, std::byte* state, std::byte* frame) {
  const uint16_t operands[] = {step->a, step->b, step->c, extension(step).fourth};
  const std::byte* at = address_of<Place::any>(operands[i], state, frame);
  return extension(step).vectors >> i & 1 ? reinterpret_cast<uint64_t>(at) : load_as<uint64_t>(at);
}

template <size_t... I>
uint64_t invoke(std::index_sequence<I...>, const Step* step, [[maybe_unused]] std::byte* state,
                [[maybe_unused]] std::byte* frame, ir::ExecContext* context) {
  using Function = uint64_t (*)(ir::ExecContext&, Word<I>...);
  return reinterpret_cast<Function>(extension(step).function)(*context, argument(I, step, state, frame)...);
}

/// The result's cells are no operand's: a helper may write them before it has read all operands.
template <size_t... I>
void invoke_vector(std::index_sequence<I...>, const Step* step, std::byte* state, std::byte* frame,
                   ir::ExecContext* context) {
  using Function = uint64_t (*)(ir::ExecContext&, ir::Vec128*, Word<I>...);
  auto* result = reinterpret_cast<ir::Vec128*>(address_of<Place::any>(step->d, state, frame));
  reinterpret_cast<Function>(extension(step).function)(*context, result, argument(I, step, state, frame)...);
}

[[gnu::noinline]] Next leave_behind_call(STRATA_STEP_PARAMS) {
  context->leave = false;
  return leave(STRATA_STEP_ARGS, context->leave_kind, context->leave_payload);
}

template <unsigned Count, CallResult R>
Next call_handler(STRATA_STEP_PARAMS) {
  constexpr std::make_index_sequence<Count> operands{};
  if constexpr (R == CallResult::vector) {
    invoke_vector(operands, step, state, frame, context);
  } else {
    const uint64_t result = invoke(operands, step, state, frame, context);
    if constexpr (R == CallResult::scalar) write_any(result, step, state, frame);
  }
  if (extension(step).may_exit && context->leave) [[unlikely]]
    return leave_behind_call(STRATA_STEP_ARGS);
  STRATA_NEXT_STEP(2);
}

template <unsigned Count>
constexpr Handler results[] = {&call_handler<Count, CallResult::none>, &call_handler<Count, CallResult::scalar>,
                               &call_handler<Count, CallResult::vector>};

}  // namespace

Handler call(unsigned operands, CallResult result) {
  static constexpr const Handler* handlers[] = {results<0>, results<1>, results<2>, results<3>, results<4>};
  return handlers[operands][static_cast<unsigned>(result)];
}

}  // namespace strata::codegen::interp
