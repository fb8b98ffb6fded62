// Numbers as users write them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace strata::control {

/// "512M", "2G", "65536": bytes; K, M, G and T are powers of 1024. `what` names the option in the error.
[[nodiscard]] Result<uint64_t> parse_bytes(std::string_view what, std::string_view text);

/// A whole number from `least` to `most`.
[[nodiscard]] Result<uint64_t> parse_number(std::string_view what, std::string_view text, uint64_t least,
                                            uint64_t most);

/// An address in hexadecimal, with 0x before it or not.
[[nodiscard]] Result<uint64_t> parse_address(std::string_view what, std::string_view text);

/// "4.0 GiB", for people.
[[nodiscard]] std::string format_bytes(uint64_t bytes);

}  // namespace strata::control
