// Tests of id maps: what a process in the namespace sees, and what the kernel refuses.
#include "base/id_maps.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

namespace strata {
namespace {

IdMaps own_as(std::uint32_t inside) { return {{{inside, ::geteuid(), 1}}, {{inside, ::getegid(), 1}}}; }

/// Who a process is that goes there; -1: it may not.
int user_inside(const UniqueFd& space) {
  const pid_t child = ::fork();
  if (child == 0) {
    if (::setns(space.get(), CLONE_NEWUSER) != 0) ::_exit(255);
    ::_exit(static_cast<int>(::geteuid()));
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WEXITSTATUS(status) == 255 ? -1 : WEXITSTATUS(status);
}

class IdMapsTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!make_user_namespace(own_as(0))) GTEST_SKIP() << "no user namespaces here";
  }
};

TEST_F(IdMapsTest, MapsOurselves) {
  for (const std::uint32_t inside : {0u, 42u}) {
    const auto space = make_user_namespace(own_as(inside));
    ASSERT_TRUE(space) << space.error().message;
    EXPECT_EQ(user_inside(*space), static_cast<int>(inside));
  }
}

TEST_F(IdMapsTest, SaysWhichMapIsRefused) {
  IdMaps maps = own_as(0);
  maps.groups = {{0, ::getegid(), 1}, {0, ::getegid(), 1}};  // the same group twice
  const auto space = make_user_namespace(maps);
  ASSERT_FALSE(space);
  EXPECT_NE(space.error().message.find(::geteuid() == 0 ? "gid_map" : "newgidmap"), std::string::npos)
      << space.error().message;
}

}  // namespace
}  // namespace strata
