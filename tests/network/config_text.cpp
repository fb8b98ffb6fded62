// Configurations from their text.
#include "tests/network/config_text.h"

#include "tests/network/frame_text.h"
#include "tests/network/words.h"

namespace strata::network::conformance {

namespace {

using namespace bridge;

template <class T>
T small(std::string_view text) {
  return static_cast<T>(number(text));
}

// "10" or "1000-2000".
NumberRange range(std::string_view text) {
  const auto [first, last] = split_pair(text, '-');
  return {small<std::uint16_t>(first), small<std::uint16_t>(last.empty() ? first : last)};
}

// "deny,from=A,to-ip=10.0.0.0/8,protocol=6,to-port=80".
AclRule parse_rule(std::string_view text) {
  AclRule rule;
  for (const auto word : split(text, ',')) {
    const auto [key, value] = split_pair(word);
    if (key == "deny") rule.action = AclRule::Action::deny;
    else if (key == "permit") rule.action = AclRule::Action::permit;
    else if (key == "from") rule.source = MacMatch{parse_station(value)};
    else if (key == "to") rule.destination = MacMatch{parse_station(value)};
    else if (key == "from-mask") rule.source->mask = must(MacAddress::parse(value));
    else if (key == "vlan") rule.vlans = range(value);
    else if (key == "type") rule.ether_type = static_cast<std::uint16_t>(number(value, 16));
    else if (key == "from-ip") rule.source_ip = must(IpPrefix::parse(value));
    else if (key == "to-ip") rule.destination_ip = must(IpPrefix::parse(value));
    else if (key == "protocol") rule.protocol = small<std::uint8_t>(value);
    else if (key == "from-port") rule.source_port = range(value);
    else if (key == "to-port") rule.destination_port = range(value);
    else throw Mistake(fmt::format("'{}' says nothing about a rule", word));
  }
  return rule;
}

// "10/B".
StaticEntry parse_static(std::string_view text) {
  const auto [vid, address] = split_pair(text, '/');
  return {small<Vid>(vid), parse_station(address)};
}

// "1000/64": a second, burst.
StormLimit parse_storm(std::string_view text) {
  const auto [rate, burst] = split_pair(text, '/');
  return {small<std::uint32_t>(rate), burst.empty() ? 0 : small<std::uint32_t>(burst)};
}
RateLimit parse_rate(std::string_view text) {
  const auto [rate, burst] = split_pair(text, '/');
  RateLimit limit{.bits_per_second = number(rate)};
  if (!burst.empty()) limit.burst_bytes = small<std::uint32_t>(burst);
  return limit;
}

FrameTypes parse_types(std::string_view text) {
  if (text == "all") return FrameTypes::all;
  if (text == "tagged") return FrameTypes::tagged;
  if (text == "untagged") return FrameTypes::untagged;
  throw Mistake(fmt::format("'{}' are no frame types", text));
}

template <class Array>
void read_list(Array& array, std::string_view text) {
  const auto words = split(text, ',');
  if (words.size() != array.size()) throw Mistake(fmt::format("{} numbers wanted in '{}'", array.size(), text));
  for (std::size_t i = 0; i < words.size(); ++i) array[i] = small<typename Array::value_type>(words[i]);
}

bool read_vlans(PortConfig& port, std::string_view key, std::string_view value) {
  if (key == "tagged") return port.tagged = must(parse_vlans(value)), true;
  if (key == "untagged") return port.untagged = must(parse_vlans(value)), true;
  if (key == "forbidden") return port.forbidden = must(parse_vlans(value)), true;
  if (key == "pvid") return port.pvid = small<Vid>(value), true;
  if (key == "accept") return port.accept = parse_types(value), true;
  if (key == "type") return port.tag_type = value == "s" ? TagType::s_vlan : TagType::c_vlan, true;
  if (key == "filtering") return port.ingress_filtering = value != "off", true;
  if (key == "nested") return port.nested_tags = true;
  if (key == "isolated") return port.isolated = true;
  return false;
}

bool read_limits(PortConfig& port, std::string_view key, std::string_view value) {
  if (key == "priority") return port.default_priority = small<std::uint8_t>(value), true;
  if (key == "regenerate") return read_list(port.regeneration, value), true;
  if (key == "classes") return read_list(port.queues.traffic_class, value), true;
  if (key == "weights") return read_list(port.queues.weights, value), true;
  if (key == "queue") return port.queues.max_frames = small<std::uint32_t>(value), true;
  if (key == "mtu") return port.mtu = small<std::uint16_t>(value), true;
  if (key == "learning") return port.learning = value != "off", true;
  if (key == "limit") return port.learning_limit = small<std::uint32_t>(value), true;
  if (key == "beyond-limit") return port.drop_beyond_limit = value == "drop", true;
  if (key == "static") return port.static_entries.push_back(parse_static(value)), true;
  if (key == "rate-in") return port.ingress_rate = parse_rate(value), true;
  if (key == "rate-out") return port.egress_rate = parse_rate(value), true;
  if (key == "broadcast") return port.storm.broadcast = parse_storm(value), true;
  if (key == "multicast") return port.storm.multicast = parse_storm(value), true;
  if (key == "unknown") return port.storm.unknown_unicast = parse_storm(value), true;
  if (key == "acl-in") return port.ingress_acl.push_back(parse_rule(value)), true;
  if (key == "acl-out") return port.egress_acl.push_back(parse_rule(value)), true;
  return false;
}

}  // namespace

PortConfig parse_port(std::string_view text) {
  const auto words = split(text, ' ');
  if (words.empty()) throw Mistake("a port without a name");
  PortConfig port{.name = std::string(words[0])};
  VlanSet trunk;
  for (std::size_t i = 1; i < words.size(); ++i) {
    const auto [key, value] = split_pair(words[i]);
    if (key == "vlan") {
      port = access_port(port.name, small<Vid>(value));
    } else if (key == "trunk") {
      trunk = must(parse_vlans(value));
      port = trunk_port(port.name, trunk);
    } else if (key == "native") {
      port = trunk_port(port.name, trunk, small<Vid>(value));
    } else if (!read_vlans(port, key, value) && !read_limits(port, key, value)) {
      throw Mistake(fmt::format("'{}' says nothing about a port", words[i]));
    }
  }
  return port;
}

BridgeConfig parse_switch(std::string_view text) {
  BridgeConfig config;
  for (const auto word : split(text, ' ')) {
    const auto [key, value] = split_pair(word);
    if (key == "ageing") config.ageing = std::chrono::seconds(number(value));
    else if (key == "shared") config.shared_learning.push_back(must(parse_vlans(value)));
    else if (key == "addresses") config.max_addresses = small<std::uint32_t>(value);
    else if (key == "acl") config.acl.push_back(parse_rule(value));
    else throw Mistake(fmt::format("'{}' says nothing about a switch", word));
  }
  return config;
}

}  // namespace strata::network::conformance
