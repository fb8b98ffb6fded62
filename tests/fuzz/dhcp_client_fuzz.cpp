// Fuzz: answers of any content to a container's DHCP client, in all of its states.
#include "network/services/dhcp_client.h"

#include <cstdlib>

using namespace strata::network::services;
using namespace std::chrono_literals;

/// Each message is its length and then the payload of an answer: whole and right up to the options, which are the input's.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  constexpr MacAddress mac{0x0200'0000'0001}, server{0x0200'0000'0002};
  DhcpClient::Time now = 1s;
  Frame asked;
  DhcpClient client(mac, "web", 7, [&](Bytes frame) {
    if (frame.size() < 14 || frame.size() > 1514) abort();
    asked.assign(frame.begin(), frame.end());
  });
  client.begin(now);
  ByteReader input(std::as_bytes(std::span(data, size)));
  for (int messages = 0; input.left() > 1 && messages < 64; ++messages) {
    const size_t length = std::min<size_t>(input.u8(), input.left());
    const Bytes options = input.bytes(length);
    const auto request = read_dhcp(read_udp(*read_ip(asked))->payload);
    if (!request) abort();  // what it says itself, our server understands
    Frame answer = write_dhcp({.type = DhcpType::offer, .yours = 0x0a000064, .server = 0x0a000001}, *request);
    answer.resize(240);  // the fixed fields and the cookie
    answer.insert(answer.end(), options.begin(), options.end());
    client.receive(
        make_udp({server, mac, 0x0a000001, 0x0a000064, protocol_udp, answer}, dhcp_server_port, dhcp_client_port), now);
    client.receive(options, now);
    if (client.grant() && client.grant()->address.prefix > 32) abort();
    if (client.deadline() < now) abort();
    now = std::min(client.deadline(), now + 1h);
    client.tick(now);
  }
  return 0;
}
