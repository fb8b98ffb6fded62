// Benchmarks of building a typical block of six guest instructions and of the pipeline on it.
#include <benchmark/benchmark.h>

#include "ir/builder.h"
#include "ir/passes/passes.h"
#include "ir/passes/pipeline.h"

namespace strata::ir {
namespace {

/// Sixteen registers, flags and the pc, as a front end might lay them out.
StateLayout make_layout() {
  StateLayout layout{.slots = {}, .size = 160, .pc = 17};
  for (uint32_t i = 0; i < 16; ++i) layout.slots.push_back({"r" + std::to_string(i), i * 8, Type::i64});
  layout.slots.push_back({"flags", 128, Type::i32});
  layout.slots.push_back({"pc", 136, Type::i64});
  return layout;
}

const StateLayout layout = make_layout();
constexpr SlotId flags = 16;

void set_flags(Builder& build, Value fresh, uint32_t mask) {
  build.set(flags, build.flags_merge(build.get(flags), fresh, mask));
}

/// load r1, [r2 + r3 * 4]; add r1, r4; store [r5 + 16], r1; inc r3; compare r3, r6; branch if less.
void build_loop_body(Builder& build) {
  build.begin(build.new_block());
  build.insn(0x1000);
  const Value address = build.add(build.get(2), build.shl(build.get(3), build.i8(2)));
  build.set(1, build.zext(Type::i64, build.load(Type::i32, address, 0)));
  build.insn(0x1004);
  const Value a = build.trunc(Type::i32, build.get(1)), b = build.trunc(Type::i32, build.get(4));
  build.set(1, build.zext(Type::i64, build.add(a, b)));
  set_flags(build, build.flags(Op::flags_add, a, b), Flag::all);
  build.insn(0x1007);
  build.store(build.add(build.get(5), build.i64(16)), build.trunc(Type::i32, build.get(1)), 0);
  build.insn(0x100b);
  const Value count = build.get(3), one = build.i64(1);
  build.set(3, build.add(count, one));
  set_flags(build, build.flags(Op::flags_add, count, one), Flag::all & ~Flag::carry);
  build.insn(0x100e);
  set_flags(build, build.flags(Op::flags_sub, build.get(3), build.get(6)), Flag::all);
  build.insn(0x1011);
  const BlockId taken = build.new_block(), fall = build.new_block();
  build.branch(build.cond(Cond::l, build.get(flags)), taken, fall);
  build.begin(taken);
  build.exit_goto(0x1000);
  build.begin(fall);
  build.exit_goto(0x1013);
}

Unit loop_body() {
  Builder build(layout);
  build_loop_body(build);
  return build.finish(0x1000, 0x13, 6);
}

void BM_build(benchmark::State& state) {
  size_t instrs = 0;
  for (auto _ : state) instrs = loop_body().code.size();
  state.counters["instrs"] = static_cast<double>(instrs);
}
BENCHMARK(BM_build);

void BM_copy(benchmark::State& state) {
  const Unit unit = loop_body();
  for (auto _ : state) benchmark::DoNotOptimize(Unit(unit));
}
BENCHMARK(BM_copy);

/// Includes the copy of the unit that BM_copy measures alone.
void BM_pipeline(benchmark::State& state) {
  const Unit built = loop_body();
  Pipeline pipeline;
  size_t instrs = 0;
  for (auto _ : state) {
    Unit unit = built;
    pipeline.run(unit);
    instrs = unit.code.size();
  }
  state.counters["instrs"] = static_cast<double>(instrs);
}
BENCHMARK(BM_pipeline);

void BM_pass(benchmark::State& state) {
  const Pass& pass = all_passes()[static_cast<size_t>(state.range(0))];
  const Unit built = loop_body();
  for (auto _ : state) {
    Unit unit = built;
    pass.run(unit);
    benchmark::DoNotOptimize(unit.code.data());
  }
  state.SetLabel(std::string(pass.name));
}
BENCHMARK(BM_pass)->DenseRange(0, static_cast<int>(all_passes().size()) - 1);

}  // namespace
}  // namespace strata::ir
