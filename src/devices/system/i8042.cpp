// I8042: commands of the controller itself; bytes for keyboard and mouse go nowhere, as with nothing plugged in.
#include "devices/system/i8042.h"

#include "base/bits.h"

namespace strata::devices {
namespace {

enum Command : uint8_t {
  read_configuration = 0x20,
  write_configuration = 0x60,
  disable_second = 0xa7,
  enable_second = 0xa8,
  test_second = 0xa9,
  self_test = 0xaa,
  test_first = 0xab,
  disable_first = 0xad,
  enable_first = 0xae,
  read_output_port = 0xd0,
  write_output_port_command = 0xd1,
  write_first_output = 0xd2,
  write_second_output = 0xd3,
  write_second = 0xd4,
  pulse_first = 0xf0,  // to 0xff: pulses the output lines whose bits are clear
};

constexpr uint8_t first_clock_off = 0x10;
constexpr uint8_t second_clock_off = 0x20;
constexpr uint8_t reset_line = 0x01;

}  // namespace

void I8042::answer(uint8_t value) {
  output_ = value;
  full_ = true;
}

uint8_t I8042::read_data() {
  full_ = false;
  return output_;
}

uint8_t I8042::read_status() const {
  return static_cast<uint8_t>((full_ ? 0x01 : 0) | (configuration_ & 0x04) | (last_was_command_ ? 0x08 : 0) | 0x10);
}

void I8042::write_data(uint8_t value) {
  last_was_command_ = false;
  const uint8_t command = awaited_;
  awaited_ = 0;
  switch (command) {
    case write_configuration: configuration_ = value; break;
    case write_output_port_command: write_output_port(value); break;
    case write_first_output:
    case write_second_output: answer(value); break;
    default: break;  // for a device that is not there
  }
}

void I8042::write_output_port(uint8_t value) {
  output_port_ = value;
  if ((value & reset_line) == 0) request_(MachineRequest::reset, 0);
}

void I8042::write_command(uint8_t value) {
  last_was_command_ = true;
  awaited_ = 0;
  if (value >= pulse_first) {
    if ((value & reset_line) == 0) request_(MachineRequest::reset, 0);
    return;
  }
  switch (value) {
    case read_configuration: answer(configuration_); break;
    case self_test: answer(0x55); break;
    case test_first:
    case test_second: answer(0x00); break;
    case disable_first: configuration_ |= first_clock_off; break;
    case enable_first: configuration_ &= static_cast<uint8_t>(~first_clock_off); break;
    case disable_second: configuration_ |= second_clock_off; break;
    case enable_second: configuration_ &= static_cast<uint8_t>(~second_clock_off); break;
    case read_output_port: answer(static_cast<uint8_t>(output_port_ | (full_ ? 0x10 : 0))); break;
    case write_configuration:
    case write_output_port_command:
    case write_first_output:
    case write_second_output:
    case write_second: awaited_ = value; break;
    default: break;
  }
}

void I8042::reset() {
  configuration_ = 0x34;
  output_port_ = 0x03;
  awaited_ = output_ = 0;
  last_was_command_ = full_ = false;
}

void I8042::save(Writer& out) const {
  out.enter("8042", 1);
  out.put(configuration_, output_port_, awaited_, last_was_command_, full_, output_);
  out.leave();
}

Result<void> I8042::restore(Reader& in) {
  STRATA_TRY(in.enter("8042", 1));
  in.get(configuration_, output_port_, awaited_, last_was_command_, full_, output_);
  return in.leave();
}

}  // namespace strata::devices
