// Lines, parts of lines and files of a log; how long restarts wait.
#include "container/supervisor/log_file.h"

#include "container/files.h"
#include "container/supervisor/plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

namespace strata::container {
namespace {

using ::testing::MatchesRegex;
using namespace std::chrono_literals;

class LogFileTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string folder = ::testing::TempDir() + "log_file.XXXXXX";
    ASSERT_NE(::mkdtemp(folder.data()), nullptr);
    folder_ = folder;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::string path() const { return folder_ + "/log"; }
  std::string folder_;
};

TEST_F(LogFileTest, LinesAndParts) {
  LogFile log(path(), 1 << 20, 2);
  log.write("stdout", "one\n\npa");
  log.write("stdout", "rt\n");
  log.write("stderr", "e\n");
  EXPECT_THAT(read_file(path()).value(), MatchesRegex("[^ ]+Z stdout F one\n[^ ]+Z stdout F \n[^ ]+Z stdout P pa\n"
                                                      "[^ ]+Z stdout F rt\n[^ ]+Z stderr F e\n"));
}

TEST_F(LogFileTest, FilesAreKeptSmallAndFew) {
  LogFile log(path(), 200, 3);
  for (int i = 0; i < 100; ++i) log.write("stdout", "0123456789\n");
  for (const char* name : {"", ".1", ".2"}) {
    const auto text = read_file(path() + name);
    ASSERT_TRUE(text) << name;
    EXPECT_LT(text->size(), 300U);
  }
  EXPECT_FALSE(exists(path() + ".3"));
}

TEST_F(LogFileTest, OneFileOnly) {
  LogFile log(path(), 200, 1);
  for (int i = 0; i < 100; ++i) log.write("stdout", "0123456789\n");
  EXPECT_LT(read_file(path()).value().size(), 300U);
  EXPECT_FALSE(exists(path() + ".1"));
}

TEST_F(LogFileTest, WithoutSizeThereIsNone) {
  LogFile(path(), 0, 1).write("stdout", "x\n");
  EXPECT_FALSE(exists(path()));
}

TEST(RestartDelay, DoublesToAMinute) {
  EXPECT_EQ(restart_delay(0), 100ms);
  EXPECT_EQ(restart_delay(3), 800ms);
  EXPECT_EQ(restart_delay(20), 60s);
  EXPECT_EQ(restart_delay(~0u), 60s);
}

}  // namespace
}  // namespace strata::container
