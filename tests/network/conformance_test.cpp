// The conformance tables, each case a test of its own.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "tests/network/table.h"

namespace strata::network::conformance {

void PrintTo(const Case& test_case, std::ostream* out) { *out << test_case.clause << ' ' << test_case.title; }

namespace {

std::vector<Case> all_cases() {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(STRATA_TABLES))
    if (entry.path().extension() == ".table") files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  std::vector<Case> cases;
  for (const auto& file : files) {
    auto more = read_table(file);
    cases.insert(cases.end(), more.begin(), more.end());
  }
  return cases;
}

class Conformance : public testing::TestWithParam<Case> {};

TEST_P(Conformance, Holds) {
  const Case& test_case = GetParam();
  ASSERT_FALSE(test_case.steps.empty());
  for (const auto& failure : run(test_case))
    ADD_FAILURE() << test_case.file << ", " << test_case.clause << ' ' << test_case.title << ", " << failure;
}

std::string name_of(const testing::TestParamInfo<Case>& info) {
  std::string name = info.param.file.substr(0, info.param.file.find('.')) + "_" + std::to_string(info.param.line);
  std::replace_if(
      name.begin(), name.end(), [](char c) { return std::isalnum(static_cast<unsigned char>(c)) == 0; }, '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(Tables, Conformance, testing::ValuesIn(all_cases()), name_of);

TEST(ConformanceTables, HaveAtLeast150Cases) { EXPECT_GE(all_cases().size(), 150U); }

// A runner that sees no mistake would let every table pass.
TEST(ConformanceRunner, SeesWhatIsWrong) {
  Case test_case{.setup = {{1, "switch"}, {2, "port p1 vlan=10"}, {3, "port p2 vlan=10"}, {4, "port p3 vlan=20"}}};
  const auto failures_of = [&](const char* step) {
    test_case.steps = {{5, step}};
    return run(test_case).size();
  };
  EXPECT_EQ(failures_of("p1 B<A => p2 B<A"), 0U);
  EXPECT_EQ(failures_of("p1 B<A => -"), 1U);
  EXPECT_EQ(failures_of("p1 B<A => p2 B<A 10"), 1U);
  EXPECT_EQ(failures_of("p1 B<A => p2 B<A; p3 B<A"), 1U);
  EXPECT_EQ(failures_of("p1 B<A => p2 B<A ! p1 runt"), 1U);
  EXPECT_EQ(failures_of("p1 B<A => stations 10/B@p1"), 1U);
  EXPECT_EQ(failures_of("add p4 vlan=10 => error none"), 1U);
  EXPECT_EQ(failures_of("p9 B<A => -"), 1U);
}

}  // namespace
}  // namespace strata::network::conformance
