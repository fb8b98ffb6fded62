// The IR knows no guest and no host: nothing below src/ir names one. (This list of names is the one exception.)
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <regex>

namespace strata::ir {
namespace {

const std::regex names(
    R"(\b(x86\w*|i[3-6]86|amd64|ia32|intel|amd|riscv\w*|risc-v|rv(32|64)\w*|sv(32|39|48)|arm|arm64|aarch64|powerpc|mips)"
    R"(|[er]?(ax|bx|cx|dx|si|di|sp|bp|ip)|[er]flags|cr[0-48]|mxcsr|sse\d*|avx\d*|mmx|xmm\d*|x87|satp|sstatus|wasm)\b)",
    std::regex::icase);

/// The first name in the line, or nothing.
std::string named_in(const std::string& line) {
  std::smatch match;
  return std::regex_search(line, match, names) ? match.str() : "";
}

TEST(Neutrality, NothingNamesAGuestOrAHost) {
  unsigned files = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(STRATA_SOURCE_DIR "/src/ir")) {
    if (!entry.is_regular_file() || entry.path().filename() == "neutrality_test.cpp") continue;
    ++files;
    std::ifstream file(entry.path());
    std::string line;
    for (unsigned number = 1; std::getline(file, line); ++number) {
      EXPECT_EQ(named_in(line), "") << entry.path() << ":" << number;
    }
  }
  EXPECT_GT(files, 20u) << "the sources were not found";
}

TEST(Neutrality, TheListFindsNames) {
  for (const char* line : {"for x86_64 guests", "EAX := 1", "// RISC-V keeps", "satp", "sse2", "rsp - 8"}) {
    EXPECT_NE(named_in(line), "") << line;
  }
  for (const char* line : {"dispatch", "the axis", "sparse", "alarm"}) EXPECT_EQ(named_in(line), "") << line;
}

}  // namespace
}  // namespace strata::ir
