// The PC's interrupt controller of old: two cascaded Intel 8259A with the edge/level registers of the EISA bus.
#pragma once

#include <array>
#include <cstdint>
#include <functional>

#include "devices/saved_state.h"
#include "iface/bus_device.h"

namespace strata::devices {

/// One 8259A.
class Pic8259 {
 public:
  explicit Pic8259(bool master) : master_(master) {}

  void set_line(unsigned line, bool level);
  bool output() const { return !initializing_ && highest_request() >= 0; }
  /// The interrupt acknowledge cycle: the line taken, 7 for a spurious one. For a slave behind line 2 the caller goes on.
  unsigned acknowledge();
  uint8_t vector(unsigned line) const { return static_cast<uint8_t>(base_ | line); }

  uint8_t read(unsigned port);  ///< 0 or 1
  void write(unsigned port, uint8_t value);
  uint8_t edge_level() const { return level_triggered_; }
  void set_edge_level(uint8_t lines) { level_triggered_ = lines & (master_ ? 0xf8 : 0xde); }

  void reset();
  void save(Writer& out) const;
  Result<void> restore(Reader& in);

 private:
  enum class Expect : uint8_t { none, icw2, icw3, icw4 };

  void write_icw1(uint8_t value);
  void write_ocw2(uint8_t value);
  void write_ocw3(uint8_t value);
  void write_next_icw(uint8_t value);
  /// Distance of a line from the one with the highest priority.
  unsigned rank(unsigned line) const { return (line - lowest_ - 1) & 7; }
  int first(uint8_t lines) const;
  int highest_request() const;
  void take(unsigned line);

  bool master_;
  uint8_t levels_ = 0;           ///< the wires
  uint8_t requests_ = 0;         ///< IRR
  uint8_t in_service_ = 0;       ///< ISR
  uint8_t mask_ = 0;             ///< IMR
  uint8_t level_triggered_ = 0;  ///< ELCR
  uint8_t base_ = 0;             ///< ICW2
  uint8_t lowest_ = 7;           ///< the line with the lowest priority
  Expect expect_ = Expect::none;
  bool initializing_ = false;
  bool wants_icw4_ = false;
  bool single_ = false;
  bool all_level_ = false;  ///< ICW1's LTIM
  bool auto_eoi_ = false;
  bool rotate_on_auto_eoi_ = false;
  bool fully_nested_ = false;  ///< special fully nested mode
  bool special_mask_ = false;
  bool poll_ = false;
  bool read_in_service_ = false;
};

/// The pair: lines 0 to 7 on the master, 8 to 15 on the slave, which sits behind line 2. With the device lock held.
class Pic {
 public:
  Pic() = default;
  Pic(const Pic&) = delete;
  Pic& operator=(const Pic&) = delete;

  void set_line(unsigned line, bool level);
  /// The wire to the processor.
  bool output() const { return master_.output(); }
  void on_output(std::function<void()> changed) { changed_ = std::move(changed); }
  /// The vector; a spurious one where the request has gone.
  int acknowledge();

  iface::BusDevice& master_ports() { return master_ports_; }          ///< 0x20, two ports
  iface::BusDevice& slave_ports() { return slave_ports_; }            ///< 0xa0, two ports
  iface::BusDevice& edge_level_ports() { return edge_level_ports_; }  ///< 0x4d0, two ports

  void reset();
  void save(Writer& out) const;
  Result<void> restore(Reader& in);

 private:
  struct Ports final : iface::BusDevice {
    Ports(Pic& owner, Pic8259& which) : pic(owner), chip(which) {}
    uint64_t read(uint64_t offset, unsigned size) override;
    void write(uint64_t offset, unsigned size, uint64_t value) override;
    Pic& pic;
    Pic8259& chip;
  };
  struct EdgeLevelPorts final : iface::BusDevice {
    explicit EdgeLevelPorts(Pic& owner) : pic(owner) {}
    uint64_t read(uint64_t offset, unsigned size) override;
    void write(uint64_t offset, unsigned size, uint64_t value) override;
    Pic& pic;
  };
  void update();

  Pic8259 master_{true};
  Pic8259 slave_{false};
  Ports master_ports_{*this, master_};
  Ports slave_ports_{*this, slave_};
  EdgeLevelPorts edge_level_ports_{*this};
  std::function<void()> changed_;
};

}  // namespace strata::devices
