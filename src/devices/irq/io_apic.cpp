// IoApic: redirection entries, edges, levels and their remote IRR.
#include "devices/irq/io_apic.h"

#include "base/bits.h"

namespace strata::devices {
namespace {

// Direct registers.
constexpr uint64_t select_offset = 0x00;
constexpr uint64_t window_offset = 0x10;
constexpr uint64_t eoi_offset = 0x40;

// Indirect registers.
constexpr uint8_t id_register = 0x00;
constexpr uint8_t version_register = 0x01;
constexpr uint8_t arbitration_register = 0x02;
constexpr uint8_t first_entry_register = 0x10;

constexpr uint32_t version = 0x20 | (IoApic::pins - 1) << 16;

// Redirection entry.
constexpr unsigned mode_shift = 8;
constexpr unsigned logical_bit = 11;
constexpr uint64_t remote_irr = 1 << 14;
constexpr unsigned level_bit = 15;
constexpr uint64_t masked = 1 << 16;
constexpr uint64_t read_only = remote_irr | 1 << 12;
constexpr uint64_t writable = 0xff000000'0001ffff & ~read_only;

bool is_level(uint64_t entry) { return test_bit(entry, level_bit); }

}  // namespace

IoApic::IoApic(ApicBus& bus, uint8_t id) : bus_(bus), initial_id_(id) {
  bus_.on_eoi([this](uint8_t vector) { end_of_interrupt(vector); });
  reset();
}

void IoApic::reset() {
  id_ = initial_id_;
  selected_ = 0;
  entries_.fill(masked);
}

void IoApic::set_pin(unsigned pin, bool level) {
  if (pin >= pins) return;
  const bool was = test_bit(levels_, pin);
  levels_ = static_cast<uint32_t>(insert_bits(levels_, pin, 1, level));
  const uint64_t entry = entries_[pin];
  if (is_level(entry)) {
    service_level(pin);
  } else if (level && !was && (entry & masked) == 0) {
    // An edge on a masked pin is lost (data sheet 3.2.4, interrupt mask).
    send(entry);
  }
}

void IoApic::service_level(unsigned pin) {
  uint64_t& entry = entries_[pin];
  if (!is_level(entry) || !test_bit(levels_, pin) || (entry & (masked | remote_irr)) != 0) return;
  entry |= remote_irr;  // first: the receiver may answer at once
  send(entry);
}

void IoApic::send(uint64_t entry) {
  bus_.deliver({.destination = static_cast<uint32_t>(entry >> 56),
                .logical = test_bit(entry, logical_bit),
                .mode = static_cast<DeliveryMode>(extract_bits(entry, mode_shift, 3)),
                .vector = static_cast<uint8_t>(entry),
                .level_triggered = is_level(entry)});
}

void IoApic::end_of_interrupt(uint8_t vector) {
  for (unsigned pin = 0; pin < pins; ++pin) {
    uint64_t& entry = entries_[pin];
    if (static_cast<uint8_t>(entry) != vector || !is_level(entry)) continue;
    entry &= ~remote_irr;
    service_level(pin);
  }
}

uint64_t IoApic::read(uint64_t offset, unsigned size) {
  if (size != 4 && offset != select_offset) return 0;
  if (offset == select_offset) return selected_;
  if (offset == window_offset) return read_register(selected_);
  return 0;
}

void IoApic::write(uint64_t offset, unsigned size, uint64_t value) {
  if (offset == select_offset) selected_ = static_cast<uint8_t>(value);
  if (size != 4) return;
  if (offset == window_offset) write_register(selected_, static_cast<uint32_t>(value));
  if (offset == eoi_offset) end_of_interrupt(static_cast<uint8_t>(value));
}

uint32_t IoApic::read_register(uint8_t index) const {
  if (index == id_register || index == arbitration_register) return uint32_t{id_} << 24;
  if (index == version_register) return version;
  const unsigned pin = (index - first_entry_register) / 2u;
  if (index < first_entry_register || pin >= pins) return 0;
  return static_cast<uint32_t>(entries_[pin] >> (index % 2 * 32));
}

void IoApic::write_register(uint8_t index, uint32_t value) {
  if (index == id_register) id_ = static_cast<uint8_t>(value >> 24 & 15);
  const unsigned pin = (index - first_entry_register) / 2u;
  if (index < first_entry_register || pin >= pins) return;
  uint64_t& entry = entries_[pin];
  const uint64_t merged = insert_bits(entry, index % 2 * 32, 32, value);
  entry = (merged & writable) | (entry & read_only);
  // Switched to edge, an entry forgets its remote IRR: how Linux ends a stuck interrupt.
  if (!is_level(entry)) entry &= ~remote_irr;
  service_level(pin);
}

void IoApic::save(Writer& out) const {
  out.enter("io-apic", 1);
  out.put(id_, selected_, levels_, entries_);
  out.leave();
}

Result<void> IoApic::restore(Reader& in) {
  STRATA_TRY(in.enter("io-apic", 1));
  in.get(id_, selected_, levels_, entries_);
  return in.leave();
}

}  // namespace strata::devices
