// Several runners of one translator's code: links are written while others run them, jumps are each runner's own.
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <random>
#include <set>
#include <thread>
#include <vector>

#include "codegen/x64/tested_host_test.h"
#include "codegen/x64/translator.h"
#include "codegen/x64/x64_code.h"
#include "ir/builder.h"
#include "ir/state_memory_test.h"

namespace strata::codegen::x64 {
namespace {

enum : ir::SlotId { pc, base, done, sum, seconds, back, junk };
const ir::StateLayout layout{.slots = {{"pc", 0, ir::Type::i64},
                                       {"base", 8, ir::Type::i64},
                                       {"done", 16, ir::Type::i64},
                                       {"sum", 24, ir::Type::i64},
                                       {"seconds", 32, ir::Type::i64},
                                       {"back", 40, ir::Type::i64},
                                       {"junk", 48, ir::Type::i64}},
                             .size = 56,
                             .pc = pc,
                             .unit_base = base,
                             .hot = {done, sum}};

/// Guest code in a ring: each unit leads to the next one. There are two copies of each, of which either may be run. They
/// count: all units in `done`, their numbers in `sum`, and those of the second copy in `seconds`.
class Ring {
 public:
  static constexpr size_t size = 64;
  static constexpr uint64_t step = 0x300, bytes = 0x200;  // so that some go into another page
  static uint64_t pc_of(size_t number) { return 0x10'0000 + number % size * step; }
  static size_t number_of(uint64_t pc) { return (pc - pc_of(0)) / step; }

  struct Copy {
    std::unique_ptr<Code> code;
    std::vector<size_t> leads_to;  ///< by link: to the unit of that number
  };

  Ring(Sharing sharing, bool relocatable, bool counted = false)
      : relocatable_(relocatable), counted_(counted), translator(tested_host(), sharing) {
    for (size_t number = 0; number < size; ++number)
      for (size_t second : {0, 1}) {
        units[number][second] = make(number, second);
        units[number][second].code->owner = &units[number][second];
      }
  }

  Copy& any(size_t number, std::mt19937& random) { return units[number % size][random() % 2]; }

  Copy make(size_t number, size_t second) {
    const uint64_t page = relocatable_ ? pc_of(number) & ir::page_mask : 0;
    const auto told = [&](size_t other) { return pc_of(other) - page; };
    Copy copy;
    ir::Builder b(layout);
    b.begin(b.new_block());
    b.insn(told(number));
    b.set(done, b.add(b.get(done), b.i64(1)));
    b.set(sum, b.add(b.get(sum), b.i64(number)));
    if (second != 0) b.set(seconds, b.add(b.get(seconds), b.i64(1)));
    for (unsigned more = random_() % 4; more > 0; --more)  // of many lengths
      b.set(junk, b.xor_(b.get(junk), b.i64(random_() >> random_() % 32)));
    switch (number % 4) {
      case 0:
        b.exit_goto(told(number + 1));
        copy.leads_to = {number + 1};
        break;
      case 1:
        b.set(back, b.i64(pc_of(number + 2)));
        b.expect_return(told(number + 2));
        b.exit_goto(told(number + 1));
        copy.leads_to = {number + 1, number + 2};
        break;
      case 2: b.exit_return(b.get(back)); break;
      default: {
        const ir::BlockId yes = b.new_block(), no = b.new_block();
        b.branch(b.ne(b.and_(b.get(done), b.i64(64)), b.i64(0)), yes, no);
        for (const ir::BlockId block : {yes, no}) {
          b.begin(block);
          b.exit_goto(told(number + 1));
        }
        copy.leads_to = {number + 1, number + 1};
      }
    }
    ir::Unit unit = b.finish(relocatable_ ? told(number) & ~ir::page_mask : told(number), bytes, 1);
    unit.guest_address = pc_of(number);
    unit.relocatable = relocatable_;
    unit.counted = counted_;
    unit.mode = 1;
    copy.code = translator.compile(unit);
    const uint64_t first_page = pc_of(number) & ir::page_mask;
    copy.code->set_place(first_page, first_page + ir::page_size);
    return copy;
  }

 private:
  std::mt19937 random_{1};
  const bool relocatable_, counted_;

 public:
  Translator translator;
  std::array<std::array<Copy, 2>, size> units;
};

/// A processor that runs the ring from its begin.
struct Processor {
  explicit Processor(Ring& of) : ring(of), runner(of.translator.make_runner()) {
    for (uint64_t page = 0x10'0000; page < Ring::pc_of(0) + (Ring::size + 6) * Ring::step; page += ir::page_size)
      tlb->at(page) = {.read = ir::page_number(page), .addend = ir::page_number(page)};
    context.state = state.data();
    context.tlb.fill(tlb.get());
    context.code_pages.fill(tlb->pages.data());
    put(pc, Ring::pc_of(0));
  }

  uint64_t slot(ir::SlotId id) const {
    uint64_t value = 0;
    std::memcpy(&value, state.data() + layout.slots[id].offset, sizeof value);
    return value;
  }
  void put(ir::SlotId id, uint64_t value) { std::memcpy(state.data() + layout.slots[id].offset, &value, sizeof value); }

  ir::RunResult run(const Code& code) {
    ++runs;
    return runner->run(code, context);
  }
  Ring::Copy& ran_last() const { return *static_cast<Ring::Copy*>(static_cast<const Code*>(context.running)->owner); }

  /// Whether the state is what so many units leave behind.
  void check() const {
    const uint64_t units = slot(done), last = units % Ring::size;
    ASSERT_EQ(slot(pc), Ring::pc_of(last));
    ASSERT_EQ(slot(sum), units / Ring::size * (Ring::size * (Ring::size - 1) / 2) + last * (last - 1) / 2);
    ASSERT_EQ(context.insns, units);
  }

  Ring& ring;
  std::unique_ptr<Runner> runner;
  std::unique_ptr<ir::Tlb> tlb = std::make_unique<ir::Tlb>();
  ir::StateMemory state{layout.size};
  ir::ExecContext context;
  uint64_t runs = 0;
};

class Runners : public ::testing::TestWithParam<bool> {};

/// Now and then they also run code that is made for once, and goes while the other runs.
TEST_P(Runners, RunWhatOthersLink) {
  Ring ring(Sharing::several, GetParam());
  Processor processors[] = {Processor(ring), Processor(ring)};
  std::mutex lock;
  std::atomic<bool> stop = false;

  const auto run = [&](Processor& processor, unsigned seed) {
    std::mt19937 random(seed);
    while (!stop && !::testing::Test::HasFatalFailure()) {
      const size_t number = Ring::number_of(processor.slot(pc));
      Ring::Copy once;
      if (random() % 8 == 0) {
        const std::lock_guard guard(lock);
        once = ring.make(number, random() % 2);
        once.code->owner = &once;
      }
      const ir::RunResult result = processor.run(once.code != nullptr ? *once.code : *ring.any(number, random).code);
      processor.check();
      ASSERT_EQ(result.kind, ir::ExitKind::next);
      ASSERT_FALSE(result.not_begun);
      const Ring::Copy& from = processor.ran_last();
      const size_t next = Ring::number_of(processor.slot(pc));
      Code& to = *ring.any(next, random).code;
      const std::lock_guard guard(lock);
      once = {};
      if (&from == &once) continue;
      if (result.link == ir::RunResult::no_link) {
        processor.runner->set_jump(processor.slot(pc), to);
      } else {
        ASSERT_EQ(from.leads_to.at(result.link) % Ring::size, next);
        from.code->set_link(result.link, to);
      }
    }
  };
  uint64_t written = 0;
  const auto link = [&] {
    std::mt19937 random(7);
    while (!stop) {
      const Ring::Copy& from = ring.any(random(), random);
      const std::lock_guard guard(lock);
      ++written;
      if (random() % 64 == 0) {
        from.code->unlink();
      } else if (!from.leads_to.empty()) {
        const size_t number = random() % from.leads_to.size();
        from.code->set_link(static_cast<uint8_t>(number), *ring.any(from.leads_to[number], random).code);
      }
    }
  };

  std::vector<std::thread> threads;
  for (unsigned i = 0; i < 2; ++i) threads.emplace_back(run, std::ref(processors[i]), i);
  threads.emplace_back(link);
  std::this_thread::sleep_for(std::chrono::milliseconds(1500));
  stop = true;
  for (Processor& processor : processors) processor.context.events = 1;
  for (std::thread& thread : threads) thread.join();
  for (const Processor& processor : processors) {
    EXPECT_GT(processor.slot(done), 4 * processor.runs);  // most units were led to
    EXPECT_GT(processor.slot(seconds), 0u);
    EXPECT_LT(processor.slot(seconds), processor.slot(done));
  }
  EXPECT_GT(written, 10'000u);
}

TEST_P(Runners, HaveJumpsOfTheirOwn) {
  Ring ring(Sharing::several, GetParam());
  Processor one(ring), other(ring);
  Code &from = *ring.units[2][0].code, &to = *ring.units[3][0].code;
  const auto units_run = [&](Processor& processor) {
    const uint64_t before = processor.slot(done);
    processor.put(pc, Ring::pc_of(2));
    processor.put(back, Ring::pc_of(3));
    processor.run(from);
    return processor.slot(done) - before;
  };
  EXPECT_EQ(units_run(one), 1u);
  one.runner->set_jump(Ring::pc_of(3), to);
  EXPECT_EQ(units_run(one), 2u);
  EXPECT_EQ(units_run(other), 1u);
  other.runner->set_jump(Ring::pc_of(3), to);
  EXPECT_EQ(units_run(other), 2u);
  to.set_invalid();
  EXPECT_EQ(units_run(one), 1u);
  EXPECT_EQ(units_run(other), 1u);
}

/// What is on one's stack of returns leads to code that may go.
TEST_P(Runners, ForgetReturnsToCodeThatGoes) {
  Ring ring(Sharing::several, GetParam());
  Processor one(ring), other(ring);
  Code &call = *ring.units[1][0].code, &called = *ring.units[2][0].code, &behind = *ring.units[3][0].code;
  call.set_link(1, behind);
  const auto units_run = [&](Processor& processor, bool calls) {
    const uint64_t before = processor.slot(done);
    if (calls) {
      processor.put(pc, Ring::pc_of(1));
      processor.run(call);
    }
    processor.put(pc, Ring::pc_of(2));
    processor.put(back, Ring::pc_of(3));
    processor.run(called);
    return processor.slot(done) - before;
  };
  for (Processor* processor : {&one, &other}) EXPECT_EQ(units_run(*processor, true), 3u);
  EXPECT_EQ(units_run(one, false), 1u);
  one.put(pc, Ring::pc_of(1));
  one.run(call);
  other.runner->forget_returns();
  EXPECT_EQ(units_run(one, false), 2u);  // that was another's
  one.put(pc, Ring::pc_of(1));
  one.run(call);
  ring.units[1][0].code.reset();
  EXPECT_EQ(units_run(one, false), 1u);
}

TEST_P(Runners, MayGoBeforeTheCodeThatTheyJumpTo) {
  Ring ring(Sharing::several, GetParam());
  Processor stays(ring);
  Code& to = *ring.units[3][0].code;
  for (int round = 0; round < 3; ++round) {
    Processor goes(ring);
    goes.runner->set_jump(Ring::pc_of(3), to);
    stays.runner->set_jump(Ring::pc_of(3), to);
    goes.runner->set_jump(Ring::pc_of(4), to);
  }
  to.set_invalid();
  stays.put(back, Ring::pc_of(3));
  stays.put(pc, Ring::pc_of(2));
  stays.run(*ring.units[2][0].code);
  EXPECT_EQ(stays.slot(done), 1u);
}

INSTANTIATE_TEST_SUITE_P(Units, Runners, ::testing::Bool(),
                         [](const auto& one) { return one.param ? "Relocatable" : "InPlace"; });

/// By how far behind a multiple of 8 bytes the displacements of links begin.
std::set<size_t> places_of_links(Sharing sharing) {
  std::set<size_t> places;
  for (const bool relocatable : {false, true})
    for (const bool counted : {false, true}) {
      const Ring ring(sharing, relocatable, counted);
      for (const auto& copies : ring.units)
        for (const Ring::Copy& copy : copies) {
          auto& code = static_cast<X64Code&>(*copy.code);
          EXPECT_EQ(code.link_count, copy.leads_to.size());
          EXPECT_EQ(reinterpret_cast<uintptr_t>(code.span.run) % 8, 0u);
          for (size_t i = 0; i < code.link_count; ++i) places.insert((code.link(i).jump_end - 4) % 8);
        }
    }
  return places;
}

TEST(Links, CrossNoBoundaryWhereOthersRunThem) {
  EXPECT_EQ(places_of_links(Sharing::alone), (std::set<size_t>{0, 1, 2, 3, 4, 5, 6, 7}));
  EXPECT_EQ(places_of_links(Sharing::several), (std::set<size_t>{0, 1, 2, 3, 4}));
}

}  // namespace
}  // namespace strata::codegen::x64
