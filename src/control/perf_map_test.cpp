// Tests of the map for perf: its lines, and where it may stand.
#include "control/perf_map.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

namespace strata::control {
namespace {

struct FakeCode final : codegen::Code {
  codegen::HostCode host;
  size_t bytes() const override { return 0; }
  codegen::HostCode host_code() const override { return host; }
};

struct PerfMapTest : testing::Test {
  std::filesystem::path folder = std::filesystem::temp_directory_path() / fmt::format("strata-perf-{}", getpid());
  std::string path = folder / "map";
  PerfMapTest() { std::filesystem::create_directory(folder); }
  ~PerfMapTest() override { std::filesystem::remove_all(folder); }
  std::string text() const {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
  }
};

TEST_F(PerfMapTest, NamesEachUnitByItsGuestAddress) {
  static constexpr std::byte host[32] = {};
  FakeCode code, interpreted;
  code.host = {std::span(host).first(24), std::span(host).subspan(24)};
  {
    const auto map = PerfMap::make(path);
    ASSERT_TRUE(map) << map.error().message;
    (*map)->compiled({.pc = 1, .address = 0xffffffff81000010, .mode = 0}, {}, code);
    (*map)->compiled({.pc = 2, .address = 0x20, .mode = 0}, {}, interpreted);
  }
  const auto at = reinterpret_cast<uint64_t>(&host);
  EXPECT_EQ(text(), fmt::format("{:x} 18 guest_ffffffff81000010\n{:x} 8 guest_ffffffff81000010_seldom\n", at, at + 24));
}

TEST_F(PerfMapTest, ALinkIsNotFollowed) {
  const std::filesystem::path victim = folder / "victim";
  std::ofstream(victim) << "precious";
  std::filesystem::create_symlink(victim, path);
  ASSERT_TRUE(PerfMap::make(path));
  EXPECT_FALSE(std::filesystem::is_symlink(path));
  std::ifstream file(victim);
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(file), {}), "precious");
  EXPECT_EQ(PerfMap::make("/nowhere/map").error().message, "making /nowhere/map: No such file or directory");
}

}  // namespace
}  // namespace strata::control
