// The processor models and their CPUID leaves (SDM vol. 2, CPUID; AMD APM vol. 3, appendix E).
#include "isa/x86/cpuid.h"

#include <bit>
#include <cstring>

#include "isa/x86/system/control_bits.h"
#include "isa/x86/system/paging.h"
#include "isa/x86/system/pvclock.h"

namespace strata::isa::x86 {
namespace {

struct Leaf1Edx {
  static constexpr uint32_t fpu = 1u << 0, de = 1u << 2, pse = 1u << 3, tsc = 1u << 4, msr = 1u << 5, pae = 1u << 6,
                            mce = 1u << 7, cx8 = 1u << 8, apic = 1u << 9, sep = 1u << 11, mtrr = 1u << 12,
                            pge = 1u << 13, mca = 1u << 14, cmov = 1u << 15, pat = 1u << 16, pse36 = 1u << 17,
                            clflush = 1u << 19, mmx = 1u << 23, fxsr = 1u << 24, sse = 1u << 25, sse2 = 1u << 26;
  static constexpr uint32_t threads = 1u << 28;  ///< the count of processors in EBX holds
  static constexpr uint32_t all = fpu | de | pse | tsc | msr | pae | mce | cx8 | apic | sep | mtrr | pge | mca | cmov |
                                  pat | pse36 | clflush | mmx | fxsr | sse | sse2;
  /// Those that AMD repeats in leaf 0x80000001.
  static constexpr uint32_t repeated =
      fpu | de | pse | tsc | msr | pae | mce | cx8 | apic | mtrr | pge | mca | cmov | pat | pse36 | mmx | fxsr;
};

struct Leaf1Ecx {
  static constexpr uint32_t sse3 = 1u << 0, pclmul = 1u << 1, ssse3 = 1u << 9, cx16 = 1u << 13, pcid = 1u << 17,
                            sse41 = 1u << 19, sse42 = 1u << 20, x2apic = 1u << 21, movbe = 1u << 22, popcnt = 1u << 23,
                            tsc_deadline = 1u << 24, aes = 1u << 25, xsave = 1u << 26, osxsave = 1u << 27,
                            rdrand = 1u << 30, hypervisor = 1u << 31;
  static constexpr uint32_t all = sse3 | pclmul | ssse3 | sse41 | sse42 | x2apic | movbe | popcnt | tsc_deadline | aes |
                                  xsave | rdrand | hypervisor;
  static constexpr uint32_t long_mode_only = cx16 | pcid;
};

struct Leaf7 {
  static constexpr uint32_t fsgsbase = 1u << 0, tsc_adjust = 1u << 1, bmi1 = 1u << 3, smep = 1u << 7, bmi2 = 1u << 8,
                            erms = 1u << 9, invpcid = 1u << 10, rdseed = 1u << 18, smap = 1u << 20, sha = 1u << 29;
  static constexpr uint32_t ebx = tsc_adjust | bmi1 | smep | bmi2 | erms | rdseed | smap | sha;
  static constexpr uint32_t ebx_long_mode_only = fsgsbase | invpcid;
  static constexpr uint32_t ecx = 1u << 2;                ///< UMIP
  static constexpr uint32_t edx = 1u << 4;                ///< fast short REP MOVS: even short ones beat a loop of moves
  static constexpr uint32_t eax_1 = 1u << 10 | 1u << 11;  ///< subleaf 1: the same of MOVSB of nothing, and of STOSB
};

struct LeafAmd1 {
  static constexpr uint32_t lahf = 1u << 0, cores_only = 1u << 1, lzcnt = 1u << 5, prefetchw = 1u << 8;
  static constexpr uint32_t syscall = 1u << 11, nx = 1u << 20, huge_pages = 1u << 26, rdtscp = 1u << 27,
                            long_mode = 1u << 29;
};

/// Twelve letters in EBX, EDX, ECX (or another order of the hypervisor leaf).
uint32_t letters(const char* text) {
  uint32_t word;
  std::memcpy(&word, text, sizeof word);
  return word;
}

/// Like QEMU's default: a family that kernels know well and that needs no work-arounds for speculation.
constexpr uint32_t family_15_model_107 = 0x00060fb1;

constexpr char brand[48] = "Strata virtual CPU";

CpuidLeaf brand_leaf(unsigned part) {
  const char* text = brand + part * 16;
  return {letters(text), letters(text + 4), letters(text + 8), letters(text + 12)};
}

/// How many bits of an APIC id number the cores of the package.
uint32_t core_bits(uint32_t count) { return static_cast<uint32_t>(std::bit_width(count - 1)); }

/// Extended topology: a thread in a core, which has no other, and a core in the package.
CpuidLeaf topology_leaf(uint32_t level, uint32_t apic_id, uint32_t count) {
  constexpr uint32_t thread_level = 1 << 8, core_level = 2 << 8;
  if (level == 0) return {0, 1, thread_level, apic_id};
  if (level == 1) return {core_bits(count), count, core_level | level, apic_id};
  return {0, 0, level & 0xff, apic_id};
}

/// XSAVE: x87 and SSE states fill the legacy area and the header (SDM vol. 1, 13.4).
CpuidLeaf xsave_leaf(uint32_t sub) {
  constexpr uint32_t area = 512 + 64;
  if (sub == 0) return {3, area, area, 0};
  return {};
}

}  // namespace

Result<Cpuid> Cpuid::model(std::string_view name) {
  Cpuid cpuid;
  if (name == "strata64") {
    cpuid.name_ = "strata64";
  } else if (name == "strata32") {
    cpuid.name_ = "strata32";
    cpuid.long_mode_ = false;
  } else {
    return fail(ErrorCode::usage, "no CPU model '{}': there are strata64 and strata32", name);
  }
  return cpuid;
}

CpuidLeaf Cpuid::leaf(uint32_t eax, uint32_t ecx, uint64_t cr4, uint64_t) const {
  switch (eax) {
    case 0: return {0xd, letters("Auth"), letters("cAMD"), letters("enti")};
    case 1: {
      uint32_t features = Leaf1Ecx::all | (long_mode_ ? Leaf1Ecx::long_mode_only : 0);
      if (cr4 & Cr4::osxsave) features |= Leaf1Ecx::osxsave;
      constexpr uint32_t lines_of_64_bytes = 8u << 8;
      const uint32_t threads = count > 1 ? Leaf1Edx::threads : 0;
      return {family_15_model_107, apic_id << 24 | count << 16 | lines_of_64_bytes, features, Leaf1Edx::all | threads};
    }
    case 7: {
      if (ecx == 1) return {Leaf7::eax_1, 0, 0, 0};
      if (ecx != 0) return {};
      return {1, Leaf7::ebx | (long_mode_ ? Leaf7::ebx_long_mode_only : 0), Leaf7::ecx, Leaf7::edx};
    }
    case 0xb: return topology_leaf(ecx, apic_id, count);
    case 0xd: return xsave_leaf(ecx);
    case 0x40000000: return {0x40000001, letters("KVMK"), letters("VMKV"), letters("M\0\0\0")};  // whose clock it is
    case 0x40000001: return {pvclock_features, 0, 0, 0};
    case 0x80000000: return {0x80000021, letters("Auth"), letters("cAMD"), letters("enti")};
    case 0x80000001: {
      uint32_t ecx_bits = LeafAmd1::lahf | LeafAmd1::lzcnt | LeafAmd1::prefetchw;
      uint32_t edx_bits = Leaf1Edx::repeated | LeafAmd1::nx | LeafAmd1::rdtscp | LeafAmd1::syscall;
      if (count > 1) ecx_bits |= LeafAmd1::cores_only;
      if (long_mode_) edx_bits |= LeafAmd1::huge_pages | LeafAmd1::long_mode;
      return {family_15_model_107, 0, ecx_bits, edx_bits};
    }
    case 0x80000002:
    case 0x80000003:
    case 0x80000004: return brand_leaf(eax - 0x80000002);
    case 0x80000005: return {0x01ff01ff, 0x01ff01ff, 0x40020140, 0x40020140};  // 64 KiB each of L1, as a K8 has
    case 0x80000006: return {0, 0x42004200, 0x02008140, 0};                    // 512 KiB of L2
    case 0x80000007: return {0, 0, 0, 1u << 8};  // the TSC never stops or changes its rate
    case 0x80000008: {
      constexpr uint32_t virtual_bits = 48, error_pointers_saved = 1u << 2;
      const uint32_t cores = core_bits(count) << 12 | (count - 1);
      return {virtual_bits << 8 | physical_bits, error_pointers_saved, cores, 0};
    }
    case 0x80000021: {
      constexpr uint32_t lfence_serializes = 1u << 2, null_clears_base = 1u << 6, automatic_ibrs = 1u << 8;
      return {lfence_serializes | null_clears_base | automatic_ibrs, 0, 0, 0};
    }
    default: return {};
  }
}

}  // namespace strata::isa::x86
