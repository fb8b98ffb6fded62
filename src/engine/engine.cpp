// The loop of a processor: events, units, exits.
#include "engine/engine.h"

#include <chrono>
#include <cstring>
#include <thread>

#include "base/assert.h"
#include "engine/events.h"

namespace strata::engine {

using ir::ExitKind;

namespace {

uint64_t host_nanoseconds() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(now).count());
}

EngineOptions complete(EngineOptions options, const ir::ExecContext& context) {
  if (!options.ticks) {
    if (options.counted) options.ticks = [&context] { return context.insns; };
    else options.ticks = host_nanoseconds;
  }
  return options;
}

}  // namespace

Engine::Engine(isa::Guest& guest, SharedCode& code, memory::AddressSpace& memory, EngineOptions options)
    : guest_(guest),
      backend_(*code.backend),
      cache_(code.cache),
      memory_(memory),
      options_(complete(std::move(options), context_)),
      runner_(backend_.make_runner()),
      ram_(memory),
      mmu_(guest, ram_, *this),
      host_(mmu_, ram_, options_.ports, options_.ticks, options_.tick_rate),
      user_(context_, mmu_, [this] { tell(Event::code); }) {
  cache_.join(user_);
  mmu_.connect(context_, [this] { runner_->forget_returns(); });
  context_.state = guest.state();
  pc_offset_ = guest.layout().slots[guest.layout().pc].offset;
  guest.attach(host_, context_);
  map_subscription_ = memory.on_change([this] { on_map_change(); });
}

Engine::~Engine() {
  memory_.forget_change(map_subscription_);
  cache_.part(user_);
}

/// Where the unit that runs has brought it about by itself, inside a device call, it comes back to us at its end. Code that
/// others change it may go on to, until it looks for events; and so may any where others run it too.
void Engine::tell(uint32_t event) {
  context_.events.fetch_or(event);
  if (!is_own_thread() || context_.running == nullptr || !cache_.safepoint().alone()) return;
  static_cast<CachedUnit*>(static_cast<const codegen::Code*>(context_.running)->owner)->forget_links();
}

// On our own thread, inside a device call, the next access of the unit that runs must see the change.
void Engine::on_map_change() {
  if (is_own_thread()) mmu_.remap();
  tell(Event::map);
}

Safepoint::Lock Engine::lock(Safepoint::Holding holding) { return {cache_.safepoint(), user_.member, holding}; }

bool Engine::about_to_write(uint64_t offset, uint64_t size) {
  const auto guard = lock(Safepoint::Holding::units);
  return cache_.about_to_write(user_, offset, size);
}

void Engine::update_follows(uint64_t offset, uint64_t size) { cache_.update_follows(user_, offset, size); }

// From translate(), with the lock.
void Engine::about_to_fetch(uint64_t page) { cache_.about_to_fetch(user_, page); }

void Engine::reset() {
  guest_.reset();
  state_changed();
}

void Engine::state_changed() {
  mmu_.flush_mappings(true);
  halted_ = false;
}

namespace {

/// In front of the guest's own saved state.
struct SavedHeader {
  static constexpr uint32_t current_version = 1;
  uint32_t version = current_version;
  uint32_t halted = 0;
  uint64_t insns = 0;
};

}  // namespace

std::vector<std::byte> Engine::save() const {
  const SavedHeader header{.halted = halted_, .insns = context_.insns};
  std::vector<std::byte> out(sizeof header);
  std::memcpy(out.data(), &header, sizeof header);
  guest_.save(out);
  return out;
}

Result<void> Engine::restore(std::span<const std::byte> in) {
  SavedHeader header;
  if (in.size() < sizeof header) return fail(ErrorCode::bad_data, "saved processor has only {} bytes", in.size());
  std::memcpy(&header, in.data(), sizeof header);
  if (header.version != SavedHeader::current_version) {
    return fail(ErrorCode::bad_data, "saved processor has version {}, this program knows {}", header.version,
                SavedHeader::current_version);
  }
  STRATA_TRY(guest_.restore(in.subspan(sizeof header)));
  {
    const auto guard = lock(Safepoint::Holding::nothing);
    cache_.clear(user_);
  }
  state_changed();
  halted_ = header.halted != 0;
  context_.insns = header.insns;
  return {};
}

bool Engine::runnable() { return !halted_ || context_.events.load() != 0 || guest_.interrupt_ready(); }

Stats Engine::stats() const {
  Stats stats = stats_;
  stats.insns = context_.insns;
  stats.single_steps = context_.single_steps;
  if (cache_.is_first(user_)) {
    stats.units_kept = cache_.size();
    stats.code_bytes = cache_.bytes();
    stats.code_invalidations = cache_.invalidations();
    stats.evictions = cache_.evictions();
    stats.stops = cache_.safepoint().stops();
  }
  stats.walks = mmu_.walks();
  stats.slow_accesses = mmu_.slow_accesses();
  return stats;
}

iface::Exit Engine::run_until(uint64_t insns) {
  user_.thread = std::this_thread::get_id();
  limit_ = context_.insn_limit = insns;
  cache_.safepoint().enter(user_.member);
  iface::Exit exit = run_until_exit();
  cache_.safepoint().leave(user_.member);
  guest_.leave_host();
  return exit;
}

iface::Exit Engine::run_until_exit() {
  for (;;) {
    if (auto exit = take_events()) return *std::move(exit);
    if (halted_) {
      if (!guest_.interrupt_ready()) return {iface::ExitReason::halted, {}};
      if (auto exit = hand_over(ExitKind::event, 0)) return *std::move(exit);
      continue;
    }
    if (context_.insns >= limit_) return {iface::ExitReason::interrupted, {}};
    if (auto exit = deal_with(advance())) return *std::move(exit);
  }
}

std::optional<iface::Exit> Engine::take_events() {
  if (context_.events.load(std::memory_order_relaxed) == 0) return std::nullopt;
  const uint32_t events = context_.events.exchange(0);
  if ((events & Event::stop) != 0) cache_.safepoint().stand_still(user_.member);
  if ((events & Event::map) != 0) mmu_.remap();
  if ((events & Event::code) != 0) {
    const auto guard = lock(Safepoint::Holding::nothing);
    cache_.drain(user_);
  }
  if ((events & Event::interrupt) != 0 && (!halted_ || guest_.interrupt_ready()))
    if (auto exit = hand_over(ExitKind::event, 0)) return exit;
  if ((events & Event::kick) != 0) return iface::Exit{iface::ExitReason::interrupted, {}};
  return std::nullopt;
}

std::optional<iface::Exit> Engine::deal_with(const ir::RunResult& result) {
  ++stats_.exits[static_cast<size_t>(result.kind)];
  if (result.kind == ExitKind::next) return std::nullopt;
  // A store into the unit that ran, by the unit (memory) or a helper (leave): the state is as before the instruction,
  // which now runs as a unit of its own. By the time the next one is looked up, the old unit is gone.
  const bool refused_by_us = mmu_.take_self_modification();
  if (refused_by_us && (result.kind == ExitKind::memory || result.kind == ExitKind::leave))
    return deal_with(run_alone(1));
  return hand_over(result.kind, result.payload);
}

std::optional<iface::Exit> Engine::hand_over(ExitKind kind, uint64_t payload) {
  context_.running = nullptr;  // what delivery writes to memory is refused to nobody
  const isa::Next next = guest_.handle(kind, payload);
  halted_ = next == isa::Next::halt;
  switch (next) {
    case isa::Next::run:
    case isa::Next::halt: return std::nullopt;
    case isa::Next::shutdown: return iface::Exit{iface::ExitReason::shutdown, guest_.describe()};
    case isa::Next::debug: return iface::Exit{iface::ExitReason::debug, {}};
  }
  STRATA_UNREACHABLE();
}

/// Runs units until something is to be dealt with.
ir::RunResult Engine::advance() {
  context_.running = nullptr;
  CachedUnit* unit = find_unit();
  if (unit == nullptr) {
    if (no_unit_ == NoUnit::fetch_refused) return {ExitKind::memory};
    return run_alone(1);
  }
  const uint64_t left = limit_ - context_.insns;
  if (options_.counted && unit->guest_insns > left) return run_alone(static_cast<unsigned>(left));
  return run_cached(unit);
}

ir::RunResult Engine::run_cached(CachedUnit* unit) {
  guest_.enter_code();
  // A counted unit must end within the limit; any other may begin as long as the limit is not reached.
  const auto fits = [this](const CachedUnit& next) {
    return context_.insns + (options_.counted ? next.guest_insns : 1) <= limit_;
  };
  ir::RunResult result;
  do {
    if (options_.trace) [[unlikely]]
      show(*unit);
    context_.running = unit->code.get();
    cache_.note_run(*unit);
    result = runner_->run(*unit->code, context_);
    ++stats_.units_run;
    if (result.kind != ExitKind::next || context_.events.load(std::memory_order_relaxed) != 0) break;
    unit = next_after(result);
  } while (unit != nullptr && fits(*unit));
  guest_.leave_code();
  return result;
}

/// Runs a unit of at most so many instructions that is not kept, and in which every store is allowed.
ir::RunResult Engine::run_alone(unsigned max_insns) {
  context_.running = nullptr;
  Fresh fresh;
  {
    const auto guard = lock(Safepoint::Holding::nothing);
    fresh = make_unit(key(), max_insns);
  }
  if (options_.trace) show(*fresh.unit);
  const uint64_t insns_before = context_.insns;
  guest_.enter_code();
  const ir::RunResult result = runner_->run(*fresh.unit->code, context_);
  guest_.leave_code();
  context_.running = nullptr;
  ++stats_.units_run;
  stats_.insns_alone += context_.insns - insns_before;
  const auto guard = lock(Safepoint::Holding::nothing);
  fresh.unit.reset();
  return result;
}

void Engine::show(const CachedUnit& unit) {
  isa::CodeKey key = unit.key;
  if (key.relocatable) key.pc = key.address = pc();
  options_.trace({key, unit.guest_insns, context_.insns, guest_});
}

}  // namespace strata::engine
