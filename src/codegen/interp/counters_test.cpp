// Flags of a counter among others: those of a sum or difference with 1, beside the carry of what was done before. And
// branches by whether a result is 0.
#include <gtest/gtest.h>

#include <fmt/format.h>

#include "codegen/interp/exits_test.h"
#include "ir/flags.h"

namespace strata::codegen::interp {
namespace {

constexpr uint64_t edges[] = {
    0, 1, 2, 0x7fff'ffff, 0x8000'0000, 0xffff'ffff, 0x1'0000'0000, 0x8000'0000'0000'0000, ~uint64_t{0}};

const ir::StateLayout counters_layout = [] {
  ir::StateLayout layout = exits_layout;
  layout.flags = Exits::f;
  return layout;
}();

struct Counters : ::testing::Test {
  World world{counters_layout};

  uint64_t slot(ir::SlotId id) { return world.get(counters_layout.slots[id]).lo; }
  void set(ir::SlotId id, uint64_t value) { world.set(counters_layout.slots[id], {value, 0}); }

  /// Whether b is counted itself, and w set to whether that became 0; and whether that is before the operations.
  enum class Form { flags, behind, before };

  /// The old flags are `%old`, made of a and b, which are %1 and %2 (%3 and %4 of 32 bits) to the operations; `carry`
  /// says which they have. Counted is b.
  template <class Carry>
  void expect(std::string_view operations, Carry carry) {
    for (const Form form : {Form::flags, Form::behind, Form::before}) {
      for (const std::string_view type : {"i32", "i64"}) {
        for (const std::string_view op : {"add", "sub"}) expect(operations, carry, form, type, op);
      }
    }
  }
  template <class Carry>
  void expect(std::string_view operations, Carry carry, Form form, std::string_view type, std::string_view op) {
    const bool wide = type == "i64";
    const std::string operands = fmt::format("{} {}, %one\n", type, wide ? "%2" : "%4");
    const std::string zext = wide ? "" : "%wide = zext i64 %counted\n";
    const std::string count =
        fmt::format("%counted = {} {}{}set b, {}\n", op, operands, zext, wide ? "%counted" : "%wide");
    const std::string text =
        fmt::format(R"(b0:
        insn 0x1000
        %1 = get a
        %2 = get b
        %3 = trunc i32 %1
        %4 = trunc i32 %2
        %one = constant {} 1
        {}
        {}
        {}
        %fresh = flags_{} {}
        %merged = flags_merge %old, %fresh, {:#x}
        set f, %merged
        {}
        b1:
        %yes = constant i32 1
        set w, %yes
        exit_goto 0x1009
        b2:
        %no = constant i32 0
        set w, %no
        exit_goto 0x1009)",
                    type, form == Form::before ? count : "", operations, form == Form::behind ? count : "", op,
                    operands, ir::Flag::all & ~ir::Flag::carry,
                    form == Form::flags ? "jump b1"
                                        : fmt::format("%0 = constant {} 0\n%is = eq {} %counted, %0\n"
                                                      "branch %is, b1, b2",
                                                      type, type));
    const auto unit = ir::parse(text, counters_layout, find_exits_helper);
    ASSERT_TRUE(unit) << unit.error().message;
    const auto code = tested_backend().compile(*unit);
    for (const uint64_t left : edges) {
      for (const uint64_t right : edges) {
        for (const uint32_t before : {uint32_t{0}, ir::Flag::all}) {
          set(Exits::a, left);
          set(Exits::b, right);
          set(Exits::f, before);
          tested_runner().run(*code, world.context);
          const uint64_t mask = wide ? ~uint64_t{0} : 0xffff'ffff;
          const uint64_t counted = right & mask, top = (mask >> 1) + 1;
          const uint64_t result = (op == "add" ? counted + 1 : counted - 1) & mask;
          uint32_t wanted = carry(left, right, before) ? ir::Flag::carry : 0;
          if (__builtin_parityll(result & 0xff) == 0) wanted |= ir::Flag::parity;
          if (((result ^ counted ^ 1) & 16) != 0) wanted |= ir::Flag::half;
          if (result == 0) wanted |= ir::Flag::zero;
          if ((result & top) != 0) wanted |= ir::Flag::sign;
          if (result == (op == "add" ? top : top - 1)) wanted |= ir::Flag::overflow;
          ASSERT_EQ(slot(Exits::f), wanted) << type << ' ' << op << ' ' << left << ", " << right << ", " << before;
          if (form == Form::flags) continue;
          ASSERT_EQ(slot(Exits::b), result) << type << ' ' << op << ' ' << left << ", " << right << ", " << before;
          ASSERT_EQ(slot(Exits::w), result == 0 ? 1u : 0u) << type << ' ' << op << ' ' << right;
        }
      }
    }
  }
};

TEST_F(Counters, KeepTheSlotsCarry) {
  expect("%old = get f", [](uint64_t, uint64_t, uint32_t before) { return (before & ir::Flag::carry) != 0; });
}

TEST_F(Counters, KeepAComparisons) {
  expect("%less = lt_u i64 %1, %2\n %old = zext i32 %less",
         [](uint64_t left, uint64_t right, uint32_t) { return left < right; });
  expect("%less = lt_u i32 %4, %3\n %old = zext i32 %less", [](uint64_t left, uint64_t right, uint32_t) {
    return static_cast<uint32_t>(right) < static_cast<uint32_t>(left);
  });
  expect("%less = le_s i64 %1, %2\n %old = zext i32 %less", [](uint64_t left, uint64_t right, uint32_t) {
    return static_cast<int64_t>(left) <= static_cast<int64_t>(right);
  });
}

TEST_F(Counters, KeepWhatADifferenceBorrowed) {
  expect("%d = sub i64 %1, %2\n set a, %d\n %less = lt_u i64 %1, %2\n %old = zext i32 %less",
         [](uint64_t left, uint64_t right, uint32_t) { return left < right; });
  expect("%other = flags_sub i64 %1, %2\n %less = cond c, %other\n %old = zext i32 %less",
         [](uint64_t left, uint64_t right, uint32_t) { return left < right; });
}

TEST_F(Counters, KeepASumsCarry) {
  expect(
      "%none = constant i1 0\n %s = add i64 %1, %2\n set a, %s\n %c = carry_adc i64 %1, %2, %none\n %old = zext i32 %c",
      [](uint64_t left, uint64_t right, uint32_t) { return left + right < left; });
  expect(
      "%less = lt_u i64 %1, %2\n %s = sbb i32 %3, %4, %less\n set w, %s\n %c = carry_sbb i32 %3, %4, %less\n"
      "%old = zext i32 %c",
      [](uint64_t left, uint64_t right, uint32_t) {
        return (left & 0xffff'ffff) < (right & 0xffff'ffff) + (left < right ? 1 : 0);
      });
}

TEST_F(Counters, KeepABit) {
  expect("%n = constant i8 24\n %s = shr i32 %3, %n\n %bit = trunc i1 %s\n %old = zext i32 %bit",
         [](uint64_t left, uint64_t, uint32_t) { return (left >> 24 & 1) != 0; });
}

TEST_F(Counters, KeepAConstant) {
  expect("%old = constant i32 0", [](uint64_t, uint64_t, uint32_t) { return false; });
  expect("%old = constant i32 1", [](uint64_t, uint64_t, uint32_t) { return true; });
}

/// Which the host's flags know; of flags they do not.
TEST_F(Counters, ResultsAreZeroOrNot) {
  for (const std::string_view op : {"add", "sub", "and", "or", "xor", "flags_sub"}) {
    for (const std::string_view relation : {"eq", "ne"}) {
      const std::string text = fmt::format(R"(b0:
        insn 0x1000
        %1 = get a
        %2 = get b
        %3 = trunc i32 %1
        %4 = trunc i32 %2
        %5 = {} i32 %3, %4
        set w, %5
        %6 = constant i32 0
        %7 = {} i32 %5, %6
        branch %7, b1, b2
        b1:
        exit_goto 0x1009
        b2:
        exit_goto 0x1010)",
                                           op, relation);
      const auto unit = ir::parse(text, counters_layout, find_exits_helper);
      ASSERT_TRUE(unit) << unit.error().message;
      const auto code = tested_backend().compile(*unit);
      for (const uint64_t left : edges) {
        for (const uint64_t right : edges) {
          set(Exits::a, left);
          set(Exits::b, right);
          tested_runner().run(*code, world.context);
          const bool holds = (slot(Exits::w) == 0) == (relation == "eq");
          ASSERT_EQ(slot(Exits::pc), holds ? 0x1009u : 0x1010u) << text << left << ", " << right;
        }
      }
    }
  }
}

/// What a sum with a carry finds in the host's flags must be of the comparison that it wants.
TEST_F(Counters, BorrowsBehindOtherDifferences) {
  const auto unit = ir::parse(R"(b0:
      insn 0x1000
      %1 = get a
      %2 = get b
      %3 = sub i64 %1, %2
      %4 = lt_u i64 %1, %2
      %5 = select i64 %4, %1, %3
      %6 = sbb i64 %5, %1, %4
      %7 = lt_u i64 %3, %6
      %8 = adc i64 %6, %2, %4
      %9 = sbb i64 %8, %3, %7
      set a, %6
      set b, %9
      exit_goto 0x1009)",
                              counters_layout, find_exits_helper);
  ASSERT_TRUE(unit) << unit.error().message;
  const auto code = tested_backend().compile(*unit);
  for (const uint64_t left : edges) {
    for (const uint64_t right : edges) {
      set(Exits::a, left);
      set(Exits::b, right);
      tested_runner().run(*code, world.context);
      const uint64_t less = left < right ? 1 : 0, difference = left - right;
      const uint64_t first = (less != 0 ? left : difference) - left - less;
      const uint64_t second = first + right + less - difference - (difference < first ? 1 : 0);
      ASSERT_EQ(slot(Exits::a), first) << left << ", " << right;
      ASSERT_EQ(slot(Exits::b), second) << left << ", " << right;
    }
  }
}

}  // namespace
}  // namespace strata::codegen::interp
