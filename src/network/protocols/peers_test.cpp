// The protocols with others that speak them: the kernel's bridge, its hosts, Open vSwitch. In network namespaces, in real
// time, so most of it is slow.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "base/process.h"
#include "network/ports/packet.h"
#include "network/ports/tap.h"
#include "network/ports/test_space.h"
#include "network/protocols/control_plane.h"
#include "network/switch/datapath.h"

namespace strata::network::protocols {
namespace {

using namespace std::chrono_literals;
using bridge::PortId;
using bridge::PortSet;
using ports::TestSpace;

class PeersTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!space_.made()) GTEST_SKIP() << "needs to make network namespaces (root, or CAP_SYS_ADMIN and CAP_NET_ADMIN)";
    auto made = Datapath::make({.address = bridge::MacAddress(0x0200'0000'0a0a)});
    ASSERT_TRUE(made) << made.error().message;
    datapath_ = std::move(*made);
  }
  void TearDown() override { control_.reset(); }

  void start(const ControlOptions& options) {
    control_ = std::make_unique<ControlPlane>(datapath_->bridge(), options, 1, Datapath::now());
  }
  PortId plug_in(const std::string& name, Result<std::unique_ptr<ports::Port>> cable) {
    const auto port = datapath_->bridge().add_port(bridge::access_port(name, 1), Datapath::now());
    EXPECT_TRUE(port);
    if (!cable) {
      ADD_FAILURE() << cable.error().message;
    } else {
      EXPECT_TRUE(datapath_->plug_in(*port, std::move(*cable)));
    }
    return *port;
  }
  /// A veth in the namespace whose one end is ours.
  PortId add_veth(const std::string& name) {
    EXPECT_TRUE(space_.ip_in("link add " + name + " type veth peer name x" + name));
    EXPECT_TRUE(space_.ip_in("link set " + name + " up"));
    EXPECT_TRUE(space_.ip_in("link set x" + name + " up"));
    return plug_in(name, ports::PacketPort::open(name, {.interface = "x" + name, .netns = space_.name()}));
  }
  /// Until `done`, or that it took too long.
  template <class Done>
  bool run_until(Time limit, Done done) {
    const Time end = Datapath::now() + limit;
    while (!done()) {
      if (Datapath::now() > end) return false;
      datapath_->turn(100ms);
    }
    return true;
  }
  PortState state(PortId port) { return datapath_->bridge().state(port); }
  const RstpPort& rstp_port(PortId port) { return control_->rstp()->ports().at(port); }

  TestSpace space_{"peers"};
  std::unique_ptr<Datapath> datapath_;
  std::unique_ptr<ControlPlane> control_;
};

TEST_F(PeersTest, AHostsKernelJoinsAGroupAndLeavesIt) {
  ControlOptions options;
  options.snooped = {1};
  options.snooping.fast_leave = true;
  start(options);
  const PortId host =
      plug_in("host", ports::TapPort::open("host", {.interface = "eth0", .netns = space_.name(), .mtu = 1500}));
  ASSERT_TRUE(space_.ip_in("link set eth0 up"));
  ASSERT_TRUE(space_.ip_in("addr add 10.9.0.1/24 dev eth0"));
  for (const int version : {2, 3}) {
    const auto sysctl = "netns exec " + space_.name() + " sh -c 'echo " + std::to_string(version) +
                        " > /proc/sys/net/ipv4/conf/eth0/force_igmp_version'";
    ASSERT_TRUE(ports::ip(sysctl));
    const GroupAddress group = ipv4_group(0xe801'0200u + static_cast<unsigned>(version));
    const std::string address = "232.1.2." + std::to_string(version) + "/32 dev eth0";
    const auto members = [&] { return control_->snooping().groups(1); };
    ASSERT_TRUE(space_.ip_in("addr add " + address + " autojoin"));
    EXPECT_TRUE(run_until(5s, [&] { return members().contains(group); })) << version;
    EXPECT_EQ(members()[group], PortSet{host});
    ASSERT_TRUE(space_.ip_in("addr del " + address));
    EXPECT_TRUE(run_until(5s, [&] { return !members().contains(group); })) << version;
  }
  // Its IPv6 address has a group of its own, which it reports when it comes up.
  EXPECT_TRUE(run_until(10s, [&] {
    for (const auto& [group, members] : control_->snooping().groups(1)) {
      if (!is_ipv4_group(group)) return true;
    }
    return false;
  }));
}

class KernelBridgeSlow : public PeersTest {
 protected:
  /// Two cables to a kernel bridge that speaks the old protocol, quickly.
  void join(uint16_t own_priority, unsigned kernel_priority) {
    ASSERT_TRUE(
        space_.ip_in("link add br0 type bridge stp_state 1 forward_delay 400 hello_time 100 max_age 600 priority " +
                     std::to_string(kernel_priority)));
    ASSERT_TRUE(space_.ip_in("link set br0 up"));
    ControlOptions options;
    options.rstp = true;
    options.spanning_tree = {.priority = own_priority, .max_age = 6, .hello_time = 1, .forward_delay = 4};
    start(options);
    for (const std::string name : {"va", "vb"}) {
      (name == "va" ? a_ : b_) = add_veth(name);
      ASSERT_TRUE(space_.ip_in("link set " + name + " master br0"));
    }
  }
  /// As sysfs has it: 1 listening, 2 learning, 3 forwarding, 4 blocking.
  std::string kernel_state(const std::string& port) {
    const auto output = output_of(
        {.arguments = {"ip", "netns", "exec", space_.name(), "cat", "/sys/class/net/" + port + "/brport/state"},
         .show_errors = false});
    return output ? output->substr(0, 1) : "?";
  }

  PortId a_ = 0, b_ = 0;
};

TEST_F(KernelBridgeSlow, BlocksOnePortWhereWeAreTheRoot) {
  join(0x1000, 0x8000);
  EXPECT_TRUE(run_until(60s, [&] { return kernel_state("va") == "3" && kernel_state("vb") == "4"; }));
  EXPECT_TRUE(run_until(30s, [&] { return state(a_) == PortState::forwarding && state(b_) == PortState::forwarding; }));
  EXPECT_TRUE(control_->rstp()->is_root());
  EXPECT_TRUE(space_.ip_in("link set xva down"));
  EXPECT_TRUE(run_until(60s, [&] { return kernel_state("vb") == "3"; }));
}

TEST_F(KernelBridgeSlow, IsTheRootAndWeBlockOnePort) {
  join(0x8000, 0x1000);
  EXPECT_TRUE(run_until(60s, [&] { return state(a_) == PortState::forwarding; }));
  EXPECT_EQ(rstp_port(a_).role, PortRole::root);
  EXPECT_EQ(rstp_port(b_).role, PortRole::alternate);
  EXPECT_TRUE(run_until(10s, [&] { return !rstp_port(a_).send_rstp; }));
  EXPECT_TRUE(run_until(30s, [&] { return kernel_state("va") == "3" && kernel_state("vb") == "3"; }));
  EXPECT_EQ(state(a_), PortState::forwarding);
  EXPECT_EQ(state(b_), PortState::discarding);
  EXPECT_TRUE(space_.ip_in("link set xva down"));
  EXPECT_TRUE(run_until(60s, [&] { return state(b_) == PortState::forwarding; }));
}

/// Open vSwitch in user space, with a database and sockets of its own, in the namespace.
class OpenVswitchSlow : public PeersTest {
 protected:
  void SetUp() override {
    PeersTest::SetUp();
    if (IsSkipped()) return;
    if (!output_of({.arguments = {"sh", "-c", "command -v ovs-vswitchd && command -v ovsdb-server"}})) {
      GTEST_SKIP() << "needs openvswitch-switch";
    }
    folder_ = std::filesystem::temp_directory_path() / ("strata-ovs-" + std::to_string(getpid()));
    std::filesystem::create_directory(folder_);
    ASSERT_TRUE(
        sh("ovsdb-tool create conf.db /usr/share/openvswitch/vswitch.ovsschema && "
           "ovsdb-server conf.db --remote=punix:db.sock --pidfile=$PWD/db.pid --log-file=$PWD/db.log --detach && "
           "ovs-vsctl --db=unix:db.sock --no-wait init && "
           "ovs-vswitchd unix:db.sock --pidfile=$PWD/v.pid --log-file=$PWD/v.log --unixctl=$PWD/v.ctl --detach"));
  }
  void TearDown() override {
    PeersTest::TearDown();
    if (folder_.empty()) return;
    sh("for p in v.pid db.pid; do test -f $p && kill $(cat $p); done; sleep 1");
    std::filesystem::remove_all(folder_);
  }
  bool sh(const std::string& script) {
    const auto code =
        run_command({.arguments = {"ip", "netns", "exec", space_.name(), "sh", "-c",
                                   "cd " + folder_.string() + " && OVS_RUNDIR=$PWD && export OVS_RUNDIR && " + script +
                                       " >>out 2>&1"},
                     .show_errors = false});
    return code && *code == 0;
  }
  void join(uint16_t own_priority, unsigned their_priority) {
    ControlOptions options;
    options.rstp = true;
    options.spanning_tree.priority = own_priority;
    start(options);
    a_ = add_veth("va");
    b_ = add_veth("vb");
    ASSERT_TRUE(
        sh("ovs-vsctl --db=unix:db.sock -t 20 add-br br0 -- set bridge br0 datapath_type=netdev rstp_enable=true "
           "other_config:rstp-priority=" +
           std::to_string(their_priority) + " -- add-port br0 va -- add-port br0 vb"));
  }
  bool they_show(const std::string& words) {
    return sh("ovs-appctl -t $PWD/v.ctl rstp/show | tr -s ' ' | grep -q '" + words + "'");
  }

  PortId a_ = 0, b_ = 0;
  std::filesystem::path folder_;
};

TEST_F(OpenVswitchSlow, AgreesWithUsAsRoot) {
  join(0x1000, 0x8000);
  EXPECT_TRUE(
      run_until(20s, [&] { return they_show("^ va Root Forwarding") && they_show("^ vb Alternate Discarding"); }));
  EXPECT_TRUE(run_until(10s, [&] { return state(a_) == PortState::forwarding; }));
  EXPECT_TRUE(rstp_port(a_).send_rstp);
  EXPECT_EQ(rstp_port(a_).role, PortRole::designated);
  ASSERT_TRUE(space_.ip_in("link set xva down"));
  EXPECT_TRUE(run_until(10s, [&] { return they_show("^ vb Root Forwarding"); }));
}

TEST_F(OpenVswitchSlow, AsRootHasOurAgreement) {
  join(0x8000, 0x1000);
  // It numbers its ports as it likes.
  const auto is_root = [&](PortId port) { return rstp_port(port).role == PortRole::root; };
  ASSERT_TRUE(run_until(20s, [&] { return is_root(a_) != is_root(b_) && !control_->rstp()->is_root(); }));
  ASSERT_TRUE(run_until(10s, [&] { return rstp_port(is_root(a_) ? b_ : a_).role == PortRole::alternate; }));
  const PortId root = is_root(a_) ? a_ : b_, alternate = is_root(a_) ? b_ : a_;
  EXPECT_TRUE(run_until(10s, [&] { return state(root) == PortState::forwarding; }));
  EXPECT_EQ(state(alternate), PortState::discarding);
  const std::string theirs = root == a_ ? "va" : "vb";
  EXPECT_TRUE(run_until(10s, [&] { return they_show("^ " + theirs + " Designated Forwarding"); }));
  ASSERT_TRUE(space_.ip_in("link set x" + theirs + " down"));
  EXPECT_TRUE(run_until(10s, [&] { return state(alternate) == PortState::forwarding; }));
}

}  // namespace
}  // namespace strata::network::protocols
