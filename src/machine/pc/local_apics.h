// The local APICs of all processors, and the page of registers in which each processor sees its own.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "devices/irq/apic_bus.h"
#include "devices/irq/local_apic.h"
#include "devices/irq/pic.h"
#include "devices/saved_state.h"
#include "iface/bus_device.h"
#include "memory/address_space.h"

namespace strata::machine::pc {

/// With the device lock held. That of processor 0 is the bootstrap processor's.
class LocalApics {
 public:
  LocalApics(unsigned count, devices::ApicBus& bus, devices::Pic& pic, iface::Timers& timers,
             const devices::TickSource& ticks, memory::AddressSpace& space);
  ~LocalApics();

  unsigned count() const { return static_cast<unsigned>(apics_.size()); }
  devices::LocalApic& operator[](unsigned number) { return *apics_[number]; }

  /// What it asks of its processor. `moved` is this class's own.
  void connect(unsigned number, devices::LocalApic::Hooks hooks);

  void reset();
  void save(devices::Writer& out) const;
  Result<void> restore(devices::Reader& in);

 private:
  static constexpr uint64_t nowhere = ~uint64_t{0};

  /// Where at least one processor has its registers. Others find nothing there.
  struct Page final : iface::BusDevice {
    Page(LocalApics& owner, uint64_t address);
    ~Page();
    uint64_t read(uint64_t offset, unsigned size) override;
    void write(uint64_t offset, unsigned size, uint64_t value) override;
    devices::LocalApic* seen();
    LocalApics& apics;
    uint64_t base;
    memory::AddressSpace::RegionId region;
  };
  void move(unsigned number, uint64_t base, bool visible);

  memory::AddressSpace& space_;
  std::vector<std::unique_ptr<devices::LocalApic>> apics_;
  std::vector<uint64_t> bases_;  ///< of each one's page
  std::vector<std::unique_ptr<Page>> pages_;
};

}  // namespace strata::machine::pc
