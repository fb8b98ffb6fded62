// Values of container options, good and bad.
#include "control/container_words.h"

#include <gtest/gtest.h>
#include <signal.h>

namespace strata::control {
namespace {

using container::Seconds;

TEST(ContainerWords, Thousandths) {
  EXPECT_EQ(parse_thousandths("--cpus", "0.5").value(), 500U);
  EXPECT_EQ(parse_thousandths("--cpus", "2").value(), 2000U);
  EXPECT_EQ(parse_thousandths("--cpus", "1.25").value(), 1250U);
  EXPECT_EQ(parse_thousandths("--cpus", "0.12345").value(), 123U);
  for (const char* bad : {"", ".", "1.", ".5", "-1", "1e3", "1,5", "99999999"})
    EXPECT_FALSE(parse_thousandths("--cpus", bad)) << bad;
}

TEST(ContainerWords, Times) {
  EXPECT_EQ(parse_seconds("x", "10", Seconds(1)).value(), Seconds(10));
  EXPECT_EQ(parse_seconds("x", "90s", Seconds(1)).value(), Seconds(90));
  EXPECT_EQ(parse_seconds("x", "5m", Seconds(1)).value(), Seconds(300));
  EXPECT_EQ(parse_seconds("x", "1d", Seconds(1)).value(), Seconds(86400));
  for (const char* bad : {"", "s", "-1", "1w", "0", "99999999999999999999", "9999999999d"})
    EXPECT_FALSE(parse_seconds("x", bad, Seconds(1))) << bad;
}

TEST(ContainerWords, Signals) {
  for (const char* name : {"TERM", "sigterm", "SIGTERM", "15"})
    EXPECT_EQ(parse_signal("x", name).value(), SIGTERM) << name;
  EXPECT_EQ(parse_signal("x", "RTMIN+3").value(), SIGRTMIN + 3);
  for (const char* bad : {"", "0", "65", "TERMS", "-9"}) EXPECT_FALSE(parse_signal("x", bad)) << bad;
}

TEST(ContainerWords, VolumesAndTmpfs) {
  const FolderChoice volume = parse_volume("data:/var//lib/x/:ro").value();
  EXPECT_EQ(volume.source, "data");
  EXPECT_EQ(volume.target, "/var/lib/x");
  EXPECT_TRUE(volume.read_only);
  for (const char* bad : {"", "data", "data:", "data:x", "../x:/y", "a/b:/y", "data:/", "data:/x/.."})
    EXPECT_FALSE(parse_volume(bad)) << bad;
  EXPECT_EQ(parse_tmpfs("/t:1M").value().bytes, uint64_t{1} << 20);
  EXPECT_FALSE(parse_tmpfs("/t:big"));
}

TEST(ContainerWords, RestartPolicies) {
  const auto policy = parse_restart("on-failure:2").value();
  EXPECT_TRUE(policy.again(1, 0));
  EXPECT_TRUE(policy.again(1, 1));
  EXPECT_FALSE(policy.again(1, 2));
  EXPECT_FALSE(policy.again(0, 0));
  EXPECT_TRUE(parse_restart("always").value().again(0, 1000));
  EXPECT_FALSE(parse_restart("no").value().again(1, 0));
  for (const char* bad : {"", "often", "on-failure:", "on-failure:0", "on-failure:x"})
    EXPECT_FALSE(parse_restart(bad)) << bad;
}

}  // namespace
}  // namespace strata::control
