// The kinds of processors that a PC can be built with.
#pragma once

#include <cstdint>

#include "base/result.h"
#include "machine/pc/vcpu_factory.h"

namespace strata::machine::pc {

/// The kernel's hypervisor; fails, with the reason, where /dev/kvm cannot be used.
VcpuFactory kvm_engine();

}  // namespace strata::machine::pc
