// The small world in which random programs run, alike on the host's processor and in Strata: where code, data and stack
// stand, and the registers at the beginning and the end.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <vector>

namespace strata::isa::x86::lockstep {

// All below 2 GiB, so that 32-bit code and absolute addresses reach it; the same addresses on both sides.
inline constexpr uint64_t code_base = 0x1000'0000, code_size = 0x1000;
inline constexpr uint64_t data_base = 0x1002'0000, data_size = 0x3000;  ///< pointers stand in the middle page
inline constexpr uint64_t data_middle = data_base + 0x1800;
inline constexpr uint64_t stack_base = 0x1003'0000, stack_size = 0x2000;
inline constexpr uint64_t stack_start = stack_base + 0x1000;

enum class CodeSize : uint8_t { bits32 = 32, bits64 = 64 };

/// FXSAVE's 512 bytes (SDM vol. 1, 10.5.1).
struct alignas(16) FxArea {
  std::array<uint8_t, 512> bytes{};
  template <class T>
  T get(size_t at) const {
    T value;
    std::memcpy(&value, bytes.data() + at, sizeof value);
    return value;
  }
  template <class T>
  void put(size_t at, T value) {
    std::memcpy(bytes.data() + at, &value, sizeof value);
  }
};

struct Registers {
  std::array<uint64_t, 16> gpr{};
  uint64_t flags = 0;  ///< CF PF AF ZF SF DF OF
  uint64_t rip = 0;
  int vector = -1;  ///< the exception that ended the program, -1 for none
  FxArea fx;
};
inline constexpr uint64_t flags_compared = 0xcd5;

struct Memory {
  std::vector<uint8_t> data = std::vector<uint8_t>(data_size), stack = std::vector<uint8_t>(stack_size);
  bool operator==(const Memory&) const = default;
};

struct Program {
  CodeSize code_size = CodeSize::bits64;
  std::vector<uint8_t> code;
  Registers registers;  ///< rip is not used
  Memory memory;
};

struct Outcome {
  Registers registers;
  Memory memory;
};

/// Whether this host can run programs of this size itself.
bool host_runs(CodeSize size);
/// Whether BSF and BSR leave all flags but ZF as they were here, as Zen 3 does. Zen 5, whose flags Strata has, does not.
bool host_scans_keep_flags();
Outcome run_on_host(const Program& program);

struct StrataOptions {
  unsigned max_insns = 64;  ///< a unit
  bool passes = true;
  bool tlb = true;          ///< data through the TLB; else through the slow path
  bool translated = false;  ///< to the host's code; else the interpreter runs it
};
Outcome run_in_strata(const Program& program, const StrataOptions& options);

/// What differs, a line each; empty where nothing does.
std::string differences(const Program& program, const Outcome& host, const Outcome& strata);

/// One instruction a line.
std::string disassembly(const Program& program);

}  // namespace strata::isa::x86::lockstep
