// Accesses that the TLB does not serve, and ways out.
#include "codegen/x64/slow_calls.h"

#include <algorithm>
#include <cstring>

#include "codegen/interp/float_stack.h"
#include "codegen/interp/single_step.h"
#include "codegen/x64/frame.h"
#include "codegen/x64/x64_code.h"

namespace strata::codegen::x64 {

namespace {

using ir::ExecContext;
using ir::ExitKind;

std::byte* cell(std::byte* cells, unsigned number) { return cells + size_t{number} * 8; }

uint64_t word(std::byte* cells, unsigned number) {
  uint64_t word = 0;
  std::memcpy(&word, cell(cells, number), sizeof word);
  return word;
}

uint64_t address_of(const ExitPlace& place, std::byte* cells) {
  return word(cells, place.access.address) + static_cast<uint64_t>(int64_t{place.access.displacement});
}

unsigned size_of(const ExitPlace& place) { return place.access.last + 1; }
ir::Space space_of(const ExitPlace& place) { return static_cast<ir::Space>(place.space); }

/// The instruction that makes the access, and the one behind it.
const std::byte* transfer(const CodeData* data, const ExitPlace& place) { return data->begin + place.access.resume; }
const std::byte* behind(const CodeData* data, const ExitPlace& place) { return transfer(data, place) + place.length; }

/// C++ that makes an access may have changed where pages are.
void forget_pages(std::byte* cells) {
  std::byte* frame = cells - Frame::cells;
  std::fill(frame + Frame::page(0), frame + Frame::page(0) + 8 * Frame::near_pages, std::byte{0});
  std::fill(frame + Frame::page(Frame::near_pages), frame + Frame::page(Frame::pages), std::byte{0});
}

}  // namespace

/// The code's own load then takes it from the frame.
Resume slow_load(const CodeData* data, const ExitPlace* place, ExecContext* context, std::byte* cells) {
  const uint64_t address = address_of(*place, cells);
  std::byte* to = interp::header_of(cells).scratch;
  context->running = data->code;
  if (!context->memory->load(address, size_of(*place), space_of(*place), to)) return {};
  forget_pages(cells);
  return {transfer(data, *place), reinterpret_cast<uint64_t>(to) - address};
}

Resume slow_store(const CodeData* data, const ExitPlace* place, ExecContext* context, std::byte* cells) {
  const unsigned size = size_of(*place);
  const std::byte* from = cell(cells, place->vector != 0 ? Frame::vectors + 2 * place->value : place->value);
  uint64_t constant = 0;
  if (place->vector == 0 && place->value == ExitPlace::constant) {  // it ends the instruction
    int32_t immediate = 0;
    const unsigned bytes = std::min(size, 4u);
    std::memcpy(&immediate, behind(data, *place) - bytes, bytes);
    constant = static_cast<uint64_t>(int64_t{immediate});
    from = reinterpret_cast<const std::byte*>(&constant);
  }
  context->running = data->code;
  if (!context->memory->store(address_of(*place, cells), size, space_of(*place), from)) return {};
  forget_pages(cells);
  return {behind(data, *place)};
}

Resume slow_update(const CodeData* data, const ExitPlace* place, ExecContext* context, std::byte* cells) {
  const ExitPlace::Update& update = place->access.update;
  const interp::AtomicShape shape{static_cast<ir::Op>(update.op), static_cast<ir::Type>(update.type), space_of(*place)};
  uint64_t words[] = {word(cells, update.operands[0]), word(cells, update.operands[1])};
  context->running = data->code;
  if (!interp::atomic_update(*context, word(cells, place->access.address), shape, words)) return {};
  std::memcpy(cell(cells, place->value), words, sizeof words[0]);
  forget_pages(cells);
  return {behind(data, *place)};
}

Resume slow_float_stack(const CodeData* data, const ExitPlace* place, ExecContext* context, std::byte* cells) {
  context->running = data->code;
  const uint64_t address = word(cells, place->access.address);
  if (!interp::float_stack_access(*context, address, place->access.float_stack)) return {};
  forget_pages(cells);
  return {behind(data, *place)};
}

ir::RunResult leave_at(const CodeData* data, const ExitPlace* place, ExecContext* context, std::byte* cells) {
  const X64Code& code = *data->code;
  ir::RunResult result{.kind = place->kind, .not_begun = place->not_begun != 0};
  uint64_t pc = 0;
  switch (place->pc) {
    case ExitPlace::Pc::in_slot: break;
    case ExitPlace::Pc::near: pc = code.first_pc + static_cast<uint64_t>(int64_t{place->near_pc}); break;
    case ExitPlace::Pc::far:
      pc = place->wide();
      result.link = static_cast<uint8_t>(place->link);
      break;
    case ExitPlace::Pc::in_register: pc = word(cells, place->access.address); break;
  }
  if (code.relocatable && (place->pc == ExitPlace::Pc::near || place->pc == ExitPlace::Pc::far)) {
    uint64_t base = 0;
    std::memcpy(&base, context->state + code.thunks->homes().unit_base(), sizeof base);
    pc += base;
  }
  if (place->pc != ExitPlace::Pc::in_slot) std::memcpy(context->state + code.thunks->homes().pc(), &pc, sizeof pc);
  if (place->from_helper != 0) {
    context->leave = false;
    result.kind = context->leave_kind;
    result.payload = context->leave_payload;
  } else if (place->way >= ExitPlace::Way::exit && place->pc <= ExitPlace::Pc::near) {
    result.payload = place->wide();
  }
  context->running = &code;
  // As the interpreter counts: not done is the instruction at which a fault stops the guest, if one has been begun, and
  // one that an event precedes.
  const bool fault = result.kind == ExitKind::memory || result.kind == ExitKind::trap;
  const bool undone = (fault && place->begun != 0) || (result.kind == ExitKind::event && place->at_insn != 0);
  context->insns += uint64_t{place->insns} - (undone ? 1 : 0);
  if (place->owes()) interp::run_steps(data->steps + place->first_step, context->state, cells, *context);
  return result;
}

}  // namespace strata::codegen::x64
