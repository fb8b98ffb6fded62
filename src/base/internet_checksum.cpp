// Sums eight bytes at a time in the host's order: the sum is the same whatever the width, once it is folded, and
// byte-swapped numbers have the byte-swapped sum (RFC 1071, section 2).
#include "base/internet_checksum.h"

#include "base/bits.h"

namespace strata {
namespace {

uint64_t fold(uint64_t sum) {
  while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
  return sum;
}

}  // namespace

uint16_t internet_sum(std::span<const std::byte> bytes, uint32_t begin) {
  // Two sums of 32-bit halves cannot overflow with 2^32 numbers, more than any frame has.
  uint64_t low = 0, high = 0;
  const std::byte* at = bytes.data();
  size_t left = bytes.size();
  for (; left >= 16; left -= 16, at += 16) {
    const auto first = load_le<uint64_t>(at), second = load_le<uint64_t>(at + 8);
    low += (first & 0xffffffff) + (second & 0xffffffff);
    high += (first >> 32) + (second >> 32);
  }
  for (; left >= 2; left -= 2, at += 2) low += load_le<uint16_t>(at);
  if (left) low += std::to_integer<uint64_t>(*at);
  const auto swapped = static_cast<uint16_t>(fold(fold(low) + fold(high)));
  return static_cast<uint16_t>(fold(uint64_t{byte_swap(swapped)} + begin));
}

}  // namespace strata
