// LocalApic: its registers, as MMIO and as MSRs.
#include "devices/irq/local_apic_registers.h"

#include "base/bits.h"
#include "devices/irq/local_apic.h"

namespace strata::devices {
namespace {

using namespace apic;

constexpr uint64_t command_pending = 1 << 12;

/// Bits of each LVT entry that can be written: vector, delivery mode, polarity, trigger mode, mask, timer mode.
constexpr std::array<uint32_t, 6> lvt_writable = {0x700ff, 0x107ff, 0x107ff, 0x1a7ff, 0x1a7ff, 0x100ff};

}  // namespace

uint64_t LocalApic::read(uint64_t offset, unsigned size) {
  // 11.4.1: registers are 32 bits wide and 128 bits apart; a smaller read gives its part of one, wider is undefined.
  const auto number = static_cast<unsigned>(offset / 16);
  const unsigned byte = offset % 16;
  if (byte >= 4 || byte + size > 4) return 0;
  uint64_t value = 0;
  if (number == reg_command_high) {
    value = command_ >> 32;
  } else if (const auto found = read_register(number)) {
    value = *found;
  } else {
    raise_error(error_register);
  }
  return extract_bits(value, 8 * byte, 32 - 8 * byte);
}

void LocalApic::write(uint64_t offset, unsigned size, uint64_t value) {
  if (offset % 16 != 0 || size < 4) return;
  const auto number = static_cast<unsigned>(offset / 16);
  value &= 0xffffffff;
  if (number == reg_command_high) {
    command_ = (command_ & 0xffffffff) | (value & 0xff000000) << 32;
  } else if (number == reg_command) {
    write_command((command_ & ~uint64_t{0xffffffff}) | value);
  } else if (number == reg_self_ipi || !write_register(number, value)) {
    raise_error(error_register);
  }
}

std::optional<uint64_t> LocalApic::read_register(unsigned number) {
  if (number >= reg_in_service && number < reg_in_service + 8) return in_service_.word(number - reg_in_service);
  if (number >= reg_trigger_mode && number < reg_trigger_mode + 8) {
    return level_triggered_.word(number - reg_trigger_mode);
  }
  if (number >= reg_request && number < reg_request + 8) return requested_.word(number - reg_request);
  if (number >= reg_lvt_timer && number <= reg_lvt_error) return lvt_[number - reg_lvt_timer];
  switch (number) {
    case reg_id: return x2apic() ? id_ : uint32_t{xapic_id_} << 24;
    case reg_version: return version;
    case reg_task_priority: return task_priority_;
    case reg_arbitration_priority: return x2apic() ? std::nullopt : std::optional<uint64_t>(processor_priority());
    case reg_processor_priority: return processor_priority();
    case reg_eoi: return x2apic() ? std::nullopt : std::optional<uint64_t>(0);
    case reg_remote_read: return x2apic() ? std::nullopt : std::optional<uint64_t>(0);
    case reg_logical_destination: return logical_id();
    case reg_destination_format: return x2apic() ? std::nullopt : std::optional<uint64_t>(destination_format_);
    case reg_spurious: return spurious_;
    case reg_error_status: return errors_;
    case reg_command: return x2apic() ? command_ : command_ & 0xffffffff;
    case reg_initial_count: return timer_.initial_count();
    case reg_current_count: return timer_.current_count();
    case reg_divide: return timer_.divide();
    default: return std::nullopt;
  }
}

bool LocalApic::write_register(unsigned number, uint64_t value) {
  const auto low = static_cast<uint32_t>(value);
  if (number >= reg_lvt_timer && number <= reg_lvt_error) {
    write_lvt(static_cast<Lvt>(number - reg_lvt_timer), low);
    return true;
  }
  switch (number) {
    case reg_id:
      if (x2apic()) return false;
      xapic_id_ = static_cast<uint8_t>(low >> 24);
      return true;
    case reg_task_priority:
      task_priority_ = static_cast<uint8_t>(low);
      update();
      return true;
    case reg_eoi: end_of_interrupt(); return true;
    case reg_logical_destination:
      if (x2apic()) return false;
      logical_destination_ = low & 0xff000000;
      return true;
    case reg_destination_format:
      if (x2apic()) return false;
      destination_format_ = low | 0x0fffffff;
      return true;
    case reg_spurious: write_spurious(low); return true;
    case reg_error_status:
      errors_ = pending_errors_;
      pending_errors_ = 0;
      return true;
    case reg_initial_count: timer_.set_initial_count(low); return true;
    case reg_divide: timer_.set_divide(low); return true;
    default: return false;
  }
}

void LocalApic::write_lvt(Lvt entry, uint32_t value) {
  value &= lvt_writable[entry];
  // 11.4.7.2: while the APIC is switched off by software every entry stays masked.
  if (!software_enabled()) value |= lvt_masked;
  lvt_[entry] = value;
  if (entry == Lvt::timer) {
    const auto mode = static_cast<ApicTimer::Mode>(extract_bits(value, 17, 2));
    if (mode != ApicTimer::Mode::deadline || timer_.has_deadline_mode()) {
      timer_.set_mode(mode <= ApicTimer::Mode::deadline ? mode : ApicTimer::Mode::one_shot);
    }
  }
  update();
}

void LocalApic::write_spurious(uint32_t value) {
  spurious_ = value & spurious_writable;
  if (!software_enabled()) {
    for (uint32_t& lvt : lvt_) lvt |= lvt_masked;
  }
  update();
}

/// 11.6.1: sends an interprocessor interrupt.
void LocalApic::write_command(uint64_t value) {
  command_ = value & ~command_pending;
  ApicMessage message;
  message.vector = static_cast<uint8_t>(value);
  message.mode = static_cast<DeliveryMode>(extract_bits(value, 8, 3));
  message.logical = test_bit(value, 11);
  message.asserted = test_bit(value, 14);
  message.destination = static_cast<uint32_t>(x2apic() ? value >> 32 : value >> 56);
  const bool has_vector = message.mode == DeliveryMode::fixed || message.mode == DeliveryMode::lowest_priority;
  if (has_vector && message.vector < first_vector) {
    raise_error(error_send_vector);
    return;
  }
  // INIT level de-assert only synchronizes arbitration ids, which nobody has any more.
  if (message.mode == DeliveryMode::init && !message.asserted) return;
  switch (extract_bits(value, 18, 2)) {
    case 0: bus_.deliver(message); break;
    case 1: accept(message); break;
    case 2: bus_.deliver_to_all(message, nullptr); break;
    case 3: bus_.deliver_to_all(message, this); break;
  }
}

bool LocalApic::read_msr(uint32_t index, uint64_t* value) {
  std::lock_guard guard(lock_);
  if (index == msr_apic_base) {
    *value = base_;
    return true;
  }
  if (index == msr_tsc_deadline && timer_.has_deadline_mode()) {
    *value = timer_.deadline();
    return true;
  }
  if (index < msr_x2apic_first || index > msr_x2apic_last || !x2apic()) return false;
  const auto found = read_register(index - msr_x2apic_first);
  if (found) *value = *found;
  return found.has_value();
}

bool LocalApic::write_msr(uint32_t index, uint64_t value) {
  std::lock_guard guard(lock_);
  if (index == msr_apic_base) return write_base(value);
  if (index == msr_tsc_deadline && timer_.has_deadline_mode()) {
    timer_.set_deadline(value);
    return true;
  }
  if (index < msr_x2apic_first || index > msr_x2apic_last || !x2apic()) return false;
  const unsigned number = index - msr_x2apic_first;
  if (number == reg_command) {
    write_command(value);
    return true;
  }
  if (value >> 32 != 0) return false;
  if (number == reg_self_ipi) {
    request(static_cast<uint8_t>(value), false);
    return true;
  }
  // 11.12.1.2: EOI and the error status register take zero only.
  if ((number == reg_eoi || number == reg_error_status) && value != 0) return false;
  return write_register(number, value);
}

/// 11.12.5: x2APIC without enable is no mode, and from x2APIC the way back leads through disabled.
bool LocalApic::write_base(uint64_t value) {
  const uint64_t known = base_address | base_enable | base_x2apic | base_bootstrap;
  const bool enable = (value & base_enable) != 0;
  const bool extend = (value & base_x2apic) != 0;
  if ((value & ~known) != 0 || (extend && !enable)) return false;
  if (x2apic() && enable && !extend) return false;
  if (!enabled() && enable && extend) return false;
  const bool switched_off = enabled() && !enable;
  base_ = (value & ~base_bootstrap) | (bootstrap_ ? base_bootstrap : 0);
  if (switched_off) {
    in_service_ = requested_ = level_triggered_ = {};
    spurious_ = 0xff;
    lvt_.fill(lvt_masked);
    timer_.reset();
  }
  locate();
  update();
  return true;
}

}  // namespace strata::devices
