// The blocks of a capture file in pcapng form (IETF draft-ietf-opsawg-pcapng), as Wireshark reads it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace strata::network {

/// As seen from the switch.
enum class CaptureDirection : uint8_t { unknown = 0, in = 1, out = 2 };

struct CapturedFrame {
  uint32_t interface = 0;  ///< number of the interface block, from 0
  uint64_t time_ns = 0;    ///< since 1970
  CaptureDirection direction = CaptureDirection::unknown;
  std::span<const std::byte> bytes;
  uint32_t original_size = 0;  ///< more than `bytes` has, where the frame was cut
};

/// Appends blocks to `out`, which is sent or written as it is. A file is one section, then interfaces before their
/// frames, in any order otherwise.
class PcapngWriter {
 public:
  explicit PcapngWriter(std::vector<std::byte>& out) : out_(out) {}

  void section(std::string_view application);
  /// Ethernet, stamps in nanoseconds. Frames longer than `snap_length` are cut by whoever captures; 0 is no limit.
  void interface(std::string_view name, std::string_view description, uint32_t snap_length);
  void frame(const CapturedFrame& frame);
  /// What was seen on an interface and what was lost because the reader was slow.
  void statistics(uint32_t interface, uint64_t time_ns, uint64_t received, uint64_t dropped);

 private:
  size_t begin(uint32_t type);
  void end(size_t start);
  void number16(uint16_t value);
  void number32(uint32_t value);
  void number64(uint64_t value);
  void stamp(uint64_t time_ns);
  void raw(std::span<const std::byte> value);
  void padded(std::span<const std::byte> value);
  void option(uint16_t code, std::span<const std::byte> value);
  void option(uint16_t code, std::string_view text);
  void option64(uint16_t code, uint64_t value);
  void end_of_options();

  std::vector<std::byte>& out_;
};

}  // namespace strata::network
