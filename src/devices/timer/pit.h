// The interval timer: three counters of an Intel 8254, and the port 0x61 by which the PC gates the third.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>

#include "devices/saved_state.h"
#include "iface/bus_device.h"
#include "iface/clock.h"
#include "iface/irq.h"

namespace strata::devices {

/// One counter, computed from the clock: nothing runs between two edges of its output.
class PitCounter {
 public:
  explicit PitCounter(iface::Clock& clock) : clock_(clock) {}

  void write_control(uint8_t value);
  void write_count(uint8_t value);
  uint8_t read();
  void latch_count();
  void latch_status();
  void set_gate(bool level);
  bool gate() const { return gate_; }

  bool output() const { return output_at(elapsed()); }
  /// Whether the output has risen since this was asked last, in the modes whose low phases may be missed.
  bool take_rises();
  /// When the output changes next, in clock time.
  std::optional<uint64_t> next_edge() const;

  void reset();
  void save(Writer& out) const;
  Result<void> restore(Reader& in);

 private:
  enum class Access : uint8_t { latch, low, high, both };

  void load(uint16_t count);
  void start();
  uint64_t elapsed() const;  ///< input clocks since the count began
  uint64_t period() const { return reload_ == 0 ? (bcd_ ? 10000 : 65536) : reload_; }
  bool output_at(uint64_t ticks) const;
  uint16_t current() const;
  uint16_t encode(uint64_t binary) const;

  iface::Clock& clock_;
  uint8_t mode_ = 0;
  Access access_ = Access::both;
  bool bcd_ = false;
  bool gate_ = true;
  bool loaded_ = false;  ///< a count has been written since the control word
  bool running_ = false;
  uint32_t reload_ = 0;      ///< binary; 0 is the largest
  uint64_t start_ = 0;       ///< clock time at which the count began
  uint64_t rises_seen_ = 0;  ///< by take_rises, since start_
  uint64_t held_ = 0;        ///< clocks counted when the gate stopped it
  bool write_high_next_ = false;
  bool read_high_next_ = false;
  uint8_t low_byte_ = 0;
  std::optional<uint16_t> latched_;
  std::optional<uint8_t> latched_status_;
};

class Pit {
 public:
  static constexpr uint64_t frequency = 1'193'182;  ///< Hz

  /// `irq` follows counter 0's output.
  Pit(iface::Timers& timers, iface::IrqLine& irq);

  iface::BusDevice& ports() { return ports_; }                ///< 0x40, four ports
  iface::BusDevice& speaker_port() { return speaker_port_; }  ///< 0x61

  void reset();
  void save(Writer& out) const;
  Result<void> restore(Reader& in);

 private:
  struct Ports final : iface::BusDevice {
    explicit Ports(Pit& owner) : pit(owner) {}
    uint64_t read(uint64_t offset, unsigned size) override;
    void write(uint64_t offset, unsigned size, uint64_t value) override;
    Pit& pit;
  };
  struct SpeakerPort final : iface::BusDevice {
    explicit SpeakerPort(Pit& owner) : pit(owner) {}
    uint64_t read(uint64_t offset, unsigned size) override;
    void write(uint64_t offset, unsigned size, uint64_t value) override;
    Pit& pit;
  };
  void write_control(uint8_t value);
  void update();

  iface::Timers& timers_;
  iface::IrqLine& irq_;
  std::array<PitCounter, 3> counters_;
  std::unique_ptr<iface::Timer> timer_;
  Ports ports_{*this};
  SpeakerPort speaker_port_{*this};
  uint8_t speaker_ = 0;
  bool refresh_ = false;
};

}  // namespace strata::devices
