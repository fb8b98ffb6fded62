// The real-time clock and its battery-backed RAM: a Motorola MC146818 at ports 0x70 and 0x71.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>

#include "devices/saved_state.h"
#include "iface/bus_device.h"
#include "iface/clock.h"
#include "iface/irq.h"

namespace strata::devices {

class Rtc final : public iface::BusDevice {
 public:
  /// Nanoseconds since 1970-01-01 00:00 of the time that the guest should see: UTC or local time.
  using WallClock = std::function<int64_t()>;

  Rtc(iface::Timers& timers, iface::IrqLine& irq, WallClock wall);

  /// RAM cells 0x0e to 0x7f that firmware fills: memory sizes, the shutdown byte, the century.
  uint8_t cmos(uint8_t index) const { return cells_[index & 0x7f]; }
  void set_cmos(uint8_t index, uint8_t value) { cells_[index & 0x7f] = value; }

  uint64_t read(uint64_t offset, unsigned size) override;
  void write(uint64_t offset, unsigned size, uint64_t value) override;

  /// The time goes on, as the battery sees to it; interrupts are off.
  void reset();
  void save(Writer& out) const;
  Result<void> restore(Reader& in);

 private:
  enum Cell : uint8_t {
    seconds = 0x00,
    seconds_alarm = 0x01,
    minutes = 0x02,
    minutes_alarm = 0x03,
    hours = 0x04,
    hours_alarm = 0x05,
    weekday = 0x06,
    day = 0x07,
    month = 0x08,
    year = 0x09,
    register_a = 0x0a,
    register_b = 0x0b,
    register_c = 0x0c,
    register_d = 0x0d,
    century = 0x32,
  };

  uint8_t read_cell(uint8_t index);
  void write_cell(uint8_t index, uint8_t value);
  bool is_time(uint8_t index) const { return index <= year ? index % 2 == 0 || index >= weekday : index == century; }
  int64_t wall_ns() const { return wall_() + offset_ns_; }
  void show_time();
  void take_time();
  uint8_t encode(unsigned value) const;
  unsigned decode(uint8_t value) const;
  uint8_t encode_hour(unsigned hour) const;
  unsigned decode_hour(uint8_t value) const;
  uint64_t periodic_ns() const;
  bool alarm_matches(int64_t second) const;
  void catch_up();
  void update();

  iface::Timers& timers_;
  iface::IrqLine& irq_;
  WallClock wall_;
  std::unique_ptr<iface::Timer> timer_;
  std::array<uint8_t, 128> cells_ = {};
  uint8_t index_ = 0;
  int64_t offset_ns_ = 0;     ///< what the guest set its clock off by
  int64_t seen_second_ = 0;   ///< events up to here are in register C
  uint64_t seen_period_ = 0;  ///< number of the last periodic tick seen
};

}  // namespace strata::devices
