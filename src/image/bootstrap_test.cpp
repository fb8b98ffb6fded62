// Tests of following mmdebstrap's output.
#include "image/bootstrap.h"

#include <gtest/gtest.h>

namespace strata::image {
namespace {

TEST(BootstrapLog, FollowsPhasesAndCountsPackages) {
  BootstrapLog log;
  double reached = 0;
  const auto add = [&](const char* line) {
    log.add_line(line);
    EXPECT_GE(log.state().fraction, reached) << line;
    reached = log.state().fraction;
  };
  add("I: running apt-get update...");
  EXPECT_EQ(log.state().phase, "fetching package lists");
  add("Get:1 http://mirror.test/debian trixie InRelease [140 kB]");
  add("I: downloading packages with apt...");
  const double begun = reached;
  add("0 upgraded, 2 newly installed, 0 to remove and 0 not upgraded.");
  add("Get:1 http://mirror.test/debian trixie/main amd64 libc6 amd64 2.41 [2847 kB]");
  const double half = reached;
  EXPECT_GT(half, begun);
  add("Get:2 http://mirror.test/debian trixie/main amd64 dash amd64 0.5 [98 kB]");
  add("Get:3 http://mirror.test/debian trixie/main amd64 more amd64 0.5 [98 kB]");
  EXPECT_NEAR(reached - half, half - begun, 1e-9);  // the third was more than apt had promised
  add("I: installing remaining packages inside the chroot...");
  EXPECT_EQ(log.state().phase, "installing packages");
  const double installing = reached;
  add("0 upgraded, 1 newly installed, 0 to remove and 0 not upgraded.");
  add("Unpacking dash (0.5) ...");
  add("Setting up dash (0.5) ...");
  EXPECT_GT(reached, installing);
  add("I: creating tarball...");
  EXPECT_LT(reached, 1.0);
  EXPECT_TRUE(log.complaint().empty());
}

TEST(BootstrapLog, KeepsTheFirstComplaint) {
  BootstrapLog log;
  log.add_line("W: something harmless");
  log.add_line("E: Unable to locate package linux-image-wrong");
  log.add_line("E: apt-get --yes install failed: E: mmdebstrap failed to run");
  EXPECT_EQ(log.complaint(), "Unable to locate package linux-image-wrong");
  EXPECT_FALSE(log.disk_is_full());
}

TEST(BootstrapLog, SaysWhatAHookSaid) {
  BootstrapLog log;
  log.add_line("Failed to disable unit: Unit none.timer does not exist");
  log.add_line("E: setup failed: E: command failed: ");
  EXPECT_EQ(log.complaint(), "Failed to disable unit: Unit none.timer does not exist");
}

TEST(BootstrapLog, SeesAFullDiskInAnyLine) {
  BootstrapLog log;
  log.add_line("E: something");
  log.add_line(" cannot copy extracted data for './usr/bin/x': failed to write (No space left on device)");
  EXPECT_TRUE(log.disk_is_full());
}

TEST(BootstrapLog, SeesThatRootIsPretended) {
  BootstrapLog log;
  EXPECT_FALSE(log.is_pretending());
  log.add_line("I: automatically chosen mode: fakechroot");
  EXPECT_TRUE(log.is_pretending());
}

TEST(BootstrapLog, CutsComplaints) {
  BootstrapLog log;
  log.add_line("E: " + std::string(4000, 'x'));
  EXPECT_EQ(log.complaint().size(), 300u);
}

TEST(BootstrapLog, SurvivesAnyLine) {
  BootstrapLog log;
  for (const char* line :
       {"", " newly installed", "x newly installed", "99999999999999 newly installed", "Get:", "E: "})
    log.add_line(line);
  EXPECT_LE(log.state().fraction, 1.0);
}

}  // namespace
}  // namespace strata::image
