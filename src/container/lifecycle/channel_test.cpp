// Words between a runtime and its child, also where one of them ends.
#include "container/lifecycle/channel.h"

#include <fcntl.h>
#include <gtest/gtest.h>

namespace strata::container {
namespace {

TEST(Channel, WhatWasSaidLastIsHeardThoughWordsWereLeftUnheard) {
  auto [ours, theirs] = Channel::make().value();
  ours.say(Word::mapped);
  theirs.say(Word::failed, "no such place");
  theirs.close();
  const auto heard = ours.expect(Word::ready);
  ASSERT_FALSE(heard);
  EXPECT_EQ(heard.error().message, "no such place");
  EXPECT_TRUE(ours.expect_end());
}

TEST(Channel, DescriptorsComeWithTheirWord) {
  auto [ours, theirs] = Channel::make().value();
  const UniqueFd null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  const int sent[] = {null.get(), null.get(), null.get()};
  ASSERT_TRUE(ours.send(Word::cgroups, sent));
  ASSERT_TRUE(ours.send(Word::cgroups, {}));
  ASSERT_TRUE(theirs.expect(Word::cgroups));
  EXPECT_EQ(theirs.take_fds().size(), 3u);
  ASSERT_TRUE(theirs.expect(Word::cgroups));
  EXPECT_TRUE(theirs.take_fds().empty());
}

TEST(Channel, AnEndWithoutAWord) {
  auto [ours, theirs] = Channel::make().value();
  theirs.close();
  EXPECT_FALSE(ours.expect(Word::ready));
  EXPECT_TRUE(ours.expect_end());
}

}  // namespace
}  // namespace strata::container
