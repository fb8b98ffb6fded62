// Tests of what a machine's first process reads, and of what it refuses.
#include "init/spec.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace strata::init {
namespace {

using namespace std::string_literals;

class SpecTest : public testing::Test {
 protected:
  std::optional<Spec> read(std::string text) {
    content_ = std::move(text);
    pointers_.assign(pointers_in(content_), nullptr);
    return read_spec(content_, pointers_);
  }

 private:
  std::string content_;
  std::vector<char*> pointers_;
};

TEST_F(SpecTest, EverythingThatCanBeSaid) {
  const auto spec = read(
      "root=/dev/vda\0type=ext2\0host-name=box\0directory=/srv\0user=web:daemon\0network=dhcp\0terminal=yes\0"
      "console=/dev/hvc0\0errors=/dev/hvc1\0rows=24\0columns=80\0"
      "exit-port=244\0argument=sh\0environment=A=B=C\0argument=-c\0environment=EMPTY=\0argument=echo x\ny\0"s);
  ASSERT_TRUE(spec);
  EXPECT_STREQ(spec->root, "/dev/vda");
  EXPECT_STREQ(spec->type, "ext2");
  EXPECT_STREQ(spec->host_name, "box");
  EXPECT_STREQ(spec->directory, "/srv");
  EXPECT_STREQ(spec->user, "web:daemon");
  EXPECT_TRUE(spec->network);
  EXPECT_TRUE(spec->terminal);
  EXPECT_STREQ(spec->console, "/dev/hvc0");
  EXPECT_STREQ(spec->errors, "/dev/hvc1");
  EXPECT_EQ(spec->rows, 24U);
  EXPECT_EQ(spec->columns, 80U);
  EXPECT_EQ(spec->exit_port, 244U);
  EXPECT_STREQ(spec->arguments[0], "sh");
  EXPECT_STREQ(spec->arguments[1], "-c");
  EXPECT_STREQ(spec->arguments[2], "echo x\ny");
  EXPECT_EQ(spec->arguments[3], nullptr);
  EXPECT_STREQ(spec->environment[0], "A=B=C");
  EXPECT_STREQ(spec->environment[1], "EMPTY=");
  EXPECT_EQ(spec->environment[2], nullptr);
}

TEST_F(SpecTest, WhatIsNotSaidHasAPlainValue) {
  const auto spec = read("root=/dev/vda\0argument=x\0"s);
  ASSERT_TRUE(spec);
  EXPECT_STREQ(spec->type, "ext4");
  EXPECT_STREQ(spec->directory, "/");
  EXPECT_STREQ(spec->user, "");
  EXPECT_EQ(spec->host_name, nullptr);
  EXPECT_FALSE(spec->network);
  EXPECT_FALSE(spec->terminal);
  EXPECT_FALSE(spec->exit_port);
  EXPECT_EQ(spec->environment[0], nullptr);
}

TEST_F(SpecTest, AnInitNeedsNoArguments) {
  const auto spec = read("root=/dev/vda\0init=/sbin/init\0"s);
  ASSERT_TRUE(spec);
  EXPECT_EQ(spec->arguments[0], nullptr);
}

TEST_F(SpecTest, DamageIsSeen) {
  const std::string good = "root=/dev/vda\0argument=x\0"s;
  EXPECT_TRUE(read(good));
  EXPECT_FALSE(read(""));
  EXPECT_FALSE(read(good.substr(0, good.size() - 1))) << "cut off";
  EXPECT_FALSE(read("root=/dev/vda\0"s)) << "nothing to run";
  EXPECT_FALSE(read("argument=x\0"s)) << "no disk";
  EXPECT_FALSE(read(good + "colour=red\0"s));
  EXPECT_FALSE(read(good + "exit-port=\0"s));
  EXPECT_FALSE(read(good + "exit-port=65536\0"s));
  EXPECT_FALSE(read(good + "exit-port=1x\0"s));
  EXPECT_FALSE(read(good + "words\0"s));
  EXPECT_FALSE(read(good + "argument\0"s)) << "no value";
}

}  // namespace
}  // namespace strata::init
