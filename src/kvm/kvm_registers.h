// Registers of a KVM processor: in Strata's form, and all of them as a blob.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "iface/x86_registers.h"

namespace strata::kvm {

iface::X86Registers get_registers(int vcpu);
void set_registers(int vcpu, const iface::X86Registers& registers);
std::string describe_registers(const iface::X86Registers& registers);

Result<std::vector<std::byte>> save_vcpu(int vcpu);
Result<void> restore_vcpu(int vcpu, std::span<const std::byte> blob);

}  // namespace strata::kvm
