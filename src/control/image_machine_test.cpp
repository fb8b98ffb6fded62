// Tests of what a machine's first process is told: what is written is what it reads.
#include "control/image_machine.h"

#include <gtest/gtest.h>

#include "init/spec.h"

namespace strata::control {
namespace {

struct Read {
  explicit Read(const InitSpec& written) : text(write_init_spec(written)), pointers(init::pointers_in(text)) {
    spec = init::read_spec(text, pointers);
  }
  std::string text;
  std::vector<char*> pointers;
  std::optional<init::Spec> spec;
};

TEST(InitSpec, AProgram) {
  Read read(
      {.program = {.arguments = {"sh", "-c", "a=b\nc"}, .env = {"A=1", "B="}, .user = "web:x", .directory = "/srv"},
       .hostname = "box",
       .terminal = true});
  ASSERT_TRUE(read.spec);
  const init::Spec& spec = *read.spec;
  EXPECT_STREQ(spec.root, "/dev/vda");
  EXPECT_EQ(spec.init, nullptr);
  EXPECT_STREQ(spec.arguments[2], "a=b\nc");
  EXPECT_EQ(spec.arguments[3], nullptr);
  EXPECT_STREQ(spec.environment[1], "B=");
  EXPECT_EQ(spec.environment[2], nullptr);
  EXPECT_STREQ(spec.user, "web:x");
  EXPECT_STREQ(spec.directory, "/srv");
  EXPECT_STREQ(spec.host_name, "box");
  EXPECT_TRUE(spec.network);
  EXPECT_TRUE(spec.terminal);
  EXPECT_STREQ(spec.console, "/dev/hvc0");
  EXPECT_EQ(spec.errors, nullptr) << "a terminal shows both";
  EXPECT_EQ(spec.exit_port, 0xf4U);
}

TEST(InitSpec, ASystem) {
  Read read({.init = "/sbin/init", .program = {.arguments = {"/sbin/init", "3"}, .env = {"A=1"}}, .network = false});
  ASSERT_TRUE(read.spec);
  EXPECT_STREQ(read.spec->init, "/sbin/init");
  EXPECT_STREQ(read.spec->arguments[1], "3");
  EXPECT_EQ(read.spec->environment[0], nullptr) << "of the program only";
  EXPECT_EQ(read.spec->exit_port, 0xf4U) << "for where it cannot be started";
}

TEST(InitSpec, NoNetworkAndNobodyThere) {
  Read read({.program = {.arguments = {"x"}}, .hostname = "h", .network = false});
  ASSERT_TRUE(read.spec);
  EXPECT_FALSE(read.spec->network);
  EXPECT_FALSE(read.spec->terminal);
  EXPECT_STREQ(read.spec->errors, "/dev/hvc1");
}

}  // namespace
}  // namespace strata::control
