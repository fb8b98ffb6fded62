// Reading and printing numbers.
#include "control/quantity.h"

#include <charconv>

namespace strata::control {
namespace {

/// The whole text as a number; false also where it does not fit into 64 bits.
bool read_whole(std::string_view text, uint64_t& value) {
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  return !text.empty() && error == std::errc{} && stop == end;
}

/// The power of two that a suffix stands for; 0 where it is none.
unsigned suffix_shift(char letter) {
  switch (letter) {
    case 'K':
    case 'k': return 10;
    case 'M':
    case 'm': return 20;
    case 'G':
    case 'g': return 30;
    case 'T':
    case 't': return 40;
    default: return 0;
  }
}

}  // namespace

Result<uint64_t> parse_bytes(std::string_view what, std::string_view text) {
  const unsigned shift = text.empty() ? 0 : suffix_shift(text.back());
  uint64_t value = 0;
  if (!read_whole(shift ? text.substr(0, text.size() - 1) : text, value)) {
    return fail(ErrorCode::usage, "{} '{}' is no size: write a number of bytes, or one with K, M, G or T (512M)", what,
                text);
  }
  if (value > (~uint64_t{0} >> shift)) return fail(ErrorCode::usage, "{} '{}' is too large", what, text);
  return value << shift;
}

Result<uint64_t> parse_number(std::string_view what, std::string_view text, uint64_t least, uint64_t most) {
  uint64_t value = 0;
  if (!read_whole(text, value) || value < least || value > most) {
    return fail(ErrorCode::usage, "{} '{}' is not a number from {} to {}", what, text, least, most);
  }
  return value;
}

Result<uint64_t> parse_address(std::string_view what, std::string_view text) {
  const std::string_view digits = text.starts_with("0x") ? text.substr(2) : text;
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
  if (error != std::errc() || end != digits.data() + digits.size())
    return fail(ErrorCode::usage, "{} '{}' is no address: write it in hexadecimal (ffffffff81000000)", what, text);
  return value;
}

std::string format_bytes(uint64_t bytes) {
  static constexpr const char* units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  double value = static_cast<double>(bytes);
  unsigned unit = 0;
  for (; value >= 1024; value /= 1024) unit++;
  return unit == 0 ? fmt::format("{} B", bytes) : fmt::format("{:.1f} {}", value, units[unit]);
}

}  // namespace strata::control
