// Section, interface, packet and statistics blocks of pcapng, in the byte order of the machine.
#include "network/switch/pcapng.h"

#include <cstring>

namespace strata::network {
namespace {

// Block types, section 4; options, sections 3.5 and 4.
constexpr uint32_t section_header = 0x0a0d0d0a, interface_description = 1, interface_statistics = 5,
                   enhanced_packet = 6;
constexpr uint32_t byte_order_magic = 0x1a2b3c4d;
constexpr uint16_t shb_userappl = 4, if_name = 2, if_description = 3, if_tsresol = 9, epb_flags = 2, isb_ifrecv = 4,
                   isb_ifdrop = 5;
constexpr uint16_t linktype_ethernet = 1;
constexpr uint8_t nanoseconds = 9;  // 10 to the power of -9

std::span<const std::byte> as_bytes(std::string_view text) { return std::as_bytes(std::span(text)); }

}  // namespace

void PcapngWriter::section(std::string_view application) {
  const size_t start = begin(section_header);
  number32(byte_order_magic);
  number16(1);  // major and minor version
  number16(0);
  number64(~uint64_t{0});  // the section's length is not known before its end
  option(shb_userappl, application);
  end_of_options();
  end(start);
}

void PcapngWriter::interface(std::string_view name, std::string_view description, uint32_t snap_length) {
  const size_t start = begin(interface_description);
  number16(linktype_ethernet);
  number16(0);
  number32(snap_length);
  option(if_name, name);
  if (!description.empty()) option(if_description, description);
  const auto resolution = std::byte{nanoseconds};
  option(if_tsresol, std::span(&resolution, 1));
  end_of_options();
  end(start);
}

void PcapngWriter::frame(const CapturedFrame& frame) {
  const size_t start = begin(enhanced_packet);
  number32(frame.interface);
  stamp(frame.time_ns);
  number32(static_cast<uint32_t>(frame.bytes.size()));
  number32(frame.original_size);
  padded(frame.bytes);
  if (frame.direction != CaptureDirection::unknown) {
    const auto flags = static_cast<uint32_t>(frame.direction);
    option(epb_flags, std::as_bytes(std::span(&flags, 1)));
    end_of_options();
  }
  end(start);
}

void PcapngWriter::statistics(uint32_t interface, uint64_t time_ns, uint64_t received, uint64_t dropped) {
  const size_t start = begin(interface_statistics);
  number32(interface);
  stamp(time_ns);
  option64(isb_ifrecv, received);
  option64(isb_ifdrop, dropped);
  end_of_options();
  end(start);
}

size_t PcapngWriter::begin(uint32_t type) {
  const size_t start = out_.size();
  number32(type);
  number32(0);  // the length, filled in at the end
  return start;
}

void PcapngWriter::end(size_t start) {
  const auto length = static_cast<uint32_t>(out_.size() - start + 4);
  number32(length);
  std::memcpy(&out_[start + 4], &length, sizeof length);
}

void PcapngWriter::number16(uint16_t value) { raw(std::as_bytes(std::span(&value, 1))); }

void PcapngWriter::number32(uint32_t value) { raw(std::as_bytes(std::span(&value, 1))); }

void PcapngWriter::number64(uint64_t value) { raw(std::as_bytes(std::span(&value, 1))); }

/// The upper half stands first, whatever the byte order (section 4.3).
void PcapngWriter::stamp(uint64_t time_ns) {
  number32(static_cast<uint32_t>(time_ns >> 32));
  number32(static_cast<uint32_t>(time_ns));
}

void PcapngWriter::raw(std::span<const std::byte> value) { out_.insert(out_.end(), value.begin(), value.end()); }

/// Everything of variable length fills whole words of 32 bits.
void PcapngWriter::padded(std::span<const std::byte> value) {
  raw(value);
  out_.resize(out_.size() + (-value.size() & 3));
}

void PcapngWriter::end_of_options() { number32(0); }

void PcapngWriter::option(uint16_t code, std::span<const std::byte> value) {
  number16(code);
  number16(static_cast<uint16_t>(value.size()));
  padded(value);
}

void PcapngWriter::option(uint16_t code, std::string_view text) { option(code, as_bytes(text.substr(0, 1000))); }

void PcapngWriter::option64(uint16_t code, uint64_t value) { option(code, std::as_bytes(std::span(&value, 1))); }

}  // namespace strata::network
