// Single ports of the PC that stand alone: debug exit, POST code, system control A, reset control.
#pragma once

#include <cstdint>

#include "base/bits.h"
#include "devices/saved_state.h"
#include "devices/system/machine_request.h"
#include "iface/bus_device.h"

namespace strata::devices {

/// isa-debug-exit, as in QEMU, at port 0xf4: the machine ends, and the program with (value << 1) | 1.
class DebugExit final : public iface::BusDevice {
 public:
  explicit DebugExit(RequestMachine request) : request_(std::move(request)) {}
  uint64_t read(uint64_t, unsigned) override { return 0; }
  void write(uint64_t, unsigned, uint64_t value) override {
    request_(MachineRequest::debug_exit, static_cast<uint32_t>(value) << 1 | 1);
  }

 private:
  RequestMachine request_;
};

/// Port 0x80: firmware shows its progress, and everybody writes to it for a short delay.
class PostCode final : public iface::BusDevice {
 public:
  uint64_t read(uint64_t, unsigned) override { return code_; }
  void write(uint64_t, unsigned, uint64_t value) override { code_ = static_cast<uint8_t>(value); }
  uint8_t code() const { return code_; }

 private:
  uint8_t code_ = 0;
};

/// Port 0x92: fast A20 (kept, without effect: the line is always on) and fast reset.
class SystemControlA final : public iface::BusDevice {
 public:
  explicit SystemControlA(RequestMachine request) : request_(std::move(request)) {}
  uint64_t read(uint64_t, unsigned) override { return value_; }
  void write(uint64_t, unsigned, uint64_t value) override {
    const bool pulled = test_bit(value, 0) && !test_bit(value_, 0);
    value_ = value & 3;
    if (pulled) request_(MachineRequest::reset, 0);
  }
  void reset() { value_ = 2; }
  uint8_t value() const { return value_; }
  void set_value(uint8_t value) { value_ = value & 3; }

 private:
  RequestMachine request_;
  uint8_t value_ = 2;
};

/// Port 0xcf9 of Intel's bridges: bit 2 rising resets.
class ResetControl final : public iface::BusDevice {
 public:
  explicit ResetControl(RequestMachine request) : request_(std::move(request)) {}
  uint64_t read(uint64_t, unsigned) override { return value_; }
  void write(uint64_t, unsigned, uint64_t value) override {
    const bool pulled = test_bit(value, 2) && !test_bit(value_, 2);
    value_ = value & 0x0e;
    if (pulled) request_(MachineRequest::reset, 0);
  }
  void reset() { value_ = 0; }
  uint8_t value() const { return value_; }
  void set_value(uint8_t value) { value_ = value & 0x0e; }

 private:
  RequestMachine request_;
  uint8_t value_ = 0;
};

}  // namespace strata::devices
