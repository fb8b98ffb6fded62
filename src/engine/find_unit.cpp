// From the guest's state to the unit that goes on from there: remembered, validated, looked up, or translated.
#include <algorithm>
#include <chrono>
#include <cstring>

#include "base/assert.h"
#include "engine/cut_loops.h"
#include "engine/engine.h"

namespace strata::engine {

uint64_t Engine::pc() const {
  uint64_t pc = 0;
  std::memcpy(&pc, context_.state + pc_offset_, sizeof pc);
  return pc;
}

/// What to run next; relocatable only where the back end makes such code.
isa::CodeKey Engine::key() const {
  isa::CodeKey key = guest_.key();
  key.relocatable &= backend_.relocates();
  return key;
}

/// What runs behind the unit that ran last, if it has been translated; nullptr: find_unit() must look. The back end is
/// told, so that it goes there by itself the next time.
CachedUnit* Engine::next_after(const ir::RunResult& result) {
  auto& from = *static_cast<CachedUnit*>(static_cast<const codegen::Code*>(context_.running)->owner);
  if (result.not_begun && may_begin(from)) return &from;
  if (result.link < from.link_count) return next_by_link(from, result.link);
  const isa::CodeKey wanted = key();
  CachedUnit* next = known(wanted);
  if (next == nullptr || next->mode == 0 || options_.trace) return next;
  const auto guard = lock(Safepoint::Holding::units);
  if (next->dropped) return nullptr;  // while we waited
  runner_->set_jump(wanted.pc, *next->code);
  return next;
}

/// Whether what the TLB did not know of a unit's place turns out to be right.
bool Engine::may_begin(const CachedUnit& unit) {
  if (unit.dropped) return false;
  SoftMmu::CodePage page;
  if (mmu_.code_page(address_of(unit), unit.space, page))
    return page.offset == (unit.begin & ir::page_mask) && second_page_fits(unit);
  guest_.forget_refusal();
  return false;
}

CachedUnit* Engine::next_by_link(CachedUnit& from, uint8_t number) {
  CachedUnit* next = from.link(number);
  if (next != nullptr && !next->dropped && is_in_place(*next)) {
    if (options_.verify) [[unlikely]]
      STRATA_ASSERT(next->key == key().any_place(), "a linkable unit has changed the mode");
  } else {
    next = known(key());
  }
  if (next == nullptr || options_.trace) return next;
  const auto guard = lock(Safepoint::Holding::units);
  if (next->dropped) return nullptr;  // while we waited
  from.link(number) = next;
  from.code->set_link(number, *next->code);
  return next;
}

/// Whether the TLB knows that the unit's pages are mapped where it was made from.
bool Engine::is_in_place(const CachedUnit& unit) const {
  return mmu_.knows_code_page(address_of(unit), unit.space, unit.begin & ir::page_mask) &&
         (unit.second_page == CachedUnit::no_page ||
          mmu_.knows_code_page(second_address_of(unit), unit.space, unit.second_page));
}

/// The same of its second page alone, asking the guest's page tables.
bool Engine::second_page_fits(const CachedUnit& unit) {
  if (unit.second_page == CachedUnit::no_page) return true;
  SoftMmu::CodePage second;
  if (mmu_.code_page(second_address_of(unit), unit.space, second)) return second.offset == unit.second_page;
  guest_.forget_refusal();
  return false;
}

/// The unit for the key, if it has been translated. Never gives one that must not run now.
CachedUnit* Engine::known(const isa::CodeKey& key) {
  SoftMmu::CodePage page;
  if (!mmu_.code_page(key.address, guest_.code_space(), page)) {
    guest_.forget_refusal();
    return nullptr;
  }
  return page.offset == SoftMmu::CodePage::nowhere ? nullptr : known(key, page);
}

CachedUnit* Engine::known(const isa::CodeKey& key, const SoftMmu::CodePage& page) {
  return cache_.find(key.any_place(), page.offset + (key.address & ~ir::page_mask),
                     [this](const CachedUnit& unit) { return second_page_fits(unit); });
}

CachedUnit* Engine::find_unit() {
  const isa::CodeKey key = this->key();
  SoftMmu::CodePage page;
  no_unit_ = NoUnit::fetch_refused;
  if (!mmu_.code_page(key.address, guest_.code_space(), page)) return nullptr;
  no_unit_ = NoUnit::not_cacheable;
  if (page.offset == SoftMmu::CodePage::nowhere) return nullptr;
  if (CachedUnit* unit = known(key, page)) return unit;

  const auto guard = lock(Safepoint::Holding::nothing);
  if (!cache_.safepoint().alone())
    if (CachedUnit* unit = known(key, page)) return unit;  // another has made it while we waited
  cache_.tidy(user_);
  Fresh fresh = make_unit(key, cache_.is_restless(page.offset) ? 1 : options_.max_unit_insns);
  return fresh.keep ? &cache_.insert(user_, std::move(fresh.unit)) : nullptr;
}

namespace {

/// Adds to counters what has passed since the last time.
class Stopwatch {
 public:
  void add_to(uint64_t& nanoseconds) {
    const auto now = std::chrono::steady_clock::now();
    nanoseconds += static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(now - last_).count());
    last_ = now;
  }

 private:
  std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
};

bool is_linked(const ir::Instr& instr) { return instr.op == ir::Op::exit_goto || instr.op == ir::Op::expect_return; }

bool is_access(const ir::Instr& instr) {
  return instr.op == ir::Op::load || instr.op == ir::Op::store ||
         (instr.op >= ir::Op::atomic_swap && instr.op <= ir::Op::atomic_cas);
}

}  // namespace

/// With the lock.
Engine::Fresh Engine::make_unit(const isa::CodeKey& key, unsigned max_insns) {
  Stopwatch watch;
  mmu_.forget_fetched();
  ir::Unit made = guest_.translate(key, max_insns);
  watch.add_to(stats_.translate_ns);
  if (options_.counted) cut_loops(made);
  made.counted = options_.counted;
  if (!options_.observers.empty()) show_translated(key, made);
  if (options_.optimize) options_.optimize(made);
  watch.add_to(stats_.optimize_ns);
  if (guest_.linkable(key) && max_insns == options_.max_unit_insns) made.mode = cache_.mode_number(key);
  made.guest_address = key.address;
  made.code_space = guest_.code_space();

  Fresh fresh{std::make_unique<CachedUnit>()};
  CachedUnit& unit = *fresh.unit;
  unit.key = key.any_place();
  unit.guest_insns = made.guest_insns;
  unit.guest_bytes = made.guest_bytes;
  const size_t exits = std::count_if(made.code.begin(), made.code.end(), is_linked);
  if (guest_.linkable(key)) unit.make_links(exits);
  unit.mode = made.mode;
  unit.space = made.code_space;
  unit.code = backend_.compile(made);
  unit.code->owner = &unit;
  fresh.keep = locate(unit, key.address);
  if (fresh.keep) unit.code->set_place(unit.begin & ir::page_mask, unit.second_page);
  for (UnitObserver* observer : options_.observers) observer->compiled(key, made, *unit.code);

  ++stats_.units;
  stats_.unit_insns += made.guest_insns;
  stats_.unit_accesses += static_cast<uint64_t>(std::count_if(made.code.begin(), made.code.end(), is_access));
  watch.add_to(stats_.compile_ns);
  return fresh;
}

void Engine::show_translated(const isa::CodeKey& key, const ir::Unit& unit) {
  std::vector<uint8_t> code(unit.guest_bytes);
  if (!mmu_.fetch(key.address, code.data(), unit.guest_bytes, guest_.code_space())) {
    guest_.forget_refusal();
    code.clear();
  }
  for (UnitObserver* observer : options_.observers) observer->translated(guest_, key, code, unit);
}

/// Finds the unit's code in Ram, by the pages that were fetched for it. False: it has none, or not there.
bool Engine::locate(CachedUnit& unit, uint64_t address) {
  const auto& fetched = mmu_.fetched();
  const auto offset_of = [&fetched](uint64_t wanted) {
    for (const auto& [page, found] : fetched)
      if (page == wanted) return found.offset;
    return SoftMmu::CodePage::nowhere;
  };
  const uint64_t page = address & ir::page_mask, within = address - page;
  const uint64_t first = offset_of(page);
  if (unit.guest_bytes == 0 || first == SoftMmu::CodePage::nowhere) return false;
  unit.begin = first + within;
  if (within + unit.guest_bytes <= ir::page_size) return true;
  if (within + unit.guest_bytes > 2 * ir::page_size) return false;
  // The next page: where addresses are narrower than 64 bits it may be page 0.
  const auto second =
      std::find_if(fetched.begin(), fetched.end(), [page](const auto& each) { return each.address != page; });
  if (second == fetched.end() || second->page.offset == SoftMmu::CodePage::nowhere) return false;
  unit.second_page = second->page.offset;
  unit.second_address = second->address;
  return true;
}

}  // namespace strata::engine
