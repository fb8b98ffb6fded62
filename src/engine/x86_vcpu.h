// An x86 processor run by Strata's own engine, ready for a board: the x86 front end on a back end over guest memory.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "engine/shared_code.h"
#include "engine/stats.h"
#include "engine/trace.h"
#include "engine/unit_observer.h"
#include "iface/irq.h"
#include "iface/x86_registers.h"
#include "memory/address_space.h"

namespace strata::engine {

/// What runs the IR.
enum class BackendKind : uint8_t {
  interp,  ///< the portable interpreter, the reference
  jit,     ///< the translator to host code
};

/// Everything borrowed here must outlive the processor.
struct X86VcpuOptions {
  memory::AddressSpace* memory = nullptr;        ///< required
  memory::PortSpace* ports = nullptr;            ///< required
  iface::InterruptSource* interrupts = nullptr;  ///< none: no interrupt ever comes

  /// The time stamp counter: called on the processor's thread, never falls. None: the host's monotonic clock in
  /// nanoseconds, or with `counted` the instructions done.
  std::function<uint64_t()> ticks;
  uint64_t tick_rate = 1'000'000'000;  ///< ticks a second, what the guest is told

  /// Nanoseconds since 1970, UTC, of the paravirtual clock. None: the host's.
  std::function<uint64_t()> wall_clock;

  BackendKind backend = BackendKind::interp;
  std::function<std::unique_ptr<codegen::Backend>()> make_backend;  ///< one of the caller's own in its place
  /// Of a machine's processors, which all have the same options but for what is their own. None: makes its own.
  std::shared_ptr<SharedCode> code;
  std::string model = "strata64";  ///< see isa/x86/cpuid.h
  unsigned number = 0;             ///< APIC id
  unsigned count = 1;              ///< of the machine's processors
  bool bootstrap = true;           ///< begins by itself; others wait for a SIPI

  /// Instructions are counted so exactly that run_until() can stop behind any of them, and equal input gives equal
  /// runs.
  bool counted = false;

  uint64_t code_bytes = SharedCode::usual_bytes;  ///< compiled code is kept up to this much host memory
  bool verify = false;                            ///< verify IR between passes, in release builds too
  Trace trace;                                    ///< called before each unit runs; none: costs nothing
  std::vector<UnitObserver*> observers;           ///< of the units made; borrowed
};

class X86Vcpu : public iface::X86Vcpu {
 public:
  /// Comes back when `insns` guest instructions are done: exactly then with X86VcpuOptions::counted, else at the first end of a unit behind it, which a loop inside a unit may put off.
  iface::Exit run_until(uint64_t insns) override = 0;

  /// Guest instructions done so far. Inside a device call it may lag by those of the unit that runs.
  virtual uint64_t insns() const = 0;

  virtual Stats stats() const = 0;
};

/// What the processors with these options can share. Fails where the back end is not known here.
Result<std::shared_ptr<SharedCode>> make_shared_code(const X86VcpuOptions& options);

/// Fails where the model or the back end is not known here.
Result<std::unique_ptr<X86Vcpu>> make_x86_vcpu(X86VcpuOptions options);

}  // namespace strata::engine
