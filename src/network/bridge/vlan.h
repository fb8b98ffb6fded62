// VLAN identifiers, sets of them, and tags (IEEE 802.1Q-2018, clause 9).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "network/bridge/bit_set.h"

namespace strata::network::bridge {

/// 1 to 4094 (table 9-2): 0 stands for "no VLAN, priority only", 4095 is reserved.
using Vid = std::uint16_t;
constexpr Vid no_vid = 0;
constexpr Vid reserved_vid = 0xfff;

constexpr bool is_vlan(Vid vid) { return vid != no_vid && vid < reserved_vid; }

using VlanSet = BitSet<4096>;

/// "10,20-29": numbers and ranges of 1 to 4094, no VLAN twice; an empty text is the empty set.
Result<VlanSet> parse_vlans(std::string_view text);
std::string to_string(const VlanSet& vlans);

/// The EtherType before a tag (table 9-1).
enum class TagType : std::uint16_t { c_vlan = 0x8100, s_vlan = 0x88a8 };

/// A tag: four octets between the addresses and the rest (9.5, 9.6).
struct Tag {
  TagType type = TagType::c_vlan;
  Vid vid = no_vid;
  std::uint8_t priority = 0;   ///< PCP, 0 to 7
  bool drop_eligible = false;  ///< DEI

  static constexpr std::size_t size = 4;

  static constexpr Tag from_control(TagType type, std::uint16_t tci) {
    return {.type = type,
            .vid = static_cast<Vid>(tci & 0xfff),
            .priority = static_cast<std::uint8_t>(tci >> 13),
            .drop_eligible = (tci >> 12 & 1) != 0};
  }
  /// The tag control information (9.6).
  constexpr std::uint16_t control() const {
    return static_cast<std::uint16_t>(priority << 13 | (drop_eligible ? 1 : 0) << 12 | vid);
  }
  bool operator==(const Tag&) const = default;
};

}  // namespace strata::network::bridge
