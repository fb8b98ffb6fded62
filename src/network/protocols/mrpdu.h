// MRPDU: what MRP participants tell each other, as bytes (802.1Q-2018, 10.8), for attributes that are 16-bit numbers.
#pragma once

#include <cstdint>
#include <vector>

#include "network/protocols/wire.h"

namespace strata::network::protocols {

/// What is said of one attribute: declared (join, new) or not, and registered ("in") or not ("empty") by the sender
/// (10.8.1.2, AttributeEvent; the numbers are those on the wire).
enum class MrpMessage : uint8_t { new_ = 0, join_in = 1, in = 2, join_empty = 3, empty = 4, leave = 5 };

struct MrpEvent {
  uint16_t value = 0;
  MrpMessage message = MrpMessage::empty;

  bool operator==(const MrpEvent&) const = default;
};

struct Mrpdu {
  bool leave_all = false;        ///< goes before all events
  std::vector<MrpEvent> events;  ///< in ascending order of values where we are the sender

  bool operator==(const Mrpdu&) const = default;
};

/// MVRP's only attribute type: a VLAN identifier, two bytes (11.2.3.1.6).
constexpr uint8_t mvrp_vid_attribute = 1;
/// What one frame of 1,500 bytes carries.
constexpr size_t max_mrpdu_size = 1500;

/// As many PDUs as it takes; none for an Mrpdu that says nothing. LeaveAll stands in the first.
std::vector<std::vector<std::byte>> encode(const Mrpdu& mrpdu, uint8_t attribute_type);

/// `bytes` is what follows the EtherType. A damaged PDU counts up to the place of the damage, and attributes of other
/// types are passed over, as those of a later protocol version would have to be (10.8.3).
Mrpdu decode_mrpdu(Bytes bytes, uint8_t attribute_type);

}  // namespace strata::network::protocols
