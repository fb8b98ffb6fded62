// Factories of processors.
#include "machine/pc/engines.h"

#include "engine/x86_vcpu.h"
#include "kvm/kvm_vcpu.h"

namespace strata::machine::pc {

using Vcpus = std::vector<std::unique_ptr<iface::X86Vcpu>>;

VcpuFactory kvm_engine() {
  return [](const VcpuWiring& wiring) -> Result<Vcpus> {
    if (const size_t count = wiring.interrupts.size(); count != 1)
      return fail(ErrorCode::unsupported, "engine kvm runs one processor: {} of them need engine jit", count);
    Vcpus made;
    made.push_back(STRATA_TRY(
        kvm::make_kvm_vcpu({.memory = &wiring.memory, .ports = &wiring.ports, .interrupts = wiring.interrupts[0]})));
    return made;
  };
}

namespace {

VcpuFactory own_engine(EngineOptions options, engine::BackendKind backend) {
  return [options = std::move(options), backend](const VcpuWiring& wiring) -> Result<Vcpus> {
#if !defined(__x86_64__)
    // Guest loads and stores are the host's plain ones, which elsewhere other processors may see in another order.
    if (wiring.interrupts.size() > 1)
      return fail(ErrorCode::unsupported, "several processors need an x86-64 host, and this is none: one is possible");
#endif
    engine::X86VcpuOptions vcpu;
    vcpu.memory = &wiring.memory;
    vcpu.ports = &wiring.ports;
    vcpu.ticks = wiring.ticks;
    vcpu.tick_rate = wiring.tick_rate;
    vcpu.count = static_cast<unsigned>(wiring.interrupts.size());
    vcpu.backend = backend;
    vcpu.model = options.model;
    vcpu.trace = options.trace;
    vcpu.observers = options.observers;
    vcpu.code = STRATA_TRY(engine::make_shared_code(vcpu));
    Vcpus made;
    for (iface::InterruptSource* interrupts : wiring.interrupts) {
      vcpu.interrupts = interrupts;
      vcpu.number = static_cast<unsigned>(made.size());
      vcpu.bootstrap = made.empty();
      made.push_back(STRATA_TRY(engine::make_x86_vcpu(vcpu)));
    }
    return made;
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
