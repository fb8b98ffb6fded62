// What --net takes, and what it says of what it does not.
#include "control/net_choice.h"

#include <gtest/gtest.h>

namespace strata::control {
namespace {

std::string error_of(std::string_view text) {
  const auto net = parse_net(text);
  return net ? "none" : net.error().message;
}

TEST(NetChoice, ReadsAllForms) {
  EXPECT_EQ(parse_net("none")->kind, NetChoice::Kind::none);
  EXPECT_EQ(parse_net("user,forward=tcp:8080:80,forward=udp:53:53")->forwards,
            (std::vector<std::string>{"tcp:8080:80", "udp:53:53"}));
  const auto access = *parse_net("lab,vlan=10,mac=52:54:00:00:00:07,port=web");
  EXPECT_EQ(access.kind, NetChoice::Kind::network);
  EXPECT_EQ(access.network, "lab");
  EXPECT_EQ(access.port, "web");
  EXPECT_EQ(access.settings.text("vlan"), "10");
  EXPECT_EQ(access.mac, network::bridge::MacAddress(0x525400000007));
  const auto trunk = *parse_net("lab,trunk=10,20-29,native=10,isolated");
  EXPECT_EQ(trunk.settings.text("trunk"), "10,20-29");
  EXPECT_EQ(trunk.settings.text("native"), "10");
  EXPECT_TRUE(trunk.settings.flag("isolated"));
}

TEST(NetChoice, ReadsWhatOnlyContainersHave) {
  EXPECT_EQ(parse_net("host", NetOwner::container)->kind, NetChoice::Kind::host);
  const auto net = *parse_net("lab,vlan=10,address=10.0.10.5/24", NetOwner::container);
  EXPECT_FALSE(net.dhcp);
  EXPECT_EQ(net.address, (network::services::Ipv4Network{0x0a000a05, 24}));
  const auto none = *parse_net("lab,address=none", NetOwner::container);
  EXPECT_FALSE(none.dhcp || none.address);
  EXPECT_TRUE(parse_net("lab", NetOwner::container)->dhcp);
  EXPECT_NE(error_of("host").find("for containers"), std::string::npos);
  EXPECT_NE(error_of("lab,address=10.0.10.5/24").find("'address=10.0.10.5/24' is not mac=MAC"), std::string::npos);
}

TEST(NetChoice, AddressesOfContainersAreStations) {
  for (const char* text :
       {"10.0.10.5", "10.0.10.0/24", "10.0.10.255/24", "127.0.0.1/8", "224.0.0.5/24", "10.0.0/24", ""}) {
    const auto net = parse_net(std::string("lab,address=") + text, NetOwner::container);
    ASSERT_FALSE(net) << text;
    EXPECT_EQ(net.error().code, ErrorCode::usage);
  }
}

TEST(NetChoice, AddressesOfNamesStay) {
  EXPECT_EQ(mac_of("web/eth0"), mac_of("web/eth0"));
  EXPECT_NE(mac_of("web/eth0"), mac_of("web/eth1"));
  EXPECT_EQ(mac_of("web/eth0").value() >> 40, 2u);
}

TEST(NetChoice, SaysWhatIsWrong) {
  EXPECT_EQ(error_of("a/b"), "--net 'a/b' is not user, none or the name of a network");
  EXPECT_EQ(error_of(""), "--net '' is not user, none or the name of a network");
  EXPECT_EQ(error_of("none,x=1"), "--net none: 'x=1' is not forward=tcp:HOSTPORT:GUESTPORT");
  EXPECT_NE(error_of("lab,tap=t0").find("--net lab: 'tap=t0' is not mac=MAC"), std::string::npos);
  EXPECT_NE(error_of("lab,colour=red").find("'colour=red' is not"), std::string::npos);
  EXPECT_EQ(error_of("lab,mac=01:00:5e:00:00:01"), "--net lab: mac=01:00:5e:00:00:01 is no station's address");
}

TEST(NetChoice, RandomAddressesAreOfStationsAndDiffer) {
  EXPECT_FALSE(random_mac().is_group());
  EXPECT_EQ(random_mac().value() >> 24, 0x525400u);
  EXPECT_NE(random_mac(), random_mac());
}

}  // namespace
}  // namespace strata::control
