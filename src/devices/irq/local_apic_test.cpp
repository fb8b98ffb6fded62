// The local APIC with PIC and IO-APIC around it.
#include "devices/irq/local_apic.h"

#include <gtest/gtest.h>

#include "devices/fake_timers.h"
#include "devices/irq/io_apic.h"

namespace strata::devices {
namespace {

constexpr uint32_t apic_base_msr = 0x1b;

class LocalApicTest : public testing::Test {
 protected:
  void SetUp() override {
    apic.set_hooks({.changed = [this] { ++changes; }});
    pic.on_output([this] { apic.pic_changed(); });
    write(0x0f0, 0x1ff);  // enable, spurious vector 0xff
  }

  uint32_t read(uint64_t offset) { return static_cast<uint32_t>(apic.read(offset, 4)); }
  void write(uint64_t offset, uint32_t value) { apic.write(offset, 4, value); }
  void interrupt(uint8_t vector) { bus.send(0xfee00000, vector); }
  void end_of_interrupt() { write(0x0b0, 0); }
  void set_pin(unsigned pin, uint64_t entry) {
    io_apic.write(0, 4, 0x10 + 2 * pin);
    io_apic.write(0x10, 4, entry & 0xffffffff);
    io_apic.write(0, 4, 0x11 + 2 * pin);
    io_apic.write(0x10, 4, entry >> 32);
  }
  uint64_t pin_entry(unsigned pin) {
    io_apic.write(0, 4, 0x10 + 2 * pin);
    return io_apic.read(0x10, 4);
  }

  FakeTimers timers;
  memory::DeviceLock lock;
  ApicBus bus;
  Pic pic;
  LocalApic apic{
      bus, pic, timers, lock, {.tsc = {.ticks = [this] { return timers.now() * 2; }, .rate = 2'000'000'000}}};
  IoApic io_apic{bus, 1};
  int changes = 0;
};

TEST_F(LocalApicTest, Identifies) {
  EXPECT_EQ(read(0x020), 0u);
  EXPECT_EQ(read(0x030), 0x00050014u);
}

TEST_F(LocalApicTest, MessageIsTakenAndEnded) {
  EXPECT_FALSE(apic.pending());
  interrupt(0x41);
  ASSERT_TRUE(apic.pending());
  EXPECT_EQ(changes, 1);
  EXPECT_EQ(read(0x220), 2u);  // IRR 0x40..0x5f
  EXPECT_EQ(apic.acknowledge(), 0x41);
  EXPECT_EQ(read(0x120), 2u);  // ISR
  EXPECT_FALSE(apic.pending());
  end_of_interrupt();
  EXPECT_EQ(read(0x120), 0u);
  EXPECT_EQ(apic.acknowledge(), -1);
}

TEST_F(LocalApicTest, MessageToALogicalDestinationNeedsNoHint) {
  write(0x0d0, 0x02000000);    // logical id 2 in the flat model
  bus.send(0xfee01004, 0x41);  // logical destination 1
  EXPECT_FALSE(apic.pending());
  bus.send(0xfee02004, 0x41);
  EXPECT_EQ(apic.acknowledge(), 0x41);
  bus.send(0xfee0200c, 0x51);  // with the redirection hint
  EXPECT_EQ(apic.acknowledge(), 0x51);
}

TEST_F(LocalApicTest, PriorityClassesHoldBack) {
  interrupt(0x45);
  EXPECT_EQ(apic.acknowledge(), 0x45);
  interrupt(0x4f);
  EXPECT_FALSE(apic.pending());  // same class
  interrupt(0x50);
  EXPECT_TRUE(apic.pending());
  apic.set_priority(5);
  EXPECT_FALSE(apic.pending());
  EXPECT_EQ(read(0x080), 0x50u);
  EXPECT_EQ(apic.priority(), 5);
  write(0x080, 0);
  EXPECT_EQ(apic.acknowledge(), 0x50);
}

TEST_F(LocalApicTest, ReservedVectorIsAnError) {
  interrupt(5);
  EXPECT_FALSE(apic.pending());
  write(0x280, 0);
  EXPECT_EQ(read(0x280), 0x40u);
}

TEST_F(LocalApicTest, SelfInterrupt) {
  write(0x300, 0x40000 | 0x61);
  EXPECT_EQ(apic.acknowledge(), 0x61);
  write(0x310, 0);
  write(0x300, 0x62);  // physical destination 0
  end_of_interrupt();
  EXPECT_EQ(apic.acknowledge(), 0x62);
}

TEST_F(LocalApicTest, BroadcastsReachTheOthers) {
  LocalApic second(bus, pic, timers, lock, {.id = 1, .bootstrap = false});
  second.write(0x0f0, 4, 0x1ff);
  uint8_t page = 0;
  int inits = 0;
  second.set_hooks({.init = [&] { ++inits; }, .start_up = [&](uint8_t p) { page = p; }});
  write(0x300, 0xc0000 | 0x71);  // all but self
  EXPECT_FALSE(apic.pending());
  EXPECT_TRUE(second.pending());
  write(0x300, 0x80000 | 0x72);  // all
  EXPECT_TRUE(apic.pending());
  write(0x310, 1u << 24);
  write(0x300, 0x4500);  // INIT, assert
  write(0x300, 0x4699);  // start-up at 0x99000
  EXPECT_EQ(inits, 1);
  EXPECT_EQ(page, 0x99);
}

TEST_F(LocalApicTest, LogicalDestinations) {
  write(0x0d0, 0x02000000);
  EXPECT_TRUE(apic.matches(0x03, true));
  EXPECT_FALSE(apic.matches(0x04, true));
  write(0x0e0, 0x0fffffff);  // cluster model
  write(0x0d0, 0x31000000);
  EXPECT_TRUE(apic.matches(0x33, true));
  EXPECT_FALSE(apic.matches(0x21, true));
  EXPECT_TRUE(apic.matches(0xff, true));
}

TEST_F(LocalApicTest, TimerOneShot) {
  write(0x3e0, 0xb);  // divide by 1
  write(0x320, 0x31);
  write(0x380, 1000000);
  timers.advance(400000);
  EXPECT_EQ(read(0x390), 600000u);
  timers.advance(600000);
  EXPECT_EQ(apic.acknowledge(), 0x31);
  EXPECT_EQ(read(0x390), 0u);
  end_of_interrupt();
  timers.advance(10000000);
  EXPECT_FALSE(apic.pending());
}

TEST_F(LocalApicTest, TimerDividesByTwo) {
  write(0x320, 0x31);
  write(0x380, 1000000);
  timers.advance(1000000);
  EXPECT_EQ(read(0x390), 500000u);
}

TEST_F(LocalApicTest, TimerPeriodic) {
  write(0x3e0, 0xb);
  write(0x320, 0x20031);
  write(0x380, 1000000);
  for (int i = 0; i < 3; ++i) {
    timers.advance(1000000);
    ASSERT_EQ(apic.acknowledge(), 0x31);
    end_of_interrupt();
  }
  write(0x380, 0);
  timers.advance(5000000);
  EXPECT_FALSE(apic.pending());
}

TEST_F(LocalApicTest, TimerDeadline) {
  write(0x320, 0x40031);
  ASSERT_TRUE(apic.write_msr(0x6e0, 2000));
  uint64_t deadline = 0;
  ASSERT_TRUE(apic.read_msr(0x6e0, &deadline));
  EXPECT_EQ(deadline, 2000u);
  timers.advance(900);
  EXPECT_FALSE(apic.pending());
  timers.advance(200);
  EXPECT_EQ(apic.acknowledge(), 0x31);
  ASSERT_TRUE(apic.read_msr(0x6e0, &deadline));
  EXPECT_EQ(deadline, 0u);
  end_of_interrupt();
  ASSERT_TRUE(apic.write_msr(0x6e0, 1));  // over already
  EXPECT_EQ(apic.acknowledge(), 0x31);
}

TEST_F(LocalApicTest, MaskedTimerIsSilent) {
  write(0x320, 0x10031);
  write(0x380, 1000);
  timers.advance(1000000);
  EXPECT_FALSE(apic.pending());
}

TEST_F(LocalApicTest, X2ApicRegisters) {
  uint64_t value = 0;
  EXPECT_FALSE(apic.read_msr(0x802, &value));
  ASSERT_TRUE(apic.read_msr(apic_base_msr, &value));
  EXPECT_EQ(value, 0xfee00900u);
  EXPECT_FALSE(apic.write_msr(apic_base_msr, 0xfee00500));  // x2APIC without enable
  ASSERT_TRUE(apic.write_msr(apic_base_msr, 0xfee00d00));
  ASSERT_TRUE(apic.read_msr(0x802, &value));
  EXPECT_EQ(value, 0u);
  ASSERT_TRUE(apic.read_msr(0x80d, &value));
  EXPECT_EQ(value, 1u);                      // cluster 0, the first in it
  EXPECT_TRUE(apic.write_msr(0x83f, 0x55));  // self IPI
  EXPECT_EQ(apic.acknowledge(), 0x55);
  EXPECT_FALSE(apic.write_msr(0x80b, 1));
  EXPECT_TRUE(apic.write_msr(0x80b, 0));
  EXPECT_FALSE(apic.write_msr(0x802, 3));  // read-only
  EXPECT_FALSE(apic.write_msr(0x80f, 1ull << 40));
  EXPECT_FALSE(apic.write_msr(apic_base_msr, 0xfee00900));  // straight back is not allowed
  EXPECT_TRUE(apic.write_msr(apic_base_msr, 0xfee00000));
  EXPECT_TRUE(apic.write_msr(apic_base_msr, 0xfee00800));
}

TEST_F(LocalApicTest, PicComesThroughLint0) {
  pic.master_ports().write(0, 1, 0x11);
  for (const uint8_t icw : {0x20, 0x04, 0x01}) pic.master_ports().write(1, 1, icw);
  pic.set_line(0, true);
  EXPECT_FALSE(apic.pending());  // LINT0 is masked after reset
  write(0x350, 0x700);
  EXPECT_TRUE(apic.pending());
  EXPECT_EQ(apic.acknowledge(), 0x20);
  pic.master_ports().write(0, 1, 0x20);
  pic.set_line(0, false);
  // Switched off, the APIC is as if it were not there.
  ASSERT_TRUE(apic.write_msr(apic_base_msr, 0xfee00000));
  pic.set_line(0, true);
  EXPECT_TRUE(apic.pending());
}

TEST_F(LocalApicTest, IoApicEdge) {
  set_pin(4, 0x44);
  io_apic.set_pin(4, true);
  EXPECT_EQ(apic.acknowledge(), 0x44);
  end_of_interrupt();
  EXPECT_FALSE(apic.pending());
  io_apic.set_pin(4, false);
  io_apic.set_pin(4, true);
  EXPECT_TRUE(apic.pending());
}

TEST_F(LocalApicTest, IoApicLevelWaitsForEndOfInterrupt) {
  set_pin(16, 0x8000 | 0x50);
  io_apic.set_pin(16, true);
  EXPECT_EQ(pin_entry(16) & 0x4000, 0x4000u);  // remote IRR
  EXPECT_EQ(apic.acknowledge(), 0x50);
  EXPECT_EQ(read(0x180 + 0x20), 1u << 16);  // TMR
  EXPECT_FALSE(apic.pending());
  end_of_interrupt();
  EXPECT_TRUE(apic.pending());  // still asserted
  EXPECT_EQ(apic.acknowledge(), 0x50);
  io_apic.set_pin(16, false);
  end_of_interrupt();
  EXPECT_FALSE(apic.pending());
  EXPECT_EQ(pin_entry(16) & 0x4000, 0u);
}

TEST_F(LocalApicTest, IoApicMask) {
  set_pin(16, 0x18000 | 0x50);
  io_apic.set_pin(16, true);
  EXPECT_FALSE(apic.pending());
  set_pin(16, 0x8000 | 0x50);
  EXPECT_TRUE(apic.pending());
  io_apic.write(0, 4, 1);
  EXPECT_EQ(io_apic.read(0x10, 4), 0x00170020u);
}

TEST_F(LocalApicTest, StateComesBack) {
  interrupt(0x41);
  apic.acknowledge();
  interrupt(0x61);
  write(0x3e0, 0xb);
  write(0x320, 0x31);
  write(0x380, 1000000);
  set_pin(3, 0x43);
  Writer out;
  apic.save(out);
  io_apic.save(out);
  const auto blob = out.take();

  ApicBus other_bus;
  LocalApic other(other_bus, pic, timers, lock, {.tsc = {.ticks = [] { return 0; }}});
  IoApic other_io(other_bus, 1);
  Reader in(blob);
  ASSERT_TRUE(other.restore(in));
  ASSERT_TRUE(other_io.restore(in));
  EXPECT_EQ(other.acknowledge(), 0x61);
  other.write(0x0b0, 4, 0);
  other.write(0x0b0, 4, 0);
  timers.advance(1000000);
  EXPECT_EQ(other.acknowledge(), 0x31);
  other.write(0x0b0, 4, 0);
  other_io.set_pin(3, true);
  EXPECT_EQ(other.acknowledge(), 0x43);
  for (size_t size = 0; size < blob.size(); ++size) {
    Reader cut{std::span(blob).first(size)};
    EXPECT_FALSE(other.restore(cut) && other_io.restore(cut)) << size;
  }
}

TEST_F(LocalApicTest, AnyAccessIsHarmless) {
  for (const unsigned size : {1u, 2u, 4u, 8u}) {
    for (uint64_t offset = 0; offset + size <= 4096; offset += size) {
      apic.read(offset, size);
      apic.write(offset, size, 0x5a5a5a5a5a5a5a5a);
      io_apic.read(offset, size);
      io_apic.write(offset, size, offset);
    }
  }
  timers.advance(1'000'000);
}

}  // namespace
}  // namespace strata::devices
