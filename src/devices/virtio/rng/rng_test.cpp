// The entropy device, with the host's entropy behind it.
#include "devices/virtio/rng/rng.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "devices/virtio/core/test_machine.h"
#include "devices/virtio/rng/host_entropy.h"

namespace strata::devices::virtio {
namespace {

TEST(Rng, FillsBuffersWithRandomBytes) {
  TestMachine machine;
  HostEntropy source;
  VirtioPci device(machine.bus, std::nullopt, std::make_unique<Rng>(machine.memory, source));
  TestDriver driver(machine, device);
  ASSERT_TRUE(driver.start(driver.offered()));
  const TestDriver::Part parts[] = {room(100), room(200)};
  const uint16_t first = driver.add(0, parts);
  const uint16_t second = driver.add(0, parts, true);
  const TestDriver::Part much[] = {room(100000)};
  driver.add(0, much);
  driver.kick(0);
  const auto used = driver.used(0);
  ASSERT_EQ(used.size(), 3u);
  EXPECT_EQ(used[0].written, 300u);
  EXPECT_EQ(used[1].written, 300u);
  EXPECT_EQ(used[2].written, 4096u);
  EXPECT_NE(driver.contents(0, first, 1), std::vector(200, std::byte{0}));
  EXPECT_NE(driver.contents(0, first, 1), driver.contents(0, second, 1));
}

TEST(HostEntropy, FillsAnySize) {
  HostEntropy source;
  std::vector<std::byte> bytes(1000);
  source.fill(bytes);
  EXPECT_NE(std::vector(bytes.end() - 100, bytes.end()), std::vector(100, std::byte{0}));
  source.fill({});
}

}  // namespace
}  // namespace strata::devices::virtio
