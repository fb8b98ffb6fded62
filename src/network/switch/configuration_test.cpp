// Configurations: TOML both ways, changes, differences, and what is refused before anything is changed.
#include "network/switch/configuration.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "network/switch/plan.h"

namespace strata::network {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::string_view lab = R"([switch]
ageing = 60

[port.p1]
netns = "blue"
ifname = "eth0"
vlan = 10
static = ["10/52:54:00:00:00:01", "10/52:54:00:00:00:02"]

[port.p2]
trunk = "10,20-29"
native = 5
isolated = true

[port.p10]
tap = "t\"0"

[acl.10]
action = "deny"
vlan = "10"

[dhcp.10]
range = "10.0.10.100-10.0.10.199"
)";

Configuration parsed(std::string_view text) {
  auto configuration = parse_configuration(text, "lab.toml");
  EXPECT_TRUE(configuration) << (configuration ? "" : configuration.error().message);
  return std::move(configuration).value_or(Configuration{});
}

std::string error_of(std::string_view text) {
  const auto configuration = parse_configuration(text, "lab.toml");
  if (!configuration) return configuration.error().message;
  const auto plan = make_plan(*configuration);
  return plan ? "no error" : plan.error().message;
}

TEST(Configuration, TomlComesBackAsItWas) {
  EXPECT_EQ(to_toml(parsed(lab)), lab);
  EXPECT_EQ(to_toml(parsed("")), "");
}

TEST(Configuration, AnEmptyTableIsAsGoodAsNone) {
  EXPECT_EQ(parsed("[switch]"), parsed(""));
  EXPECT_EQ(parsed("[port]"), parsed(""));
  EXPECT_THAT(difference(parsed(""), parsed("[switch]")), ElementsAre());
  Configuration edited = parsed("");
  ASSERT_TRUE(apply_edit(edited, {Edit::Action::add, PartKind::port, "p1", {}}));
  ASSERT_TRUE(apply_edit(edited, {Edit::Action::remove, PartKind::port, "p1", {}}));
  EXPECT_EQ(edited, parsed(""));
}

TEST(Configuration, TheNetworksOwnSettingsAreThereOnce) {
  Configuration configuration = parsed(lab);
  const std::string name(options_name);
  EXPECT_FALSE(apply_edit(configuration, {Edit::Action::add, PartKind::options, "other", {}}));
  EXPECT_FALSE(apply_edit(configuration, {Edit::Action::set, PartKind::options, "other", {}}));
  EXPECT_FALSE(apply_edit(configuration, {Edit::Action::remove, PartKind::options, name, {}}));
  Settings ageing;
  ageing.set("ageing", "70");
  ASSERT_TRUE(apply_edit(configuration, {Edit::Action::set, PartKind::options, name, ageing}));
  EXPECT_THAT(difference(parsed(lab), configuration), ElementsAre("~ switch: ageing 60 -> 70"));
}

TEST(Configuration, NamesAreInNaturalOrder) {
  const NaturalLess less;
  EXPECT_TRUE(less("p2", "p10"));
  EXPECT_FALSE(less("p10", "p2"));
  EXPECT_TRUE(less("p", "p1"));
  EXPECT_TRUE(less("p01", "p1"));
  EXPECT_FALSE(less("p1", "p01"));
  EXPECT_FALSE(less("p1", "p1"));
}

TEST(Configuration, DifferenceHasALineForEachPart) {
  const Configuration before = parsed(lab);
  Configuration after = before;
  ASSERT_TRUE(apply_edit(after, {Edit::Action::remove, PartKind::port, "p2", {}}));
  Settings vlan;
  vlan.set("vlan", "20");
  vlan.set("static", std::vector<std::string>{});
  ASSERT_TRUE(apply_edit(after, {Edit::Action::set, PartKind::port, "p1", vlan}));
  ASSERT_TRUE(apply_edit(after, {Edit::Action::add, PartKind::port, "p3", {}}));
  EXPECT_THAT(
      difference(before, after),
      ElementsAre("- port p2", "~ port p1: static 10/52:54:00:00:00:01 10/52:54:00:00:00:02 -> default, vlan 10 -> 20",
                  "+ port p3: "));
  EXPECT_THAT(difference(after, after), ElementsAre());
}

TEST(Configuration, AccessAndTrunkExcludeEachOther) {
  Configuration configuration = parsed(lab);
  Settings access;
  access.set("vlan", "7");
  ASSERT_TRUE(apply_edit(configuration, {Edit::Action::set, PartKind::port, "p2", access}));
  const Settings& p2 = configuration.parts(PartKind::port).at("p2");
  EXPECT_FALSE(p2.has("trunk"));
  EXPECT_FALSE(p2.has("native"));
  EXPECT_TRUE(p2.has("isolated"));

  access.set("trunk", "8");
  EXPECT_FALSE(apply_edit(configuration, {Edit::Action::set, PartKind::port, "p2", access}));
}

TEST(Configuration, EditsOfWhatIsNotThereAreRefused) {
  Configuration configuration = parsed(lab);
  EXPECT_FALSE(apply_edit(configuration, {Edit::Action::add, PartKind::port, "p1", {}}));
  EXPECT_FALSE(apply_edit(configuration, {Edit::Action::set, PartKind::port, "p4", {}}));
  EXPECT_FALSE(apply_edit(configuration, {Edit::Action::remove, PartKind::mirror, "m", {}}));
  EXPECT_FALSE(apply_edit(configuration, {Edit::Action::add, PartKind::port, "a b", {}}));
  EXPECT_EQ(to_toml(configuration), lab);
}

TEST(Configuration, ErrorsNameLinePartSettingAndValue) {
  const std::pair<std::string_view, std::vector<std::string>> cases[] = {
      {"[port.p1]\nvlan = 5000\n", {"port p1", "vlan '5000'", "4094"}},
      {"[port.p1]\nvlan = 4095\n", {"port p1", "'4095'"}},
      {"[port.p1]\nvlan = 0\n", {"port p1", "'0'"}},
      {"[port.p1]\nvlan = 1\ntrunk = '2'\n", {"lab.toml:1", "port p1", "do not go together"}},
      {"[port.p1]\ntrunk = '10-20,15'\n", {"port p1", "trunk", "15"}},
      {"[port.p1]\ntrunk = '10-20'\nuntagged = '20'\n", {"port p1", "VLAN 20"}},
      {"[port.p1]\ntrunk = '30-20'\n", {"port p1", "trunk"}},
      {"[port.p1]\n\ncolour = 'red'\n", {"lab.toml:3", "port p1", "'colour'"}},
      {"[port.p1]\nvlan = [1, 2]\n", {"lab.toml:2", "only once"}},
      {"[port.p1]\nvlan = 1979-05-27\n", {"lab.toml:2", "vlan"}},
      {"[port.'a b']\nvlan = 1\n", {"lab.toml:1", "'a b'"}},
      {"[port]\np1 = 3\n", {"lab.toml:2", "port p1", "not a table"}},
      {"port = 3\n", {"lab.toml:1", "[port.NAME]"}},
      {"[ports.p1]\n", {"'ports'"}},
      {"[port.p1\n", {"lab.toml:1"}},
      {"[port.p1]\ntap = 't'\n[port.p2]\ntap = 't'\n", {"port p2", "'t'", "port p1"}},
      {"[port.p1]\ntap = 't'\nsocket = '/s'\n", {"port p1", "do not go together"}},
      {"[port.p1]\nmtu = 9217\n", {"port p1", "mtu '9217'", "9216"}},
      {"[port.p1]\nrate-in = 'fast'\n", {"port p1", "rate-in 'fast'", "100M"}},
      {"[port.p1]\nqinq = 'perhaps'\n", {"lab.toml:2", "qinq 'perhaps'"}},
      {"[port.p1]\nforward = ['tcp:1:2']\n", {"port p1", "user"}},
      {"[port.p1]\nuser = true\nforward = ['x']\n", {"port p1", "x"}},
      {"[mirror.m]\nto = 'p9'\nports = ['p1']\n", {"mirror m", "p1"}},
      {"[acl.1]\naction = 'maybe'\n", {"acl 1", "'maybe'", "permit"}},
      {"[acl.1]\naction = 'deny'\nport = 'p1'\n", {"acl 1", "'p1'"}},
      {"[acl.1]\naction = 'deny'\nfrom = '10.0.0.0/33'\n", {"acl 1", "10.0.0.0/33"}},
      {"[dhcp.10]\n", {"dhcp 10", "range"}},
      {"[dhcp.10]\nrange = '10.0.0.9-10.0.0.1'\n", {"dhcp 10", "10.0.0.9-10.0.0.1"}},
      {"[dhcp.10]\nrange = '10.0.0.9-10.0.1.9'\n", {"dhcp 10", "10.0.1.9"}},
      {"[dhcp.x]\nrange = '10.0.0.1-10.0.0.9'\n", {"dhcp x", "VLAN"}},
      {"[port.u]\nuser = true\nvlan = 10\n[dhcp.10]\nrange = '10.0.0.9-10.0.0.20'\n", {"dhcp 10", "port u"}},
      {"[switch]\nstp-priority = 5\n", {"switch", "stp-priority '5'", "4096"}},
      {"[switch]\nstp-hello = 10\n", {"switch", "stp-max-age 20", "22"}},
      {"[port.p1]\nstp-priority = 5\n", {"port p1", "stp-priority '5'", "16"}},
      {"[switch]\nageing = 0\n", {"switch", "ageing '0'"}},
  };
  for (const auto& [text, parts] : cases) {
    const std::string message = error_of(text);
    for (const std::string& part : parts) EXPECT_THAT(message, HasSubstr(part)) << text;
    EXPECT_THAT(message, testing::Not(HasSubstr("\n")));
  }
}

TEST(Plan, PortsComeToWhatTheBridgeTakes) {
  const Plan plan = make_plan(parsed(lab)).value();
  const auto& p1 = plan.find_port("p1")->config;
  EXPECT_EQ(p1.pvid, 10);
  EXPECT_EQ(to_string(p1.untagged), "10");
  EXPECT_EQ(p1.static_entries.size(), 2u);
  const auto& p2 = plan.find_port("p2")->config;
  EXPECT_EQ(p2.pvid, 5);
  EXPECT_EQ(to_string(p2.untagged), "5");
  EXPECT_EQ(to_string(p2.tagged), "10,20-29");
  EXPECT_EQ(plan.find_port("p10")->config.pvid, 1);
  EXPECT_EQ(plan.bridge.acl.size(), 1u);
  ASSERT_EQ(plan.dhcp.size(), 1u);
  EXPECT_EQ(services::ipv4_text(plan.dhcp[0].options.server), "10.0.10.1/24");
}

}  // namespace
}  // namespace strata::network
