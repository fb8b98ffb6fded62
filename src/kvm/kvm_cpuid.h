// What CPUID tells under KVM: the host's processor, without what this machine does not have.
#pragma once

#include "base/result.h"

namespace strata::kvm {

Result<void> set_cpuid(int system, int vcpu);

}  // namespace strata::kvm
