// Tests of the printer of units: x86 code in, all stages out, and only of the units asked for.
#include "engine/unit_printer.h"

#include <gmock/gmock.h>

#include <array>

#include "engine/x86_machine_test.h"

namespace strata::engine {
namespace {

using testing::ContainsRegex;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

/// mov eax, ebx; add eax, 4; jmp over; (a byte that is no code); over: inc ecx; hlt
constexpr auto program = std::to_array<uint8_t>({0x89, 0xd8, 0x83, 0xc0, 0x04, 0xeb, 0x01, 0xff, 0xff, 0xc1, 0xf4});

std::string printed(const UnitPrinterOptions& options, BackendKind backend = BackendKind::interp) {
  std::string text;
  UnitPrinter printer(options, [&text](std::string_view piece) { text += piece; });
  X86Machine machine;
  machine.options.observers = {&printer};
  machine.options.backend = backend;
  machine.make();
  machine.space.write(0x1000, std::as_bytes(std::span(program)));
  machine.long_mode(0x1000);
  EXPECT_EQ(machine.cpu->run().reason, iface::ExitReason::halted);
  return text;
}

TEST(UnitPrinter, ShowsTheGuestsInstructionsAndNothingBetweenThem) {
  const std::string text = printed({.code = true});
  EXPECT_THAT(text, HasSubstr("== 1000, mode "));
  EXPECT_THAT(text, ContainsRegex("1000  89d8 +mov eax, ebx\n1002  83c004 +add eax, 0x04\n1005  eb01 +jmp 0x.*1008\n"));
  EXPECT_THAT(text, ContainsRegex("1008  ffc1 +inc ecx"));
  EXPECT_THAT(text, Not(HasSubstr("1007 ")));
  EXPECT_THAT(text, Not(HasSubstr("-- IR")));
  EXPECT_THAT(text, Not(HasSubstr("-- host"))) << "the interpreter has none";
}

TEST(UnitPrinter, ShowsTheIrBeforeAndAfterThePasses) {
  const std::string text = printed({.ir = true});
  const size_t before = text.find("-- IR\n"), after = text.find("-- IR after the passes\n");
  ASSERT_NE(before, text.npos);
  ASSERT_NE(after, text.npos);
  EXPECT_LT(before, after);
  EXPECT_THAT(text.substr(after), HasSubstr("add i32"));
  EXPECT_THAT(text, Not(HasSubstr("-- guest")));
}

TEST(UnitPrinter, ShowsOnlyUnitsThatHoldTheAddress) {
  EXPECT_THAT(printed({.code = true, .address = 0x1003}), HasSubstr("== 1000"));
  EXPECT_THAT(printed({.code = true, .address = 0xfff}), IsEmpty());
  EXPECT_THAT(printed({.ir = true, .address = 0x100b}), IsEmpty());
}

#if defined(__x86_64__)
TEST(UnitPrinter, ShowsTheHostsCodeOfTheTranslator) {
  const std::string text = printed({.code = true, .address = 0x1000}, BackendKind::jit);
  EXPECT_THAT(text, ContainsRegex("-- host, [0-9]+ bytes\n[0-9a-f]+  "));
  EXPECT_THAT(text, HasSubstr("-- host, seldom run"));
  EXPECT_THAT(text, Not(HasSubstr("(bad)")));
}
#endif

}  // namespace
}  // namespace strata::engine
