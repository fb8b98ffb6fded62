// Keeps units by place and key, by page, and by age.
#include "engine/unit_cache.h"

#include <algorithm>

#include "base/bits.h"

namespace strata::engine {

using memory::page_size;
using memory::Ram;

namespace {

constexpr uint64_t page_of(uint64_t offset) { return align_down(offset, page_size); }

/// The part of a unit's code that stands in a page, as offsets in Ram.
struct Range {
  uint64_t begin, end;
  bool meets(uint64_t first, uint64_t last) const { return begin <= last && first < end; }
};

Range range_in(const CachedUnit& unit, uint64_t page) {
  const uint64_t first_page_end = page_of(unit.begin) + page_size;
  const uint64_t end = unit.begin + unit.guest_bytes;
  const Range first{unit.begin, std::min(end, first_page_end)};
  const Range second{unit.second_page, unit.second_page + (end - std::min(end, first_page_end))};
  if (unit.second_page != page) return first;
  if (page_of(unit.begin) != page) return second;
  return {page, page + page_size};  // both pages are one: the whole of it is simplest
}

/// One bit for each 64 bytes of the page that the range touches.
uint64_t granules(const Range& range, uint64_t page) {
  if (range.begin >= range.end) return 0;
  const unsigned first = static_cast<unsigned>(range.begin - page) / 64;
  const unsigned last = static_cast<unsigned>(range.end - 1 - page) / 64;
  return low_mask(last + 1) & ~low_mask(first);
}

}  // namespace

void CachedUnit::make_links(size_t count) {
  link_count = static_cast<uint8_t>(std::min<size_t>(count, ir::RunResult::no_link));
  if (link_count > near_links) far_links = std::make_unique<Link[]>(link_count - near_links);
}

void CachedUnit::forget_dropped_links() {
  for (unsigned number = 0; number < link_count; ++number) {
    const CachedUnit* next = link(number);
    if (next != nullptr && next->dropped) link(number) = nullptr;
  }
}

void CachedUnit::forget_links() {
  for (unsigned number = 0; number < link_count; ++number) link(number) = nullptr;
  code->unlink();
}

UnitCache::UnitCache(Ram& ram, uint64_t limit_bytes) : ram_(ram), limit_bytes_(limit_bytes) { ram_.watch(*this); }

UnitCache::~UnitCache() {
  ram_.unwatch(*this);
  for (const auto& [page, units] : pages_) ram_.unmark(page, Ram::Mark::code);
}

void UnitCache::join(User& user) {
  users_.push_back(&user);
  safepoint_.join(user.member);
}

void UnitCache::part(User& user) {
  safepoint_.part(user.member);
  std::erase(users_, &user);
}

uint32_t UnitCache::mode_number(const isa::CodeKey& key) {
  constexpr size_t many = 256;
  const std::pair wanted{key.mode, key.address - key.pc};
  const auto found = std::find(modes_.begin(), modes_.end(), wanted);
  if (found != modes_.end()) return static_cast<uint32_t>(found - modes_.begin() + 1);
  if (modes_.size() == many) return 0;
  modes_.push_back(wanted);
  return static_cast<uint32_t>(modes_.size());
}

uint64_t UnitCache::hash(const isa::CodeKey& key, uint64_t begin) {
  const uint64_t mixed =
      ((begin + key.pc * 0x9e37'79b9'7f4a'7c15) * 0xff51'afd7'ed55'8ccd + key.mode) * 0xc4ce'b9fe'1a85'ec53;
  return mixed >> 20;
}

uint64_t UnitCache::cost(const CachedUnit& unit) { return sizeof unit + unit.code->bytes(); }

CachedUnit& UnitCache::insert(User& user, std::unique_ptr<CachedUnit> unit) {
  CachedUnit& inserted = *unit;
  const auto enter = [&](uint64_t page) {
    about_to_fetch(user, page);  // again: the mark may have gone since
    Page& entry = pages_[page];
    entry.units.push_back(&inserted);
    entry.touched |= granules(range_in(inserted, page), page);
  };
  enter(page_of(inserted.begin));
  const bool two_pages = inserted.second_page != CachedUnit::no_page && inserted.second_page != page_of(inserted.begin);
  if (two_pages) enter(inserted.second_page);
  bytes_ += cost(inserted);
  if (units_.is_full()) {
    safepoint_.stop_others(user.member);
    units_.grow();
  }
  units_.add(hash(inserted.key, inserted.begin), inserted);
  by_age_.push_back(std::move(unit));
  return inserted;
}

void UnitCache::leave_page(CachedUnit& unit, uint64_t page) {
  const auto found = pages_.find(page);
  if (found == pages_.end()) return;
  std::erase(found->second.units, &unit);
  if (found->second.units.empty()) forget_page(page);
}

void UnitCache::forget_page(uint64_t page) {
  pages_.erase(page);
  ram_.unmark(page, Ram::Mark::code);
}

// The unit itself stays until the next sweep, for links may still point to it.
void UnitCache::drop(CachedUnit& unit) {
  units_.remove(hash(unit.key, unit.begin), unit);
  bytes_ -= cost(unit);
  ++dropped_;
  leave_page(unit, page_of(unit.begin));
  if (unit.second_page != CachedUnit::no_page) leave_page(unit, unit.second_page);
  unit.key = {~uint64_t{0}, ~uint64_t{0}, ~uint64_t{0}};
  unit.dropped = true;
  unit.code->set_invalid();
}

bool UnitCache::about_to_write(User& user, uint64_t offset, uint64_t size) {
  user.fetches_known = fetches_.load(std::memory_order_relaxed);
  const uint64_t page = page_of(offset), last = offset + (size - 1);
  const auto found = pages_.find(page);
  if (found == pages_.end()) return true;
  if (found->second.units.empty()) {  // fetched once, but nothing was kept
    forget_page(page);
    return true;
  }
  if ((found->second.touched & granules({offset, offset + size}, page)) == 0) return true;
  std::vector<CachedUnit*> hit;
  for (CachedUnit* unit : found->second.units)
    if (range_in(*unit, page).meets(offset, last)) hit.push_back(unit);
  if (!hit.empty()) note_own_write(user, page);
  for (const CachedUnit* unit : hit)
    if (unit->code.get() == user.running()) return false;
  if (!hit.empty()) safepoint_.stop_others(user.member);
  for (CachedUnit* unit : hit) drop(*unit);
  invalidations_ += hit.size();

  const auto left = pages_.find(page);  // gone with its last unit
  if (left == pages_.end()) return true;
  left->second.touched = 0;
  for (const CachedUnit* unit : left->second.units) left->second.touched |= granules(range_in(*unit, page), page);
  return true;
}

void UnitCache::note_own_write(User& user, uint64_t page) {
  if (user.running() == nullptr) return;
  const auto* running = static_cast<const CachedUnit*>(static_cast<const codegen::Code*>(user.running())->owner);
  if (running == nullptr || page_of(running->begin) != page) return;
  if (own_writes_.size() >= many_restless) own_writes_.clear();  // another chance for all
  ++own_writes_[page];
}

bool UnitCache::is_restless(uint64_t page) const {
  const auto found = own_writes_.find(page);
  return found != own_writes_.end() && found->second >= restless_writes;
}

// Those that may write to the page without a word do not run between the mark and the bytes' being read. Others have asked,
// perhaps before this: they look whether it has happened when they have written.
void UnitCache::about_to_fetch(User& user, uint64_t page) {
  if (!safepoint_.alone()) fetches_.fetch_add(1);
  if (!pages_.try_emplace(page).second) return;
  safepoint_.stop_others(user.member);
  ram_.mark(page, Ram::Mark::code);
  for (const User* each : users_) each->mmu.protect(page);
}

/// Whether a processor has asked about_to_write() before it wrote what its thread now says, and no code was read since.
bool UnitCache::is_own_write_in_time() const {
  for (const User* user : users_) {
    if (user->thread.load(std::memory_order_relaxed) != std::this_thread::get_id() || !user->mmu.writing()) continue;
    if (safepoint_.alone()) return true;
    std::atomic_thread_fence(std::memory_order_seq_cst);  // what is written comes before the look
    return user->fetches_known == fetches_.load();
  }
  return false;
}

void UnitCache::written(uint64_t offset, uint64_t size) {
  if (is_own_write_in_time()) return;
  {
    const std::lock_guard guard(writes_lock_);
    writes_.push_back({offset, size});
  }
  for (const User* user : users_) user->changed();
}

void UnitCache::update_follows(User& user, uint64_t offset, uint64_t size) {
  if (safepoint_.alone()) return;
  user.updates.push_back({offset, size});
  user.changed();
}

void UnitCache::drain(User& user) {
  std::vector<Write> writes;
  {
    const std::lock_guard guard(writes_lock_);
    writes.swap(writes_);
  }
  writes.insert(writes.end(), user.updates.begin(), user.updates.end());
  user.updates.clear();
  user.running() = nullptr;
  for (const Write& write : writes) about_to_write(user, write.offset, write.size);
}

// The oldest quarter is always on trial once the cache is full to three quarters: what runs again meanwhile stays.
void UnitCache::tidy(User& user) {
  user.running() = nullptr;
  const uint64_t goal = limit_bytes_ - limit_bytes_ / 4;
  if (bytes_ > limit_bytes_) {
    safepoint_.stop_others(user.member);
    end_trial();
    drop_oldest(goal + limit_bytes_ / 8);  // where nearly all have passed
    if (may_sweep(user)) sweep();
    begin_trial();
  } else if (!on_trial_ && bytes_ > goal) {
    safepoint_.stop_others(user.member);
    begin_trial();
  } else if (dropped_ > many_dropped && may_sweep(user)) {
    sweep();
  }
}

/// Others that wait in the middle of something may go on with units that were dropped meanwhile: then another time.
bool UnitCache::may_sweep(User& user) {
  safepoint_.stop_others(user.member);
  return safepoint_.units_are_ours(user.member);
}

void UnitCache::begin_trial() {
  on_trial_ = true;
  uint64_t tried = 0;
  for (const auto& unit : by_age_) {
    if (tried >= limit_bytes_ / 4) break;
    if (unit->dropped) continue;
    unit->trial = CachedUnit::Trial::waiting;
    unit->code->set_invalid();
    tried += cost(*unit);
  }
}

/// What has not run goes; what has is young again.
void UnitCache::end_trial() {
  size_t tried = 0;
  for (; tried < by_age_.size(); ++tried) {
    CachedUnit& unit = *by_age_[tried];
    if (unit.trial == CachedUnit::Trial::none && !unit.dropped) break;
    if (unit.trial == CachedUnit::Trial::waiting && !unit.dropped) {
      drop(unit);
      ++evictions_;
    }
    unit.trial = CachedUnit::Trial::none;
  }
  std::rotate(by_age_.begin(), by_age_.begin() + static_cast<std::ptrdiff_t>(tried), by_age_.end());
}

void UnitCache::drop_oldest(uint64_t goal) {
  for (auto at = by_age_.begin(); at != by_age_.end() && bytes_ > goal; ++at) {
    if ((*at)->dropped) continue;
    drop(**at);
    ++evictions_;
  }
}

void UnitCache::clear(User& user) {
  user.running() = nullptr;
  for (const auto& unit : by_age_)
    if (!unit->dropped) drop(*unit);
  on_trial_ = false;
  sweep();
}

/// Frees what was dropped, once nothing leads there any more.
void UnitCache::sweep() {
  for (const auto& unit : by_age_)
    if (!unit->dropped) unit->forget_dropped_links();
  std::erase_if(by_age_, [](const auto& unit) { return unit->dropped; });
  dropped_ = 0;
}

}  // namespace strata::engine
