// The keyboard controller as far as a machine without keyboard needs it: self test, output port with A20 and reset.
#pragma once

#include <cstdint>
#include <optional>

#include "devices/saved_state.h"
#include "devices/system/machine_request.h"
#include "iface/bus_device.h"

namespace strata::devices {

/// Five ports from 0x60: data at offset 0, command and status at offset 4.
class I8042 {
 public:
  explicit I8042(RequestMachine request) : request_(std::move(request)) {}

  iface::BusDevice& data_port() { return data_; }        ///< 0x60
  iface::BusDevice& command_port() { return command_; }  ///< 0x64

  void reset();
  void save(Writer& out) const;
  Result<void> restore(Reader& in);

 private:
  struct DataPort final : iface::BusDevice {
    explicit DataPort(I8042& owner) : controller(owner) {}
    uint64_t read(uint64_t, unsigned) override { return controller.read_data(); }
    void write(uint64_t, unsigned, uint64_t value) override { controller.write_data(static_cast<uint8_t>(value)); }
    I8042& controller;
  };
  struct CommandPort final : iface::BusDevice {
    explicit CommandPort(I8042& owner) : controller(owner) {}
    uint64_t read(uint64_t, unsigned) override { return controller.read_status(); }
    void write(uint64_t, unsigned, uint64_t value) override { controller.write_command(static_cast<uint8_t>(value)); }
    I8042& controller;
  };
  uint8_t read_data();
  uint8_t read_status() const;
  void write_data(uint8_t value);
  void write_command(uint8_t value);
  void write_output_port(uint8_t value);
  void answer(uint8_t value);

  RequestMachine request_;
  DataPort data_{*this};
  CommandPort command_{*this};
  uint8_t configuration_ = 0x34;  ///< both ports off, no interrupts, system flag
  uint8_t output_port_ = 0x03;    ///< A20 on, not in reset
  uint8_t awaited_ = 0;           ///< the command whose data byte comes next, 0: none
  bool last_was_command_ = false;
  bool full_ = false;  ///< output buffer
  uint8_t output_ = 0;
};

}  // namespace strata::devices
