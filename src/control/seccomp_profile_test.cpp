// The table of system calls against itself, and what comes of it.
#include "control/seccomp_profile.h"

#include <gtest/gtest.h>

#include <set>
#include <sstream>

#include "container/spec/read_spec.h"

namespace strata::control {
namespace {

bool lists(const nlohmann::ordered_json& profile, const std::string& action, const std::string& name) {
  for (const auto& rule : profile["syscalls"]) {
    if (rule["action"] != action || rule.contains("args")) continue;
    for (const auto& one : rule["names"])
      if (one == name) return true;
  }
  return false;
}

TEST(SeccompProfile, NoCallIsInTwoGroupsOfOneRule) {
  std::set<std::string> seen;
  for (const CallGroup& group : call_groups()) {
    if (group.rule == CallRule::needs) continue;
    std::istringstream names{std::string(group.names)};
    for (std::string name; names >> name;) EXPECT_TRUE(seen.insert(name).second) << name;
  }
}

TEST(SeccompProfile, EveryGroupHasItsReasonAndAKnownCapability) {
  for (const CallGroup& group : call_groups()) {
    EXPECT_FALSE(group.reason.empty());
    EXPECT_EQ(group.rule == CallRule::needs, !group.capability.empty());
    if (group.rule != CallRule::needs) continue;
    EXPECT_GE(container::capability_number(group.capability), 0) << group.capability;
  }
}

TEST(SeccompProfile, CapabilitiesOpenWhatNeedsThem) {
  const auto usual = default_seccomp({});
  EXPECT_TRUE(lists(usual, "SCMP_ACT_ALLOW", "openat"));
  EXPECT_TRUE(lists(usual, "SCMP_ACT_ERRNO", "mount"));
  EXPECT_TRUE(lists(usual, "SCMP_ACT_ERRNO", "bpf"));
  EXPECT_TRUE(lists(usual, "SCMP_ACT_ERRNO", "keyctl"));
  EXPECT_FALSE(lists(usual, "SCMP_ACT_ALLOW", "clone3"));

  const std::string administrator[] = {"CAP_SYS_ADMIN"};
  const auto open = default_seccomp(administrator);
  EXPECT_TRUE(lists(open, "SCMP_ACT_ALLOW", "mount"));
  EXPECT_TRUE(lists(open, "SCMP_ACT_ALLOW", "bpf"));
  EXPECT_FALSE(lists(open, "SCMP_ACT_ERRNO", "bpf"));
  EXPECT_TRUE(lists(open, "SCMP_ACT_ERRNO", "keyctl"));
  EXPECT_TRUE(lists(open, "SCMP_ACT_ALLOW", "clone3"));
}

}  // namespace
}  // namespace strata::control
