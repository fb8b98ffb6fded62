// The pair of 8259A as Linux and DOS program it.
#include "devices/irq/pic.h"

#include <gtest/gtest.h>

namespace strata::devices {
namespace {

class PicTest : public testing::Test {
 protected:
  void SetUp() override { initialize(0x01); }

  void initialize(uint8_t icw4) {
    for (auto* ports : {&pic.master_ports(), &pic.slave_ports()}) {
      const bool master = ports == &pic.master_ports();
      ports->write(0, 1, 0x11);
      ports->write(1, 1, master ? 0x20 : 0x28);
      ports->write(1, 1, master ? 0x04 : 0x02);
      ports->write(1, 1, icw4);
      ports->write(1, 1, 0x00);
    }
  }
  void end_of_interrupt() { pic.master_ports().write(0, 1, 0x20); }

  Pic pic;
};

TEST_F(PicTest, EdgeIsTakenOnce) {
  EXPECT_FALSE(pic.output());
  pic.set_line(0, true);
  ASSERT_TRUE(pic.output());
  EXPECT_EQ(pic.acknowledge(), 0x20);
  EXPECT_FALSE(pic.output());
  end_of_interrupt();
  EXPECT_FALSE(pic.output());  // the line is still high: no new edge
  pic.set_line(0, false);
  pic.set_line(0, true);
  EXPECT_TRUE(pic.output());
}

TEST_F(PicTest, LevelComesBackAfterEndOfInterrupt) {
  pic.edge_level_ports().write(1, 1, 0x0c);  // lines 10 and 11
  EXPECT_EQ(pic.edge_level_ports().read(1, 1), 0x0cu);
  pic.set_line(10, true);
  EXPECT_EQ(pic.acknowledge(), 0x2a);
  EXPECT_FALSE(pic.output());
  pic.slave_ports().write(0, 1, 0x20);
  end_of_interrupt();
  EXPECT_TRUE(pic.output());
  pic.set_line(10, false);
  EXPECT_FALSE(pic.output());
}

TEST_F(PicTest, SystemLinesStayEdgeTriggered) {
  pic.edge_level_ports().write(0, 1, 0xff);
  EXPECT_EQ(pic.edge_level_ports().read(0, 1), 0xf8u);
}

TEST_F(PicTest, PrioritiesNest) {
  pic.set_line(4, true);
  EXPECT_EQ(pic.acknowledge(), 0x24);
  pic.set_line(5, true);
  EXPECT_FALSE(pic.output());  // lower than the one in service
  pic.set_line(1, true);
  ASSERT_TRUE(pic.output());
  EXPECT_EQ(pic.acknowledge(), 0x21);
  end_of_interrupt();
  end_of_interrupt();
  EXPECT_EQ(pic.acknowledge(), 0x25);
}

TEST_F(PicTest, SlaveInterruptsFollowEachOther) {
  pic.set_line(8, true);
  pic.set_line(12, true);
  EXPECT_EQ(pic.acknowledge(), 0x28);
  pic.slave_ports().write(0, 1, 0x20);
  end_of_interrupt();
  ASSERT_TRUE(pic.output());
  EXPECT_EQ(pic.acknowledge(), 0x2c);
}

TEST_F(PicTest, GoneRequestIsSpurious) {
  pic.set_line(3, true);
  pic.set_line(3, false);
  EXPECT_FALSE(pic.output());
  EXPECT_EQ(pic.acknowledge(), 0x27);
  pic.master_ports().write(0, 1, 0x0b);  // the in-service register stays empty
  EXPECT_EQ(pic.master_ports().read(0, 1), 0u);
}

TEST_F(PicTest, MaskHoldsBack) {
  pic.master_ports().write(1, 1, 0x01);
  EXPECT_EQ(pic.master_ports().read(1, 1), 1u);
  pic.set_line(0, true);
  EXPECT_FALSE(pic.output());
  pic.master_ports().write(1, 1, 0x00);
  EXPECT_TRUE(pic.output());
}

TEST_F(PicTest, AutomaticEndOfInterrupt) {
  initialize(0x03);
  pic.set_line(0, true);
  EXPECT_EQ(pic.acknowledge(), 0x20);
  pic.set_line(1, true);
  EXPECT_EQ(pic.acknowledge(), 0x21);
}

TEST_F(PicTest, Poll) {
  pic.set_line(6, true);
  pic.master_ports().write(0, 1, 0x0c);
  EXPECT_EQ(pic.master_ports().read(0, 1), 0x86u);
  EXPECT_FALSE(pic.output());
}

TEST_F(PicTest, NothingWhileInitializing) {
  pic.set_line(0, true);
  pic.master_ports().write(0, 1, 0x11);
  EXPECT_FALSE(pic.output());
}

TEST_F(PicTest, StateComesBack) {
  pic.set_line(4, true);
  pic.acknowledge();
  pic.set_line(1, true);
  Writer out;
  pic.save(out);
  const auto blob = out.take();
  Pic other;
  Reader in(blob);
  ASSERT_TRUE(other.restore(in));
  ASSERT_TRUE(other.output());
  EXPECT_EQ(other.acknowledge(), 0x21);
  for (size_t size = 0; size < blob.size(); ++size) {
    Reader cut{std::span(blob).first(size)};
    EXPECT_FALSE(other.restore(cut)) << size;
  }
}

}  // namespace
}  // namespace strata::devices
