// What processors say of how many they are.
#include "isa/x86/cpuid.h"

#include <gtest/gtest.h>

namespace strata::isa::x86 {
namespace {

Cpuid processor(uint32_t number, uint32_t count) {
  Cpuid cpuid = *Cpuid::model("strata64");
  cpuid.apic_id = number;
  cpuid.count = count;
  return cpuid;
}

constexpr uint32_t threads = 1u << 28, cores_only = 1u << 1;

TEST(Cpuid, OneProcessorIsAlone) {
  const Cpuid cpuid = processor(0, 1);
  EXPECT_EQ(cpuid.leaf(1, 0, 0, 0).ebx, 1u << 16 | 8u << 8);
  EXPECT_EQ(cpuid.leaf(1, 0, 0, 0).edx & threads, 0u);
  EXPECT_EQ(cpuid.leaf(0x80000001, 0, 0, 0).ecx & cores_only, 0u);
  EXPECT_EQ(cpuid.leaf(0x80000008, 0, 0, 0).ecx, 0u);
  EXPECT_EQ(cpuid.leaf(0xb, 1, 0, 0).eax, 0u);
  EXPECT_EQ(cpuid.leaf(0xb, 1, 0, 0).ebx, 1u);
}

TEST(Cpuid, SeveralAreCoresOfOnePackage) {
  struct {
    uint32_t count, id_bits;
  } const cases[] = {{2, 1}, {3, 2}, {4, 2}, {5, 3}, {64, 6}};
  for (const auto& [count, id_bits] : cases) {
    const Cpuid cpuid = processor(count - 1, count);
    EXPECT_EQ(cpuid.leaf(1, 0, 0, 0).ebx, (count - 1) << 24 | count << 16 | 8u << 8);
    EXPECT_NE(cpuid.leaf(1, 0, 0, 0).edx & threads, 0u);
    EXPECT_NE(cpuid.leaf(0x80000001, 0, 0, 0).ecx & cores_only, 0u);
    EXPECT_EQ(cpuid.leaf(0x80000008, 0, 0, 0).ecx, id_bits << 12 | (count - 1));
    // A thread a core, then the cores of the package, and no more.
    const CpuidLeaf thread = cpuid.leaf(0xb, 0, 0, 0), core = cpuid.leaf(0xb, 1, 0, 0), end = cpuid.leaf(0xb, 2, 0, 0);
    EXPECT_EQ(thread.eax, 0u);
    EXPECT_EQ(thread.ebx, 1u);
    EXPECT_EQ(thread.ecx, 0x100u);
    EXPECT_EQ(core.eax, id_bits);
    EXPECT_EQ(core.ebx, count);
    EXPECT_EQ(core.ecx, 0x201u);
    EXPECT_EQ(end.eax | end.ebx, 0u);
    EXPECT_EQ(end.ecx, 2u);
    for (const CpuidLeaf& leaf : {thread, core, end}) EXPECT_EQ(leaf.edx, count - 1);
  }
}

}  // namespace
}  // namespace strata::isa::x86
