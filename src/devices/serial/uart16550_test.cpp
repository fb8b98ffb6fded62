// The UART as Linux's 8250 driver and simple loaders use it.
#include "devices/serial/uart16550.h"

#include <gtest/gtest.h>

#include <string>

namespace strata::devices {
namespace {

struct Wire final : iface::IrqLine {
  void set(bool to) override { level = to; }
  bool level = false;
};

struct Terminal final : iface::Console {
  void write(std::span<const std::byte> bytes) override {
    for (const std::byte b : bytes) printed += std::to_integer<char>(b);
  }
  size_t read(std::span<std::byte> out) override {
    const size_t count = std::min(out.size(), typed.size());
    for (size_t i = 0; i < count; ++i) out[i] = std::byte(typed[i]);
    typed.erase(0, count);
    return count;
  }
  void on_input(std::function<void()> callback) override { input = std::move(callback); }
  void type(const std::string& keys) {
    typed += keys;
    input();
  }
  std::string printed, typed;
  std::function<void()> input;
};

class UartTest : public testing::Test {
 protected:
  uint8_t get(unsigned reg) { return static_cast<uint8_t>(uart.read(reg, 1)); }
  void set(unsigned reg, uint8_t value) { uart.write(reg, 1, value); }

  Wire wire;
  Terminal terminal;
  Uart16550 uart{wire, &terminal};
};

TEST_F(UartTest, Prints) {
  for (const char c : std::string("hello")) {
    EXPECT_EQ(get(5) & 0x60, 0x60u);
    set(0, static_cast<uint8_t>(c));
  }
  EXPECT_EQ(terminal.printed, "hello");
}

TEST_F(UartTest, ReceivesThroughTheFifo) {
  set(2, 0x07);
  EXPECT_EQ(get(2) & 0xc0, 0xc0u);
  terminal.type("ab");
  EXPECT_EQ(get(5) & 1, 1u);
  EXPECT_EQ(get(0), 'a');
  EXPECT_EQ(get(0), 'b');
  EXPECT_EQ(get(5) & 1, 0u);
  EXPECT_EQ(get(0), 0u);
}

TEST_F(UartTest, LongInputWaitsInTheConsole) {
  set(2, 0x07);
  const std::string text = "The quick brown fox jumps over the lazy dog";
  terminal.type(text);
  std::string read;
  while ((get(5) & 1) != 0) read += static_cast<char>(get(0));
  EXPECT_EQ(read, text);
  EXPECT_EQ(get(5) & 2, 0u);  // no overrun
}

TEST_F(UartTest, ReceiveInterrupt) {
  set(2, 0xc7);  // trigger at 14
  set(4, 0x08);
  set(1, 0x01);
  EXPECT_FALSE(wire.level);
  terminal.type("x");
  EXPECT_TRUE(wire.level);
  EXPECT_EQ(get(2) & 0x0f, 0x0cu);  // timeout: fewer than 14
  terminal.type("0123456789abcdef");
  EXPECT_EQ(get(2) & 0x0f, 0x04u);
  while ((get(5) & 1) != 0) get(0);
  EXPECT_FALSE(wire.level);
  EXPECT_EQ(get(2) & 0x0f, 0x01u);
}

TEST_F(UartTest, TransmitterInterrupt) {
  set(4, 0x08);
  set(1, 0x02);
  EXPECT_TRUE(wire.level);
  EXPECT_EQ(get(2) & 0x0f, 0x02u);
  EXPECT_FALSE(wire.level);  // reading it was the answer
  set(0, 'x');
  EXPECT_TRUE(wire.level);
  set(1, 0x00);
  EXPECT_FALSE(wire.level);
}

TEST_F(UartTest, NoInterruptWithoutOut2) {
  set(1, 0x02);
  EXPECT_FALSE(wire.level);
}

TEST_F(UartTest, DivisorAndScratch) {
  set(3, 0x83);
  set(0, 0x01);
  set(1, 0x02);
  EXPECT_EQ(get(0), 0x01u);
  EXPECT_EQ(get(1), 0x02u);
  set(3, 0x03);
  EXPECT_EQ(get(1), 0x00u);
  set(7, 0xa5);
  EXPECT_EQ(get(7), 0xa5u);
  EXPECT_EQ(terminal.printed, "");
}

TEST_F(UartTest, Loopback) {
  set(4, 0x1a);  // what Linux's autoconfig does
  EXPECT_EQ(get(6) & 0xf0, 0x90u);
  set(0, 'z');
  EXPECT_EQ(terminal.printed, "");
  EXPECT_EQ(get(0), 'z');
  set(0, 'a');
  set(0, 'b');  // without FIFO the second one overruns
  EXPECT_EQ(get(5) & 0x03, 0x03u);
  EXPECT_EQ(get(5) & 0x02, 0x00u);
  EXPECT_EQ(get(0), 'b');
}

TEST_F(UartTest, ModemStatus) {
  EXPECT_EQ(get(6), 0xb0u);
  Wire other_wire;
  Uart16550 unplugged(other_wire, nullptr);
  EXPECT_EQ(unplugged.read(6, 1), 0x30u);
  unplugged.write(0, 1, 'x');
}

TEST_F(UartTest, StateComesBack) {
  set(2, 0x07);
  set(4, 0x08);
  set(1, 0x01);
  terminal.type("ab");
  Writer out;
  uart.save(out);
  const auto blob = out.take();
  uart.reset();
  EXPECT_FALSE(wire.level);
  Reader in(blob);
  ASSERT_TRUE(uart.restore(in));
  EXPECT_TRUE(wire.level);
  EXPECT_EQ(get(0), 'a');
  EXPECT_EQ(get(0), 'b');
  for (size_t size = 0; size < blob.size(); ++size) {
    Reader cut{std::span(blob).first(size)};
    EXPECT_FALSE(uart.restore(cut)) << size;
  }
}

}  // namespace
}  // namespace strata::devices
