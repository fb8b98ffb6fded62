// The lock of what processors share, and how one of them has the others stand still.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <vector>

namespace strata::engine {

/// Processors that run read what they share without a lock. A change that such readers can stand (something new, one word)
/// is made with the lock held; any other with the lock held and all others stopped: each of them then waits for the lock
/// or in stand_still(), or does not run.
///
/// A processor that is alone needs none of this, and pays next to nothing.
class Safepoint {
 public:
  /// What a processor that waits may still use afterwards.
  enum class Holding : uint8_t {
    nothing,
    units,  ///< those that it has found, or is in the middle of
  };

  /// One processor's part.
  class Member {
   public:
    /// Event::stop is set in `events` when the processor is to come to stand_still().
    explicit Member(std::atomic<uint32_t>& events) : events_(events) {}

   private:
    friend class Safepoint;
    enum State : uint32_t { outside, running, waiting };
    std::atomic<uint32_t> state_ = outside;
    std::atomic<uint32_t>& events_;
    Holding holding_ = Holding::nothing;  ///< written by itself while it runs, read while it waits
  };

  /// While none runs.
  void join(Member& member);
  void part(Member& member) { std::erase(members_, &member); }
  bool alone() const { return members_.size() < 2; }
  uint64_t stops() const { return stops_; }  ///< how often others were stopped

  // By the member's own thread: around all that it does as a processor, and inside when Event::stop asks for it.
  void enter(Member& member);
  void leave(Member& member);
  void stand_still(Member& member);

  /// Holds the lock. Whoever waits for it counts as stopped.
  class Lock {
   public:
    Lock(Safepoint& safepoint, Member& member, Holding holding);
    ~Lock();
    Lock(const Lock&) = delete;
    Lock& operator=(const Lock&) = delete;

   private:
    Safepoint& safepoint_;
  };

  // With the lock held, by `member`.
  /// Until the lock is let go, none of the others runs.
  void stop_others(const Member& member);
  /// Whether none of the others, which are stopped, has units that it goes on with.
  bool units_are_ours(const Member& member) const;

 private:
  void set(Member& member, Member::State state);
  void let_go();

  std::vector<Member*> members_;
  std::mutex mutex_;
  bool stopped_ = false;  ///< under mutex_, as the next
  uint64_t stops_ = 0;
  std::atomic<uint32_t> stopping_ = 0;
};

}  // namespace strata::engine
