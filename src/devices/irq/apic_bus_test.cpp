// Interrupts between processors: several local APICs on one bus.
#include "devices/irq/apic_bus.h"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "devices/fake_timers.h"
#include "devices/irq/io_apic.h"
#include "devices/irq/local_apic.h"

namespace strata::devices {
namespace {

constexpr uint32_t apic_base_msr = 0x1b;
constexpr uint64_t command = 0x300, command_high = 0x310, self = 1 << 18, all = 2 << 18, others = 3 << 18;
constexpr uint64_t lowest_priority = 1 << 8, nmi = 4 << 8, init = 5 << 8, start_up = 6 << 8;
constexpr uint64_t logical = 1 << 11, assert_ = 1 << 14, level = 1 << 15;

class ApicBusTest : public testing::Test {
 protected:
  static constexpr unsigned count = 4;

  void SetUp() override {
    for (unsigned i = 0; i < count; ++i) {
      apics.push_back(
          std::make_unique<LocalApic>(bus, pic, timers, lock, LocalApic::Options{.id = i, .bootstrap = i == 0}));
      apics[i]->write(0x0f0, 4, 0x1ff);
      apics[i]->set_hooks({.nmi = [this, i] { said[i] += 'n'; },
                           .init = [this, i] { said[i] += 'i'; },
                           .start_up = [this, i](uint8_t page) { said[i] += static_cast<char>(page); }});
    }
    pic.on_output([this] {
      for (const auto& apic : apics) apic->pic_changed();
    });
  }
  void send(unsigned from, uint64_t destination, uint64_t what) {
    apics[from]->write(command_high, 4, destination << 24);
    apics[from]->write(command, 4, what);
  }
  /// Who has an interrupt to take now, a bit for each; they take it.
  unsigned taken(int vector) {
    unsigned who = 0;
    for (unsigned i = 0; i < count; ++i) {
      if (apics[i]->acknowledge() != vector) continue;
      who |= 1u << i;
      apics[i]->write(0x0b0, 4, 0);
    }
    return who;
  }
  void use_x2apic(unsigned number) { ASSERT_TRUE(apics[number]->write_msr(apic_base_msr, 0xfee00c00)); }

  FakeTimers timers;
  memory::DeviceLock lock;
  ApicBus bus;
  Pic pic;
  std::vector<std::unique_ptr<LocalApic>> apics;
  std::vector<std::string> said{count};
};

TEST_F(ApicBusTest, PhysicalDestinations) {
  send(0, 2, 0x41);
  EXPECT_EQ(taken(0x41), 0b0100u);
  send(3, 0, 0x42);
  EXPECT_EQ(taken(0x42), 0b0001u);
  send(1, 0xff, 0x43);
  EXPECT_EQ(taken(0x43), 0b1111u);
  send(1, 9, 0x44);
  EXPECT_EQ(taken(0x44), 0u);
}

TEST_F(ApicBusTest, Shorthands) {
  send(2, 0, self | 0x41);
  EXPECT_EQ(taken(0x41), 0b0100u);
  send(2, 0, all | 0x42);
  EXPECT_EQ(taken(0x42), 0b1111u);
  send(2, 0, others | 0x43);
  EXPECT_EQ(taken(0x43), 0b1011u);
}

TEST_F(ApicBusTest, FlatLogicalDestinations) {
  for (unsigned i = 0; i < count; ++i) apics[i]->write(0x0d0, 4, 1u << (24 + i));
  send(0, 0b1010, logical | 0x41);
  EXPECT_EQ(taken(0x41), 0b1010u);
}

TEST_F(ApicBusTest, ClusteredLogicalDestinations) {
  for (unsigned i = 0; i < count; ++i) {  // two clusters of two
    apics[i]->write(0x0e0, 4, 0x0fffffff);
    apics[i]->write(0x0d0, 4, (i / 2) << 28 | 1u << (24 + i % 2));
  }
  send(0, 0x13, logical | 0x41);
  EXPECT_EQ(taken(0x41), 0b1100u);
  send(0, 0x02, logical | 0x42);
  EXPECT_EQ(taken(0x42), 0b0010u);
}

TEST_F(ApicBusTest, LowestPriorityIsForOneThatTakesInterrupts) {
  apics[0]->set_priority(3);
  apics[1]->set_priority(2);
  apics[2]->write(0x0f0, 4, 0xff);  // switched off by software
  apics[3]->set_priority(1);
  send(0, 0xff, lowest_priority | 0x81);
  EXPECT_EQ(taken(0x81), 0b1000u);
  apics[3]->set_priority(4);
  send(0, 0xff, lowest_priority | 0x82);
  EXPECT_EQ(taken(0x82), 0b0010u);
  apics[0]->set_priority(0);
  bus.send(0xfeeff000, 0x183);  // an MSI is the same
  EXPECT_EQ(taken(0x83), 0b0001u);
}

TEST_F(ApicBusTest, SignalsReachThoseThatAreMeant) {
  send(0, 2, init | assert_);
  send(0, 2, init | level);  // the other half of the old protocol is nothing
  send(0, 2, start_up | 'S');
  send(0, 1, nmi);
  send(0, 0, others | nmi);
  EXPECT_EQ(said, (std::vector<std::string>{"", "nn", "iSn", "n"}));
}

TEST_F(ApicBusTest, OneThatIsSwitchedOffBySoftwareHearsSignalsOnly) {
  apics[1]->write(0x0f0, 4, 0xff);
  send(0, 1, 0x41);
  send(0, 1, init | assert_);
  send(0, 1, start_up | 'S');
  send(0, 1, nmi);
  EXPECT_EQ(taken(0x41), 0u);
  EXPECT_EQ(said[1], "iSn");
}

TEST_F(ApicBusTest, OneThatIsDisabledHearsNothing) {
  ASSERT_TRUE(apics[1]->write_msr(apic_base_msr, 0xfee00000));
  send(0, 1, nmi);
  send(0, 0, others | init | assert_);
  EXPECT_EQ(said, (std::vector<std::string>{"", "", "i", "i"}));
}

TEST_F(ApicBusTest, X2ApicDestinations) {
  for (unsigned i = 0; i < count; ++i) use_x2apic(i);
  const auto send_wide = [&](unsigned from, uint64_t destination, uint64_t what) {
    ASSERT_TRUE(apics[from]->write_msr(0x830, destination << 32 | what));
  };
  const auto taken_wide = [&](int vector) {
    unsigned who = 0;
    for (unsigned i = 0; i < count; ++i) {
      if (apics[i]->acknowledge() != vector) continue;
      who |= 1u << i;
      EXPECT_TRUE(apics[i]->write_msr(0x80b, 0));
    }
    return who;
  };
  send_wide(0, 3, 0x41);
  EXPECT_EQ(taken_wide(0x41), 0b1000u);
  send_wide(0, 0b0110, logical | 0x42);  // of cluster 0
  EXPECT_EQ(taken_wide(0x42), 0b0110u);
  send_wide(0, 0x10006, logical | 0x43);  // of cluster 1
  EXPECT_EQ(taken_wide(0x43), 0u);
  send_wide(0, 0xffffffff, 0x44);
  EXPECT_EQ(taken_wide(0x44), 0b1111u);
  send_wide(2, 0, others | 0x45);
  EXPECT_EQ(taken_wide(0x45), 0b1011u);
}

TEST_F(ApicBusTest, InitClearsAllButIdsAndPlace) {
  use_x2apic(1);
  apics[2]->write(0x020, 4, 0x07000000);
  for (const unsigned number : {1u, 2u}) {
    send(0, number == 1 ? 1 : 7, 0x41);
    EXPECT_TRUE(apics[number]->pending());
    send(0, number == 1 ? 1 : 7, init | assert_);
    EXPECT_FALSE(apics[number]->pending());
    send(0, number == 1 ? 1 : 7, 0x42);  // the spurious-interrupt register switches it off again
    EXPECT_FALSE(apics[number]->pending());
  }
  uint64_t value = 0;
  ASSERT_TRUE(apics[1]->read_msr(apic_base_msr, &value));
  EXPECT_EQ(value, 0xfee00c00u);
  EXPECT_EQ(apics[2]->read(0x020, 4), 0x07000000u);
  EXPECT_EQ(apics[2]->read(0x0f0, 4), 0xffu);
  EXPECT_EQ(said[1] + said[2], "ii");
}

TEST_F(ApicBusTest, ThePicIsWiredToTheBootstrapProcessor) {
  pic.master_ports().write(0, 1, 0x11);
  for (const uint8_t icw : {0x20, 0x04, 0x01}) pic.master_ports().write(1, 1, icw);
  for (const auto& apic : apics) apic->write(0x350, 4, 0x700);
  ASSERT_TRUE(apics[3]->write_msr(apic_base_msr, 0xfee00000));
  pic.set_line(0, true);
  for (unsigned i = 0; i < count; ++i) EXPECT_EQ(apics[i]->pending(), i == 0) << i;
  uint64_t value = 0;
  ASSERT_TRUE(apics[0]->read_msr(apic_base_msr, &value));
  EXPECT_EQ(value, 0xfee00900u);
  ASSERT_TRUE(apics[2]->read_msr(apic_base_msr, &value));
  EXPECT_EQ(value, 0xfee00800u);
}

TEST_F(ApicBusTest, NmiByAPinOfTheIoApic) {
  IoApic io_apic(bus, 1);
  io_apic.write(0, 4, 0x10 + 2 * 3);
  io_apic.write(0x10, 4, nmi);
  io_apic.write(0, 4, 0x11 + 2 * 3);
  io_apic.write(0x10, 4, 2u << 24);
  io_apic.set_pin(3, true);
  EXPECT_EQ(said, (std::vector<std::string>{"", "", "n", ""}));
}

}  // namespace
}  // namespace strata::devices
