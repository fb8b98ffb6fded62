// The console device between a driver and a host console that is two strings.
#include "devices/virtio/console/console.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "devices/virtio/core/test_machine.h"

namespace strata::devices::virtio {
namespace {

struct Terminal final : iface::Console {
  void write(std::span<const std::byte> bytes) override { printed += text_of(bytes); }
  size_t read(std::span<std::byte> out) override {
    const size_t count = std::min(out.size(), typed.size());
    std::ranges::copy(bytes_of(typed.substr(0, count)), out.begin());
    typed.erase(0, count);
    return count;
  }
  void on_input(std::function<void()> callback) override { came = std::move(callback); }
  void type(std::string_view text) {
    typed += text;
    if (came) came();
  }
  std::string printed, typed;
  std::function<void()> came;
};

class ConsoleTest : public testing::Test {
 protected:
  TestMachine machine_;
  Terminal terminal_;
  VirtioPci device_{machine_.bus, std::nullopt, std::make_unique<Console>(machine_.memory, terminal_)};
  TestDriver driver_{machine_, device_};
};

TEST_F(ConsoleTest, PrintsWhatTheDriverSends) {
  ASSERT_TRUE(driver_.start(driver_.offered()));
  const TestDriver::Part hello[] = {text("hel"), text("lo ")};
  const TestDriver::Part long_text[] = {text(std::string(10000, 'x'))};
  driver_.add(1, hello);
  driver_.add(1, long_text, true);
  driver_.kick(1);
  EXPECT_EQ(terminal_.printed, "hello " + std::string(10000, 'x'));
  EXPECT_EQ(driver_.used(1).size(), 2u);
}

TEST_F(ConsoleTest, KeepsBuffersForWhatIsTypedLater) {
  ASSERT_TRUE(driver_.start(driver_.offered()));
  terminal_.type("early ");
  const TestDriver::Part parts[] = {room(8)};
  const uint16_t first = driver_.add(0, parts);
  const uint16_t second = driver_.add(0, parts);
  driver_.kick(0);
  auto used = driver_.used(0);
  ASSERT_EQ(used.size(), 1u);
  EXPECT_EQ(used[0].written, 6u);
  EXPECT_EQ(text_of(driver_.contents(0, first, 0)).substr(0, 6), "early ");
  terminal_.type("later than that");
  used = driver_.used(0);
  ASSERT_EQ(used.size(), 1u);
  EXPECT_EQ(text_of(driver_.contents(0, second, 0)), "later th");
  EXPECT_EQ(terminal_.typed, "an that");  // until there is room
}

TEST_F(ConsoleTest, WritesInEmergencies) {
  driver_.set_device_config<uint32_t>(8, '!');
  EXPECT_EQ(terminal_.printed, "!");
}

TEST_F(ConsoleTest, BreaksOverRequestsWithoutSense) {
  ASSERT_TRUE(driver_.start(driver_.offered()));
  const TestDriver::Part parts[] = {text("for input?")};
  driver_.add(0, parts);
  terminal_.type("x");
  driver_.kick(0);
  EXPECT_EQ(driver_.status() & 64, 64);
}

}  // namespace
}  // namespace strata::devices::virtio
