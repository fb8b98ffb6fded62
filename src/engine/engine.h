// Runs any instruction set's guest on any back end: finds or makes the unit for the state, runs it, deals with its exit.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <thread>
#include <vector>

#include "codegen/backend.h"
#include "engine/events.h"
#include "engine/guest_host.h"
#include "engine/ram_map.h"
#include "engine/shared_code.h"
#include "engine/soft_mmu.h"
#include "engine/stats.h"
#include "engine/trace.h"
#include "engine/unit_cache.h"
#include "engine/unit_observer.h"
#include "iface/vcpu.h"
#include "isa/guest.h"
#include "memory/address_space.h"

namespace strata::engine {

/// Everything borrowed here must outlive the engine. See X86VcpuOptions for what the options mean.
struct EngineOptions {
  memory::PortSpace* ports = nullptr;
  std::function<uint64_t()> ticks;
  uint64_t tick_rate = 1'000'000'000;
  std::function<void(ir::Unit&)> optimize;  ///< what a unit goes through before it is compiled; none: nothing
  bool counted = false;
  bool verify = false;  ///< check what front ends promise
  unsigned max_unit_insns = 64;
  Trace trace;
  std::vector<UnitObserver*> observers;  ///< of the units made
};

/// The parts of iface::Vcpu that do not depend on the instruction set.
class Engine final : private CodeWatch {
 public:
  static constexpr uint64_t no_limit = ~uint64_t{0};

  /// `code` is shared by engines of equal guests, memory and options.
  Engine(isa::Guest& guest, SharedCode& code, memory::AddressSpace& memory, EngineOptions options);
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  iface::Exit run() { return run_until(no_limit); }
  /// See X86Vcpu::run_until.
  iface::Exit run_until(uint64_t insns);
  void kick() { context_.events.fetch_or(Event::kick); }
  void interrupt_changed() { context_.events.fetch_or(Event::interrupt); }
  bool runnable();
  void reset();
  void state_changed();  ///< somebody has set registers from outside

  /// The guest's state and the engine's own, in a versioned form. restore() also forgets all code.
  std::vector<std::byte> save() const;
  Result<void> restore(std::span<const std::byte> in);

  uint64_t insns() const { return context_.insns; }
  Stats stats() const;

 private:
  /// A unit to run: from the cache, or one that is run once and not kept.
  struct Fresh {
    std::unique_ptr<CachedUnit> unit;
    bool keep = false;
  };

  // engine.cpp: the loop.
  iface::Exit run_until_exit();
  std::optional<iface::Exit> take_events();
  std::optional<iface::Exit> deal_with(const ir::RunResult& result);
  std::optional<iface::Exit> hand_over(ir::ExitKind kind, uint64_t payload);
  ir::RunResult advance();
  ir::RunResult run_cached(CachedUnit* unit);
  ir::RunResult run_alone(unsigned max_insns);
  void show(const CachedUnit& unit);
  void on_map_change();
  void tell(uint32_t event);
  bool is_own_thread() const { return user_.thread.load() == std::this_thread::get_id(); }
  [[nodiscard]] Safepoint::Lock lock(Safepoint::Holding holding);
  bool about_to_write(uint64_t offset, uint64_t size) override;
  void update_follows(uint64_t offset, uint64_t size) override;
  void about_to_fetch(uint64_t page) override;

  // find_unit.cpp: from the state to a unit.
  CachedUnit* next_after(const ir::RunResult& result);
  CachedUnit* next_by_link(CachedUnit& from, uint8_t number);
  CachedUnit* known(const isa::CodeKey& key);
  CachedUnit* find_unit();
  CachedUnit* known(const isa::CodeKey& key, const SoftMmu::CodePage& page);
  bool is_in_place(const CachedUnit& unit) const;
  bool may_begin(const CachedUnit& unit);
  bool second_page_fits(const CachedUnit& unit);
  isa::CodeKey key() const;
  uint64_t pc() const;
  /// Where a unit that is to run next begins, by the guest's addresses.
  uint64_t address_of(const CachedUnit& unit) const { return unit.key.relocatable ? pc() : unit.key.address; }
  uint64_t second_address_of(const CachedUnit& unit) const {
    return unit.key.relocatable ? (pc() & ir::page_mask) + ir::page_size : unit.second_address;
  }
  Fresh make_unit(const isa::CodeKey& key, unsigned max_insns);
  bool locate(CachedUnit& unit, uint64_t address);
  void show_translated(const isa::CodeKey& key, const ir::Unit& unit);

  isa::Guest& guest_;
  codegen::Backend& backend_;
  UnitCache& cache_;
  memory::AddressSpace& memory_;
  EngineOptions options_;
  std::unique_ptr<codegen::Runner> runner_;
  ir::ExecContext context_;
  RamMap ram_;
  SoftMmu mmu_;
  GuestHost host_;
  UnitCache::User user_;

  memory::AddressSpace::ChangeId map_subscription_ = 0;
  uint64_t limit_ = no_limit;
  uint32_t pc_offset_ = 0;  ///< of that slot in the guest's state
  bool halted_ = false;
  /// Why find_unit() gave none.
  enum class NoUnit : uint8_t { fetch_refused, not_cacheable } no_unit_ = NoUnit::fetch_refused;
  Stats stats_;
};

}  // namespace strata::engine
