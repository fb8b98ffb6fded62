// Queue: the device's end of a split virtqueue (virtio 1.2, section 2.7).
#pragma once

#include <bitset>
#include <cstdint>
#include <string>
#include <vector>

#include "devices/saved_state.h"
#include "devices/virtio/core/chain.h"
#include "devices/virtio/core/spec.h"
#include "memory/address_space.h"

namespace strata::devices::virtio {

/// Trusts nothing that the driver wrote. What breaks the rules breaks the queue: problem() says what it was, nothing is
/// taken from it any more, and the driver has to reset the device.
class Queue {
 public:
  /// What the driver tells the transport.
  struct Layout {
    uint16_t size = 0;         ///< entries, a power of two
    uint64_t descriptors = 0;  ///< guest addresses of the three parts
    uint64_t available = 0;
    uint64_t used = 0;
  };

  Queue(memory::AddressSpace& memory, uint16_t max_size) : memory_(memory), max_size_(max_size) { reset(); }

  uint16_t max_size() const { return max_size_; }
  /// The driver changes it before enable().
  Layout& layout() { return layout_; }
  const Layout& layout() const { return layout_; }

  /// Takes the layout. Where its parts are not RAM or not as the specification wants them, the queue is broken.
  void enable(uint64_t features);
  bool enabled() const { return enabled_; }
  void reset();

  /// The next request, if there is one. A request is in flight until it is put().
  bool pop(Chain& chain);
  /// Undoes the last pop(), which gave `chain`; several are undone last one first.
  void unpop(const Chain& chain);
  /// Hands a request back, `written` of its writable bytes filled; the driver does not see it before publish().
  void put(uint16_t head, uint32_t written);
  /// Shows the driver what was put.
  void publish();
  /// Whether the driver wants an interrupt for what was published since this was asked last.
  bool wants_interrupt();

  bool broken() const { return !problem_.empty(); }
  const std::string& problem() const { return problem_; }
  void break_it(std::string problem) { problem_ = std::move(problem); }

  /// Requests in flight are saved by number: a restored queue gives them out again, first of all.
  void save(Writer& out) const;
  void restore(Reader& in, uint64_t features);

 private:
  struct Descriptor {
    uint64_t address;
    uint32_t size;
    uint16_t flags;
    uint16_t next;
  };
  static Descriptor load_descriptor(const std::byte* table, uint32_t index);

  std::string place_parts();
  uint16_t available_index() const;
  /// Asks for a notification at the next available entry; whether one has come meanwhile.
  bool ask_for_notification();
  /// Reads the chain that starts at `head`; what is wrong with it, or nothing.
  std::string walk(uint16_t head, Chain& chain);
  bool take(uint16_t head, Chain& chain);
  void wrote_used(uint64_t offset, uint64_t size) { memory_.wrote(layout_.used + offset, size); }

  memory::AddressSpace& memory_;
  const uint16_t max_size_;
  Layout layout_;
  bool enabled_ = false;
  bool event_idx_ = false;
  bool indirect_ = false;
  std::string problem_;
  const std::byte* descriptors_ = nullptr;
  std::byte* available_ = nullptr;
  std::byte* used_ = nullptr;
  uint16_t next_available_ = 0;  ///< what pop() takes next; counts without end, as the rings' indices do
  uint16_t next_used_ = 0;       ///< where put() writes next
  uint16_t published_ = 0;       ///< what the driver sees
  uint16_t interrupted_ = 0;     ///< up to where wants_interrupt() was asked
  std::bitset<max_queue_size> in_flight_;
  std::vector<uint16_t> again_;  ///< requests that were in flight when the state was saved
};

}  // namespace strata::devices::virtio
