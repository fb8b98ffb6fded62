// The page of local APIC registers as each processor sees it.
#include "machine/pc/local_apics.h"

#include <gtest/gtest.h>

#include "devices/fake_timers.h"
#include "machine/pc/this_processor.h"

namespace strata::machine::pc {
namespace {

constexpr uint64_t base = devices::LocalApic::default_base, id = 0x20, version = 0x30;
constexpr uint32_t apic_base_msr = 0x1b, nothing = ~0u;

class LocalApicsTest : public testing::Test {
 protected:
  void TearDown() override { this_processor = 0; }
  uint32_t read(unsigned processor, uint64_t address) {
    this_processor = processor;
    return space.read_as<uint32_t>(address);
  }
  void write(unsigned processor, uint64_t address, uint32_t value) {
    this_processor = processor;
    space.write_as(address, value);
  }

  devices::FakeTimers timers;
  memory::DeviceLock lock;
  std::unique_ptr<memory::Ram> ram = std::move(*memory::Ram::make(4096));
  memory::AddressSpace space{*ram, lock};
  devices::ApicBus bus;
  devices::Pic pic;
  LocalApics apics{3, bus, pic, timers, {}, space};
};

TEST_F(LocalApicsTest, EachProcessorSeesItsOwn) {
  for (unsigned i = 0; i < 3; ++i) EXPECT_EQ(read(i, base + id), i << 24);
  write(1, base + 0x80, 0x40);
  EXPECT_EQ(apics[1].priority(), 4);
  EXPECT_EQ(apics[0].priority(), 0);
}

TEST_F(LocalApicsTest, APageThatOneMovesStaysForTheOthers) {
  ASSERT_TRUE(apics[1].write_msr(apic_base_msr, 0xfed00800));
  EXPECT_EQ(read(1, base + version), nothing);
  EXPECT_EQ(read(1, 0xfed00000 + id), 1u << 24);
  EXPECT_EQ(read(0, 0xfed00000 + id), nothing);
  EXPECT_EQ(read(2, base + id), 2u << 24);
  apics.reset();
  EXPECT_EQ(read(1, base + id), 1u << 24);
  EXPECT_EQ(read(1, 0xfed00000 + id), nothing);
}

TEST_F(LocalApicsTest, X2ApicsHaveNoPage) {
  ASSERT_TRUE(apics[1].write_msr(apic_base_msr, 0xfee00c00));
  EXPECT_EQ(read(1, base + version), nothing);
  write(1, base + 0x80, 0x40);
  EXPECT_EQ(apics[1].priority(), 0);
  EXPECT_NE(read(0, base + version), nothing);
}

TEST_F(LocalApicsTest, StateComesBack) {
  ASSERT_TRUE(apics[1].write_msr(apic_base_msr, 0xfed00800));
  write(2, base + 0x80, 0x40);
  devices::Writer out;
  apics.save(out);
  const auto blob = out.take();
  apics.reset();
  devices::Reader in(blob);
  ASSERT_TRUE(apics.restore(in));
  EXPECT_EQ(read(1, 0xfed00000 + id), 1u << 24);
  EXPECT_EQ(apics[2].priority(), 4);
}

TEST_F(LocalApicsTest, SignalsGoToTheirProcessor) {
  std::string said;
  for (unsigned i = 0; i < 3; ++i) {
    apics.connect(i, {.nmi = [&said, i] { said += std::to_string(i); }});
    EXPECT_EQ(read(i, base + id), i << 24);  // the page stays where it is
  }
  write(2, base + 0x310, 1u << 24);
  write(2, base + 0x300, 0x400);
  EXPECT_EQ(said, "1");
}

}  // namespace
}  // namespace strata::machine::pc
