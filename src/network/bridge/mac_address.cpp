// MAC addresses as text.
#include "network/bridge/mac_address.h"

#include <charconv>

namespace strata::network::bridge {

Result<MacAddress> MacAddress::parse(std::string_view text) {
  const auto wrong = [&] {
    return fail(ErrorCode::usage, "'{}' is no MAC address; write it like 52:54:00:12:34:56", text);
  };
  if (text.size() != 17 || (text[2] != ':' && text[2] != '-')) return wrong();
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < size; ++i) {
    const char* const octet = text.data() + 3 * i;
    if (i != 0 && octet[-1] != text[2]) return wrong();
    unsigned number = 0;
    const auto [end, error] = std::from_chars(octet, octet + 2, number, 16);
    if (error != std::errc{} || end != octet + 2) return wrong();
    value = value << 8 | number;
  }
  return MacAddress(value);
}

std::string to_string(MacAddress address) {
  const auto octet = [&](unsigned place) { return static_cast<unsigned>(address.value() >> (40 - 8 * place) & 0xff); };
  return fmt::format("{:02x}:{:02x}:{:02x}:{:02x}:{:02x}:{:02x}", octet(0), octet(1), octet(2), octet(3), octet(4),
                     octet(5));
}

}  // namespace strata::network::bridge
