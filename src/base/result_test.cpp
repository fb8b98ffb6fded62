// Tests of Error, Result and STRATA_TRY.
#include "base/result.h"

#include <gtest/gtest.h>

#include <memory>

namespace strata {
namespace {

Result<int> half(int value) {
  if (value % 2 != 0) return fail(ErrorCode::bad_data, "{} is odd", value);
  return value / 2;
}

Result<int> quarter(int value) {
  const int halved = STRATA_TRY(half(value));
  return STRATA_TRY(with_context(half(halved), "halving {} again", halved));
}

Result<void> check(int value) {
  STRATA_TRY(half(value));
  return {};
}

Result<int> checked(int value) {
  STRATA_TRY(check(value));
  return value;
}

TEST(Result, TryTakesTheValue) {
  EXPECT_EQ(quarter(12), 3);
  EXPECT_EQ(checked(2), 2);
}

TEST(Result, TryReturnsTheError) {
  const auto result = quarter(7);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error(), (Error{ErrorCode::bad_data, "7 is odd"}));
  EXPECT_EQ(checked(3).error().message, "3 is odd");
}

TEST(Result, ContextGoesBeforeTheMessageAndKeepsTheCode) {
  const auto result = quarter(6);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error(), (Error{ErrorCode::bad_data, "halving 3 again: 3 is odd"}));
}

TEST(Result, TryMovesValuesThatCannotBeCopied) {
  const auto make = []() -> Result<std::unique_ptr<int>> { return std::make_unique<int>(5); };
  const auto use = [&]() -> Result<int> {
    const std::unique_ptr<int> owned = STRATA_TRY(make());
    return *owned;
  };
  EXPECT_EQ(use(), 5);
}

TEST(Result, FailWithoutCodeIsPlainFailure) {
  const Result<int> result = fail("disk {} is gone", "a.img");
  EXPECT_EQ(result.error(), (Error{ErrorCode::failed, "disk a.img is gone"}));
}

TEST(Error, ErrnoKeepsTheSystemsWords) {
  errno = ENOENT;
  const Result<int> result = fail_errno("opening {}", "a.img");
  EXPECT_EQ(result.error(), (Error{ErrorCode::not_found, "opening a.img: No such file or directory"}));
}

TEST(Error, ErrnoMapsToKinds) {
  EXPECT_EQ(error_code_from_errno(EACCES), ErrorCode::permission_denied);
  EXPECT_EQ(error_code_from_errno(ENOSPC), ErrorCode::no_space);
  EXPECT_EQ(error_code_from_errno(EADDRINUSE), ErrorCode::busy);
  EXPECT_EQ(error_code_from_errno(EDOM), ErrorCode::failed);
}

TEST(Error, ExitCodesTellWrongUsageFromFailedWork) {
  EXPECT_EQ(exit_code_of({ErrorCode::usage, ""}), ExitCode::wrong_usage);
  EXPECT_EQ(exit_code_of({ErrorCode::io, ""}), ExitCode::work_failed);
  EXPECT_EQ(exit_code_of({ErrorCode::timed_out, ""}), ExitCode::timed_out);
}

}  // namespace
}  // namespace strata
