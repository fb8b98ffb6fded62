// Interrupt wiring between devices, controllers and processors.
#pragma once

#include <cstdint>

namespace strata::iface {

/// One wire. Levels, not edges: controllers see edges where they look for them. With the device lock held.
class IrqLine {
 public:
  virtual void set(bool level) = 0;

 protected:
  ~IrqLine() = default;
};

/// Message-signalled interrupts: a write of `data` to `address` that a controller understands.
class MsiTarget {
 public:
  virtual void send(uint64_t address, uint32_t data) = 0;

 protected:
  ~MsiTarget() = default;
};

/// What a processor sees of its interrupt controllers (x86: local APIC, with the PIC behind LINT0). `pending` may be
/// called from the processor's thread without the lock; the others take the device lock themselves.
class InterruptSource {
 public:
  /// Whether an interrupt waits that the controller's own priorities let through.
  virtual bool pending() = 0;
  /// Takes it: its vector, or -1 where it has gone meanwhile.
  virtual int acknowledge() = 0;
  /// Task priority, 0 to 15 (x86: CR8).
  virtual uint8_t priority() = 0;
  virtual void set_priority(uint8_t priority) = 0;
  /// Model-specific registers that live in the controller (APIC base, x2APIC, TSC deadline). False: not one of these,
  /// or refused.
  virtual bool read_msr(uint32_t index, uint64_t* value) = 0;
  virtual bool write_msr(uint32_t index, uint64_t value) = 0;

 protected:
  ~InterruptSource() = default;
};

}  // namespace strata::iface
