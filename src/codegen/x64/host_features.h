// What the translator's code may use of the host's processor beyond the instructions that every x86-64 has.
#pragma once

#include <asmjit/x86.h>

namespace strata::codegen::x64 {

struct HostFeatures {
  bool sse4_1 = false;
  bool popcnt = false;
  bool lzcnt = false;
  bool bmi1 = false;
  bool bmi2 = false;
  bool crc32 = false;
  bool aes = false;
  bool pclmulqdq = false;
  bool sha = false;

  static HostFeatures all() { return {true, true, true, true, true, true, true, true, true}; }
  static HostFeatures of_this_host() {
    const auto& host = asmjit::CpuInfo::host().features().x86();
    return {.sse4_1 = host.hasSSE4_1(),
            .popcnt = host.hasPOPCNT(),
            .lzcnt = host.hasLZCNT(),
            .bmi1 = host.hasBMI(),
            .bmi2 = host.hasBMI2(),
            .crc32 = host.hasSSE4_2(),
            .aes = host.hasAESNI(),
            .pclmulqdq = host.hasPCLMULQDQ(),
            .sha = host.hasSHA()};
  }
};

}  // namespace strata::codegen::x64
