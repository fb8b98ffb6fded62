// The x86 front end's door: a processor for the engine.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>

#include "base/result.h"
#include "iface/irq.h"
#include "iface/x86_registers.h"
#include "isa/guest.h"

namespace strata::isa::x86 {

struct GuestOptions {
  std::string_view model = "strata64";           ///< see Cpuid::model
  unsigned number = 0;                           ///< APIC id
  unsigned count = 1;                            ///< of the machine's processors
  bool bootstrap = true;                         ///< begins by itself; others wait for a SIPI
  iface::InterruptSource* interrupts = nullptr;  ///< none: no interrupt ever comes
  std::function<uint64_t()> wall_clock;          ///< nanoseconds since 1970, UTC; none: the host's
  std::optional<uint64_t> seed;  ///< of what RDRAND gives, for equal runs; none: the host's random device
};

class X86Guest : public Guest {
 public:
  virtual iface::X86Registers registers() const = 0;
  virtual void set_registers(const iface::X86Registers& registers) = 0;

  // From any thread. True: ir::event_interrupt is to be set, so that the processor looks.
  virtual bool init_signal() = 0;
  virtual bool start_up(uint8_t page) = 0;
  virtual bool nmi() = 0;
};

Result<std::unique_ptr<X86Guest>> make_guest(const GuestOptions& options);

}  // namespace strata::isa::x86
