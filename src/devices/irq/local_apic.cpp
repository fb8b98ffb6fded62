// LocalApic: priorities, acceptance of messages, acknowledgement, state.
#include "devices/irq/local_apic.h"

#include <algorithm>
#include <bit>

#include "base/bits.h"
#include "devices/irq/local_apic_registers.h"

namespace strata::devices {

LocalApic::LocalApic(ApicBus& bus, Pic& pic, iface::Timers& timers, memory::DeviceLock& lock, const Options& options)
    : bus_(bus),
      pic_(pic),
      lock_(lock),
      id_(options.id),
      bootstrap_(options.bootstrap),
      timer_(timers, options.tsc, [this] { raise_local(Lvt::timer); }) {
  bus_.add(*this);
  reset();
}

int LocalApic::VectorSet::highest() const {
  for (int i = 7; i >= 0; --i) {
    if (words_[static_cast<size_t>(i)] != 0) return 32 * i + std::bit_width(words_[static_cast<size_t>(i)]) - 1;
  }
  return -1;
}

bool LocalApic::enabled() const { return (base_ & apic::base_enable) != 0; }
bool LocalApic::x2apic() const { return (base_ & apic::base_x2apic) != 0; }
bool LocalApic::software_enabled() const { return enabled() && (spurious_ & apic::spurious_enable) != 0; }

/// 11.12.10.2: in x2APIC mode the logical id follows from the id.
uint32_t LocalApic::logical_id() const {
  return x2apic() ? (id_ & ~15u) << 12 | 1u << (id_ & 15) : logical_destination_;
}

/// 11.6.2.
bool LocalApic::matches(uint32_t destination, bool logical) const {
  if (!enabled()) return false;
  // 8-bit broadcasts come from MSIs and IO-APICs to x2APICs too.
  if (destination == 0xff || destination == 0xffffffff) return true;
  if (!logical) return destination == (x2apic() ? id_ : xapic_id_);
  if (x2apic()) return destination >> 16 == logical_id() >> 16 && (destination & logical_id() & 0xffff) != 0;
  const uint32_t own = logical_destination_ >> 24;
  const bool flat = destination_format_ >> 28 == 0xf;
  if (flat) return (destination & own & 0xff) != 0;
  return (destination & 0xf0) == (own & 0xf0) && (destination & own & 0x0f) != 0;
}

/// 11.8.3.1: the higher class of the task priority and the interrupt in service.
uint8_t LocalApic::processor_priority() const {
  const int serviced = std::max(in_service_.highest(), 0);
  if (task_priority_ >> 4 >= serviced >> 4) return task_priority_;
  return static_cast<uint8_t>(serviced & 0xf0);
}

void LocalApic::accept(const ApicMessage& message) {
  switch (message.mode) {
    case DeliveryMode::fixed:
    case DeliveryMode::lowest_priority: request(message.vector, message.level_triggered); break;
    case DeliveryMode::nmi:
      if (hooks_.nmi) hooks_.nmi();
      break;
    case DeliveryMode::init:
      if (!message.asserted) break;
      init();
      if (hooks_.init) hooks_.init();
      break;
    case DeliveryMode::start_up:
      if (hooks_.start_up) hooks_.start_up(message.vector);
      break;
    case DeliveryMode::external:  // the PIC's wire is LINT0's matter
    case DeliveryMode::smi:       // there is no system management mode
      break;
  }
}

void LocalApic::request(uint8_t vector, bool level_triggered) {
  if (vector < apic::first_vector) {
    raise_error(apic::error_received_vector);
    return;
  }
  if (!software_enabled()) return;
  requested_.set(vector);
  if (level_triggered) {
    level_triggered_.set(vector);
  } else {
    level_triggered_.clear(vector);
  }
  update();
}

void LocalApic::raise_local(Lvt entry) {
  const uint32_t lvt = lvt_[entry];
  if ((lvt & apic::lvt_masked) != 0) return;
  const auto mode = static_cast<DeliveryMode>(extract_bits(lvt, 8, 3));
  if (entry == Lvt::timer || entry == Lvt::error || mode == DeliveryMode::fixed) {
    request(static_cast<uint8_t>(lvt), false);
  } else if (mode == DeliveryMode::nmi && hooks_.nmi) {
    hooks_.nmi();
  }
}

void LocalApic::raise_error(uint32_t bit) {
  pending_errors_ |= bit;
  const uint32_t lvt = lvt_[Lvt::error];
  // A bad vector in the error entry itself must not report itself forever.
  if ((lvt & 0xff) >= apic::first_vector) raise_local(Lvt::error);
}

bool LocalApic::external_pending() const {
  if (!bootstrap_ || !pic_.output()) return false;
  // 11.4.3: a disabled APIC is wired through as if it were not there. Virtual wire mode: LINT0 as ExtINT.
  if (!enabled()) return true;
  const uint32_t lvt = lvt_[Lvt::lint0];
  return (lvt & apic::lvt_masked) == 0 && static_cast<DeliveryMode>(extract_bits(lvt, 8, 3)) == DeliveryMode::external;
}

/// The vector that the priorities let through, or -1.
int LocalApic::deliverable() const {
  if (!software_enabled()) return -1;
  const int vector = requested_.highest();
  return vector >= 0 && vector >> 4 > processor_priority() >> 4 ? vector : -1;
}

void LocalApic::update() {
  const bool now = deliverable() >= 0 || external_pending();
  const bool before = pending_.exchange(now, std::memory_order_acq_rel);
  if (now != before && hooks_.changed) hooks_.changed();
}

int LocalApic::acknowledge() {
  std::lock_guard guard(lock_);
  int vector = deliverable();
  if (vector >= 0) {
    requested_.clear(static_cast<uint8_t>(vector));
    in_service_.set(static_cast<uint8_t>(vector));
  } else if (external_pending()) {
    vector = pic_.acknowledge();
  }
  update();
  return vector;
}

void LocalApic::end_of_interrupt() {
  const int vector = in_service_.highest();
  if (vector < 0) return;
  const auto number = static_cast<uint8_t>(vector);
  in_service_.clear(number);
  if (level_triggered_.test(number)) bus_.broadcast_eoi(number);
  update();
}

uint8_t LocalApic::priority() {
  std::lock_guard guard(lock_);
  return task_priority_ >> 4;
}

void LocalApic::set_priority(uint8_t priority) {
  std::lock_guard guard(lock_);
  task_priority_ = static_cast<uint8_t>(priority << 4);
  update();
}

void LocalApic::locate() {
  if (hooks_.moved) hooks_.moved(base_ & apic::base_address, enabled() && !x2apic());
}

void LocalApic::clear_registers() {
  task_priority_ = 0;
  logical_destination_ = 0;
  destination_format_ = ~0u;
  spurious_ = 0xff;
  errors_ = pending_errors_ = 0;
  command_ = 0;
  lvt_.fill(apic::lvt_masked);
  in_service_ = requested_ = level_triggered_ = {};
  timer_.reset();
}

/// 11.4.7.1.
void LocalApic::reset() {
  base_ = default_base | apic::base_enable | (bootstrap_ ? apic::base_bootstrap : 0);
  xapic_id_ = static_cast<uint8_t>(id_);
  clear_registers();
  locate();
  update();
}

/// 11.4.7.3.
void LocalApic::init() {
  clear_registers();
  update();
}

void LocalApic::save(Writer& out) const {
  out.enter("local-apic", 1);
  out.put(base_, xapic_id_, task_priority_, logical_destination_, destination_format_, spurious_, errors_,
          pending_errors_, command_, lvt_, in_service_.words(), requested_.words(), level_triggered_.words());
  timer_.save(out);
  out.leave();
}

Result<void> LocalApic::restore(Reader& in) {
  STRATA_TRY(in.enter("local-apic", 1));
  in.get(base_, xapic_id_, task_priority_, logical_destination_, destination_format_, spurious_, errors_,
         pending_errors_, command_, lvt_, in_service_.words(), requested_.words(), level_triggered_.words());
  STRATA_TRY(timer_.restore(in));
  STRATA_TRY(in.leave());
  // Vectors below 16 cannot be requested.
  requested_.words()[0] &= 0xffff0000;
  locate();
  update();
  return {};
}

}  // namespace strata::devices
