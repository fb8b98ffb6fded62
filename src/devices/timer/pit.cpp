// The 8254, after Intel's data sheet (order number 231164).
#include "devices/timer/pit.h"

#include <algorithm>
#include <utility>

#include "base/bits.h"

namespace strata::devices {
namespace {

constexpr uint64_t second_ns = 1'000'000'000;

// A periodic counter is not let loose faster than this: the guest may not keep the host's timer thread busy.
constexpr uint64_t shortest_edge_ns = 20'000;

uint64_t ticks_of(uint64_t ns) {
  return static_cast<uint64_t>(static_cast<unsigned __int128>(ns) * Pit::frequency / second_ns);
}
uint64_t ns_of(uint64_t ticks) {  // rounded up: at that time the tick has passed
  return static_cast<uint64_t>((static_cast<unsigned __int128>(ticks) * second_ns + Pit::frequency - 1) /
                               Pit::frequency);
}

uint16_t to_bcd(uint64_t value) {
  uint16_t digits = 0;
  for (unsigned shift = 0; shift < 16; shift += 4, value /= 10) digits |= static_cast<uint16_t>(value % 10 << shift);
  return digits;
}
uint32_t from_bcd(uint16_t digits) {
  uint32_t value = 0;
  for (int shift = 12; shift >= 0; shift -= 4) value = value * 10 + (digits >> shift & 15) % 10;
  return value;
}

}  // namespace

void PitCounter::write_control(uint8_t value) {
  mode_ = value >> 1 & 7;
  if (mode_ > 5) mode_ -= 4;  // bit 2 does not matter in modes 2 and 3
  access_ = static_cast<Access>(value >> 4 & 3);
  bcd_ = (value & 1) != 0;
  loaded_ = running_ = false;
  held_ = 0;
  write_high_next_ = read_high_next_ = false;
  latched_.reset();
  latched_status_.reset();
}

void PitCounter::write_count(uint8_t value) {
  switch (access_) {
    case Access::low: load(value); break;
    case Access::high: load(static_cast<uint16_t>(value << 8)); break;
    default:
      if (!write_high_next_) {
        low_byte_ = value;
        // Mode 0: the first byte stops the count.
        if (mode_ == 0) loaded_ = running_ = false;
      } else {
        load(static_cast<uint16_t>(value << 8 | low_byte_));
      }
      write_high_next_ = !write_high_next_;
  }
}

void PitCounter::load(uint16_t count) {
  const bool was_running = running_;
  reload_ = bcd_ ? from_bcd(count) : count;
  loaded_ = true;
  // Modes 1 and 5 wait for the gate to rise. In modes 2 and 3 a new count serves from the next period on; starting
  // afresh instead is what the PC's software cannot tell apart, as it stops the counter with a control word first.
  if (mode_ == 1 || mode_ == 5) return;
  held_ = 0;
  if (gate_ || (was_running && (mode_ == 2 || mode_ == 3))) start();
}

void PitCounter::start() {
  start_ = clock_.now() - ns_of(held_);
  rises_seen_ = 0;
  running_ = true;
}

void PitCounter::set_gate(bool level) {
  const bool rises = level && !gate_;
  const bool falls = !level && gate_;
  if (falls && running_ && mode_ != 1 && mode_ != 5) {
    held_ = mode_ == 0 || mode_ == 4 ? elapsed() : 0;  // 0 and 4 go on where they stopped, 2 and 3 begin again
    running_ = false;
  }
  gate_ = level;
  if (rises && loaded_) {
    if (mode_ == 1 || mode_ == 5) held_ = 0;
    start();
  }
}

uint64_t PitCounter::elapsed() const { return running_ ? ticks_of(clock_.now() - start_) : held_; }

bool PitCounter::output_at(uint64_t ticks) const {
  switch (mode_) {
    case 0: return loaded_ && ticks >= period();
    case 1: return !running_ || ticks >= period();
    case 2: return !running_ || ticks % period() != period() - 1;
    case 3: return !running_ || ticks % period() < (period() + 1) / 2;
    default: return !running_ || ticks != period();  // 4 and 5: low for one clock
  }
}

bool PitCounter::take_rises() {
  if (!running_ || mode_ < 2) return false;  // 0 and 1 rise once, and stay
  const uint64_t rises = mode_ <= 3 ? elapsed() / period() : elapsed() > period();
  return std::exchange(rises_seen_, rises) < rises;
}

std::optional<uint64_t> PitCounter::next_edge() const {
  if (!running_) return std::nullopt;
  const uint64_t ticks = elapsed();
  const uint64_t phase = ticks % period();
  const uint64_t begin = ticks - phase;
  uint64_t next = 0;
  switch (mode_) {
    case 0:
    case 1:
      if (ticks >= period()) return std::nullopt;
      next = period();
      break;
    case 2:  // where it rises again: one clock of low is too short for any timer of the host
      next = begin + period();
      break;
    case 3: next = phase < (period() + 1) / 2 ? begin + (period() + 1) / 2 : begin + period(); break;
    default:
      if (ticks > period()) return std::nullopt;
      next = ticks == period() ? period() + 1 : period();
  }
  return start_ + ns_of(next);
}

uint16_t PitCounter::encode(uint64_t binary) const {
  return bcd_ ? to_bcd(binary % 10000) : static_cast<uint16_t>(binary);
}

uint16_t PitCounter::current() const {
  const uint64_t ticks = elapsed();
  const uint64_t wrap = bcd_ ? 10000 : 65536;
  if (!loaded_) return encode(reload_);
  switch (mode_) {
    case 2: return encode(period() - ticks % period());
    case 3: {  // counts down by two, twice a period
      const uint64_t half = (period() + 1) / 2;
      const uint64_t phase = ticks % period() % half;
      return encode((period() & ~uint64_t{1}) - 2 * phase);
    }
    default: return encode((period() + wrap - ticks % wrap) % wrap);  // goes on through zero
  }
}

void PitCounter::latch_count() {
  if (!latched_) latched_ = current();
}

void PitCounter::latch_status() {
  if (latched_status_) return;
  latched_status_ = static_cast<uint8_t>((output() ? 0x80 : 0) | (loaded_ ? 0 : 0x40) |
                                         static_cast<uint8_t>(access_) << 4 | mode_ << 1 | (bcd_ ? 1 : 0));
}

uint8_t PitCounter::read() {
  if (latched_status_) {
    const uint8_t status = *latched_status_;
    latched_status_.reset();
    return status;
  }
  const uint16_t count = latched_ ? *latched_ : current();
  bool high = access_ == Access::high;
  bool last = true;
  if (access_ == Access::both || access_ == Access::latch) {
    high = read_high_next_;
    last = high;
    read_high_next_ = !read_high_next_;
  }
  if (last) latched_.reset();
  return static_cast<uint8_t>(high ? count >> 8 : count);
}

void PitCounter::reset() {
  const bool gate = gate_;
  write_control(0x30);
  gate_ = gate;
  reload_ = 0;
}

void PitCounter::save(Writer& out) const {
  out.enter("counter", 1);
  out.put(mode_, access_, bcd_, gate_, loaded_, running_, reload_, elapsed(), write_high_next_, read_high_next_,
          low_byte_, latched_.has_value(), latched_.value_or(0), latched_status_.has_value(),
          latched_status_.value_or(0));
  out.leave();
}

Result<void> PitCounter::restore(Reader& in) {
  STRATA_TRY(in.enter("counter", 1));
  bool has_latched = false, has_status = false;
  uint16_t latched = 0;
  uint8_t status = 0;
  in.get(mode_, access_, bcd_, gate_, loaded_, running_, reload_, held_, write_high_next_, read_high_next_, low_byte_,
         has_latched, latched, has_status, status);
  if (mode_ > 5 || access_ > Access::both || reload_ > 65535) in.reject("unknown mode or count");
  STRATA_TRY(in.leave());
  latched_ = has_latched ? std::optional(latched) : std::nullopt;
  latched_status_ = has_status ? std::optional(status) : std::nullopt;
  // Only the place in the period matters, and how far a one-shot is past its end.
  held_ = std::min(held_, mode_ == 2 || mode_ == 3 ? held_ % period() : uint64_t{1} << 32);
  if (running_) start();
  return {};
}

Pit::Pit(iface::Timers& timers, iface::IrqLine& irq)
    : timers_(timers),
      irq_(irq),
      counters_{PitCounter(timers), PitCounter(timers), PitCounter(timers)},
      timer_(timers.make([this] { update(); })) {
  counters_[2].set_gate(false);
}

void Pit::update() {
  PitCounter& counter = counters_[0];
  if (counter.take_rises()) irq_.set(false);  // it was low meanwhile, however late the host's timer came
  irq_.set(counter.output());
  const auto edge = counter.next_edge();
  if (!edge) {
    timer_->cancel();
    return;
  }
  timer_->arm(std::max(*edge, timers_.now() + (counter.output() ? shortest_edge_ns : 0)));
}

void Pit::write_control(uint8_t value) {
  const unsigned select = value >> 6;
  if (select == 3) {  // read-back command
    for (unsigned i = 0; i < 3; ++i) {
      if (!test_bit(value, i + 1)) continue;
      if (!test_bit(value, 5)) counters_[i].latch_count();
      if (!test_bit(value, 4)) counters_[i].latch_status();
    }
  } else if ((value & 0x30) == 0) {
    counters_[select].latch_count();
  } else {
    counters_[select].write_control(value);
  }
}

uint64_t Pit::Ports::read(uint64_t offset, unsigned size) {
  if (size != 1 || offset > 2) return low_mask(8 * size);
  return pit.counters_[offset].read();
}

void Pit::Ports::write(uint64_t offset, unsigned, uint64_t value) {
  if (offset > 3) return;
  if (offset == 3) {
    pit.write_control(static_cast<uint8_t>(value));
  } else {
    pit.counters_[offset].write_count(static_cast<uint8_t>(value));
  }
  pit.update();
}

uint64_t Pit::SpeakerPort::read(uint64_t, unsigned) {
  pit.refresh_ = !pit.refresh_;  // the memory refresh that software of old counts
  return (pit.speaker_ & 3u) | (pit.refresh_ ? 0x10u : 0u) | (pit.counters_[2].output() ? 0x20u : 0u);
}

void Pit::SpeakerPort::write(uint64_t, unsigned, uint64_t value) {
  pit.speaker_ = value & 3;
  pit.counters_[2].set_gate(test_bit(value, 0));
}

void Pit::reset() {
  for (PitCounter& counter : counters_) counter.reset();
  counters_[2].set_gate(false);
  speaker_ = 0;
  refresh_ = false;
  update();
}

void Pit::save(Writer& out) const {
  out.enter("pit", 1);
  for (const PitCounter& counter : counters_) counter.save(out);
  out.put(speaker_, refresh_);
  out.leave();
}

Result<void> Pit::restore(Reader& in) {
  STRATA_TRY(in.enter("pit", 1));
  for (PitCounter& counter : counters_) STRATA_TRY(counter.restore(in));
  in.get(speaker_, refresh_);
  STRATA_TRY(in.leave());
  update();
  return {};
}

}  // namespace strata::devices
