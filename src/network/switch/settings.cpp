// The tables of settings.
#include "network/switch/settings.h"

#include <algorithm>
#include <array>

namespace strata::network {
namespace {

using enum ValueKind;

constexpr Alternative access = {1, 1}, trunk = {1, 2};
constexpr Alternative in_namespace = {2, 1}, host_tap = {2, 2}, host_interface = {2, 3}, stream = {2, 4},
                      tunnel = {2, 5}, nat = {2, 6};

// clang-format off
constexpr SettingInfo option_settings[] = {
    {"ageing", "SECONDS", "how long a learnt address is kept (300)", number},
    {"max-addresses", "N", "addresses learnt at most (65536)", number},
    {"shared-learning", "VLANS", "these VLANs learn together", list},
    {"rstp", "", "no loops: the Rapid Spanning Tree Protocol (802.1D-2004)", flag},
    {"stp-priority", "0-61440", "in steps of 4096; the lowest of all switches becomes the root (32768)", number},
    {"stp-hello", "1-10", "seconds between BPDUs (2)", number},
    {"stp-max-age", "6-40", "seconds that a BPDU holds (20)", number},
    {"stp-forward-delay", "4-30", "seconds of listening, and of learning, beside switches without RSTP (15)", number},
    {"mvrp", "", "VLANs cross switches by themselves, at ports with mvrp (802.1Q, clause 11)", flag},
    {"snooping", "VLANS", "multicast goes only where it is wanted (IGMP and MLD snooping); all, none (none)"},
    {"snooping-fast-leave", "", "a host that leaves a group is believed at once: one host behind each port", flag},
    {"busy-poll", "MICROSECONDS", "go on looking for frames for so long before sleeping (0)", number},
};

constexpr SettingInfo port_settings[] = {
    // Where the cable goes.
    {"netns", "NAMESPACE", "an interface in this network namespace: a name of ip netns, a process's number, a path", text, in_namespace},
    {"ifname", "NAME", "what the interface in the namespace is called (the port's name)", text, in_namespace},
    {"tap", "NAME", "a TAP interface of this host", text, host_tap},
    {"interface", "NAME", "an interface of this host that is there already", text, host_interface},
    {"socket", "PATH", "listen at a stream socket, for a machine (QEMU: -netdev stream) or another switch", text, stream},
    {"connect", "PATH", "connect to the socket of another switch", text, stream},
    {"offloads", "", "with --socket or --connect: the other end is Strata too, large TCP segments pass whole", flag, stream},
    {"vxlan", "REMOTE,vni=N[,port=N][,local=ADDRESS][,local-port=N]", "a VXLAN tunnel to another host", text, tunnel},
    {"user", "", "the outside, by the sockets of this user (NAT)", flag, nat},
    {"forward", "tcp:HOSTPORT:PORT", "with --user: a port of the host that leads in", list, nat},
    // VLANs.
    {"vlan", "VLAN", "access port of this VLAN (1)", number, access},
    {"trunk", "VLANS", "trunk: tagged frames of these VLANs, such as 10,20-29; none, all", text, trunk},
    {"native", "VLAN", "trunk: frames without a tag belong to this VLAN", number, trunk},
    {"untagged", "VLANS", "trunk: these VLANs leave without a tag too", text, trunk},
    {"pvid", "VLAN", "trunk: frames without a tag that come in belong to this VLAN (native)", number, trunk},
    {"forbidden", "VLANS", "trunk: VLANs that MVRP must not bring here", text, trunk},
    {"qinq", "", "tags are service tags (0x88a8); the stations' own tags are payload", flag},
    {"accept", "all|tagged|untagged", "frames that are taken (all)"},
    {"ingress-filtering", "BOOL", "drop frames of VLANs that the port is no member of (true)", flag},
    {"nested-tags", "", "let frames out untagged although another tag follows", flag},
    // Traffic.
    {"down", "", "switched off", flag},
    {"mtu", "OCTETS", "68 to 9216 (1500)", number},
    {"isolated", "", "no traffic between this and other isolated ports", flag},
    {"priority", "0-7", "of frames without a tag (0)", number},
    {"regenerate", "P=Q,…", "priority that comes in to priority that counts"},
    {"rate-in", "BITS", "a second at most, such as 100M; the rest is dropped"},
    {"rate-out", "BITS", "a second at most, such as 100M; the rest waits in the queues"},
    {"queue-class", "P=CLASS,…", "priority to queue, 0 to 7"},
    {"queue-weights", "CLASS=WEIGHT,…", "queues that share what the strict ones leave"},
    {"queue-frames", "N", "frames that wait in each queue at most (1024)", number},
    {"broadcast-limit", "N", "broadcast frames a second at most", number},
    {"multicast-limit", "N", "multicast frames a second at most", number},
    {"unknown-limit", "N", "frames to unknown stations a second at most", number},
    // Other switches.
    {"mvrp", "", "learn VLANs from the switch at the other end, and tell it ours", flag},
    {"mvrp-restricted", "", "learn no VLAN that is configured nowhere in this switch", flag},
    {"edge", "", "no switch is expected here: forwards at once", flag},
    {"auto-edge", "BOOL", "becomes an edge when no switch was heard for three seconds (true)", flag},
    {"cost", "N", "of a way over this port, for RSTP (20000, a gigabit a second)", number},
    {"stp-priority", "0-240", "of this port, in steps of 16 (128)", number},
    {"bpdu-guard", "", "a switch that shows itself here shuts the port", flag},
    {"root-guard", "", "never the way to the root", flag},
    {"tcn-guard", "", "topology changes heard here are not passed on", flag},
    // Stations.
    {"learning", "BOOL", "learn the addresses of stations (true)", flag},
    {"mac-limit", "N", "stations learnt here at most; 0: no limit", number},
    {"mac-limit-drop", "", "drop the frames of further stations", flag},
    {"static", "VLAN/MAC", "a station that is always here", list},
};

constexpr SettingInfo mirror_settings[] = {
    {"to", "PORT", "the port that gets the copies, and nothing else"},
    {"ports", "PORT", "whose frames are copied", list},
    {"direction", "in|out|both", "as seen from the switch (both)"},
};

constexpr SettingInfo acl_settings[] = {
    {"action", "permit|deny", "what is done with a frame that matches"},
    {"port", "PORT", "at this port (all)"},
    {"direction", "in|out", "where frames enter the switch, or leave (in)"},
    {"vlan", "VLAN[-VLAN]", "of these VLANs"},
    {"from-mac", "MAC[/MASK]", "from this station"},
    {"to-mac", "MAC[/MASK]", "to this station"},
    {"ethertype", "TYPE", "0x0806, or ip, ip6, arp"},
    {"from", "ADDRESS[/PREFIX]", "from these IP addresses"},
    {"to", "ADDRESS[/PREFIX]", "to these IP addresses"},
    {"protocol", "tcp|udp|icmp|icmp6|N", "of this IP protocol"},
    {"from-port", "N[-N]", "from these TCP or UDP ports"},
    {"to-port", "N[-N]", "to these TCP or UDP ports"},
};

constexpr SettingInfo dhcp_settings[] = {
    {"address", "ADDRESS/PREFIX", "of the switch itself in this VLAN"},
    {"range", "FIRST-LAST", "addresses to give"},
    {"router", "ADDRESS", "the way out of the VLAN that clients are told"},
    {"dns", "ADDRESS", "resolvers that clients are told (the switch itself)", list},
    {"domain", "NAME", "of the clients' names"},
    {"lease", "SECONDS", "(3600)", number},
    {"mtu", "OCTETS", "that clients are told", number},
    {"host", "MAC=ADDRESS[=NAME]", "a fixed address", list},
};

// clang-format on

constexpr KindInfo kinds[] = {
    {PartKind::options, options_name, option_settings},
    {PartKind::port, "port", port_settings},
    {PartKind::mirror, "mirror", mirror_settings},
    {PartKind::acl, "acl", acl_settings},
    {PartKind::dhcp, "dhcp", dhcp_settings},
};

constexpr size_t longest_value = 4096;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// Takes the digits at the front off, without leading zeros.
std::string_view take_number(std::string_view& text) {
  const size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  std::string_view number = text.substr(0, digits);
  text.remove_prefix(digits);
  number.remove_prefix(std::min(number.find_first_not_of('0'), number.size()));
  return number;
}

bool exclude(const SettingInfo& a, const SettingInfo& b) {
  return a.alternative.group != 0 && a.alternative.group == b.alternative.group &&
         a.alternative.number != b.alternative.number;
}

Result<void> check_values(const SettingInfo& setting, const std::vector<std::string>& values) {
  if (setting.kind != list && values.size() > 1)
    return fail(ErrorCode::usage, "{} can be given only once", setting.name);
  if (setting.kind == flag && values.size() == 1 && values[0] != "true" && values[0] != "false") {
    return fail(ErrorCode::usage, "{} '{}' is neither true nor false", setting.name, values[0]);
  }
  const bool short_enough =
      std::all_of(values.begin(), values.end(), [](const auto& v) { return v.size() <= longest_value; });
  if (!short_enough) return fail(ErrorCode::usage, "{} is longer than {} characters", setting.name, longest_value);
  return {};
}

}  // namespace

const KindInfo& info_of(PartKind kind) { return kinds[static_cast<size_t>(kind)]; }

const KindInfo* find_kind(std::string_view name) {
  const auto* found =
      std::find_if(std::begin(kinds), std::end(kinds), [&](const KindInfo& each) { return each.name == name; });
  return found == std::end(kinds) ? nullptr : found;
}

const SettingInfo* find_setting(PartKind kind, std::string_view name) {
  for (const SettingInfo& setting : info_of(kind).settings) {
    if (setting.name == name) return &setting;
  }
  return nullptr;
}

bool NaturalLess::operator()(std::string_view a, std::string_view b) const {
  const std::string_view whole_a = a, whole_b = b;
  while (!a.empty() && !b.empty()) {
    if (is_digit(a[0]) && is_digit(b[0])) {
      const std::string_view number_a = take_number(a), number_b = take_number(b);
      if (number_a.size() != number_b.size()) return number_a.size() < number_b.size();
      if (number_a != number_b) return number_a < number_b;
    } else {
      if (a[0] != b[0]) return a[0] < b[0];
      a.remove_prefix(1), b.remove_prefix(1);
    }
  }
  if (a.empty() != b.empty()) return a.empty();
  return whole_a < whole_b;  // "p1" and "p01" are two names
}

std::string_view Settings::text(std::string_view name) const {
  const auto& values = list(name);
  return values.empty() ? std::string_view{} : values.front();
}

bool Settings::flag(std::string_view name, bool otherwise) const {
  return has(name) ? text(name) == "true" : otherwise;
}

const std::vector<std::string>& Settings::list(std::string_view name) const {
  static const std::vector<std::string> none;
  const auto found = values_.find(name);
  return found == values_.end() ? none : found->second;
}

void Settings::set(std::string_view name, std::vector<std::string> values) {
  values_.insert_or_assign(std::string(name), std::move(values));
}

void Settings::remove(std::string_view name) {
  const auto found = values_.find(name);
  if (found != values_.end()) values_.erase(found);
}

Result<void> check_settings(PartKind kind, const Settings& settings) {
  for (const auto& [name, values] : settings.all()) {
    const SettingInfo* setting = find_setting(kind, name);
    if (!setting) return fail(ErrorCode::usage, "there is no setting '{}'", name);
    STRATA_TRY(check_values(*setting, values));
    for (const SettingInfo& other : info_of(kind).settings) {
      if (exclude(*setting, other) && !settings.list(other.name).empty() && !values.empty()) {
        return fail(ErrorCode::usage, "{} and {} do not go together", name, other.name);
      }
    }
  }
  return {};
}

Result<void> change_settings(PartKind kind, Settings& settings, const Settings& changes) {
  STRATA_TRY(check_settings(kind, changes));
  for (const auto& [name, values] : changes.all()) {
    for (const SettingInfo& other : info_of(kind).settings) {
      if (!values.empty() && exclude(*find_setting(kind, name), other)) settings.remove(other.name);
    }
  }
  for (const auto& [name, values] : changes.all()) {
    values.empty() ? settings.remove(name) : settings.set(name, values);
  }
  return {};
}

}  // namespace strata::network
