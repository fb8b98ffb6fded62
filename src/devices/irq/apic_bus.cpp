// ApicBus: finds out whom a message is for.
#include "devices/irq/apic_bus.h"

#include "base/bits.h"
#include "devices/irq/local_apic.h"

namespace strata::devices {

void ApicBus::deliver(const ApicMessage& message) {
  LocalApic* lowest = nullptr;
  for (LocalApic* apic : apics_) {
    if (!apic->matches(message.destination, message.logical)) continue;
    if (message.mode != DeliveryMode::lowest_priority) {
      apic->accept(message);
    } else if (!apic->takes_interrupts()) {
      continue;
    } else if (!lowest || apic->processor_priority() < lowest->processor_priority()) {
      lowest = apic;
    }
  }
  if (lowest) lowest->accept(message);
}

void ApicBus::deliver_to_all(const ApicMessage& message, const LocalApic* except) {
  for (LocalApic* apic : apics_) {
    if (apic != except && apic->listens()) apic->accept(message);
  }
}

void ApicBus::broadcast_eoi(uint8_t vector) {
  for (const auto& listener : eoi_listeners_) listener(vector);
}

void ApicBus::send(uint64_t address, uint32_t data) {
  if (address >> 20 != 0xfee) return;
  ApicMessage message;
  message.destination = static_cast<uint32_t>(extract_bits(address, 12, 8));
  // The manual (volume 3, 11.11.1) has the destination mode depend on the redirection hint; processors do not, and Linux
  // asks for logical destinations without the hint.
  message.logical = test_bit(address, 2);
  message.vector = static_cast<uint8_t>(data);
  message.mode = static_cast<DeliveryMode>(extract_bits(data, 8, 3));
  message.level_triggered = test_bit(data, 15);
  message.asserted = !message.level_triggered || test_bit(data, 14);
  if (message.asserted) deliver(message);
}

}  // namespace strata::devices
