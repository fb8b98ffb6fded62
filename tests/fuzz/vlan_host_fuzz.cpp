// Fuzz: frames to the switch's host in a VLAN: ARP, DHCP, DNS and what looks like them.
#include "network/services/vlan_host.h"

#include <cstdlib>

using namespace strata::network::services;

namespace {

DhcpOptions options() {
  DhcpOptions options;
  options.server = {0x0a000001, 24};
  options.range = {0x0a000064, 0x0a000066};
  options.name_servers = {options.server.address};
  options.domain = "lab";
  options.hosts = {{MacAddress(0xf1), 0x0a000032, "printer"}};
  return options;
}

}  // namespace

/// The first octet says what the rest is: a frame, or the payload of a datagram to DHCP or DNS.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  int64_t now = 1000;
  VlanHost host(
      MacAddress(0x0200'0000'0001), options(), [&] { return now; },
      [](Bytes frame) {
        if (frame.size() < 14 || frame.size() > 1514) abort();
      },
      nullptr);
  const Bytes rest = std::as_bytes(std::span(data, size)).subspan(1);
  if (data[0] % 3 == 0) {
    host.receive(rest);
  } else {
    const IpPacket packet{MacAddress(0x0200'0000'0002),
                          MacAddress(0x0200'0000'0001),
                          0x0a000064,
                          0x0a000001,
                          protocol_udp,
                          rest.first(std::min<size_t>(rest.size(), 1472))};
    for (int i = 0; i < 3; ++i, now += 100)
      host.receive(make_udp(packet, 5000, data[0] % 3 == 1 ? dhcp_server_port : dns_port));
  }
  for (const auto& [address, lease] : host.dhcp().leases().all()) {
    if (address != 0x0a000032 && (address < 0x0a000064 || address > 0x0a000066)) abort();
  }
  return 0;
}
