// Port forwards as text.
#include "network/forward.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace strata::network {
namespace {

using testing::HasSubstr;

TEST(Forward, ReadsItsForms) {
  EXPECT_EQ(parse_forward("tcp:8080:80").value(), (Forward{.host_port = 8080, .guest_port = 80}));
  EXPECT_EQ(parse_forward("udp:5353:53").value(),
            (Forward{.protocol = Forward::Protocol::udp, .host_port = 5353, .guest_port = 53}));
  EXPECT_EQ(parse_forward("tcp:0.0.0.0:65535:1").value(),
            (Forward{.host_address = {0, 0, 0, 0}, .host_port = 65535, .guest_port = 1}));
  EXPECT_EQ(to_string(parse_forward("tcp:8080:80").value()), "tcp:127.0.0.1:8080:80");
  EXPECT_EQ(to_string(parse_forward("udp:10.1.2.3:1:2").value()), "udp:10.1.2.3:1:2");
}

TEST(Forward, RefusesOthersAndSaysWhy) {
  const auto why = [](std::string_view text) {
    const auto forward = parse_forward(text);
    if (forward) return to_string(*forward);
    EXPECT_EQ(forward.error().code, ErrorCode::usage);
    return forward.error().message;
  };
  for (const char* text : {"", "tcp", "tcp:80", "sctp:1:2", "tcp:1:2:3:4", "8080:80", "TCP:1:2"})
    EXPECT_THAT(why(text), HasSubstr("is not PROTOCOL:[ADDRESS:]HOST-PORT:GUEST-PORT")) << text;
  EXPECT_THAT(why("tcp:0:80"), HasSubstr("'0' is no port"));
  EXPECT_THAT(why("tcp:8080:65536"), HasSubstr("'65536' is no port"));
  EXPECT_THAT(why("tcp:8080:"), HasSubstr("'' is no port"));
  EXPECT_THAT(why("tcp:-1:80"), HasSubstr("'-1' is no port"));
  EXPECT_THAT(why("tcp:80x:80"), HasSubstr("'80x' is no port"));
  EXPECT_THAT(why("tcp:localhost:8080:80"), HasSubstr("'localhost' is no IPv4 address"));
}

TEST(Forward, ChangesALiveList) {
  std::vector<Forward> forwards;
  for (const char* change : {"+tcp:8080:80", "+udp:8080:53", "+tcp:0.0.0.0:8080:81", "+tcp:9090:90"})
    EXPECT_TRUE(change_forward(forwards, change)) << change;
  EXPECT_EQ(forwards.size(), 4u);
  const auto why = [&](std::string_view change) {
    const auto before = forwards;
    const auto changed = change_forward(forwards, change);
    EXPECT_EQ(forwards, before);
    return changed ? "changed" : changed.error().message;
  };
  EXPECT_THAT(why("+tcp:8080:80"), HasSubstr("is there already"));
  EXPECT_THAT(why("-tcp:8080"), HasSubstr("at several addresses"));
  EXPECT_THAT(why("-tcp:1"), HasSubstr("there is no forward tcp:1"));
  EXPECT_THAT(why("tcp:1:2"), HasSubstr("neither"));
  EXPECT_THAT(why(""), HasSubstr("neither"));
  for (const char* change : {"-", "-tcp", "-sctp:1", "-tcp:1:2:3:4", "-tcp:1:2:3"})
    EXPECT_THAT(why(change), HasSubstr("is not -PROTOCOL")) << change;
  EXPECT_THAT(why("-tcp:80800"), HasSubstr("'80800' is no port"));
  EXPECT_THAT(why("-tcp:10.0.0:80"), HasSubstr("'10.0.0' is no IPv4 address"));
  for (const char* change : {"-tcp:127.0.0.1:8080", "-udp:8080", "-tcp:9090:90", "-tcp:0.0.0.0:8080:81"})
    EXPECT_TRUE(change_forward(forwards, change)) << change;
  EXPECT_TRUE(forwards.empty());
}

}  // namespace
}  // namespace strata::network
