// The local APIC of one processor: xAPIC registers in memory, x2APIC registers as MSRs (Intel SDM volume 3, chapter 11).
#pragma once

#include <array>
#include <atomic>
#include <functional>
#include <optional>

#include "devices/irq/apic_bus.h"
#include "devices/irq/apic_timer.h"
#include "devices/irq/pic.h"
#include "devices/saved_state.h"
#include "iface/bus_device.h"
#include "iface/clock.h"
#include "iface/irq.h"
#include "memory/address_space.h"

namespace strata::devices {

/// The BusDevice is the page of registers; the InterruptSource is what the processor asks. With LINT0 set to ExtINT, or
/// the APIC switched off, the PIC's interrupts come through that of the bootstrap processor.
class LocalApic final : public iface::BusDevice, public iface::InterruptSource {
 public:
  static constexpr uint64_t default_base = 0xfee00000;
  static constexpr uint64_t page_size = 4096;

  struct Options {
    unsigned id = 0;        ///< 0 to 254
    bool bootstrap = true;  ///< the processor that starts first
    TickSource tsc = {};
  };
  /// What messages ask of the processor itself. All called with the device lock held; any may be empty.
  struct Hooks {
    std::function<void()> changed;  ///< pending() may have changed
    std::function<void()> nmi;
    std::function<void()> init;
    std::function<void(uint8_t page)> start_up;
    std::function<void(uint64_t base, bool visible)> moved;  ///< where the page of registers is now
  };

  LocalApic(ApicBus& bus, Pic& pic, iface::Timers& timers, memory::DeviceLock& lock, const Options& options);

  void set_hooks(Hooks hooks) { hooks_ = std::move(hooks); }

  // From the bus.
  bool matches(uint32_t destination, bool logical) const;
  uint8_t processor_priority() const;
  /// Whether a message to many is for this one too: an APIC that is switched off hears nothing.
  bool listens() const { return enabled(); }
  /// Whether it takes interrupts: the other messages come through where software has switched it off.
  bool takes_interrupts() const { return software_enabled(); }
  void accept(const ApicMessage& message);
  /// The wire from the PIC's output to LINT0 of the bootstrap processor.
  void pic_changed() { update(); }

  // iface::BusDevice
  uint64_t read(uint64_t offset, unsigned size) override;
  void write(uint64_t offset, unsigned size, uint64_t value) override;

  // iface::InterruptSource
  bool pending() override { return pending_.load(std::memory_order_acquire); }
  int acknowledge() override;
  uint8_t priority() override;
  void set_priority(uint8_t priority) override;
  bool read_msr(uint32_t index, uint64_t* value) override;
  bool write_msr(uint32_t index, uint64_t value) override;

  void reset();
  /// An INIT of its processor: all but its ids and where it is.
  void init();
  void save(Writer& out) const;
  Result<void> restore(Reader& in);

 private:
  enum Lvt : unsigned { timer, thermal, performance, lint0, lint1, error, lvt_count };
  /// 256 bits, one a vector.
  class VectorSet {
   public:
    void set(uint8_t vector) { words_[vector / 32] |= 1u << (vector % 32); }
    void clear(uint8_t vector) { words_[vector / 32] &= ~(1u << (vector % 32)); }
    bool test(uint8_t vector) const { return (words_[vector / 32] >> (vector % 32) & 1) != 0; }
    int highest() const;
    uint32_t word(unsigned index) const { return words_[index]; }
    std::array<uint32_t, 8>& words() { return words_; }
    const std::array<uint32_t, 8>& words() const { return words_; }

   private:
    std::array<uint32_t, 8> words_ = {};
  };

  bool enabled() const;  ///< by IA32_APIC_BASE
  bool x2apic() const;
  bool software_enabled() const;  ///< by the spurious-interrupt vector register
  uint32_t logical_id() const;

  // Registers by their number: MMIO offset / 16, MSR - 0x800.
  std::optional<uint64_t> read_register(unsigned number);
  bool write_register(unsigned number, uint64_t value);
  void write_lvt(Lvt entry, uint32_t value);
  void write_spurious(uint32_t value);
  void write_command(uint64_t value);
  bool write_base(uint64_t value);

  void end_of_interrupt();
  void raise_local(Lvt entry);
  void raise_error(uint32_t bit);
  void request(uint8_t vector, bool level_triggered);
  void clear_registers();
  bool external_pending() const;
  int deliverable() const;
  void update();
  void locate();

  ApicBus& bus_;
  Pic& pic_;
  memory::DeviceLock& lock_;
  const unsigned id_;
  const bool bootstrap_;
  Hooks hooks_;
  ApicTimer timer_;
  std::atomic<bool> pending_ = false;

  uint64_t base_ = 0;  ///< IA32_APIC_BASE
  uint8_t xapic_id_ = 0;
  uint8_t task_priority_ = 0;
  uint32_t logical_destination_ = 0;
  uint32_t destination_format_ = 0;
  uint32_t spurious_ = 0;
  uint32_t errors_ = 0;          ///< what the error status register shows
  uint32_t pending_errors_ = 0;  ///< what it will show after the next write to it
  uint64_t command_ = 0;
  std::array<uint32_t, lvt_count> lvt_ = {};
  VectorSet in_service_, requested_, level_triggered_;
};

}  // namespace strata::devices
