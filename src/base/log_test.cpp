// Tests of log levels and where lines go.
#include "base/log.h"

#include <gtest/gtest.h>

namespace strata {
namespace {

TEST(Log, LevelsHaveNames) {
  EXPECT_EQ(log::parse_level("debug"), log::Level::debug);
  EXPECT_EQ(log::parse_level("off"), log::Level::off);
  EXPECT_EQ(log::parse_level("loud"), std::nullopt);
}

TEST(Log, LinesBelowTheLevelAreDropped) {
  const log::Level before = log::level();
  log::set_level(log::Level::info);
  testing::internal::CaptureStderr();
  log::debug("quiet {}", 1);
  log::info("loud {{}} {}", 2);
  const std::string printed = testing::internal::GetCapturedStderr();
  log::set_level(before);
  EXPECT_EQ(printed.find("quiet"), std::string::npos);
  EXPECT_NE(printed.find("info: loud {} 2\n"), std::string::npos) << printed;
}

}  // namespace
}  // namespace strata
