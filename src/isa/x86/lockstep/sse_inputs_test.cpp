// Makes register contents: floats around every edge, saturating integers, short texts, counts, and plain noise.
#include "isa/x86/lockstep/sse_inputs_test.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "isa/x86/state.h"

namespace strata::isa::x86::lockstep {

uint32_t SseInputs::single() {
  static constexpr uint32_t magnitudes[] = {
      0,          1,          2,          0x7fffff,   0x400000,   0x800000,   0x800001,   0x7f7fffff, 0x7f800000,
      0x7f800001, 0x7fbfffff, 0x7fc00000, 0x7fc12345, 0x7fffffff, 0x3f800000, 0x3f000000, 0x3effffff, 0x3f000001,
      0x3fc00000, 0x40200000, 0x40600000, 0x4b000000, 0x4affffff, 0x4afffffd, 0x4effffff, 0x4f000000, 0x4f000001,
      0x5effffff, 0x5f000000, 0x1f800000, 0x20000000, 0x5f800000, 0x34000000, 0x33800000};
  const auto sign = static_cast<uint32_t>(word()) & 0x80000000;
  if (chance(50)) return sign | one_of(magnitudes);
  if (chance(50)) return sign | static_cast<uint32_t>(0x3f000000 + below(0x10000000));  // numbers near 1 to 2^30
  return static_cast<uint32_t>(word());
}

uint64_t SseInputs::double_() {
  static constexpr uint64_t magnitudes[] = {0,
                                            1,
                                            2,
                                            0xfffffffffffff,
                                            0x8000000000000,
                                            0x10000000000000,
                                            0x10000000000001,
                                            0x7fefffffffffffff,
                                            0x7ff0000000000000,
                                            0x7ff0000000000001,
                                            0x7ff7ffffffffffff,
                                            0x7ff8000000000000,
                                            0x7ff8000012345678,
                                            0x7fffffffffffffff,
                                            0x3ff0000000000000,
                                            0x3fe0000000000000,
                                            0x3fdfffffffffffff,
                                            0x3ff8000000000000,
                                            0x4004000000000000,
                                            0x400c000000000000,
                                            0x4330000000000000,
                                            0x432fffffffffffff,
                                            0x41dfffffffc00000,
                                            0x41dfffffffdfffff,
                                            0x41dfffffffe00000,
                                            0x41e0000000000000,
                                            0x43dfffffffffffff,
                                            0x43e0000000000000,
                                            0x47efffffe0000000,
                                            0x47efffffefffffff,
                                            0x47effffff0000000,
                                            0x380fffffffffffff,
                                            0x3810000000000000,
                                            0x36a0000000000000,
                                            0x3690000000000000,
                                            0x3690000000000001,
                                            0x381fffffe0000000,
                                            0x1ff0000000000000,
                                            0x2000000000000000};
  const uint64_t sign = word() & 0x8000000000000000;
  if (chance(50)) return sign | one_of(magnitudes);
  if (chance(50)) return sign | (0x3fe0000000000000 + below(uint64_t{0x20} << 52));
  if (chance(50)) return std::bit_cast<uint64_t>(static_cast<double>(std::bit_cast<float>(single() & 0xbfffffff)));
  return word();
}

uint64_t SseInputs::bytes(bool of_text) {
  static constexpr uint8_t edges[] = {0x00, 0x01, 0x7f, 0x80, 0x81, 0xff};
  uint64_t result = 0;
  for (unsigned i = 0; i < 8; ++i) {
    const uint64_t byte = of_text ? (chance(6) ? 0 : 'a' + below(4)) : one_of(edges);
    result |= byte << (8 * i);
  }
  return result;
}

ir::Vec128 SseInputs::vector_of(Style style) {
  const auto half = [&]() -> uint64_t {
    switch (style) {
      case singles: return single() | uint64_t{single()} << 32;
      case doubles: return double_();
      case small: return below(4) | below(4) << 16 | below(4) << 32 | below(4) << 48;
      case extremes: return bytes(false);
      case shift_counts: return below(chance(90) ? 70 : 300);
      case text: return bytes(true);
      default: return word();
    }
  };
  return {half(), half()};
}

uint32_t SseInputs::mxcsr(uint32_t unmasked) {
  constexpr uint32_t all_masks = 0x1f80, flags = 0x3f;
  uint32_t result = all_masks | (chance(50) ? 0 : static_cast<uint32_t>(word()) & 0xffff);
  if (chance(unmasked ? 90 : 50)) result &= ~flags;
  return result & ~unmasked;
}

/// A stack of any depth, rarely with an exception waiting: for what uses MMX registers.
void SseInputs::fill_x87(FxArea& fx) {
  constexpr uint16_t waiting = 0x8081, invalid_unmasked = 0x37e, all_masked = 0x37f;
  const bool waits = chance(3);
  fx.put(0, waits ? invalid_unmasked : all_masked);
  fx.put(2, static_cast<uint16_t>((waits ? waiting : 0) | below(8) << 11));
  fx.put(4, static_cast<uint8_t>(word()));
  for (unsigned i = 0; i < 8; ++i) {
    fx.put(32 + 16 * i, word());
    fx.put(40 + 16 * i, static_cast<uint16_t>(word()));
  }
}

void SseInputs::fill(Program& program, uint32_t unmasked) {
  const bool is_64 = program.code_size == CodeSize::bits64;
  const uint64_t width = is_64 ? ~uint64_t{0} : 0xffff'ffff;
  const Style common = style();
  Registers& registers = program.registers;
  for (uint64_t& gpr : registers.gpr)
    gpr = (chance(30) ? below(20) - below(2) * 20 : chance(30) ? double_() : word()) & width;
  if (!is_64) std::fill(registers.gpr.begin() + 8, registers.gpr.end(), 0);
  registers.gpr[rsp] = stack_start;
  registers.gpr[rbx] = registers.gpr[rdi] = data_middle + (chance(3) ? below(16) : 0);
  registers.flags = word() & Rflags::arithmetic;
  fill_x87(registers.fx);
  registers.fx.put<uint32_t>(24, mxcsr(unmasked));
  for (unsigned i = 0; i < 16; ++i) registers.fx.put(160 + 16 * i, vector_of(chance(80) ? common : style()));
  constexpr size_t begin = data_middle - data_base - 128, end = begin + 256;
  for (size_t at = begin; at < end; at += 16) {
    ir::Vec128 v = vector_of(chance(70) ? common : style());
    if (chance(20)) v = registers.fx.get<ir::Vec128>(160 + 16 * below(16));
    std::memcpy(program.memory.data.data() + at, &v, sizeof v);
  }
}

}  // namespace strata::isa::x86::lockstep
