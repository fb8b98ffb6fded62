// Wireshark reads what the protocols say on their cables: all of it, and as it was meant.
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "base/process.h"
#include "network/protocols/cabled_test.h"

namespace strata::network::protocols {
namespace {

using namespace std::chrono_literals;

class TsharkTest : public Cabled {
 protected:
  void SetUp() override {
    if (!output_of({.arguments = {"tshark", "--version"}, .show_errors = false})) GTEST_SKIP() << "needs tshark";
    file_ = std::filesystem::temp_directory_path() / ("strata-tshark-" + std::to_string(getpid()) + ".pcap");
    pcap_.open(file_, std::ios::binary);
    put<uint32_t>(0xa1b2c3d4);
    put<uint32_t>(0x0004'0002);  // version 2.4
    for (const uint32_t field : {0u, 0u, 65535u, 1u}) put(field);
    on_carried = [this](const Octets& octets) {
      put(static_cast<uint32_t>(now / 1s));
      put<uint32_t>(0);
      put(static_cast<uint32_t>(octets.size()));
      put(static_cast<uint32_t>(octets.size()));
      pcap_.write(reinterpret_cast<const char*>(octets.data()), static_cast<std::streamsize>(octets.size()));
      ++frames_;
    };
  }
  void TearDown() override { std::filesystem::remove(file_); }

  template <class T>
  void put(T value) {
    pcap_.write(reinterpret_cast<const char*>(&value), sizeof value);
  }
  /// One line a frame that the filter lets pass, with these fields.
  std::vector<std::string> ask(const std::string& filter, const std::vector<std::string>& fields) {
    pcap_.flush();
    std::vector<std::string> arguments = {"tshark", "-r", file_, "-Y", filter, "-T", "fields"};
    for (const std::string& field : fields) arguments.insert(arguments.end(), {"-e", field});
    const auto output = output_of({.arguments = arguments, .show_errors = false});
    EXPECT_TRUE(output) << output.error().message;
    std::istringstream text(output.value_or(""));
    std::vector<std::string> lines;
    for (std::string line; std::getline(text, line);) lines.push_back(line);
    return lines;
  }

  size_t frames_ = 0;

 private:
  std::filesystem::path file_;
  std::ofstream pcap_;
};

TEST_F(TsharkTest, ReadsMvrpAndRstp) {
  make_switches(3, {.rstp = true, .mvrp = true});
  for (size_t i = 0; i < 3; ++i) join(i, (i + 1) % 3);
  const PortId edge = add_edge(0, 10);
  for (const uint16_t vlan : {11, 12, 14, 4094}) add_edge(1, vlan);
  run_for(30s);
  ASSERT_TRUE(at(0).reconfigure(edge, bridge::access_port("moved", 1), now));
  cut(0);
  run_for(30s);

  EXPECT_EQ(ask("frame", {"frame.number"}).size(), frames_);
  EXPECT_TRUE(ask("_ws.malformed || _ws.expert.severity >= 6291456", {"frame.number"}).empty());  // warnings, errors
  std::map<std::string, size_t> protocols;
  for (const auto& line : ask("frame", {"_ws.col.Protocol"})) ++protocols[line];
  EXPECT_EQ(protocols.size(), 2u);
  EXPECT_GT(protocols["MVRP"], 50u);
  EXPECT_GT(protocols["RSTP"], 50u);
  EXPECT_FALSE(ask("mrp-mvrp && mrp-mvrp.leave_all_event == 1", {"frame.number"}).empty());
  EXPECT_FALSE(ask("mrp-mvrp.first_value == 4094", {"frame.number"}).empty());
  EXPECT_FALSE(ask("mrp-mvrp.first_value == 11 && mrp-mvrp.number_of_values == 2", {"frame.number"}).empty());
  EXPECT_FALSE(ask("stp.flags.proposal == 1 && stp.flags.port_role == 3", {"frame.number"}).empty());
  EXPECT_FALSE(ask("stp.flags.agreement == 1 && stp.flags.port_role == 2", {"frame.number"}).empty());
  EXPECT_FALSE(ask("stp.flags.tc == 1", {"frame.number"}).empty());
  EXPECT_FALSE(ask("stp.root.hw == 02:00:00:00:01:00 && stp.root.cost == 20000", {"frame.number"}).empty());
}

TEST_F(TsharkTest, ReadsTheOldProtocolToo) {
  ControlOptions options;
  options.rstp = options.spanning_tree.stp_only = true;
  make_switches(3, options);
  for (size_t i = 0; i < 3; ++i) join(i, (i + 1) % 3);
  run_for(60s);
  cut(0);
  run_for(60s);
  EXPECT_TRUE(ask("_ws.malformed || _ws.expert.severity >= 6291456", {"frame.number"}).empty());
  EXPECT_EQ(ask("stp.version == 0", {"frame.number"}).size(), frames_);
  EXPECT_FALSE(ask("stp.type == 0x80", {"frame.number"}).empty());
  EXPECT_FALSE(ask("stp.flags.tcack == 1", {"frame.number"}).empty());
}

}  // namespace
}  // namespace strata::network::protocols
