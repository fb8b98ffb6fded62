// Loads and stores side by side, which a back end may look up together: at all distances from a page's end, where some are
// refused, and where one of them changes what the others find.
#include <cstring>
#include <string>

#include "codegen/interp/exits_test.h"

namespace strata::codegen::interp {
namespace {

constexpr uint64_t base = TestMemory::base, page = ir::page_size;

/// Reads a word, writes it behind, adds to it, and sums up what it finds; addresses of 64 or 32 bits.
ir::Unit side_by_side(bool narrow) {
  const auto address = [narrow](const std::string& number, const std::string& distance) {
    const std::string constant = "  %d" + number + " = constant i64 " + distance + "\n";
    const std::string sum = " = add i64 %a, %d" + number + "\n";
    if (!narrow) return constant + "  %p" + number + sum;
    return constant + "  %s" + number + sum + "  %p" + number + " = and i64 %s" + number + ", %mask\n";
  };
  const std::string text = "unit 0x1000, 4 bytes, 4 insns\nb0:\n  insn 0x1000\n  %mask = constant i64 0xffffffff\n" +
                           std::string("  %byte = constant i8 0x5a\n  %a = get a\n") + address("0", "0x8") +
                           address("1", "0xfffffffffffffff0") + address("2", "0x13") + R"(
  %v0 = load i32 %p0, space 1
  %w = get w
  %sum = add i32 %w, %v0
  set w, %sum
  insn 0x1001
  store i32 %p1, %sum, space 1
  insn 0x1002
  %v2 = load i16 %p2, space 1
  %x2 = zext i64 %v2
  set b, %x2
  insn 0x1003
  %v3 = load i64 %p1, space 1
  set a, %v3
  store i8 %p2, %byte, space 1
  exit_goto 0x1004)";
  const auto unit = ir::parse(text, exits_layout, find_exits_helper);
  EXPECT_TRUE(unit) << unit.error().message << text;
  return *unit;
}

/// Sums whose carries go on behind loads and stores: a back end may leave them in the host's flag.
ir::Unit carries_beside() {
  const auto unit = ir::parse(R"(unit 0x1000, 4 bytes, 4 insns
b0:
  insn 0x1000
  %a = get a
  %b = get b
  %8 = constant i64 0x8
  %16 = constant i64 0x10
  %p1 = add i64 %a, %8
  %p2 = add i64 %a, %16
  %none = constant i1 0
  %zero = constant i64 0
  %v0 = load i64 %a, space 1
  %sum = add i64 %v0, %b
  %c0 = carry_adc i64 %v0, %b, %none
  insn 0x1001
  %v1 = load i64 %p1, space 1
  %high = adc i64 %v1, %b, %c0
  %c1 = carry_adc i64 %v1, %b, %c0
  set b, %high
  %exits = sunk zext i32 %c1
  sunk set w, %exits
  insn 0x1002
  store i64 %p2, %sum, space 1
  %next = add i64 %high, %8
  set a, %next
  insn 0x1003
  %last = adc i64 %zero, %sum, %c1
  %fresh = trunc i32 %last
  %c2 = carry_adc i64 %zero, %sum, %c1
  set b, %last
  %one = constant i32 1
  %counted = sub i32 %fresh, %one
  set w, %counted
  %old = zext i32 %c2
  %flags = flags_sub i32 %fresh, %one
  %merged = flags_merge %old, %flags, 0x8d4
  set f, %merged
  exit_goto 0x1004)",
                              exits_layout, find_exits_helper);
  EXPECT_TRUE(unit) << unit.error().message;
  return *unit;
}

struct Neighbours : Exits {
  void expect_the_same(const ir::Unit& unit, uint64_t address, TestMemory::Kind first, TestMemory::Kind second,
                       uint64_t addend = 0) {
    static World expected(exits_layout);
    for (World* one : {&world, &expected}) {
      for (size_t i = 0; i < 3 * page; ++i) one->memory.bytes()[i] = static_cast<std::byte>(i * 7 + i / 256);
      one->memory.set_kind(1, first);
      one->memory.set_kind(2, second);
      for (const ir::Slot& slot : exits_layout.slots) one->set(slot, {});
      one->set(exits_layout.slots[a], {address, 0});
      one->set(exits_layout.slots[b], {addend, 0});
      one->context.insns = 0;
    }
    run_plainly(unit, expected);
    const ir::RunResult result = run(unit);
    ASSERT_EQ(result.kind, expected.result.kind);
    ASSERT_EQ(world.context.insns, expected.context.insns);
    for (const ir::Slot& slot : exits_layout.slots) ASSERT_EQ(world.get(slot), expected.get(slot)) << slot.name;
    ASSERT_TRUE(world.memory.bytes() == expected.memory.bytes());
  }

  void expect_the_same_around_a_pages_end(const ir::Unit& unit, uint64_t addend) {
    using Kind = TestMemory::Kind;
    for (const Kind first : {Kind::plain, Kind::read_only, Kind::device}) {
      for (const Kind second : {Kind::plain, Kind::read_only, Kind::refused, Kind::device}) {
        for (uint64_t address = base + 2 * page - 40; address < base + 2 * page + 24; ++address) {
          expect_the_same(unit, address, first, second, addend);
          if (HasFatalFailure()) FAIL() << address - base - 2 * page << " " << first << second;
        }
      }
    }
  }
};

TEST_F(Neighbours, AroundAPagesEnd) {
  for (const bool narrow : {false, true}) expect_the_same_around_a_pages_end(side_by_side(narrow), 0);
}

/// Of sums that have a carry, one that is handed on from the sum before among them, and that have none.
TEST_F(Neighbours, CarriesStayBesideThem) {
  const ir::Unit unit = carries_beside();
  for (const uint64_t addend : {uint64_t{0}, uint64_t{1} << 63, ~uint64_t{0}, ~uint64_t{0x7f'ffff'ffff'ffff}})
    expect_the_same_around_a_pages_end(unit, addend);
}

/// Where addresses of 32 bits begin anew.
TEST_F(Neighbours, AroundTheEndOfAllAddresses) {
  for (const uint64_t high : {uint64_t{0}, uint64_t{7} << 32}) {
    const ir::Unit narrow = side_by_side(true);
    expect_the_same(narrow, high, TestMemory::plain, TestMemory::plain);
    expect_the_same(narrow, high + 0xffff'fffc, TestMemory::plain, TestMemory::plain);
    expect_the_same(narrow, high + base + 64, TestMemory::plain, TestMemory::plain);
  }
}

/// The first load hits; the second goes to a device, which puts other memory behind the first one's page.
class Remapping final : public ir::SlowMemory {
 public:
  explicit Remapping(ir::Tlb& tlb) : tlb_(tlb) {
    tlb_ = {};
    show(0);
  }
  void show(size_t which) {
    tlb_.at(base) = {.read = ir::page_number(base),
                     .addend = reinterpret_cast<uint64_t>(memory[which].data()) - base,
                     .write = ir::page_number(base)};
  }
  bool load(uint64_t, unsigned size, ir::Space, void* out) override {
    std::memset(out, 0, size);
    show(1);
    return true;
  }
  bool store(uint64_t, unsigned, ir::Space, const void*) override { return false; }
  void* pin_for_update(uint64_t, unsigned, ir::Space, bool*) override { return nullptr; }

  std::array<std::vector<uint64_t>, 2> memory = {std::vector<uint64_t>(512, 1), std::vector<uint64_t>(512, 2)};

 private:
  ir::Tlb& tlb_;
};

TEST_F(Neighbours, WhatADeviceMovesIsFoundAnew) {
  Remapping memory(world.memory.tlb());
  world.context.memory = &memory;
  set(a, base);
  set(b, base + page);
  EXPECT_EQ(run(R"(unit 0x1000, 4 bytes, 4 insns
b0:
  insn 0x1000
  %a = get a
  %first = load i64 %a, space 0
  %b = get b
  %device = load i64 %b, space 0
  %eight = constant i64 0x8
  %p = add i64 %a, %eight
  %last = load i64 %p, space 0
  set a, %first
  set b, %last
  exit_goto 0x1004)")
                .kind,
            ir::ExitKind::next);
  EXPECT_EQ(slot(a), 1u);
  EXPECT_EQ(slot(b), 2u);
}

}  // namespace
}  // namespace strata::codegen::interp
