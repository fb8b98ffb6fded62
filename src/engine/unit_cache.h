// Compiled units: found by where their code stands and what they were made for, dropped when that code changes.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <vector>

#include "codegen/backend.h"
#include "engine/safepoint.h"
#include "engine/soft_mmu.h"
#include "engine/unit_table.h"
#include "isa/guest.h"
#include "memory/ram.h"

namespace strata::engine {

/// A unit that may run again. Pointers to it stay good until UnitCache::tidy(). What the loop looks at comes first, in
/// one line of the host's cache.
struct alignas(64) CachedUnit {
  static constexpr uint64_t no_page = ~uint64_t{0};
  static constexpr size_t near_links = 4;

  std::unique_ptr<codegen::Code> code;
  /// By RunResult::link: what ran behind that exit last time. It is what must run again while its pages are mapped where
  /// it was made from.
  using Link = std::atomic<CachedUnit*>;
  std::array<Link, near_links> links = {};
  uint32_t guest_insns = 0;
  uint8_t link_count = 0;  ///< 0 where the guest says that units for this key are not linkable
  ir::Space space = 0;     ///< in which its code was fetched
  bool dropped = false;    ///< kept only because others may still lead here
  enum class Trial : uint8_t { none, waiting, passed };
  std::atomic<Trial> trial = Trial::none;  ///< whether it runs again before the cache needs its room
  uint32_t mode = 0;                       ///< ir::Unit::mode
  std::unique_ptr<Link[]> far_links;       ///< those behind the first four

  isa::CodeKey key;                ///< CodeKey::any_place; of a dropped unit: one that no processor asks for
  uint64_t begin = 0;              ///< of its code, in Ram
  uint64_t second_page = no_page;  ///< in Ram, where the code reaches into another page
  uint64_t second_address = 0;     ///< that page's guest address
  uint32_t guest_bytes = 0;

  Link& link(unsigned number) { return number < near_links ? links[number] : far_links[number - near_links]; }
  void make_links(size_t count);
  void forget_links();
  void forget_dropped_links();
};

/// One for all processors of a machine. What is said to need the lock is done with Safepoint::Lock held by the user that it
/// is done for; where nothing is said any thread may call.
class UnitCache final : public memory::WriteWatcher {
 public:
  struct Write {
    uint64_t offset, size;
  };

  /// A processor that runs these units.
  struct User {
    User(ir::ExecContext& its_context, SoftMmu& its_mmu, std::function<void()> when_changed)
        : context(its_context), mmu(its_mmu), changed(std::move(when_changed)), member(its_context.events) {}

    ir::ExecContext& context;
    SoftMmu& mmu;
    const std::function<void()> changed;  ///< called, on any thread, when drain() has something to do
    Safepoint::Member member;
    std::atomic<std::thread::id> thread;  ///< on which it runs

    // On that thread.
    uint64_t fetches_known = 0;  ///< of all users, up to when it was about to write last
    std::vector<Write> updates;  ///< that it makes in its code, after asking
    /// The code of the unit in which a write to its own code must be refused; nullptr: none.
    const void*& running() { return context.running; }
  };

  UnitCache(memory::Ram& ram, uint64_t limit_bytes);
  ~UnitCache();

  // While no processor runs.
  void join(User& user);
  void part(User& user);

  Safepoint& safepoint() { return safepoint_; }
  /// Whether figures of the cache are to be counted with this user's.
  bool is_first(const User& user) const { return users_.front() == &user; }

  /// The unit for this key whose code begins there in Ram, and for which `fits` holds; or nullptr. By a user that runs.
  template <class Fits>
  CachedUnit* find(const isa::CodeKey& key, uint64_t begin, Fits fits) {
    return units_.find(hash(key, begin),
                       [&](const CachedUnit& unit) { return unit.key == key && unit.begin == begin && fits(unit); });
  }

  // With the lock.

  /// A number for all that a key says besides where the code stands; 0 where there are too many to remember.
  uint32_t mode_number(const isa::CodeKey& key);

  /// Takes a unit whose pages about_to_fetch() was called for.
  CachedUnit& insert(User& user, std::unique_ptr<CachedUnit> unit);

  /// See CodeWatch.
  bool about_to_write(User& user, uint64_t offset, uint64_t size);
  void about_to_fetch(User& user, uint64_t page);

  /// Whether code of this page of Ram keeps writing between its own instructions: then units of one instruction each are
  /// best, for a longer one is gone before it pays.
  bool is_restless(uint64_t page) const;

  /// Drops what others wrote to since. Not inside a unit.
  void drain(User& user);
  /// Drops everything: RAM may hold anything now. While no processor runs.
  void clear(User& user);
  /// Makes room for new units, and frees dropped ones when they are many. Not inside a unit, nor while the user has units to
  /// go on with.
  void tidy(User& user);

  // Without it.

  void written(uint64_t offset, uint64_t size) override;
  /// The user, which asked about_to_write(), writes when it is back in its code.
  void update_follows(User& user, uint64_t offset, uint64_t size);
  /// The unit is about to run. Whatever leads to a unit on trial comes by the engine's loop first.
  void note_run(CachedUnit& unit) {
    if (unit.trial.load(std::memory_order_relaxed) == CachedUnit::Trial::waiting)
      unit.trial.store(CachedUnit::Trial::passed, std::memory_order_relaxed);
  }

  uint64_t bytes() const { return bytes_; }
  size_t size() const { return units_.size(); }
  uint64_t invalidations() const { return invalidations_; }  ///< units dropped because their code changed
  uint64_t evictions() const { return evictions_; }          ///< units dropped for room

 private:
  /// What was made from one page of Ram.
  struct Page {
    uint64_t touched = 0;  ///< a bit for each 64 bytes in which some unit has code
    std::vector<CachedUnit*> units;
  };
  static constexpr size_t many_dropped = 1024;
  static constexpr unsigned restless_writes = 32;
  static constexpr size_t many_restless = 4096;

  static uint64_t hash(const isa::CodeKey& key, uint64_t begin);
  static uint64_t cost(const CachedUnit& unit);
  bool is_own_write_in_time() const;
  void drop(CachedUnit& unit);
  void leave_page(CachedUnit& unit, uint64_t page);
  void forget_page(uint64_t page);
  void note_own_write(User& user, uint64_t page);
  void begin_trial();
  void end_trial();
  void drop_oldest(uint64_t goal);
  bool may_sweep(User& user);
  void sweep();

  memory::Ram& ram_;
  const uint64_t limit_bytes_;
  Safepoint safepoint_;
  std::vector<User*> users_;
  std::vector<std::pair<uint64_t, uint64_t>> modes_;  ///< what mode_number() numbers: mode, and address less pc
  UnitTable units_;
  std::vector<std::unique_ptr<CachedUnit>> by_age_;  ///< oldest first, dropped ones too until the next sweep
  bool on_trial_ = false;                            ///< the oldest are
  size_t dropped_ = 0;                               ///< of them
  std::unordered_map<uint64_t, Page> pages_;
  std::unordered_map<uint64_t, unsigned> own_writes_;  ///< by page: writes to its units from itself
  std::atomic<uint64_t> fetches_ = 0;                  ///< of code, where there are several users
  uint64_t bytes_ = 0;
  uint64_t invalidations_ = 0, evictions_ = 0;

  std::mutex writes_lock_;
  std::vector<Write> writes_;  ///< by others, not yet looked at; under writes_lock_
};

}  // namespace strata::engine
