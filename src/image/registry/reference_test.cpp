// Tests of references.
#include "image/registry/reference.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <string>
#include <vector>

namespace strata::image {
namespace {

const std::string digest = "sha256:" + std::string(64, 'a');

std::string name_of(std::string_view text) {
  auto reference = parse_reference(text);
  return reference ? reference->name() : "error: " + reference.error().message;
}

TEST(Reference, ShortFormsAreDockerHubs) {
  EXPECT_EQ(name_of("debian"), "docker.io/library/debian:latest");
  EXPECT_EQ(name_of("debian:trixie"), "docker.io/library/debian:trixie");
  EXPECT_EQ(name_of("team/app"), "docker.io/team/app:latest");
  EXPECT_EQ(name_of("docker.io/debian"), "docker.io/library/debian:latest");
  EXPECT_EQ(name_of("index.docker.io/debian:12"), "docker.io/library/debian:12");
  EXPECT_EQ(host_of("docker.io"), "registry-1.docker.io");
  EXPECT_EQ(host_of("ghcr.io"), "ghcr.io");
}

TEST(Reference, DefaultRegistryIsTheUsersChoice) {
  setenv("STRATA_REGISTRY", "registry.example:5000", 1);
  EXPECT_EQ(name_of("debian:trixie"), "registry.example:5000/debian:trixie");
  setenv("STRATA_REGISTRY", "not a host", 1);
  EXPECT_NE(name_of("debian").find("'not a host' is no host"), std::string::npos);
  unsetenv("STRATA_REGISTRY");
}

TEST(Reference, Registries) {
  EXPECT_EQ(name_of("localhost/app"), "localhost/app:latest");
  EXPECT_EQ(name_of("localhost:5000/team/app:1.0"), "localhost:5000/team/app:1.0");
  EXPECT_EQ(name_of("ghcr.io/a/b/c/d__e.f-g---h"), "ghcr.io/a/b/c/d__e.f-g---h:latest");
  EXPECT_EQ(name_of("Example.COM/a"), "Example.COM/a:latest");
}

TEST(Reference, ADigestWinsOverTheTag) {
  const auto reference = parse_reference("localhost:5000/app:1.0@" + digest);
  ASSERT_TRUE(reference);
  EXPECT_EQ(reference->tag, "");
  EXPECT_EQ(reference->version(), digest);
  EXPECT_EQ(reference->name(), "localhost:5000/app@" + digest);
}

TEST(Reference, NameIsReadAsItself) {
  for (const std::string& text : std::vector<std::string>{"debian", "localhost:5000/app:1", "ghcr.io/x/y@" + digest}) {
    const auto once = parse_reference(text);
    ASSERT_TRUE(once);
    EXPECT_EQ(*parse_reference(once->name()), *once) << text;
  }
}

TEST(Reference, WhatIsNone) {
  const std::vector<std::string> none = {"",
                                         ":",
                                         "@",
                                         "/",
                                         "a/",
                                         "/a",
                                         "a//b",
                                         "Debian",
                                         "debian:",
                                         "debian:-x",
                                         "debian:a/b",
                                         "a@sha256:12",
                                         "a@" + digest + "0",
                                         "-a",
                                         "a-",
                                         "a..b",
                                         "a___b",
                                         "a._b",
                                         "a b",
                                         "../x",
                                         "localhost:5000/../x",
                                         "localhost:x/a",
                                         "localhost:99999/a",
                                         ".x/a",
                                         "-x.y/a",
                                         "[::1]:5000/a",
                                         "a.b/c?d",
                                         "a\nb",
                                         std::string(300, 'a'),
                                         "debian:" + std::string(129, 'a'),
                                         "a@sha512:" + std::string(128, 'a')};
  for (const std::string& text : none) {
    const auto reference = parse_reference(text);
    ASSERT_FALSE(reference) << text;
    EXPECT_EQ(reference.error().code, ErrorCode::usage);
    EXPECT_NE(reference.error().message.find("is no image's name"), std::string::npos);
  }
}

TEST(Reference, Loopback) {
  for (const char* ours : {"localhost", "localhost:5000", "127.0.0.1:80", "127.1.2.3"})
    EXPECT_TRUE(is_loopback(ours)) << ours;
  for (const char* others : {"docker.io", "127.0.0.1.example.net", "localhost.example", "10.0.0.1"})
    EXPECT_FALSE(is_loopback(others)) << others;
}

}  // namespace
}  // namespace strata::image
