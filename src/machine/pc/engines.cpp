// Factories of processors.
#include "machine/pc/engines.h"

#include "engine/x86_vcpu.h"
#include "kvm/kvm_vcpu.h"

namespace strata::machine::pc {

VcpuFactory kvm_engine() {
  return [](const VcpuWiring& wiring) {
    return kvm::make_kvm_vcpu({.memory = &wiring.memory, .ports = &wiring.ports, .interrupts = &wiring.interrupts});
  };
}

namespace {

VcpuFactory own_engine(EngineOptions options, engine::BackendKind backend) {
  return [options = std::move(options), backend](const VcpuWiring& wiring) -> Result<std::unique_ptr<iface::X86Vcpu>> {
    engine::X86VcpuOptions vcpu;
    vcpu.memory = &wiring.memory;
    vcpu.ports = &wiring.ports;
    vcpu.interrupts = &wiring.interrupts;
    vcpu.ticks = wiring.ticks;
    vcpu.tick_rate = wiring.tick_rate;
    vcpu.number = wiring.number;
    vcpu.backend = backend;
    vcpu.model = options.model;
    vcpu.trace = options.trace;
    vcpu.observers = options.observers;
    return STRATA_TRY(engine::make_x86_vcpu(std::move(vcpu)));
  };
}

}  // namespace

VcpuFactory interp_engine(EngineOptions options) { return own_engine(std::move(options), engine::BackendKind::interp); }
VcpuFactory jit_engine(EngineOptions options) { return own_engine(std::move(options), engine::BackendKind::jit); }
VcpuFactory automatic_engine(EngineOptions options) {
#if defined(__x86_64__)
  return jit_engine(std::move(options));
#else
  return interp_engine(std::move(options));
#endif
}

}  // namespace strata::machine::pc
