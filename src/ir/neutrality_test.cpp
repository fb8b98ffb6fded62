// The IR knows no guest and no host: nothing below src/ir names one. (This list of names is the one exception.)
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <fstream>

namespace strata::ir {
namespace {

constexpr std::string_view names[] = {
    "i386", "i486",    "i586",    "i686", "amd64", "ia32",  "intel", "amd", "arm", "arm64", "aarch64", "mips",
    "satp", "sstatus", "powerpc", "wasm", "x87",   "mxcsr", "cr0",   "cr2", "cr3", "cr4",   "rflags",  "eflags",
    "sv32", "sv39",    "sv48",    "ax",   "bx",    "cx",    "dx",    "si",  "di",  "sp",    "bp",      "ip",
};
constexpr std::string_view prefixes[] = {"x86", "riscv", "risc-v", "rv32", "rv64", "sse", "avx", "mmx", "xmm"};

bool is_name(std::string_view word) {
  const auto is_it = [](std::string_view name) { return [name](std::string_view other) { return other == name; }; };
  if (std::any_of(std::begin(names), std::end(names), is_it(word))) return true;
  // Registers in their wider forms.
  const bool wide = word.size() == 3 && (word[0] == 'e' || word[0] == 'r');
  if (wide && std::any_of(std::begin(names), std::end(names), is_it(word.substr(1)))) return true;
  return std::any_of(std::begin(prefixes), std::end(prefixes), [&](auto prefix) { return word.starts_with(prefix); });
}

/// The first name in the line, or nothing. Words are of letters, digits and '-'.
std::string named_in(const std::string& line) {
  std::string word;
  for (const char c : line + ' ') {
    const auto letter = static_cast<unsigned char>(c);
    if (std::isalnum(letter) || c == '-') {
      word += static_cast<char>(std::tolower(letter));
      continue;
    }
    if (is_name(word)) return word;
    word.clear();
  }
  return "";
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
