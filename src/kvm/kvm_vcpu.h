// An x86 processor run by the kernel's hypervisor (/dev/kvm), with all interrupt controllers in the board.
#pragma once

#include <memory>

#include "base/result.h"
#include "iface/irq.h"
#include "iface/x86_registers.h"
#include "memory/address_space.h"

namespace strata::kvm {

/// Everything borrowed here must outlive the processor.
struct KvmVcpuOptions {
  memory::AddressSpace* memory = nullptr;        ///< required
  memory::PortSpace* ports = nullptr;            ///< required
  iface::InterruptSource* interrupts = nullptr;  ///< required
};

/// Whether this host's user can make KVM processors; the error says why not.
Result<void> kvm_available();

/// A virtual machine with one processor. Uses SIGUSR1 for kick(): its disposition is taken over.
Result<std::unique_ptr<iface::X86Vcpu>> make_kvm_vcpu(const KvmVcpuOptions& options);

}  // namespace strata::kvm
