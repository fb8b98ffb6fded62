// A serial port: National Semiconductor's PC16550D behind a Console.
#pragma once

#include <array>
#include <cstdint>
#include <deque>

#include "devices/saved_state.h"
#include "iface/bus_device.h"
#include "iface/console.h"
#include "iface/irq.h"

namespace strata::devices {

/// Sends at once, whatever the divisor says. What is typed waits in the console until there is room here.
class Uart16550 final : public iface::BusDevice {
 public:
  static constexpr unsigned port_count = 8;

  /// `console` may be nullptr: an unplugged port. It must outlive the device, and calls it under the device lock.
  Uart16550(iface::IrqLine& irq, iface::Console* console);

  uint64_t read(uint64_t offset, unsigned size) override;
  void write(uint64_t offset, unsigned size, uint64_t value) override;

  void reset();
  void save(Writer& out) const;
  Result<void> restore(Reader& in);

 private:
  static constexpr size_t fifo_size = 16;

  uint8_t read_data();
  void write_data(uint8_t value);
  uint8_t read_identification();
  void write_fifo_control(uint8_t value);
  void write_modem_control(uint8_t value);
  uint8_t line_status();
  uint8_t modem_lines() const;
  void modem_changed();

  bool fifo_enabled() const;
  size_t capacity() const { return fifo_enabled() ? fifo_size : 1; }
  size_t trigger() const;
  bool loopback() const;
  bool divisor_access() const;
  void receive(uint8_t byte);
  void take_input();
  uint8_t interrupt_cause() const;
  void update();

  iface::IrqLine& irq_;
  iface::Console* console_;
  std::deque<uint8_t> received_;
  uint16_t divisor_ = 12;  ///< 9600 baud
  uint8_t interrupt_enable_ = 0;
  uint8_t fifo_control_ = 0;
  uint8_t line_control_ = 0;
  uint8_t modem_control_ = 0;
  uint8_t modem_deltas_ = 0;
  uint8_t last_modem_lines_ = 0;
  uint8_t scratch_ = 0;
  bool overrun_ = false;
  bool transmitter_empty_ = false;  ///< the THRE interrupt waits
};

}  // namespace strata::devices
