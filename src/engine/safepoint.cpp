// Stopping the others: a flag that they look at whenever they begin to run or to wait, and an event for those that run.
#include "engine/safepoint.h"

#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/assert.h"
#include "engine/events.h"

namespace strata::engine {

namespace {

/// Most stops are shorter than a sleep and a wake-up.
constexpr unsigned looks_before_sleep = 200;

void relax() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

/// Sleeps while the word has this value.
void wait_while(const std::atomic<uint32_t>& word, uint32_t value) {
  for (unsigned i = 0; i < looks_before_sleep; ++i) {
    if (word.load() != value) return;
    relax();
  }
  word.wait(value);
}

/// Host code may have been changed that other threads of ours run next: their processors are to fetch it anew.
void serialize_others() { syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE, 0, 0); }

}  // namespace

void Safepoint::join(Member& member) {
  members_.push_back(&member);
  if (members_.size() == 2) syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE, 0, 0);
}

/// Each side writes its own word and then looks at the other's, all in one order: one of them notices.
void Safepoint::set(Member& member, Member::State state) {
  member.state_.store(state);
  if (state != Member::running && stopping_.load() != 0) member.state_.notify_all();
}

void Safepoint::enter(Member& member) {
  if (alone()) return;
  set(member, Member::running);
  if (stopping_.load() != 0) stand_still(member);
}

void Safepoint::leave(Member& member) {
  if (!alone()) set(member, Member::outside);
}

void Safepoint::stand_still(Member& member) {
  do {
    member.holding_ = Holding::nothing;
    set(member, Member::waiting);
    while (stopping_.load() != 0) wait_while(stopping_, 1);
    set(member, Member::running);
  } while (stopping_.load() != 0);
}

Safepoint::Lock::Lock(Safepoint& safepoint, Member& member, Holding holding) : safepoint_(safepoint) {
  if (safepoint.alone()) return;
  const auto before = static_cast<Member::State>(member.state_.load());
  member.holding_ = holding;
  if (!safepoint.mutex_.try_lock()) {
    safepoint.set(member, Member::waiting);
    safepoint.mutex_.lock();
    member.state_.store(before);  // nobody is stopped without the mutex
  }
}

Safepoint::Lock::~Lock() {
  if (!safepoint_.alone()) safepoint_.let_go();
}

void Safepoint::let_go() {
  if (stopped_) {
    serialize_others();
    stopped_ = false;
    stopping_.store(0);
    stopping_.notify_all();
  }
  mutex_.unlock();
}

void Safepoint::stop_others(const Member& member) {
  if (alone() || stopped_) return;
  stopped_ = true;
  ++stops_;
  stopping_.store(1);
  for (Member* other : members_) {
    if (other == &member) continue;
    if (other->state_.load() == Member::running) other->events_.fetch_or(Event::stop);
    while (other->state_.load() == Member::running) wait_while(other->state_, Member::running);
  }
}

bool Safepoint::units_are_ours(const Member& member) const {
  for (const Member* other : members_) {
    if (other != &member && other->state_.load() == Member::waiting && other->holding_ == Holding::units) return false;
  }
  return true;
}

}  // namespace strata::engine
