// The bus between APICs: interrupt messages from IO-APICs, MSIs and processors to local APICs, and EOIs back.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "iface/irq.h"

namespace strata::devices {

class LocalApic;

/// Delivery modes (Intel SDM volume 3, section 11.6.1, table 11-15 and 11.5.1).
enum class DeliveryMode : uint8_t {
  fixed = 0,
  lowest_priority = 1,
  smi = 2,
  nmi = 4,
  init = 5,
  start_up = 6,
  external = 7,
};

struct ApicMessage {
  uint32_t destination = 0;
  bool logical = false;  ///< destination is a logical one
  DeliveryMode mode = DeliveryMode::fixed;
  uint8_t vector = 0;
  bool level_triggered = false;
  bool asserted = true;
};

/// With the device lock held.
class ApicBus final : public iface::MsiTarget {
 public:
  void add(LocalApic& apic) { apics_.push_back(&apic); }
  /// IO-APICs, which want to hear of every EOI for a level-triggered interrupt.
  void on_eoi(std::function<void(uint8_t vector)> listener) { eoi_listeners_.push_back(std::move(listener)); }

  /// To whom the destination means; lowest priority goes to one of them.
  void deliver(const ApicMessage& message);
  void deliver_to_all(const ApicMessage& message, const LocalApic* except);
  void broadcast_eoi(uint8_t vector);

  /// MSI (SDM volume 3, section 11.11): an address outside 0xfeexxxxx is no interrupt and is lost.
  void send(uint64_t address, uint32_t data) override;

 private:
  std::vector<LocalApic*> apics_;
  std::vector<std::function<void(uint8_t)>> eoi_listeners_;
};

}  // namespace strata::devices
