// CPUID under KVM: one processor, a local APIC of ours, no paravirtual leaves.
#include "kvm/kvm_cpuid.h"

#include <cstdint>
#include <memory>

#include "kvm/kvm_lists.h"

namespace strata::kvm {
namespace {

constexpr uint32_t max_entries = 256;

// Leaf 1
constexpr uint32_t ecx_x2apic = 1u << 21;        // needs KVM's own local APIC
constexpr uint32_t ecx_tsc_deadline = 1u << 24;  // likewise
constexpr uint32_t ecx_monitor = 1u << 3;
constexpr uint32_t edx_threads = 1u << 28;
constexpr uint32_t hypervisor_leaves = 0x40000000;

/// One processor of one core of one package, with APIC id 0.
void adapt(kvm_cpuid_entry2& entry) {
  switch (entry.function) {
    case 1:
      entry.ebx = (entry.ebx & 0xffff) | 1u << 16;
      entry.ecx &= ~(ecx_x2apic | ecx_tsc_deadline | ecx_monitor);
      entry.edx &= ~edx_threads;
      break;
    case 4:
    case 0x8000001d:
      entry.eax &= 0x3fff;  // caches are shared with nobody
      break;
    case 0xb:
    case 0x1f: entry.eax = entry.ebx = entry.edx = 0; break;
    case 0x80000008: entry.ecx = 0; break;
    case 0x8000001e: entry.eax = entry.ebx = entry.ecx = 0; break;
    default:
      if (entry.function >> 8 == hypervisor_leaves >> 8) entry.eax = entry.ebx = entry.ecx = entry.edx = 0;
  }
}

}  // namespace

Result<void> set_cpuid(int system, int vcpu) {
  const auto cpuid = std::make_unique<List<kvm_cpuid_entry2, max_entries>>();
  cpuid->count = max_entries;
  if (::ioctl(system, get_supported_cpuid, cpuid.get()) < 0) return fail_errno("asking KVM for its CPUID");
  for (uint32_t i = 0; i < cpuid->count; ++i) adapt(cpuid->entries[i]);
  if (::ioctl(vcpu, set_cpuid2, cpuid.get()) < 0) return fail_errno("setting the processor's CPUID under KVM");
  return {};
}

}  // namespace strata::kvm
