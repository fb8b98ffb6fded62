// AML encoding: opcodes, package lengths, names, resource descriptors.
#include "machine/pc/acpi/aml.h"

#include "base/assert.h"

namespace strata::machine::pc::aml {
namespace {

// Opcodes (ACPI 6.5, table 20.3).
constexpr uint8_t op_zero = 0x00;
constexpr uint8_t op_one = 0x01;
constexpr uint8_t op_name = 0x08;
constexpr uint8_t op_byte = 0x0a;
constexpr uint8_t op_word = 0x0b;
constexpr uint8_t op_dword = 0x0c;
constexpr uint8_t op_string = 0x0d;
constexpr uint8_t op_qword = 0x0e;
constexpr uint8_t op_scope = 0x10;
constexpr uint8_t op_buffer = 0x11;
constexpr uint8_t op_package = 0x12;
constexpr uint8_t op_method = 0x14;
constexpr uint8_t prefix_dual_name = 0x2e;
constexpr uint8_t prefix_multi_name = 0x2f;
constexpr uint8_t prefix_extended = 0x5b;
constexpr uint8_t op_arg0 = 0x68;
constexpr uint8_t op_store = 0x70;
constexpr uint8_t extended_device = 0x82;
constexpr uint8_t op_if = 0xa0;
constexpr uint8_t op_else = 0xa1;
constexpr uint8_t op_return = 0xa4;

void add(Code& code, uint64_t value, unsigned size) {
  for (unsigned i = 0; i < size; ++i) code.push_back(static_cast<std::byte>(value >> (8 * i)));
}
void add(Code& code, const Code& more) { code.insert(code.end(), more.begin(), more.end()); }

Code bytes(std::initializer_list<uint8_t> values) {
  Code code;
  for (const uint8_t value : values) add(code, value, 1);
  return code;
}

/// PkgLength (20.2.4): counts itself too, in one to four bytes.
Code with_length(const Code& contents) {
  constexpr size_t one_byte_limit = 0x3f;
  Code code;
  size_t length = contents.size() + 1;
  if (length <= one_byte_limit) {
    add(code, length, 1);
  } else {
    unsigned more = 1;
    while (contents.size() + 1 + more >= size_t{1} << (4 + 8 * more)) ++more;
    STRATA_ASSERT(more <= 3);
    length = contents.size() + 1 + more;
    add(code, more << 6 | (length & 15), 1);
    add(code, length >> 4, more);
  }
  add(code, contents);
  return code;
}

Code block(std::initializer_list<uint8_t> opcode, const Code& head, std::initializer_list<Code> terms) {
  Code contents = head;
  for (const Code& term : terms) add(contents, term);
  return join({bytes(opcode), with_length(contents)});
}

void add_segment(Code& code, std::string_view segment) {
  STRATA_ASSERT(!segment.empty() && segment.size() <= 4);
  for (size_t i = 0; i < 4; ++i) add(code, static_cast<uint8_t>(i < segment.size() ? segment[i] : '_'), 1);
}

/// Word, DWord or QWord address space descriptor (6.4.3.5): 2, 4 or 8 bytes a number.
Code address_space(uint8_t tag, uint8_t type, uint8_t type_flags, unsigned width, AddressRange range) {
  constexpr uint8_t fixed_decode_positive = 0x0c;  // both ends fixed
  Code code;
  add(code, tag, 1);
  add(code, 3 + 5 * width, 2);
  add(code, type, 1);
  add(code, fixed_decode_positive, 1);
  add(code, type_flags, 1);
  add(code, 0, width);  // granularity
  add(code, range.first, width);
  add(code, range.last, width);
  add(code, 0, width);  // translation
  add(code, range.last - range.first + 1, width);
  return code;
}

constexpr uint8_t tag_word = 0x88;
constexpr uint8_t tag_dword = 0x87;
constexpr uint8_t tag_qword = 0x8a;
constexpr uint8_t type_memory = 0;
constexpr uint8_t type_io = 1;
constexpr uint8_t type_bus = 2;
constexpr uint8_t memory_writable = 1;
constexpr uint8_t io_entire_range = 3;

}  // namespace

Code join(std::initializer_list<Code> parts) {
  Code code;
  for (const Code& part : parts) add(code, part);
  return code;
}

Code integer(uint64_t value) {
  if (value == 0) return bytes({op_zero});
  if (value == 1) return bytes({op_one});
  Code code;
  const unsigned size = value <= 0xff ? 1 : value <= 0xffff ? 2 : value <= 0xffffffff ? 4 : 8;
  add(code, size == 1 ? op_byte : size == 2 ? op_word : size == 4 ? op_dword : op_qword, 1);
  add(code, value, size);
  return code;
}

Code string(std::string_view text) {
  Code code = bytes({op_string});
  for (const char c : text) add(code, static_cast<uint8_t>(c), 1);
  add(code, 0, 1);
  return code;
}

Code eisa_id(std::string_view id) {
  STRATA_ASSERT(id.size() == 7);
  const auto digit = [&](size_t i) { return static_cast<uint32_t>(id[i] <= '9' ? id[i] - '0' : id[i] - 'A' + 10); };
  const auto letter = [&](size_t i) { return static_cast<uint32_t>(id[i] - 0x40) & 31; };
  const uint32_t value =
      letter(0) << 26 | letter(1) << 21 | letter(2) << 16 | digit(3) << 12 | digit(4) << 8 | digit(5) << 4 | digit(6);
  Code code = bytes({op_dword});
  add(code, __builtin_bswap32(value), 4);
  return code;
}

Code path(std::string_view name) {
  Code code;
  if (name.starts_with('\\')) {
    add(code, '\\', 1);
    name.remove_prefix(1);
  }
  std::vector<std::string_view> segments;
  while (!name.empty()) {
    const size_t dot = name.find('.');
    segments.push_back(name.substr(0, dot));
    name = dot == std::string_view::npos ? std::string_view{} : name.substr(dot + 1);
  }
  if (segments.size() == 2) add(code, prefix_dual_name, 1);
  if (segments.size() > 2)
    add(code, join({bytes({prefix_multi_name}), bytes({static_cast<uint8_t>(segments.size())})}));
  for (const std::string_view segment : segments) add_segment(code, segment);
  return code;
}

Code name(std::string_view name, const Code& value) { return join({bytes({op_name}), path(name), value}); }

Code package(const std::vector<Code>& elements) {
  STRATA_ASSERT(elements.size() < 256);
  Code contents;
  add(contents, elements.size(), 1);
  for (const Code& element : elements) add(contents, element);
  return join({bytes({op_package}), with_length(contents)});
}

Code scope(std::string_view name, std::initializer_list<Code> terms) { return block({op_scope}, path(name), terms); }

Code device(std::string_view name, std::initializer_list<Code> terms) {
  return block({prefix_extended, extended_device}, path(name), terms);
}

Code method(std::string_view name, unsigned arguments, std::initializer_list<Code> terms) {
  return block({op_method}, join({path(name), bytes({static_cast<uint8_t>(arguments)})}), terms);
}

Code argument(unsigned number) { return bytes({static_cast<uint8_t>(op_arg0 + number)}); }
Code store(const Code& value, const Code& target) { return join({bytes({op_store}), value, target}); }
Code give_back(const Code& value) { return join({bytes({op_return}), value}); }

Code if_else(const Code& condition, const Code& then, const Code& otherwise) {
  return join({block({op_if}, condition, {then}), block({op_else}, otherwise, {})});
}

Code io_ports(uint16_t base, uint8_t count) {
  constexpr uint8_t decode_16 = 1;
  Code code = bytes({0x47, decode_16});
  add(code, base, 2);
  add(code, base, 2);
  add(code, 1, 1);
  add(code, count, 1);
  return code;
}

Code irq(unsigned line) {
  Code code = bytes({0x22});
  add(code, uint64_t{1} << line, 2);
  return code;
}

Code bus_numbers(AddressRange range) { return address_space(tag_word, type_bus, 0, 2, range); }
Code port_window(AddressRange range) { return address_space(tag_word, type_io, io_entire_range, 2, range); }
Code memory_window(AddressRange range) { return address_space(tag_dword, type_memory, memory_writable, 4, range); }
Code memory_window_64(AddressRange range) { return address_space(tag_qword, type_memory, memory_writable, 8, range); }

Code fixed_memory(uint32_t base, uint32_t size) {
  Code code = bytes({0x86, 9, 0, 1});
  add(code, base, 4);
  add(code, size, 4);
  return code;
}

Code resources(std::initializer_list<Code> descriptors) {
  Code contents;
  for (const Code& descriptor : descriptors) add(contents, descriptor);
  add(contents, join({bytes({0x79, 0})}));  // end tag; a checksum of zero counts as right
  return join({bytes({op_buffer}), with_length(join({integer(contents.size()), contents}))});
}

}  // namespace strata::machine::pc::aml
