// Factories of processors.
#include "machine/pc/engines.h"

#include "kvm/kvm_vcpu.h"

namespace strata::machine::pc {

VcpuFactory kvm_engine() {
  return [](const VcpuWiring& wiring) {
    return kvm::make_kvm_vcpu({.memory = &wiring.memory, .ports = &wiring.ports, .interrupts = &wiring.interrupts});
  };
}

}  // namespace strata::machine::pc
