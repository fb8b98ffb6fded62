// Fuzz target: a guest that writes anything to any port and device register of the PC, while time goes on.
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <memory>

#include "base/assert.h"
#include "devices/fake_timers.h"
#include "machine/pc/board.h"
#include "machine/pc/this_processor.h"
#include "tests/fuzz/bytes.h"

namespace {

using namespace strata;

constexpr uint64_t memory_size = uint64_t{4} << 20;
constexpr int64_t wall_start = 1'700'000'000'000'000'000;

/// Where something stands; anything else is drawn too, but rarely hit.
constexpr uint16_t ports[] = {0x20,  0x21,  0xa0,  0xa1,  0x40,  0x41,  0x42,  0x43,  0x60,  0x61,  0x64,  0x70,
                              0x71,  0x80,  0x92,  0xf4,  0x3f8, 0x3f9, 0x3fa, 0x3fb, 0x3fc, 0x3fd, 0x3fe, 0x3ff,
                              0x4d0, 0x4d1, 0x600, 0x602, 0x604, 0x608, 0xcf8, 0xcf9, 0xcfc, 0xcfd, 0xcfe, 0xcff};
constexpr uint64_t pages[] = {0xfee00000, 0xfec00000, 0xe0000000, 0xc0000000, 0xfffff000, 0xa0000};
constexpr uint32_t msrs[] = {0x1b, 0x6e0, 0x802, 0x808, 0x80b, 0x80f, 0x830, 0x832, 0x838, 0x83e, 0x83f};

constexpr unsigned processors = 3;

class Guest {
 public:
  explicit Guest(fuzz::Bytes& bytes) : bytes_(bytes) {}

  void run() {
    auto made =
        machine::pc::Board::make(timers_, lock_,
                                 {.memory = memory_size,
                                  .cpus = processors,
                                  .console = nullptr,
                                  .wall_clock = [this] { return wall_start + static_cast<int64_t>(timers_.now()); },
                                  .request = [](devices::MachineRequest, uint32_t) {},
                                  .pci_devices = {}});
    board_ = std::move(*made);
    board_->reset();
    while (!bytes_.empty()) step();
    round_trip();
  }

 private:
  void step() {
    const auto shape = bytes_.number<uint8_t>();
    const unsigned size = 1u << shape % 3;
    const unsigned processor = shape / 3 % processors;
    machine::pc::this_processor = processor;
    switch (bytes_.number<uint8_t>() % 8) {
      case 0: board_->ports().write(port(), size, bytes_.number<uint32_t>()); break;
      case 1: board_->ports().write(port(), 1, bytes_.number<uint8_t>()); break;
      case 2: (void)board_->ports().read(port(), size); break;
      case 3: board_->memory().write_as(address(), bytes_.number<uint32_t>()); break;
      case 4: (void)board_->memory().read_as<uint32_t>(address()); break;
      case 5: timers_.advance(uint64_t{bytes_.number<uint16_t>()} << bytes_.number<uint8_t>() % 12); break;
      case 6: (void)board_->local_apics()[processor].acknowledge(); break;
      case 7: {
        uint64_t value = bytes_.number<uint64_t>();
        const uint32_t index = msrs[bytes_.number<uint8_t>() % std::size(msrs)];
        (void)board_->local_apics()[processor].write_msr(index, value);
        (void)board_->local_apics()[processor].read_msr(index, &value);
        break;
      }
    }
  }
  uint16_t port() {
    const auto choice = bytes_.number<uint8_t>();
    return choice < 2 * std::size(ports) ? ports[choice / 2] : bytes_.number<uint16_t>();
  }
  uint64_t address() {
    const auto page = pages[bytes_.number<uint8_t>() % std::size(pages)];
    return page + (bytes_.number<uint16_t>() & 0xfff);
  }
  /// Whatever state the guest has reached can be saved and comes back.
  void round_trip() {
    devices::Writer out;
    board_->save(out);
    const auto blob = out.take();
    devices::Reader in(blob);
    const auto restored = board_->restore(in);
    STRATA_ASSERT(restored.has_value(), restored.error().message.c_str());
  }

  fuzz::Bytes& bytes_;
  devices::FakeTimers timers_;
  memory::DeviceLock lock_;
  std::unique_ptr<machine::pc::Board> board_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  strata::fuzz::Bytes bytes(data, size);
  Guest(bytes).run();
  return 0;
}
