// The kinds of processors that a PC can be built with.
#pragma once

#include <cstdint>

#include <string>
#include <vector>

#include "base/result.h"
#include "engine/trace.h"
#include "engine/unit_observer.h"
#include "machine/pc/vcpu_factory.h"

namespace strata::machine::pc {

/// The kernel's hypervisor; fails, with the reason, where /dev/kvm cannot be used.
VcpuFactory kvm_engine();

/// Options of Strata's own engine.
struct EngineOptions {
  std::string model = "strata64";                     ///< see isa/x86/cpuid.h
  engine::Trace trace;                                ///< called before each unit; none: costs nothing
  std::vector<engine::UnitObserver*> observers = {};  ///< of the units made; borrowed
};

/// The portable interpreter, the reference.
VcpuFactory interp_engine(EngineOptions options);
/// The translator to host code.
VcpuFactory jit_engine(EngineOptions options);
/// The fastest of the two on this host.
VcpuFactory automatic_engine(EngineOptions options);

}  // namespace strata::machine::pc
