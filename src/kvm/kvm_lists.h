// The KVM calls whose structures end in a list, with the sizes that C sees.
//
// In Debian 12's <linux/kvm.h> the list's anonymous struct has a byte in C++ but none in C: sizeof is wrong, and with
// it the number of the call. So these calls are numbered here.
#pragma once

#include <linux/kvm.h>
#include <sys/ioctl.h>

#include <array>
#include <cstdint>

namespace strata::kvm {

struct ListHead {
  uint32_t count = 0;
  uint32_t padding = 0;
};

template <class Entry, size_t N>
struct List : ListHead {
  std::array<Entry, N> entries = {};
};

/// struct kvm_xsave without what it may have behind.
using XsaveArea = std::array<uint32_t, 1024>;

inline constexpr unsigned long get_supported_cpuid = _IOWR(KVMIO, 0x05, ListHead);
inline constexpr unsigned long get_msrs = _IOWR(KVMIO, 0x88, ListHead);
inline constexpr unsigned long set_msrs = _IOW(KVMIO, 0x89, ListHead);
inline constexpr unsigned long set_cpuid2 = _IOW(KVMIO, 0x90, ListHead);
inline constexpr unsigned long get_xsave = _IOR(KVMIO, 0xa4, XsaveArea);
inline constexpr unsigned long set_xsave = _IOW(KVMIO, 0xa5, XsaveArea);

}  // namespace strata::kvm
