// Benchmarks of the interpreter: a sieve's inner loop and other loops as x86 front ends would translate them, and
// compiling. `insns` are guest instructions a second, `ops` the IR operations that they are made of.
#include <benchmark/benchmark.h>

#include <cstring>
#include <vector>

#include "codegen/interp/interpreter.h"
#include "ir/builder.h"
#include "ir/passes/pipeline.h"

namespace strata::codegen::interp {
namespace {

using ir::Builder;
using ir::Type;
using ir::Value;

enum : ir::SlotId { rax, rcx, rdx, rbx, rsi, rdi, pc, flags, slot_count };

const ir::StateLayout& layout() {
  static const ir::StateLayout instance = [] {
    ir::StateLayout made;
    const char* const names[] = {"rax", "rcx", "rdx", "rbx", "rsi", "rdi", "pc"};
    for (const char* name : names) made.slots.push_back({name, made.size, Type::i64}), made.size += 8;
    made.slots.push_back({"flags", made.size, Type::i32});
    made.size += 8;
    made.pc = pc;
    return made;
  }();
  return instance;
}

class NoMemory final : public ir::SlowMemory {
 public:
  bool load(uint64_t, unsigned, ir::Space, void*) override { return false; }
  bool store(uint64_t, unsigned, ir::Space, const void*) override { return false; }
  void* pin_for_update(uint64_t, unsigned, ir::Space, bool*) override { return nullptr; }
};

/// A guest of 1 MiB of memory at address 0, all of it in the TLB.
struct Guest {
  static constexpr uint64_t size = 1 << 20;
  std::vector<std::byte> memory = std::vector<std::byte>(size + ir::page_size);
  ir::Tlb tlb;
  NoMemory slow;
  ir::BackendRoom room;
  uint64_t state[slot_count] = {};
  ir::ExecContext context;
  Interpreter interpreter;
  std::unique_ptr<Runner> runner = interpreter.make_runner();

  Guest() {
    for (uint64_t page = 0; page < size; page += ir::page_size) {
      tlb.at(page) = {reinterpret_cast<uint64_t>(memory.data()), page, page};
    }
    context.state = reinterpret_cast<std::byte*>(state);
    context.tlb.fill(&tlb);
    context.memory = &slow;
  }

  void measure(benchmark::State& bench, ir::Unit unit, bool leaves_each_time) {
    ir::Pipeline().run(unit);
    const auto code = interpreter.compile(unit);
    for (auto _ : bench) {
      std::memset(state, 0, sizeof state);
      state[rcx] = 3;
      state[rsi] = size - 1;
      if (leaves_each_time) {
        for (unsigned i = 0; i < 1000; ++i) runner->run(*code, context);
      } else {
        runner->run(*code, context);
      }
    }
    // Nearly all of the unit's operations are those of the loop.
    const double ops = static_cast<double>(unit.code.size()) / unit.guest_insns;
    const auto insns = static_cast<double>(context.insns);
    bench.counters["insns"] = benchmark::Counter(insns, benchmark::Counter::kIsRate);
    bench.counters["ops"] = benchmark::Counter(insns * ops, benchmark::Counter::kIsRate);
    bench.counters["bytes"] = static_cast<double>(code->bytes());
  }
};

/// mov byte [rdx+rax], 1 · add rax, rcx · cmp rax, rsi · jbe: the loop in one unit, or a unit that leaves each time.
ir::Unit sieve(bool loop) {
  Builder b(layout());
  const ir::BlockId head = b.new_block(), again = b.new_block(), done = b.new_block();
  b.begin(head);
  b.insn(0x1000);
  if (loop) b.poll();
  b.store(b.add(b.get(rdx), b.get(rax)), b.i8(1), 0);
  b.insn(0x1004);
  const Value x = b.get(rax), y = b.get(rcx);
  const Value sum = b.add(x, y);
  b.set(rax, sum);
  b.set(flags, b.flags(ir::Op::flags_add, x, y));
  b.insn(0x1007);
  const Value f = b.flags(ir::Op::flags_sub, sum, b.get(rsi));
  b.set(flags, f);
  b.insn(0x100a);
  b.branch(b.cond(ir::Cond::be, f), again, done);
  b.begin(again);
  if (loop) b.jump(head);
  if (!loop) b.exit_goto(0x1000);
  b.begin(done);
  b.exit_goto(0x100c);
  return b.finish(0x1000, 12, 4);
}

/// A checksum: mov eax, [rdx+rbx*4+8] · xor eax, edi · rol eax, 5 · mov edi, eax · add rdi, 7 · inc rbx · cmp · jb.
ir::Unit checksum() {
  Builder b(layout());
  const ir::BlockId head = b.new_block(), done = b.new_block();
  b.begin(head);
  b.insn(0x2000);
  b.poll();
  const Value index = b.get(rbx);
  const Value loaded = b.load(Type::i32, b.add(b.add(b.get(rdx), b.shl(index, b.i8(2))), b.i64(8)), 0);
  b.insn(0x2004);
  const Value mixed = b.xor_(loaded, b.trunc(Type::i32, b.get(rdi)));
  b.set(flags, b.flags(ir::Op::flags_logic, mixed));
  b.insn(0x2006);
  const Value turned = b.rotl(mixed, b.i8(5));
  b.set(rax, b.zext(Type::i64, turned));
  b.insn(0x2009);
  b.insn(0x200b);
  b.set(rdi, b.add(b.zext(Type::i64, turned), b.i64(7)));
  b.insn(0x200f);
  const Value next = b.add(index, b.i64(1));
  b.set(rbx, next);
  b.insn(0x2012);
  const Value f = b.flags(ir::Op::flags_sub, next, b.i64(100000));
  b.set(flags, f);
  b.insn(0x2018);
  b.branch(b.cond(ir::Cond::c, f), head, done);
  b.begin(done);
  b.exit_goto(0x201a);
  return b.finish(0x2000, 26, 8);
}

/// A block as compilers make them: spills, an add, a test, a jump; everything may fault, so flags are sunk.
ir::Unit typical_block() {
  Builder b(layout());
  const ir::BlockId entry = b.new_block(), yes = b.new_block(), no = b.new_block();
  b.begin(entry);
  for (unsigned i = 0; i < 4; ++i) {
    b.insn(0x3000 + 16 * i);
    const Value stack = b.sub(b.get(rdx), b.i64(8));
    b.store(stack, b.get(rbx), 0);
    b.set(rdx, stack);
    b.insn(0x3004 + 16 * i);
    const Value x = b.get(static_cast<ir::SlotId>(rsi + i % 2)), y = b.load(Type::i64, b.add(stack, b.i64(16)), 0);
    b.set(rax, b.add(x, y));
    b.set(flags, b.flags(ir::Op::flags_add, x, y));
  }
  b.insn(0x3100);
  const Value low = b.trunc(Type::i32, b.get(rax));
  const Value f = b.flags(ir::Op::flags_logic, low);
  b.set(flags, f);
  b.insn(0x3104);
  b.branch(b.cond(ir::Cond::z, f), yes, no);
  b.begin(yes);
  b.exit_goto(0x3000);
  b.begin(no);
  b.exit_goto(0x4000);
  return b.finish(0x3000, 0x106, 10);
}

void sieve_loop(benchmark::State& bench) { Guest().measure(bench, sieve(true), false); }
void sieve_by_blocks(benchmark::State& bench) { Guest().measure(bench, sieve(false), true); }
void checksum_loop(benchmark::State& bench) { Guest().measure(bench, checksum(), false); }

void compile_block(benchmark::State& bench) {
  Interpreter interpreter;
  ir::Unit unit = typical_block();
  ir::Pipeline().run(unit);
  size_t bytes = 0;
  for (auto _ : bench) {
    const auto code = interpreter.compile(unit);
    bytes = code->bytes();
    benchmark::DoNotOptimize(code.get());
  }
  bench.counters["ops"] =
      benchmark::Counter(static_cast<double>(unit.code.size()), benchmark::Counter::kIsIterationInvariantRate);
  bench.counters["bytes"] = static_cast<double>(bytes);
}

BENCHMARK(sieve_loop);
BENCHMARK(sieve_by_blocks);
BENCHMARK(checksum_loop);
BENCHMARK(compile_block);

}  // namespace
}  // namespace strata::codegen::interp
