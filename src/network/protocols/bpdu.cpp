// BPDUs written and read.
#include "network/protocols/bpdu.h"

#include <algorithm>

namespace strata::network::protocols {
namespace {

constexpr uint32_t llc_bpdu = 0x424203;  // DSAP, SSAP, unnumbered information
constexpr size_t llc_size = 3;
constexpr size_t header_size = 14;
constexpr size_t smallest_frame = 60;
constexpr size_t config_size = 35;  // a rapid BPDU has one more, the length of a version 1 part
constexpr uint8_t rapid_version = 2;

enum Flag : uint8_t {
  flag_topology_change = 1,
  flag_proposal = 2,
  role_shift = 2,  // of two bits
  flag_learning = 0x10,
  flag_forwarding = 0x20,
  flag_agreement = 0x40,
  flag_topology_change_ack = 0x80,
};

uint8_t role_bits(PortRole role) {
  switch (role) {
    case PortRole::disabled: return 0;
    case PortRole::alternate:
    case PortRole::backup: return 1;
    case PortRole::root: return 2;
    case PortRole::designated: return 3;
  }
  return 0;
}

PortRole role_of_bits(unsigned bits) {
  constexpr PortRole roles[] = {PortRole::disabled, PortRole::alternate, PortRole::root, PortRole::designated};
  return roles[bits & 3];
}

uint8_t flags_of(const Bpdu& bpdu) {
  unsigned flags = bpdu.topology_change ? flag_topology_change : 0;
  if (bpdu.topology_change_ack) flags |= flag_topology_change_ack;
  if (bpdu.type == BpduType::config) return static_cast<uint8_t>(flags);
  flags |= role_bits(bpdu.role) << role_shift;
  if (bpdu.proposal) flags |= flag_proposal;
  if (bpdu.learning) flags |= flag_learning;
  if (bpdu.forwarding) flags |= flag_forwarding;
  if (bpdu.agreement) flags |= flag_agreement;
  return static_cast<uint8_t>(flags);
}

void take_flags(Bpdu& bpdu, uint8_t flags) {
  bpdu.topology_change = (flags & flag_topology_change) != 0;
  bpdu.topology_change_ack = (flags & flag_topology_change_ack) != 0;
  if (bpdu.type == BpduType::config) return;  // conveys a designated port
  bpdu.role = role_of_bits(flags >> role_shift);
  bpdu.proposal = (flags & flag_proposal) != 0;
  bpdu.learning = (flags & flag_learning) != 0;
  bpdu.forwarding = (flags & flag_forwarding) != 0;
  bpdu.agreement = (flags & flag_agreement) != 0;
}

void put_address(WireWriter& to, uint64_t address) {
  to.put<uint16_t>(static_cast<uint16_t>(address >> 32));
  to.put<uint32_t>(static_cast<uint32_t>(address));
}
uint64_t take_address(WireReader& from) {
  const uint64_t high = from.take<uint16_t>();
  return high << 32 | from.take<uint32_t>();
}

void put_bridge(WireWriter& to, const BridgeId& bridge) {
  to.put<uint16_t>(bridge.priority);
  put_address(to, bridge.address);
}
BridgeId take_bridge(WireReader& from) {
  const auto priority = from.take<uint16_t>();
  return {priority, take_address(from)};
}

// Times are in units of 1/256 second on the wire.
void put_seconds(WireWriter& to, uint8_t seconds) { to.put<uint16_t>(seconds * 256); }
uint8_t take_seconds(WireReader& from) {
  return static_cast<uint8_t>(std::min<unsigned>((from.take<uint16_t>() + 128u) / 256, 255));
}

BpduTimes take_times(WireReader& from) {
  BpduTimes times;
  times.message_age = take_seconds(from);
  times.max_age = std::clamp<uint8_t>(take_seconds(from), 6, 40);
  times.hello_time = std::clamp<uint8_t>(take_seconds(from), 1, 10);
  times.forward_delay = std::clamp<uint8_t>(take_seconds(from), 2, 30);  // Linux takes 2, the standard 4
  return times;
}

std::optional<Bpdu> decode(WireReader from) {
  if (from.take<uint16_t>() != 0) return std::nullopt;  // another protocol
  const auto version = from.take<uint8_t>();
  const auto type = from.take<uint8_t>();
  Bpdu bpdu;
  if (type == static_cast<uint8_t>(BpduType::topology_change_notification)) {
    bpdu.type = BpduType::topology_change_notification;
    return from.failed() ? std::nullopt : std::optional(bpdu);
  }
  if (type == static_cast<uint8_t>(BpduType::config)) {
    bpdu.type = BpduType::config;
  } else if (type != static_cast<uint8_t>(BpduType::rapid) || version < rapid_version) {
    return std::nullopt;
  }
  take_flags(bpdu, from.take<uint8_t>());
  bpdu.priority.root = take_bridge(from);
  bpdu.priority.root_path_cost = from.take<uint32_t>();
  bpdu.priority.bridge = take_bridge(from);
  bpdu.priority.port = from.take<uint16_t>();
  bpdu.times = take_times(from);
  if (bpdu.type == BpduType::rapid) from.take<uint8_t>();
  if (from.failed()) return std::nullopt;
  if (bpdu.type == BpduType::config && bpdu.times.message_age >= bpdu.times.max_age) return std::nullopt;
  return bpdu;
}

}  // namespace

std::vector<std::byte> encode_bpdu_frame(const Bpdu& bpdu, uint64_t source) {
  const bool is_notification = bpdu.type == BpduType::topology_change_notification;
  const bool is_rapid = bpdu.type == BpduType::rapid;
  WireWriter to;
  put_address(to, bridge_group_address);
  put_address(to, source);
  to.put<uint16_t>(static_cast<uint16_t>(llc_size + (is_notification ? 4 : config_size + is_rapid)));
  to.put<uint8_t>(llc_bpdu >> 16);
  to.put<uint16_t>(llc_bpdu & 0xffff);
  to.put<uint16_t>(0);
  to.put<uint8_t>(is_rapid ? rapid_version : 0);
  to.put<uint8_t>(static_cast<uint8_t>(bpdu.type));
  if (!is_notification) {
    to.put<uint8_t>(flags_of(bpdu));
    put_bridge(to, bpdu.priority.root);
    to.put<uint32_t>(bpdu.priority.root_path_cost);
    put_bridge(to, bpdu.priority.bridge);
    to.put<uint16_t>(bpdu.priority.port);
    put_seconds(to, bpdu.times.message_age);
    put_seconds(to, bpdu.times.max_age);
    put_seconds(to, bpdu.times.hello_time);
    put_seconds(to, bpdu.times.forward_delay);
    if (is_rapid) to.put<uint8_t>(0);
  }
  to.pad_to(smallest_frame);
  return to.finish();
}

std::optional<Bpdu> decode_bpdu_frame(Bytes frame) {
  WireReader from(frame);
  from.take_bytes(header_size - 2);
  const auto length = from.take<uint16_t>();
  if (from.failed() || length < llc_size || length > from.rest().size()) return std::nullopt;
  WireReader contents(from.rest().first(length));
  const uint32_t llc_high = contents.take<uint8_t>();
  if ((llc_high << 16 | contents.take<uint16_t>()) != llc_bpdu) return std::nullopt;
  return decode(contents);
}

}  // namespace strata::network::protocols
