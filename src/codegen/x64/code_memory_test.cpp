// Code memory is writable in one place and executable in another.
#include "codegen/x64/code_memory.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <fstream>
#include <sstream>
#include <string>

namespace strata::codegen::x64 {
namespace {

/// The rights of the mapping that holds an address, as /proc shows them.
std::string rights_at(const void* address) {
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    std::istringstream in(line);
    uint64_t begin, end;
    char dash;
    std::string rights;
    in >> std::hex >> begin >> dash >> end >> rights;
    const auto wanted = reinterpret_cast<uint64_t>(address);
    if (begin <= wanted && wanted < end) return rights;
  }
  return "";
}

TEST(CodeMemory, IsNeverWritableAndExecutableAtOnce) {
  CodeMemory memory;
  const CodeSpan span = memory.allocate(100);
  ASSERT_NE(span.run, span.write);
  EXPECT_EQ(rights_at(span.run), "r-xs");
  EXPECT_EQ(rights_at(span.write), "rw-s");
  constexpr uint8_t code[] = {0xb8, 42, 0, 0, 0, 0xc3};  // mov eax, 42; ret
  std::copy(std::begin(code), std::end(code), reinterpret_cast<uint8_t*>(span.write));
  EXPECT_EQ(reinterpret_cast<int (*)()>(span.run)(), 42);
  memory.release(span);
}

}  // namespace
}  // namespace strata::codegen::x64
