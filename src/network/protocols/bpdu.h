// BPDUs: what bridges tell each other to find a spanning tree (IEEE 802.1D-2004, clause 9).
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <vector>

#include "network/protocols/wire.h"

namespace strata::network::protocols {

/// The better of two has the lower number (9.2.5).
struct BridgeId {
  uint16_t priority = 0x8000;  ///< a multiple of 4096; the rest is the system ID extension, zero here
  uint64_t address = 0;        ///< 48 bits

  auto operator<=>(const BridgeId&) const = default;
};

/// Spanning tree priority vector (17.5): compared component by component, the lower is the better.
struct PriorityVector {
  BridgeId root;
  uint32_t root_path_cost = 0;
  BridgeId bridge;    ///< designated for the LAN
  uint16_t port = 0;  ///< its port identifier: 4 bits of priority, 12 of number

  auto operator<=>(const PriorityVector&) const = default;
};

/// In seconds (17.4). What comes in is rounded and brought into the range that 17.14 gives to the three last.
struct BpduTimes {
  uint8_t message_age = 0;
  uint8_t max_age = 20;
  uint8_t hello_time = 2;
  uint8_t forward_delay = 15;

  bool operator==(const BpduTimes&) const = default;
};

enum class BpduType : uint8_t { config = 0, rapid = 2, topology_change_notification = 0x80 };

enum class PortRole : uint8_t { disabled, root, designated, alternate, backup };

struct Bpdu {
  BpduType type = BpduType::rapid;
  // Flags (9.2.9). Of a config BPDU only the first and the last.
  bool topology_change = false;
  bool proposal = false;
  PortRole role = PortRole::designated;  ///< alternate stands for backup too, disabled for "unknown"
  bool learning = false;
  bool forwarding = false;
  bool agreement = false;
  bool topology_change_ack = false;

  PriorityVector priority;
  BpduTimes times;

  bool operator==(const Bpdu&) const = default;
};

constexpr uint64_t bridge_group_address = 0x0180'c200'0000;

/// A whole Ethernet frame, padded to 60 bytes.
std::vector<std::byte> encode_bpdu_frame(const Bpdu& bpdu, uint64_t source);

/// Of a whole Ethernet frame to the bridge group address. Nothing if it is no BPDU or none that 9.3.4 lets pass.
std::optional<Bpdu> decode_bpdu_frame(Bytes frame);

}  // namespace strata::network::protocols
