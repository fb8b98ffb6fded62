// A writer of AML, the byte code of ACPI tables (ACPI 6.5, chapter 20): terms are built from the inside out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string_view>
#include <vector>

namespace strata::machine::pc::aml {

/// Encoded AML: one or more terms.
using Code = std::vector<std::byte>;

Code join(std::initializer_list<Code> parts);

/// The shortest encoding of a number.
Code integer(uint64_t value);
Code string(std::string_view text);
/// A compressed hardware id such as "PNP0A03".
Code eisa_id(std::string_view id);
/// A name string: segments of up to four characters with dots between, a backslash in front for the root.
Code path(std::string_view name);

Code name(std::string_view name, const Code& value);
Code package(const std::vector<Code>& elements);
Code scope(std::string_view name, std::initializer_list<Code> terms);
Code device(std::string_view name, std::initializer_list<Code> terms);
Code method(std::string_view name, unsigned arguments, std::initializer_list<Code> terms);

Code argument(unsigned number);  ///< Arg0 to Arg6
Code store(const Code& value, const Code& target);
Code give_back(const Code& value);  ///< Return
Code if_else(const Code& condition, const Code& then, const Code& otherwise);

/// Resource descriptors (ACPI 6.5, section 6.4), put together by resources().
Code io_ports(uint16_t base, uint8_t count);
Code irq(unsigned line);  ///< edge-triggered, not shared
struct AddressRange {
  uint64_t first;
  uint64_t last;
};
Code bus_numbers(AddressRange range);
Code port_window(AddressRange range);
Code memory_window(AddressRange range);  ///< 32 bits
Code memory_window_64(AddressRange range);
Code fixed_memory(uint32_t base, uint32_t size);
Code resources(std::initializer_list<Code> descriptors);

}  // namespace strata::machine::pc::aml
