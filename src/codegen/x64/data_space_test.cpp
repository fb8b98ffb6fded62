// The TLB that stands in a register, and the stack that translated code has in front of the guest's state.
#include <sys/time.h>
#include <csignal>
#include <cstring>

#include "codegen/interp/exits_test.h"
#include "codegen/x64/tested_host_test.h"
#include "codegen/x64/translator.h"

namespace strata::codegen::x64 {
namespace {

using interp::TestMemory;

/// The TLB of space 0 becomes that of space 1.
uint64_t switch_tlb(ir::ExecContext& context) {
  context.tlb[0] = context.tlb[1];
  return 0;
}
const ir::Helper switch_helper{.name = "switch_tlb",
                               .function = reinterpret_cast<ir::Helper::Function>(&switch_tlb),
                               .effect = ir::HelperEffect::state};
const ir::Helper* find_helper(std::string_view /*name*/) { return &switch_helper; }

struct DataSpace : interp::Exits {
  Translator translator{tested_host()};
  std::unique_ptr<Runner> runner = translator.make_runner();
  TestMemory other;

  DataSpace() {
    world.context.tlb[1] = &other.tlb();
    world.memory.bytes()[8] = std::byte{10};
    other.bytes()[8] = std::byte{11};
  }

  std::unique_ptr<Code> compiled(std::string_view text, ir::Space data_space) {
    auto unit = ir::parse(text, interp::exits_layout, find_helper);
    EXPECT_TRUE(unit) << unit.error().message;
    unit->data_space = data_space;
    return translator.compile(*unit);
  }
  ir::RunResult run(const Code& code) { return runner->run(code, world.context); }
};

const std::string address = "%at = constant i64 " + std::to_string(TestMemory::base + 8) + "\n";
/// Slot a gets what space 0 has there, b what space 1 has.
const std::string look = "b0:\ninsn 0x1000\n" + address +
                         "%x = load i8 %at, space 0\n%a = zext i64 %x\nset a, %a\n"
                         "%y = load i8 %at, space 1\n%b = zext i64 %y\nset b, %b\nexit_goto 0x1001";

TEST_F(DataSpace, AnySpaceMayBeAtHand) {
  for (const ir::Space at_hand : {0, 1, 2}) {
    set(a, 0), set(b, 0);
    run(*compiled(look, at_hand));
    EXPECT_EQ(slot(a), 10u) << +at_hand;
    EXPECT_EQ(slot(b), 11u) << +at_hand;
  }
}

TEST_F(DataSpace, HelpersMayChangeItsTlb) {
  run(*compiled("b0:\ninsn 0x1000\n" + address +
                    "%x = load i8 %at, space 0\n%a = zext i64 %x\nset a, %a\ncall switch_tlb()\n"
                    "%y = load i8 %at, space 0\n%b = zext i64 %y\nset b, %b\nexit_goto 0x1001",
                0));
  EXPECT_EQ(slot(a), 10u);
  EXPECT_EQ(slot(b), 11u);
}

TEST_F(DataSpace, UnitsOfAnotherAreNotLedTo) {
  const auto first = compiled("unit 0x1000, 1 bytes, 1 insns\nb0:\ninsn 0x1000\nexit_goto 0x1001", 0);
  const std::string behind = "b0:\ninsn 0x1001\n%one = constant i64 1\nset b, %one\nexit_goto 0x1002";
  const auto alike = compiled(behind, 0), unlike = compiled(behind, 1);
  first->set_link(0, *unlike);
  run(*first);
  EXPECT_EQ(slot(b), 0u);
  EXPECT_EQ(slot(pc), 0x1001u);
  first->set_link(0, *alike);
  run(*first);
  EXPECT_EQ(slot(b), 1u);
}

volatile unsigned alarms = 0;
void note_alarm(int /*signal*/) {
  volatile char much[8192];
  std::memset(const_cast<char*>(much), 0xee, sizeof much);
  alarms = alarms + 1;
}

TEST_F(DataSpace, SignalsFindRoomBelowTheFrame) {
  const auto code = compiled(R"(
    b0:
      insn 0x1000
      %1 = get a
      %2 = get b
      %3 = add i64 %1, %2
      set b, %3
      %4 = constant i64 1
      %5 = sub i64 %1, %4
      set a, %5
      %6 = constant i64 0
      %7 = ne i64 %5, %6
      branch %7, b0, b1
    b1:
      exit_goto 0x1009)",
                             0);
  struct sigaction before = {}, noting = {};
  noting.sa_handler = note_alarm;
  ASSERT_EQ(sigaction(SIGVTALRM, &noting, &before), 0);
  const itimerval often{.it_interval = {0, 1000}, .it_value = {0, 1000}}, never{};
  setitimer(ITIMER_VIRTUAL, &often, nullptr);
  constexpr uint64_t rounds = 1'000'000;
  alarms = 0;
  while (alarms < 3) {
    set(a, rounds), set(b, 0);
    run(*code);
    ASSERT_EQ(slot(b), rounds * (rounds + 1) / 2);
  }
  setitimer(ITIMER_VIRTUAL, &never, nullptr);
  sigaction(SIGVTALRM, &before, nullptr);
}

}  // namespace
}  // namespace strata::codegen::x64
