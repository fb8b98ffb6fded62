// Tests of reading credentials.
#include "image/registry/credentials.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace strata::image {
namespace {

class CredentialFiles : public testing::Test {
 protected:
  void SetUp() override {
    std::filesystem::create_directories(folder_ / "run/containers");
    std::filesystem::create_directories(folder_ / "home/.docker");
    setenv("XDG_RUNTIME_DIR", (folder_ / "run").c_str(), 1);
    setenv("HOME", (folder_ / "home").c_str(), 1);
    for (const char* name : {"REGISTRY_AUTH_FILE", "XDG_CONFIG_HOME", "DOCKER_CONFIG"}) unsetenv(name);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  void write(const char* name, std::string_view text) { std::ofstream(folder_ / name) << text; }

  std::string user_for(std::string_view registry, std::string_view repository) {
    const auto found = find_credentials(registry, repository);
    if (!found) return "error: " + found.error().message;
    return *found ? (*found)->user : "nobody";
  }

  const std::filesystem::path folder_ =
      std::filesystem::temp_directory_path() / ("strata-credentials-test." + std::to_string(getpid()));
};

TEST_F(CredentialFiles, TheMostPreciseEntryOfTheFirstFileThatHasOne) {
  // "ann:secret", "bob:", "cat:x:y" in base64.
  write("run/containers/auth.json", R"({"auths": {"localhost:5000": {"auth": "YW5uOnNlY3JldA=="},
                                                  "localhost:5000/team": {"auth": "Ym9iOg=="}}})");
  write(
      "home/.docker/config.json",
      R"({"auths": {"https://index.docker.io/v1/": {"auth": "Y2F0Ong6eQ=="}, "localhost:5000/x": {"auth": "Y2F0Ong6eQ=="}}})");
  EXPECT_EQ(user_for("localhost:5000", "app"), "ann");
  EXPECT_EQ(user_for("localhost:5000", "x"), "ann");
  EXPECT_EQ(user_for("localhost:5000", "team/app"), "bob");
  EXPECT_EQ(user_for("localhost:5000", "teams/app"), "ann");
  EXPECT_EQ(user_for("localhost:50001", "app"), "nobody");
  EXPECT_EQ((*find_credentials("docker.io", "library/debian"))->password, "x:y");
}

TEST_F(CredentialFiles, Tokens) {
  write("home/.docker/config.json",
        R"({"auths": {"a.example": {"identitytoken": "T"}, "b.example": {"auth": "PHRva2VuPjpV"}}})");
  EXPECT_EQ((*find_credentials("a.example", "x"))->identity_token, "T");
  EXPECT_EQ((*find_credentials("b.example", "x"))->identity_token, "U");
}

TEST_F(CredentialFiles, DamagedFilesAreNamed) {
  write("home/.docker/config.json", "{");
  EXPECT_NE(user_for("a", "b").find("config.json is no JSON object"), std::string::npos);
  write("home/.docker/config.json", R"({"auths": {"a": {"auth": "?"}}})");
  EXPECT_NE(user_for("a", "b").find("auths.a.auth is not USER:PASSWORD in base64"), std::string::npos);
  write("home/.docker/config.json", R"({"auths": {"a": {"auth": 7}}})");
  EXPECT_NE(user_for("a", "b").find("auths.a.auth: must be a string"), std::string::npos);
  setenv("REGISTRY_AUTH_FILE", "/no/such/file", 1);
  EXPECT_NE(user_for("a", "b").find("$REGISTRY_AUTH_FILE: reading /no/such/file"), std::string::npos);
}

TEST(Credentials, OnTheCommandLine) {
  EXPECT_EQ(parse_credentials("ann:a:b")->password, "a:b");
  EXPECT_EQ(parse_credentials("ann:")->password, "");
  EXPECT_EQ(parse_credentials("secret").error().code, ErrorCode::usage);
  EXPECT_EQ(parse_credentials("secret").error().message.find("secret"), std::string::npos);
  EXPECT_EQ(basic_authorization({"ann", "secret", {}}), "Basic YW5uOnNlY3JldA==");
  EXPECT_EQ(basic_authorization({"bob", "", {}}), "Basic Ym9iOg==");
  EXPECT_EQ(basic_authorization({"Aladdin", "open sesame", {}}), "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
}

}  // namespace
}  // namespace strata::image
