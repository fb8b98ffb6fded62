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
  using Row = std::map<std::string, std::string>;
  /// What it says of each frame in these fields; several values of one stand with commas.
  std::vector<Row> read(std::vector<std::string> fields) {
    pcap_.flush();
    fields.insert(fields.end(), {"_ws.malformed", "_ws.expert.severity", "_ws.col.Protocol"});
    std::vector<std::string> arguments = {"tshark", "-r", file_, "-T", "fields"};
    for (const std::string& field : fields) arguments.insert(arguments.end(), {"-e", field});
    const auto output = output_of({.arguments = arguments, .show_errors = false});
    EXPECT_TRUE(output) << output.error().message;
    std::istringstream text(output.value_or(""));
    std::vector<Row> rows;
    for (std::string line; std::getline(text, line);) {
      std::istringstream columns(line);
      Row& row = rows.emplace_back();
      for (const std::string& field : fields) std::getline(columns, row[field], '\t');
    }
    return rows;
  }
  static size_t count(const std::vector<Row>& rows, const Row& wanted) {
    return static_cast<size_t>(std::count_if(rows.begin(), rows.end(), [&](const Row& row) {
      return std::all_of(wanted.begin(), wanted.end(), [&](const auto& entry) {
        return ("," + row.at(entry.first) + ",").find("," + entry.second + ",") != std::string::npos;
      });
    }));
  }
  /// It has nothing to complain of, and knows all of it.
  void expect_clean(const std::vector<Row>& rows) {
    EXPECT_EQ(rows.size(), frames_);
    for (const Row& row : rows) {
      EXPECT_EQ(row.at("_ws.malformed"), "");
      EXPECT_EQ(row.at("_ws.expert.severity"), "");
    }
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

  const std::string leave_all = "mrp-mvrp.leave_all_event", values = "mrp-mvrp.number_of_values";
  const std::string role = "stp.flags.port_role", proposal = "stp.flags.proposal", agreement = "stp.flags.agreement";
  const auto rows = read({leave_all, "mrp-mvrp.vid", values, role, proposal, agreement, "stp.flags.tc", "stp.root.hw",
                          "stp.root.cost", "stp.version"});
  expect_clean(rows);
  EXPECT_GT(count(rows, {{"_ws.col.Protocol", "MRP-MVRP"}}), 50u);
  EXPECT_EQ(count(rows, {{"_ws.col.Protocol", "MRP-MVRP"}}) + count(rows, {{"stp.version", "2"}}), frames_);
  EXPECT_GT(count(rows, {{leave_all, "1"}}), 0u);
  EXPECT_GT(count(rows, {{"mrp-mvrp.vid", "4094"}}), 0u);
  EXPECT_GT(count(rows, {{"mrp-mvrp.vid", "11"}, {values, "2"}}), 0u);
  EXPECT_GT(count(rows, {{role, "3"}, {proposal, "1"}}), 0u);
  EXPECT_GT(count(rows, {{role, "2"}, {agreement, "1"}}), 0u);
  EXPECT_GT(count(rows, {{"stp.flags.tc", "1"}}), 0u);
  EXPECT_GT(count(rows, {{"stp.root.hw", "02:00:00:00:01:00"}, {"stp.root.cost", "20000"}}), 0u);
}

TEST_F(TsharkTest, ReadsTheOldProtocolToo) {
  ControlOptions options;
  options.rstp = options.spanning_tree.stp_only = true;
  make_switches(3, options);
  for (size_t i = 0; i < 3; ++i) join(i, (i + 1) % 3);
  run_for(60s);
  cut(0);
  run_for(60s);
  const auto rows = read({"stp.version", "stp.type", "stp.flags.tcack"});
  expect_clean(rows);
  EXPECT_EQ(count(rows, {{"stp.version", "0"}}), frames_);
  EXPECT_GT(count(rows, {{"stp.type", "0x80"}}), 0u);
  EXPECT_GT(count(rows, {{"stp.flags.tcack", "1"}}), 0u);
}

}  // namespace
}  // namespace strata::network::protocols
