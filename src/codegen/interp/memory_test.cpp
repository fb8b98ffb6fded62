// Guest memory: the TLB's hits and misses, pages' ends, refusals, atomics, and helpers' operands.
#include <gtest/gtest.h>

#include <thread>

#include "codegen/interp/reference_test.h"
#include "codegen/interp/tested_backend_test.h"
#include "ir/builder.h"

namespace strata::codegen::interp {
namespace {

using ir::ExitKind;
using ir::Op;
using ir::Type;

const ir::StateLayout layout{.slots = {{"pc", 0, Type::i64},
                                       {"address", 8, Type::i64},
                                       {"i8", 16, Type::i8},
                                       {"i16", 18, Type::i16},
                                       {"i32", 20, Type::i32},
                                       {"i64", 24, Type::i64},
                                       {"v128", 32, Type::v128},
                                       {"f80", 48, Type::f80},
                                       {"other", 64, Type::f80}},
                             .size = 80,
                             .pc = 0};
enum : ir::SlotId { pc, address, i8, i16, i32, i64, v128, f80, other };

struct Memory : ::testing::TestWithParam<ir::SlotId> {
  World world{layout};

  ir::RunResult run(ir::Builder& build) {
    build.exit_goto(0);
    return tested_runner().run(*tested_backend().compile(build.finish(0, 1, 1)), world.context);
  }
  static ir::Builder begun() {
    ir::Builder build(layout);
    build.begin(build.new_block());
    build.insn(0x1000);
    return build;
  }
  Type type() const { return layout.slots[GetParam()].type; }
  unsigned size() const { return ir::bytes(type()); }

  ir::RunResult load(uint64_t from, ir::Space space = 0) {
    world.set(layout.slots[address], {from, 0});
    ir::Builder build = begun();
    build.set(GetParam(), build.load(type(), build.get(address), space));
    return run(build);
  }
  ir::RunResult store(uint64_t to) {
    world.set(layout.slots[address], {to, 0});
    ir::Builder build = begun();
    build.store(build.get(address), build.get(GetParam()), 0);
    return run(build);
  }
  /// The memory at an address, as a value of the type.
  Datum at(uint64_t where) {
    Datum value;
    std::memcpy(static_cast<void*>(&value), world.memory.at(where), size());
    return value;
  }
};

constexpr uint64_t base = TestMemory::base, page = ir::page_size;

TEST_P(Memory, HitsGoStraightAndMissesTheSlowWay) {
  for (size_t i = 0; i < world.memory.bytes().size(); ++i)
    world.memory.bytes()[i] = static_cast<std::byte>(i * 7 + i / 256);
  world.memory.set_kind(2, TestMemory::device);
  for (const uint64_t from : {base, base + 1, base + page - size(), 2 * page + base + 8}) {
    EXPECT_EQ(load(from).kind, ExitKind::next);
    EXPECT_EQ(world.get(layout.slots[GetParam()]), at(from));
    EXPECT_EQ(store(from + 100).kind, ExitKind::next);
    EXPECT_EQ(at(from + 100), at(from));
  }
  EXPECT_EQ(world.memory.slow_loads, 1u);
  EXPECT_EQ(world.memory.slow_stores, 1u);
}

TEST_P(Memory, AcrossPagesGoesTheSlowWay) {
  const uint64_t from = base + page - 1;
  *world.memory.at(from) = std::byte{0x12};
  *world.memory.at(from + 1) = std::byte{0x34};
  load(from);
  EXPECT_EQ(world.get(layout.slots[GetParam()]), at(from));
  store(from);
  EXPECT_EQ(world.memory.slow_loads, size() > 1 ? 1u : 0u);
  EXPECT_EQ(world.memory.slow_stores, size() > 1 ? 1u : 0u);
}

TEST_P(Memory, RefusalsLeave) {
  world.memory.set_kind(1, TestMemory::refused);
  world.memory.set_kind(3, TestMemory::read_only);
  EXPECT_EQ(load(base + page + 8).kind, ExitKind::memory);
  EXPECT_EQ(store(base + page + 8).kind, ExitKind::memory);
  EXPECT_EQ(load(base + 3 * page).kind, ExitKind::next);
  EXPECT_EQ(store(base + 3 * page).kind, ExitKind::memory);
  EXPECT_EQ(load(~uint64_t{0}).kind, ExitKind::memory);
}

TEST_P(Memory, ConstantsAreStoredTheSlowWayToo) {
  if (type() == Type::v128) return;
  world.memory.set_kind(2, TestMemory::device);
  for (const uint64_t to : {base + page - 1, base + 2 * page + 8}) {
    for (const uint64_t constant : {uint64_t{0x7b}, uint64_t{0x12345678}, ~uint64_t{0x12345677}, uint64_t{1} << 40}) {
      world.set(layout.slots[address], {to, 0});
      ir::Builder build = begun();
      build.store(build.get(address), build.constant(type(), constant), 0);
      EXPECT_EQ(run(build).kind, ExitKind::next);
      EXPECT_EQ(at(to).lo, constant & ir::mask(type()));
    }
  }
  EXPECT_EQ(world.memory.slow_stores, size() > 1 ? 8u : 4u);
}

TEST_P(Memory, EachSpaceHasItsTlb) {
  ir::Tlb nothing = {};
  world.context.tlb[2] = &nothing;
  load(base, 1);
  EXPECT_EQ(world.memory.slow_loads, 0u);
  load(base, 2);
  EXPECT_EQ(world.memory.slow_loads, 1u);
  EXPECT_EQ(world.memory.last_space, 2);
}

INSTANTIATE_TEST_SUITE_P(All, Memory, ::testing::Values(i8, i16, i32, i64, v128),
                         [](const auto& one) { return layout.slots[one.param].name; });

/// Address forms that loads and stores compute themselves, against the sum: base + index, the index to the left or the
/// right and scaled or not, and displacements of 0, 16 and 32 bits.
TEST(Addresses, AllForms) {
  for (const bool scaled : {false, true}) {
    for (const unsigned form : {0, 1, 2}) {  // no index, left, right
      for (const int64_t displacement : {0, 3000, -16, 0x123456, -0x123456}) {
        for (const bool constant : {false, true}) {
          World world(layout);
          const uint64_t index = form == 0 ? 0 : 24, at = base + 64 + index * (scaled ? 8 : 1);
          world.set(layout.slots[address], {base + 64 - static_cast<uint64_t>(displacement), 0});
          world.set(layout.slots[i64], {24, 0});
          ir::Builder build = Memory::begun();
          ir::Value sum = build.get(address), right = build.get(i64);
          if (scaled) right = build.shl(right, build.i8(3));
          if (form != 0) sum = form == 1 ? build.add(right, sum) : build.add(sum, right);
          sum = build.add(sum, build.i64(static_cast<uint64_t>(displacement)));
          build.store(sum, constant ? build.i16(0xfedc) : build.trunc(Type::i16, build.get(i64)), 0);
          build.set(i16, build.load(Type::i16, sum, 0));
          build.exit_goto(0);
          const auto code = tested_backend().compile(build.finish(0, 1, 1));
          const ir::RunResult result = tested_runner().run(*code, world.context);
          ASSERT_EQ(result.kind, ExitKind::next) << form << " " << displacement;
          uint16_t stored;
          std::memcpy(&stored, world.memory.at(at), 2);
          EXPECT_EQ(stored, constant ? 0xfedc : 24) << form << " " << displacement;
          EXPECT_EQ(world.get(layout.slots[i16]).lo, stored);
        }
      }
    }
  }
}

struct Atomics : Memory {};

TEST_P(Atomics, GiveTheOldValueAndStoreTheNew) {
  for (const bool slow : {false, true}) {
    world.memory.set_kind(0, slow ? TestMemory::device : TestMemory::plain);
    for (const Op op : {Op::atomic_swap, Op::atomic_add, Op::atomic_and, Op::atomic_or, Op::atomic_xor}) {
      const uint64_t mask = ir::mask(type()), old = 0xf1f2f3f4f5f6f7f8 & mask, operand = 0x123456789abcdef0 & mask;
      std::memcpy(world.memory.at(base + 16), &old, size());
      ir::Builder build = begun();
      build.set(GetParam(), build.atomic(op, build.i64(base + 16), build.constant(type(), operand), 0));
      EXPECT_EQ(run(build).kind, ExitKind::next);
      const uint64_t expected = op == Op::atomic_swap  ? operand
                                : op == Op::atomic_add ? old + operand
                                : op == Op::atomic_and ? old & operand
                                : op == Op::atomic_or  ? old | operand
                                                       : old ^ operand;
      EXPECT_EQ(at(base + 16).lo, expected & mask);
      EXPECT_EQ(world.get(layout.slots[GetParam()]).lo, old);
    }
  }
}

TEST_P(Atomics, CompareAndSwap) {
  for (const uint64_t where : {base + 8, base + page - 1, base + 2 * page + 8}) {
    world.memory.set_kind(2, TestMemory::device);
    for (const uint64_t expected : {5, 6}) {
      const uint64_t old = 5;
      std::memcpy(world.memory.at(where), &old, size());
      ir::Builder build = begun();
      build.set(GetParam(),
                build.atomic_cas(build.i64(where), build.constant(type(), expected), build.constant(type(), 9), 0));
      run(build);
      EXPECT_EQ(at(where).lo, expected == 5 ? 9u : 5u);
      EXPECT_EQ(world.get(layout.slots[GetParam()]).lo, 5u);
    }
  }
}

TEST_P(Atomics, RefusedOnReadOnlyPages) {
  world.memory.set_kind(0, TestMemory::read_only);
  ir::Builder build = begun();
  build.atomic_cas(build.i64(base), build.constant(type(), 1), build.constant(type(), 1), 3);
  EXPECT_EQ(run(build).kind, ExitKind::memory);
  EXPECT_EQ(world.memory.last_space, 3);
  EXPECT_EQ(world.context.insns, 0u);
}

TEST_P(Atomics, AreAtomic) {
  constexpr unsigned threads = 3, rounds = 20'000;
  const std::unique_ptr<Backend> backend = make_tested_backend();
  ir::Builder build = begun();
  build.atomic(Op::atomic_add, build.i64(base + 8), build.constant(type(), 1), 0);
  build.exit_goto(0);
  const auto code = backend->compile(build.finish(0, 1, 1));
  std::vector<std::thread> running;
  for (unsigned i = 0; i < threads; ++i) {
    running.emplace_back([&, runner = std::shared_ptr<Runner>(backend->make_runner())] {
      ir::StateMemory state(layout.size);
      ir::ExecContext context;
      context.state = state.data();
      context.tlb = world.context.tlb;
      context.memory = &world.memory;
      for (unsigned round = 0; round < rounds; ++round) runner->run(*code, context);
    });
  }
  for (std::thread& thread : running) thread.join();
  EXPECT_EQ(at(base + 8).lo, threads * rounds & ir::mask(type()));
}

INSTANTIATE_TEST_SUITE_P(All, Atomics, ::testing::Values(i8, i16, i32, i64),
                         [](const auto& one) { return layout.slots[one.param].name; });

// Helpers with every number of operands, as they were passed.
uint64_t passed[4];
Datum passed_vector;

uint64_t none(ir::ExecContext&) { return 0x1122334455667788; }
uint64_t one(ir::ExecContext&, uint64_t a) { return passed[0] = a; }
uint64_t four(ir::ExecContext&, uint64_t a, uint64_t b, const Datum* c, uint64_t d) {
  passed[0] = a, passed[1] = b, passed_vector = *c, passed[3] = d;
  return a + b + d;
}
uint64_t swap_halves(ir::ExecContext& context, Datum* result, const Datum* a, const Datum* b) {
  std::memset(context.state + layout.slots[v128].offset, 0xee, 16);  // the operands must not be there
  result->lo = a->hi;
  result->hi = b->lo;
  return 0;
}

template <class F>
ir::Helper helper(F* function, Type result, std::vector<Type> operands, ir::HelperEffect effect) {
  return {"helper", reinterpret_cast<ir::Helper::Function>(function), result, std::move(operands), effect};
}

TEST_F(Memory, HelpersTakeAndGiveAllTypes) {
  const auto effect = ir::HelperEffect::state;
  const ir::Helper nothing = helper(&none, Type::i16, {}, effect), unary = helper(&one, Type::i64, {Type::i8}, effect);
  const ir::Helper with_four = helper(&four, Type::i32, {Type::i16, Type::i1, Type::v128, Type::i64}, effect);
  const ir::Helper swap = helper(&swap_halves, Type::v128, {Type::v128, Type::v128}, effect);
  world.set(layout.slots[v128], {0x11, 0x22});
  world.set(layout.slots[i64], {0xfffffffffffffff5, 0});
  ir::Builder build = begun();
  const ir::Value wide = build.get(i64), vector = build.get(v128);
  build.set(i16, build.call(nothing, {}));
  build.set(address, build.call(unary, {build.trunc(Type::i8, wide)}));
  build.set(i32,
            build.call(with_four, {build.get(i16), build.lt_s(wide, build.i64(0)), vector, build.i64(0x123456789)}));
  build.set(v128, build.call(swap, {vector, vector}));
  run(build);
  EXPECT_EQ(passed[0], 0x7788u);
  EXPECT_EQ(passed[1], 1u);
  EXPECT_EQ(passed_vector, (Datum{0x11, 0x22}));
  EXPECT_EQ(passed[3], 0x123456789u);
  EXPECT_EQ(world.get(layout.slots[address]).lo, 0xf5u);
  EXPECT_EQ(world.get(layout.slots[i32]).lo, (0x7788u + 1 + 0x123456789) & 0xffffffff);
  EXPECT_EQ(world.get(layout.slots[v128]), (Datum{0x22, 0x11}));
}

/// f80 values are held in 16 bytes, passed like vectors.
TEST_F(Memory, ExtendedFloatsMove) {
  world.set(layout.slots[f80], {0x8000000000000000, 0x3fff});
  ir::Builder build = begun();
  const ir::Value value = build.get(f80);
  build.set(other, build.select(build.eq(build.get(i64), build.i64(0)), value, build.get(other)));
  run(build);
  EXPECT_EQ(world.get(layout.slots[other]), (Datum{0x8000000000000000, 0x3fff}));
}

}  // namespace
}  // namespace strata::codegen::interp
