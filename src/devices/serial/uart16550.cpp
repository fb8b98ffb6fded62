// The 16550D, after its data sheet (section 8, registers).
#include "devices/serial/uart16550.h"

#include <algorithm>

#include "base/bits.h"

namespace strata::devices {
namespace {

enum Register : uint64_t { data = 0, ier = 1, iir_fcr = 2, lcr = 3, mcr = 4, lsr = 5, msr = 6, scr = 7 };

// Interrupt enable register
constexpr uint8_t enable_received = 0x01;
constexpr uint8_t enable_transmitter = 0x02;
constexpr uint8_t enable_line_status = 0x04;
constexpr uint8_t enable_modem = 0x08;

// Interrupt identification register, highest priority first
constexpr uint8_t cause_line_status = 0x06;
constexpr uint8_t cause_received = 0x04;
constexpr uint8_t cause_timeout = 0x0c;
constexpr uint8_t cause_transmitter = 0x02;
constexpr uint8_t cause_modem = 0x00;
constexpr uint8_t cause_none = 0x01;
constexpr uint8_t fifos_on = 0xc0;

// FIFO control register
constexpr uint8_t fifo_enable = 0x01;
constexpr uint8_t fifo_clear_receiver = 0x02;

constexpr uint8_t divisor_latch = 0x80;  // line control register

// Modem control register
constexpr uint8_t dtr = 0x01;
constexpr uint8_t rts = 0x02;
constexpr uint8_t out1 = 0x04;
constexpr uint8_t out2 = 0x08;  // on a PC it connects the interrupt
constexpr uint8_t loop = 0x10;

// Line status register
constexpr uint8_t data_ready = 0x01;
constexpr uint8_t overrun_error = 0x02;
constexpr uint8_t transmitter_idle = 0x60;

// Modem status register
constexpr uint8_t cts = 0x10;
constexpr uint8_t dsr = 0x20;
constexpr uint8_t ring = 0x40;
constexpr uint8_t carrier = 0x80;

}  // namespace

Uart16550::Uart16550(iface::IrqLine& irq, iface::Console* console) : irq_(irq), console_(console) {
  last_modem_lines_ = modem_lines();
  if (console_) console_->on_input([this] { take_input(); });
}

bool Uart16550::fifo_enabled() const { return (fifo_control_ & fifo_enable) != 0; }
bool Uart16550::loopback() const { return (modem_control_ & loop) != 0; }
bool Uart16550::divisor_access() const { return (line_control_ & divisor_latch) != 0; }

size_t Uart16550::trigger() const {
  constexpr std::array<size_t, 4> levels = {1, 4, 8, 14};
  return fifo_enabled() ? levels[fifo_control_ >> 6] : 1;
}

void Uart16550::receive(uint8_t byte) {
  if (received_.size() >= capacity()) {
    overrun_ = true;
    if (!fifo_enabled()) received_.back() = byte;  // without FIFO the newer byte wins
    return;
  }
  received_.push_back(byte);
}

/// Fetches what was typed, as far as there is room.
void Uart16550::take_input() {
  std::array<std::byte, fifo_size> bytes;
  while (console_ && !loopback() && received_.size() < capacity()) {
    const size_t count = console_->read(std::span(bytes).first(capacity() - received_.size()));
    if (count == 0) break;
    for (size_t i = 0; i < count; ++i) receive(std::to_integer<uint8_t>(bytes[i]));
  }
  update();
}

uint8_t Uart16550::interrupt_cause() const {
  if ((interrupt_enable_ & enable_line_status) != 0 && overrun_) return cause_line_status;
  if ((interrupt_enable_ & enable_received) != 0 && !received_.empty()) {
    // Below the trigger level the data sheet waits four character times for more. Whatever the host had is here
    // already, so that the wait is over at once.
    return received_.size() >= trigger() ? cause_received : cause_timeout;
  }
  if ((interrupt_enable_ & enable_transmitter) != 0 && transmitter_empty_) return cause_transmitter;
  if ((interrupt_enable_ & enable_modem) != 0 && modem_deltas_ != 0) return cause_modem;
  return cause_none;
}

void Uart16550::update() {
  const bool connected = (modem_control_ & out2) != 0 && !loopback();
  irq_.set(connected && interrupt_cause() != cause_none);
}

uint8_t Uart16550::read_data() {
  if (received_.empty()) return 0;
  const uint8_t byte = received_.front();
  received_.pop_front();
  take_input();
  return byte;
}

void Uart16550::write_data(uint8_t value) {
  if (loopback()) {
    receive(value);
  } else if (console_) {
    const auto byte = std::byte{value};
    console_->write(std::span(&byte, 1));
  }
  transmitter_empty_ = true;
}

uint8_t Uart16550::read_identification() {
  const uint8_t cause = interrupt_cause();
  if (cause == cause_transmitter) transmitter_empty_ = false;  // reading it out is the answer
  return static_cast<uint8_t>(cause | (fifo_enabled() ? fifos_on : 0));
}

void Uart16550::write_fifo_control(uint8_t value) {
  const bool toggled = ((value ^ fifo_control_) & fifo_enable) != 0;
  if (toggled || ((value & fifo_enable) != 0 && (value & fifo_clear_receiver) != 0)) received_.clear();
  // The other bits take effect only together with the enable bit.
  fifo_control_ = (value & fifo_enable) != 0 ? value & 0xc9 : 0;
  take_input();
}

uint8_t Uart16550::modem_lines() const {
  if (!loopback()) return cts | dsr | (console_ ? carrier : 0);
  const uint8_t control = modem_control_;
  return static_cast<uint8_t>(((control & rts) != 0 ? cts : 0) | ((control & dtr) != 0 ? dsr : 0) |
                              ((control & out1) != 0 ? ring : 0) | ((control & out2) != 0 ? carrier : 0));
}

void Uart16550::modem_changed() {
  const uint8_t now = modem_lines();
  uint8_t changed = now ^ last_modem_lines_;
  if ((now & ring) != 0) changed &= static_cast<uint8_t>(~ring);  // TERI: only the trailing edge counts
  modem_deltas_ |= changed >> 4;
  last_modem_lines_ = now;
}

void Uart16550::write_modem_control(uint8_t value) {
  modem_control_ = value & 0x1f;
  modem_changed();
  take_input();
}

uint8_t Uart16550::line_status() {
  const auto status =
      static_cast<uint8_t>(transmitter_idle | (received_.empty() ? 0 : data_ready) | (overrun_ ? overrun_error : 0));
  overrun_ = false;
  return status;
}

uint64_t Uart16550::read(uint64_t offset, unsigned size) {
  if (size != 1) return low_mask(8 * size);
  uint8_t value = 0xff;
  switch (offset) {
    case Register::data: value = divisor_access() ? static_cast<uint8_t>(divisor_) : read_data(); break;
    case Register::ier: value = divisor_access() ? static_cast<uint8_t>(divisor_ >> 8) : interrupt_enable_; break;
    case Register::iir_fcr: value = read_identification(); break;
    case Register::lcr: value = line_control_; break;
    case Register::mcr: value = modem_control_; break;
    case Register::lsr: value = line_status(); break;
    case Register::msr:
      value = static_cast<uint8_t>(modem_lines() | modem_deltas_);
      modem_deltas_ = 0;
      break;
    case Register::scr: value = scratch_; break;
    default: break;
  }
  update();
  return value;
}

void Uart16550::write(uint64_t offset, unsigned size, uint64_t wide) {
  if (size != 1) return;
  const auto value = static_cast<uint8_t>(wide);
  switch (offset) {
    case Register::data:
      if (divisor_access()) {
        divisor_ = static_cast<uint16_t>((divisor_ & 0xff00) | value);
      } else {
        write_data(value);
      }
      break;
    case Register::ier:
      if (divisor_access()) {
        divisor_ = static_cast<uint16_t>((divisor_ & 0xff) | value << 8);
      } else {
        // The transmitter is always empty: enabling its interrupt raises it.
        if ((value & ~interrupt_enable_ & enable_transmitter) != 0) transmitter_empty_ = true;
        interrupt_enable_ = value & 0x0f;
      }
      break;
    case Register::iir_fcr: write_fifo_control(value); break;
    case Register::lcr: line_control_ = value; break;
    case Register::mcr: write_modem_control(value); break;
    case Register::scr: scratch_ = value; break;
    default: break;  // line and modem status are for the factory's tests
  }
  update();
}

void Uart16550::reset() {
  received_.clear();
  interrupt_enable_ = fifo_control_ = line_control_ = modem_control_ = modem_deltas_ = 0;
  last_modem_lines_ = modem_lines();
  overrun_ = transmitter_empty_ = false;
  update();
}

void Uart16550::save(Writer& out) const {
  out.enter("uart", 1);
  out.put(divisor_, interrupt_enable_, fifo_control_, line_control_, modem_control_, modem_deltas_, last_modem_lines_,
          scratch_, overrun_, transmitter_empty_);
  const std::vector<uint8_t> bytes(received_.begin(), received_.end());
  out.put_block(std::as_bytes(std::span(bytes)));
  out.leave();
}

Result<void> Uart16550::restore(Reader& in) {
  STRATA_TRY(in.enter("uart", 1));
  in.get(divisor_, interrupt_enable_, fifo_control_, line_control_, modem_control_, modem_deltas_, last_modem_lines_,
         scratch_, overrun_, transmitter_empty_);
  const auto bytes = in.get_block(fifo_size);
  STRATA_TRY(in.leave());
  received_.clear();
  for (const std::byte byte : bytes) received_.push_back(std::to_integer<uint8_t>(byte));
  take_input();
  return {};
}

}  // namespace strata::devices
