// Tests of reading config.json.
#include "container/spec/read_spec.h"

#include <gmock/gmock.h>
#include <sys/resource.h>

namespace strata::container {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr std::string_view smallest = R"({"ociVersion": "1.0.0", "root": {"path": "r"}})";

std::string error_of(std::string_view json) {
  const auto spec = read_spec(json);
  return spec ? "none" : spec.error().message;
}

TEST(ReadSpec, TheSmallest) {
  const auto spec = read_spec(smallest);
  ASSERT_TRUE(spec) << spec.error().message;
  EXPECT_FALSE(spec->process);
  EXPECT_EQ(spec->root_path, "r");
  EXPECT_TRUE(spec->linux.namespaces.empty());
}

TEST(ReadSpec, ItsOwnTemplatesFields) {
  const auto process = read_process(std::string_view(
      R"({"args": ["a", "b"], "cwd": "/", "user": {"uid": 1, "gid": 2, "additionalGids": [3]},
          "rlimits": [{"type": "RLIMIT_NOFILE", "soft": 1, "hard": 18446744073709551615}],
          "capabilities": {"bounding": ["CAP_KILL", "CAP_FROM_THE_FUTURE"]}})"));
  ASSERT_TRUE(process) << process.error().message;
  EXPECT_THAT(process->args, ElementsAre("a", "b"));
  EXPECT_EQ(process->limits.at(0).resource, RLIMIT_NOFILE);
  EXPECT_EQ(process->limits.at(0).hard, ~std::uint64_t{0});
  EXPECT_EQ(process->capabilities->bounding, std::uint64_t{1} << 5);
}

TEST(ReadSpec, ErrorsNameTheField) {
  EXPECT_THAT(error_of(R"({"ociVersion": "1.0.0"})"), HasSubstr("root: is missing"));
  EXPECT_THAT(error_of(R"({"ociVersion": 1, "root": {"path": "r"}})"), HasSubstr("ociVersion: must be a string"));
  EXPECT_THAT(error_of(R"({"ociVersion": "1.0.0", "root": {"path": "r"}, "mounts": [{"destination": "/a"}, {}]})"),
              HasSubstr("mounts[1].destination: is missing"));
}

TEST(ReadSpec, NullIsAbsent) {
  EXPECT_TRUE(read_spec(R"({"ociVersion": "1.0.0", "root": {"path": "r"}, "process": null, "mounts": null})"));
}

}  // namespace
}  // namespace strata::container
