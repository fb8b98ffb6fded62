// Tests of reading apt's configuration, in the forms that hosts have it.
#include "image/apt_sources.h"

#include "image/test_tree.h"

#include <gmock/gmock.h>

namespace strata::image {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

const Recipe trixie{"debian:trixie", "trixie", "amd64", "linux-image-cloud-amd64", true};
const Recipe sid{"debian:sid", "sid", "amd64", "linux-image-cloud-amd64", false};

TEST(AptSources, TakesMirrorComponentsAndSecurityFromTheHost) {
  const auto sources = parse_apt_sources(trixie,
                                         "http://tools.test/apt/|Tools|main\n"
                                         "http://mirror.test/debian/|Debian|main\n"
                                         "http://mirror.test/debian/|Debian|contrib\n"
                                         "http://mirror.test/debian/|Debian|main\n"
                                         "http://other.test/debian/|Debian|non-free\n"
                                         "http://security.test/ds/|Debian-Security|main\n",
                                         "");
  ASSERT_TRUE(sources);
  EXPECT_THAT(sources->lines, ElementsAre("deb http://mirror.test/debian trixie main contrib",
                                          "deb http://mirror.test/debian trixie-updates main contrib",
                                          "deb http://security.test/ds trixie-security main"));
  EXPECT_FALSE(sources->needs_certificates);
}

TEST(AptSources, HasOneLineForASuiteWithoutUpdates) {
  const auto sources =
      parse_apt_sources(sid, "https://mirror.test/debian/|Debian|main\nhttp://s.test/|Debian-Security|main\n", "");
  ASSERT_TRUE(sources);
  EXPECT_THAT(sources->lines, ElementsAre("deb https://mirror.test/debian sid main"));
  EXPECT_TRUE(sources->needs_certificates);
}

TEST(AptSources, KnowsMirrorsByPathWhereAptHasNoListsYet) {
  const auto sources = parse_apt_sources(trixie,
                                         "http://tools.test/apt/|$(LABEL)|main\n"
                                         "http://mirror.test/debian/|$(LABEL)|main\n"
                                         "http://mirror.test/debian-security/|$(LABEL)|main\n",
                                         "");
  ASSERT_TRUE(sources);
  EXPECT_THAT(sources->lines, ElementsAre("deb http://mirror.test/debian trixie main",
                                          "deb http://mirror.test/debian trixie-updates main",
                                          "deb http://mirror.test/debian-security trixie-security main"));
}

TEST(AptSources, ReadsMirrorLists) {
  const TestFolder folder;
  write_file(folder.path / "list", "# mirrors\n\nhttp://first.test/debian/ priority:1\nhttp://second.test/debian\n");
  const auto sources = parse_apt_sources(sid, "mirror+file:" + (folder.path / "list").string() + "/|Debian|main\n", "");
  ASSERT_TRUE(sources);
  EXPECT_THAT(sources->lines, ElementsAre("deb http://first.test/debian sid main"));
}

TEST(AptSources, KeepsWhatTheConnectionNeeds) {
  const auto sources = parse_apt_sources(sid, "http://mirror.test/debian/|Debian|main\n",
                                         "APT::Architecture \"amd64\";\n"
                                         "Acquire::http::Proxy \"http://proxy.test:3128\";\n"
                                         "Acquire::https::Proxy \"\";\n"
                                         "Acquire::Check-Valid-Until \"false\";\n"
                                         "Acquire::Languages \"none\";\n");
  ASSERT_TRUE(sources);
  EXPECT_THAT(sources->options,
              ElementsAre("Acquire::http::Proxy \"http://proxy.test:3128\";", "Acquire::Check-Valid-Until \"false\";"));
}

TEST(AptSources, SaysThatThereIsNoMirror) {
  for (const char* targets : {"", "\n", "||\n", "http://tools.test/apt/|Tools|main\n", "http://mirror.test/debian\n"}) {
    const auto sources = parse_apt_sources(sid, targets, "");
    ASSERT_FALSE(sources);
    EXPECT_EQ(sources.error().code, ErrorCode::not_found);
  }
}

}  // namespace
}  // namespace strata::image
