// Power, reset and the keyboard controller: what they ask of the machine.
#include <gtest/gtest.h>

#include <vector>

#include "devices/system/acpi_pm.h"
#include "devices/system/i8042.h"
#include "devices/system/system_ports.h"

namespace strata::devices {
namespace {

struct Wire final : iface::IrqLine {
  void set(bool to) override { level = to; }
  bool level = false;
};

class SystemTest : public testing::Test {
 protected:
  std::vector<std::pair<MachineRequest, uint32_t>> requests;
  RequestMachine request = [this](MachineRequest what, uint32_t code) { requests.emplace_back(what, code); };
  Wire sci;
};

using Request = std::pair<MachineRequest, uint32_t>;

TEST_F(SystemTest, SoftOff) {
  AcpiPm pm(sci, request);
  EXPECT_EQ(pm.read(4, 2), 1u);  // SCI_EN
  pm.write(4, 2, 3 << 10 | 1 << 13);
  EXPECT_TRUE(requests.empty());  // another sleep state
  pm.write(4, 2, AcpiPm::soft_off_type << 10 | 1 << 13);
  EXPECT_EQ(requests, (std::vector<Request>{{MachineRequest::power_off, 0}}));
  EXPECT_EQ(pm.read(4, 2) & 1 << 13, 0u);
}

TEST_F(SystemTest, PowerButtonRaisesTheSci) {
  AcpiPm pm(sci, request);
  pm.press_power_button();
  EXPECT_FALSE(sci.level);
  EXPECT_EQ(pm.read(0, 2) & 0xffff, 1u << 8);
  pm.write(2, 2, 1 << 8);
  EXPECT_TRUE(sci.level);
  pm.write(0, 2, 1 << 8);  // cleared by a one
  EXPECT_FALSE(sci.level);
  EXPECT_EQ(pm.read(0, 4) & 0xffffffff, 1u << 24);
}

TEST_F(SystemTest, ResetsOnTheRisingBit) {
  ResetControl control(request);
  control.write(0, 1, 0x02);
  EXPECT_TRUE(requests.empty());
  control.write(0, 1, 0x06);
  EXPECT_EQ(requests.size(), 1u);
  SystemControlA fast(request);
  fast.write(0, 1, 0x02);
  EXPECT_EQ(requests.size(), 1u);
  EXPECT_EQ(fast.read(0, 1), 0x02u);
  fast.write(0, 1, 0x03);
  EXPECT_EQ(requests.size(), 2u);
}

TEST_F(SystemTest, DebugExitCode) {
  DebugExit exit(request);
  exit.write(0, 4, 3);
  EXPECT_EQ(requests, (std::vector<Request>{{MachineRequest::debug_exit, 7}}));
}

TEST_F(SystemTest, KeyboardControllerAnswers) {
  I8042 controller(request);
  const auto ask = [&](uint8_t command) {
    controller.command_port().write(0, 1, command);
    EXPECT_EQ(controller.command_port().read(0, 1) & 1, 1u);
    return controller.data_port().read(0, 1);
  };
  EXPECT_EQ(ask(0xaa), 0x55u);
  EXPECT_EQ(ask(0xab), 0x00u);
  EXPECT_EQ(ask(0xd0) & 3, 3u);
  controller.command_port().write(0, 1, 0x60);
  controller.data_port().write(0, 1, 0x47);
  EXPECT_EQ(ask(0x20), 0x47u);
  EXPECT_EQ(controller.command_port().read(0, 1) & 3, 0u);  // neither buffer full
}

TEST_F(SystemTest, KeyboardControllerResets) {
  I8042 controller(request);
  controller.command_port().write(0, 1, 0xfe);
  EXPECT_EQ(requests.size(), 1u);
  controller.command_port().write(0, 1, 0xd1);
  controller.data_port().write(0, 1, 0xfe);
  EXPECT_EQ(requests.size(), 2u);
  controller.command_port().write(0, 1, 0xff);
  EXPECT_EQ(requests.size(), 2u);
}

}  // namespace
}  // namespace strata::devices
