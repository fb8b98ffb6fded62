// What the processor says of itself, and which features the translator therefore offers.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/result.h"

namespace strata::isa::x86 {

struct CpuidLeaf {
  uint32_t eax = 0, ebx = 0, ecx = 0, edx = 0;
};

/// A processor model. Only what the translator and the system room really do is ever offered.
class Cpuid {
 public:
  /// "strata64" (default: all that there is), "strata32" (no long mode). Fails with the known names.
  static Result<Cpuid> model(std::string_view name);

  /// `state_dependent`: OSXSAVE and XSAVE sizes follow CR4 and XCR0; APIC id the processor's number; the topology its count.
  CpuidLeaf leaf(uint32_t eax, uint32_t ecx, uint64_t cr4, uint64_t xcr0) const;

  bool long_mode() const { return long_mode_; }
  std::string_view name() const { return name_; }
  uint32_t apic_id = 0;
  uint32_t count = 1;  ///< of the processors in the package, each a core of its own

 private:
  std::string_view name_ = "strata64";
  bool long_mode_ = true;
};

}  // namespace strata::isa::x86
