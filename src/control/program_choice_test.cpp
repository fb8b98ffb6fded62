// Tests of what of an image runs.
#include "control/program_choice.h"

#include <gmock/gmock.h>

namespace strata::control {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

image::ImageConfig test_image() {
  image::ImageConfig image;
  image.entrypoint = {"/entry", "-e"};
  image.cmd = {"serve"};
  image.env = {"LANG=C", "PATH=/opt/bin"};
  image.user = "web";
  image.working_dir = "/srv";
  return image;
}

TEST(ChooseProgram, TheImagesOwnWord) {
  const Program program = choose_program(test_image(), {}, false);
  EXPECT_THAT(program.arguments, ElementsAre("/entry", "-e", "serve"));
  EXPECT_THAT(program.env, ElementsAre("PATH=/opt/bin", "LANG=C"));
  EXPECT_EQ(program.user, "web");
  EXPECT_EQ(program.directory, "/srv");
}

TEST(ChooseProgram, TheUsersWordGoesBeforeIt) {
  ProgramChoice choice;
  choice.words = {"check", "all"};
  EXPECT_THAT(choose_program(test_image(), choice, false).arguments, ElementsAre("/entry", "-e", "check", "all"));
  choice.entrypoint = "sh";
  EXPECT_THAT(choose_program(test_image(), choice, false).arguments, ElementsAre("sh", "check", "all"));
  choice.entrypoint = "";
  EXPECT_THAT(choose_program(test_image(), choice, false).arguments, ElementsAre("check", "all"));
  choice.words.clear();
  EXPECT_THAT(choose_program(test_image(), choice, false).arguments, IsEmpty()) << "its command is of its entry point";

  choice.env = {"LANG=de=at", "NEW="};
  choice.user = "0:0";
  choice.workdir = "/tmp";
  const Program program = choose_program(test_image(), choice, false);
  EXPECT_THAT(program.env, ElementsAre("PATH=/opt/bin", "LANG=de=at", "NEW="));
  EXPECT_EQ(program.user, "0:0");
  EXPECT_EQ(program.directory, "/tmp");
}

TEST(ChooseProgram, AnImageThatSaysNothing) {
  const Program program = choose_program({}, {}, true);
  EXPECT_THAT(program.arguments, IsEmpty());
  EXPECT_THAT(program.env, Contains(default_path));
  EXPECT_THAT(program.env, Contains(HasSubstr("TERM=")));
  EXPECT_EQ(program.directory, "/");
}

TEST(ProgramChoice, WrongWords) {
  ProgramChoice choice;
  for (const char* word : {"", "=x"}) EXPECT_EQ(add_env(choice, word).error().code, ErrorCode::usage) << word;
  for (const char* word : {"", "srv", "./x"})
    EXPECT_EQ(set_workdir(choice, word).error().code, ErrorCode::usage) << word;
  for (const char* word : {"", ":", "a:", ":b", "a:b:c"})
    EXPECT_EQ(set_user(choice, word).error().code, ErrorCode::usage) << word;
  for (const char* word : {"", "-a", ".a", "a b", "a_b"})
    EXPECT_EQ(set_hostname(choice, word).error().code, ErrorCode::usage) << word;
  EXPECT_EQ(set_hostname(choice, std::string(64, 'a')).error().code, ErrorCode::usage);
}

TEST(ProgramChoice, AVariableWithoutValueIsTheHosts) {
  ProgramChoice choice;
  ::setenv("STRATA_TEST_VARIABLE", "here", 1);
  ASSERT_TRUE(add_env(choice, "STRATA_TEST_VARIABLE"));
  ::unsetenv("STRATA_TEST_VARIABLE");
  ASSERT_TRUE(add_env(choice, "STRATA_TEST_VARIABLE"));
  EXPECT_THAT(choice.env, ElementsAre("STRATA_TEST_VARIABLE=here"));
}

TEST(ProgramChoice, InitsAreKnownByTheirPaths) {
  EXPECT_TRUE(is_init("/sbin/init"));
  EXPECT_TRUE(is_init("/lib/systemd/systemd"));
  EXPECT_FALSE(is_init("/app/init"));
  EXPECT_FALSE(is_init("init"));
}

}  // namespace
}  // namespace strata::control
