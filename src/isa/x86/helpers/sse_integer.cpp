// Packed integer instructions that are no single IR operation, and the byte-masked store.
#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "isa/x86/cpu.h"
#include "isa/x86/helpers/define.h"
#include "isa/x86/helpers/sse.h"

namespace strata::isa::x86::helpers {
namespace {

/// Sums of four absolute differences: the source's block imm 1:0 against eight places from block imm 2 on.
uint64_t sums_of_differences(ir::ExecContext&, ir::Vec128* result, const ir::Vec128* a, const ir::Vec128* b,
                             uint64_t imm) {
  uint8_t places[16], block[16];
  std::memcpy(places, a, sizeof places);
  std::memcpy(block, b, sizeof block);
  const size_t place = imm & 4, from = (imm & 3) * 4;
  uint16_t sums[8] = {};
  for (size_t i = 0; i < 8; ++i) {
    for (size_t k = 0; k < 4; ++k)
      sums[i] = static_cast<uint16_t>(sums[i] + std::abs(places[place + i + k] - block[from + k]));
  }
  std::memcpy(result, sums, sizeof sums);
  return 0;
}

uint64_t least_word(ir::ExecContext&, ir::Vec128* result, const ir::Vec128* operand) {
  uint16_t words[8];
  std::memcpy(words, operand, sizeof words);
  const auto least = std::min_element(std::begin(words), std::end(words));
  *result = {*least | static_cast<uint64_t>(least - words) << 16, 0};
  return 0;
}

/// Runs of bytes that are stored one after the other; all are asked for before the first is.
uint64_t store_bytes(ir::ExecContext& context, uint64_t address, const ir::Vec128* data, const ir::Vec128* mask,
                     uint64_t space) {
  Cpu& cpu = Cpu::of(context);
  uint8_t bytes[16], wanted[16];
  std::memcpy(bytes, data, sizeof bytes);
  std::memcpy(wanted, mask, sizeof wanted);
  const auto is_wanted = [](uint8_t byte) { return (byte & 0x80) != 0; };
  const auto skip = [&](unsigned from, bool value) {
    return static_cast<unsigned>(
        std::find_if(wanted + from, wanted + 16, [&](uint8_t byte) { return is_wanted(byte) == value; }) - wanted);
  };
  for (const bool writing : {false, true}) {
    for (unsigned begin = skip(0, true); begin < 16;) {
      const unsigned end = skip(begin, false), size = end - begin;
      const auto in_space = static_cast<ir::Space>(space);
      const bool done = writing ? cpu.host->write(address + begin, bytes + begin, size, in_space)
                                : cpu.host->probe(address + begin, size, in_space, Access::write);
      if (!done) return leave(cpu);
      begin = skip(end, true);
    }
  }
  return 0;
}

using enum ir::Type;
using ir::HelperEffect;

}  // namespace

const ir::Helper mpsadbw = define_helper("mpsadbw", sums_of_differences, v128, {v128, v128, i8}, HelperEffect::pure);
const ir::Helper phminposuw = define_helper("phminposuw", least_word, v128, {v128}, HelperEffect::pure);
const ir::Helper masked_store =
    define_helper("masked_store", store_bytes, none, {i64, v128, v128, i8}, HelperEffect::may_exit);

}  // namespace strata::isa::x86::helpers
