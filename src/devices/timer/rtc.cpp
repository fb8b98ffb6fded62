// The MC146818, after Motorola's data sheet: time from the host, events computed when somebody looks or waits.
#include "devices/timer/rtc.h"

#include <algorithm>
#include <chrono>

#include "base/bits.h"

namespace strata::devices {
namespace {

constexpr int64_t second_ns = 1'000'000'000;
constexpr int64_t update_ns = 244'000;  // update in progress goes up this long before a second ends

// Register A
constexpr uint8_t update_in_progress = 0x80;
constexpr uint8_t divider_32khz = 0x20;
// Register B
constexpr uint8_t set_time = 0x80;
constexpr uint8_t interrupt_enables = 0x70;
constexpr uint8_t binary_mode = 0x04;
constexpr uint8_t hours_24 = 0x02;
// Register C
constexpr uint8_t interrupt_request = 0x80;
constexpr uint8_t periodic_flag = 0x40;
constexpr uint8_t alarm_flag = 0x20;
constexpr uint8_t update_flag = 0x10;
// Register D
constexpr uint8_t valid_ram = 0x80;

// What nanoseconds in 64 bits can hold, with room: clocks of guests stay in these years.
constexpr int first_year = 1900;
constexpr int last_year = 2200;
constexpr int64_t largest_offset_ns = second_ns * 86400 * 366 * 200;

constexpr uint8_t any_value = 0xc0;  // alarm cells from here on match everything
constexpr uint8_t afternoon = 0x80;  // in 12-hour mode

int64_t floor_div(int64_t a, int64_t b) { return a / b - (a % b < 0 ? 1 : 0); }

}  // namespace

Rtc::Rtc(iface::Timers& timers, iface::IrqLine& irq, WallClock wall)
    : timers_(timers), irq_(irq), wall_(std::move(wall)), timer_(timers.make([this] { update(); })) {
  cells_[register_a] = divider_32khz | 6;
  cells_[register_b] = hours_24;
  cells_[register_d] = valid_ram;
  seen_second_ = floor_div(wall_ns(), second_ns);
  show_time();
}

uint8_t Rtc::encode(unsigned value) const {
  return static_cast<uint8_t>((cells_[register_b] & binary_mode) != 0 ? value : value / 10 << 4 | value % 10);
}

unsigned Rtc::decode(uint8_t value) const {
  return (cells_[register_b] & binary_mode) != 0 ? value : (value >> 4) * 10u + (value & 15);
}

uint8_t Rtc::encode_hour(unsigned hour) const {
  if ((cells_[register_b] & hours_24) != 0) return encode(hour);
  return static_cast<uint8_t>(encode(hour % 12 == 0 ? 12 : hour % 12) | (hour >= 12 ? afternoon : 0));
}

unsigned Rtc::decode_hour(uint8_t value) const {
  if ((cells_[register_b] & hours_24) != 0) return decode(value);
  return decode(value & ~afternoon) % 12 + ((value & afternoon) != 0 ? 12 : 0);
}

/// The host's time into the time cells.
void Rtc::show_time() {
  using namespace std::chrono;
  const sys_seconds now{std::chrono::seconds{floor_div(wall_ns(), second_ns)}};
  const sys_days today = floor<days>(now);
  const year_month_day date{today};
  const hh_mm_ss time{now - today};
  const auto full_year = static_cast<unsigned>(std::clamp(int{date.year()}, 0, 9999));
  cells_[seconds] = encode(static_cast<unsigned>(time.seconds().count()));
  cells_[minutes] = encode(static_cast<unsigned>(time.minutes().count()));
  cells_[hours] = encode_hour(static_cast<unsigned>(time.hours().count()));
  cells_[weekday] = encode(std::chrono::weekday{today}.c_encoding() + 1);
  cells_[day] = encode(unsigned{date.day()});
  cells_[month] = encode(unsigned{date.month()});
  cells_[year] = encode(full_year % 100);
  cells_[century] = encode(full_year / 100);
}

/// The guest has set the time cells: from now on the clock goes on from there. Days that do not exist carry over.
void Rtc::take_time() {
  using namespace std::chrono;
  const int full_year =
      std::clamp(static_cast<int>(decode(cells_[century]) * 100 + decode(cells_[year])), first_year, last_year);
  const unsigned month_number = std::clamp(decode(cells_[month]), 1u, 12u);
  const sys_days first = std::chrono::year{full_year} / std::chrono::month{month_number} / 1;
  const int64_t days_since = first.time_since_epoch().count() + static_cast<int64_t>(decode(cells_[day])) - 1;
  const int64_t in_day = static_cast<int64_t>(decode_hour(cells_[hours])) * 3600 +
                         static_cast<int64_t>(decode(cells_[minutes])) * 60 +
                         static_cast<int64_t>(decode(cells_[seconds]));
  // The fraction of the running second stays as it is.
  const int64_t wanted = days_since * 86400 + in_day;
  const int64_t fraction = wall_ns() - floor_div(wall_ns(), second_ns) * second_ns;
  offset_ns_ = wanted * second_ns + fraction - wall_();
  seen_second_ = wanted;
}

/// Table 5 of the data sheet, for the 32.768 kHz time base of the PC. 0: no periodic tick.
uint64_t Rtc::periodic_ns() const {
  unsigned rate = cells_[register_a] & 15;
  if (rate == 0 || (cells_[register_a] & 0x70) != divider_32khz) return 0;
  if (rate <= 2) rate += 7;
  return (uint64_t{1} << (rate - 1)) * second_ns / 32768;
}

bool Rtc::alarm_matches(int64_t second) const {
  const auto in_day = static_cast<unsigned>(second - floor_div(second, 86400) * 86400);
  const auto matches = [](uint8_t cell, uint8_t now) { return cell >= any_value || cell == now; };
  return matches(cells_[seconds_alarm], encode(in_day % 60)) &&
         matches(cells_[minutes_alarm], encode(in_day / 60 % 60)) &&
         matches(cells_[hours_alarm], encode_hour(in_day / 3600));
}

/// Puts what has happened since the last look into register C.
void Rtc::catch_up() {
  uint8_t& flags = cells_[register_c];
  if (const uint64_t period = periodic_ns(); period != 0) {
    const uint64_t tick = timers_.now() / period;
    if (tick != seen_period_) flags |= periodic_flag;
    seen_period_ = tick;
  }
  if ((cells_[register_b] & set_time) == 0) {
    const int64_t second = floor_div(wall_ns(), second_ns);
    if (second != seen_second_) flags |= update_flag;
    // Within a day every time of day comes once: no need to look at more seconds than that.
    const int64_t first = std::max(seen_second_ + 1, second - 86400);
    for (int64_t at = first; at <= second && (flags & alarm_flag) == 0; ++at) {
      if (alarm_matches(at)) flags |= alarm_flag;
    }
    seen_second_ = second;
  }
  if ((flags & cells_[register_b] & interrupt_enables) != 0) {
    flags |= interrupt_request;
  } else {
    flags &= static_cast<uint8_t>(~interrupt_request);
  }
}

void Rtc::update() {
  catch_up();
  irq_.set((cells_[register_c] & interrupt_request) != 0);
  const uint64_t now = timers_.now();
  const uint8_t enables = cells_[register_b];
  uint64_t next = ~uint64_t{0};
  if (const uint64_t period = periodic_ns(); (enables & periodic_flag) != 0 && period != 0) {
    next = (now / period + 1) * period;
  }
  if ((enables & (alarm_flag | update_flag)) != 0 && (enables & set_time) == 0) {
    const int64_t wall = wall_ns();
    next = std::min(next, now + static_cast<uint64_t>((floor_div(wall, second_ns) + 1) * second_ns - wall));
  }
  if (next == ~uint64_t{0}) {
    timer_->cancel();
  } else {
    timer_->arm(next);
  }
}

uint64_t Rtc::read(uint64_t offset, unsigned) {
  return offset == 1 ? read_cell(index_) : 0xff;  // the index port is write-only
}

void Rtc::write(uint64_t offset, unsigned, uint64_t value) {
  if (offset == 0) {
    index_ = value & 0x7f;  // bit 7 masks NMIs, of which there are none
  } else if (offset == 1) {
    write_cell(index_, static_cast<uint8_t>(value));
  }
}

uint8_t Rtc::read_cell(uint8_t index) {
  if (is_time(index) && (cells_[register_b] & set_time) == 0) show_time();
  if (index == register_a) {
    const int64_t wall = wall_ns();
    const int64_t left = (floor_div(wall, second_ns) + 1) * second_ns - wall;
    const bool updating = (cells_[register_b] & set_time) == 0 && left <= update_ns;
    return static_cast<uint8_t>(cells_[register_a] | (updating ? update_in_progress : 0));
  }
  if (index == register_c) {
    catch_up();
    const uint8_t flags = cells_[register_c];
    cells_[register_c] = 0;
    update();
    return flags;
  }
  return cells_[index];
}

void Rtc::write_cell(uint8_t index, uint8_t value) {
  if (index == register_c || index == register_d) return;
  catch_up();
  const bool stopped = (cells_[register_b] & set_time) != 0;
  if (is_time(index) && !stopped) show_time();
  if (index == register_b && !stopped) show_time();
  cells_[index] = index == register_a ? value & 0x7f : value;
  if (index == register_b) {
    // Setting ends when the bit falls; a change of format alone leaves the time as it is.
    if (stopped && (value & set_time) == 0) take_time();
  } else if (is_time(index) && !stopped) {
    take_time();
  }
  update();
}

void Rtc::reset() {
  cells_[register_b] &= static_cast<uint8_t>(~(interrupt_enables | 0x08));
  cells_[register_c] = 0;
  index_ = 0;
  update();
}

void Rtc::save(Writer& out) const {
  out.enter("rtc", 1);
  out.put(cells_, index_, offset_ns_);
  out.leave();
}

Result<void> Rtc::restore(Reader& in) {
  STRATA_TRY(in.enter("rtc", 1));
  in.get(cells_, index_, offset_ns_);
  index_ &= 0x7f;
  if (offset_ns_ > largest_offset_ns || offset_ns_ < -largest_offset_ns) {
    in.reject("a clock that is out by more than 200 years");
    offset_ns_ = 0;
  }
  STRATA_TRY(in.leave());
  seen_second_ = floor_div(wall_ns(), second_ns);
  if (const uint64_t period = periodic_ns(); period != 0) seen_period_ = timers_.now() / period;
  update();
  return {};
}

}  // namespace strata::devices
