// Virtqueues over rings, descriptors and indirect tables that are the fuzzer's: nothing outside of RAM is touched.
#include "devices/virtio/core/queue.h"
#include "memory/ram.h"
#include "tests/fuzz/bytes.h"

using namespace strata;
using devices::virtio::Chain;
using devices::virtio::Queue;

namespace {

constexpr std::uint64_t ram_size = 0x4000;

// One machine for all inputs: making RAM is most of the time. Each input begins with all of it zero.
struct Machine {
  Machine() { memory.add({.name = "ram", .base = 0, .size = ram_size, .kind = memory::Kind::ram}); }
  memory::DeviceLock lock;
  std::unique_ptr<memory::Ram> ram = std::move(memory::Ram::make(ram_size).value());
  memory::AddressSpace memory{*ram, lock};
};

void use(Queue& queue, fuzz::Bytes& input) {
  std::byte buffer[256] = {};
  Chain chain;
  while (queue.pop(chain)) {
    chain.read(input.number<std::uint16_t>(), buffer);
    chain.write(input.number<std::uint16_t>(), buffer);
    const auto choice = input.number<std::uint8_t>();
    if (choice % 4 == 0) continue;  // stays in flight
    if (choice % 4 == 1) {
      queue.unpop(chain);
      break;
    }
    queue.put(chain.head(), input.number<std::uint32_t>());
  }
  queue.publish();
  queue.wants_interrupt();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static Machine machine;
  std::memset(machine.ram->data(), 0, ram_size);
  fuzz::Bytes input(data, size);
  Queue queue(machine.memory, 32);
  const auto shape = input.number<std::uint8_t>();
  queue.layout() = {
      .size = static_cast<std::uint16_t>(1 << shape % 6), .descriptors = 0, .available = 0x400, .used = 0x600};
  if (shape & 0x80) queue.layout().used = input.number<std::uint64_t>();
  if (shape & 0x40) queue.layout().size = input.number<std::uint16_t>();
  queue.enable(~std::uint64_t{0} << (shape & 0x20 ? 32 : 0));
  std::uint16_t offered = 0;
  while (!input.empty()) {
    const auto place = input.number<std::uint16_t>();
    // An index that is seldom sensible by chance.
    if (place % 64 < 32) machine.memory.write_as<std::uint16_t>(0x402, offered += place % 4);
    const auto bytes = input.take(1 + place % 64);
    machine.memory.write(place / 64 * 16 % ram_size, bytes);
    use(queue, input);
  }
  return 0;
}
