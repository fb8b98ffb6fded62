// Each virtio device behind its PCI function: random accesses to configuration space and BARs, random rings, events from
// the host, and saved states that are damaged.
#include <algorithm>
#include <deque>
#include <functional>
#include <memory>
#include <vector>

#include "base/log.h"
#include "devices/virtio/blk/blk.h"
#include "devices/virtio/console/console.h"
#include "devices/virtio/core/test_machine.h"
#include "devices/virtio/net/net.h"
#include "devices/virtio/rng/rng.h"
#include "tests/fuzz/bytes.h"

using namespace strata;
using namespace strata::devices::virtio;

namespace {

/// A disk in memory that ends its requests when it is told to.
class MemoryDisk final : public iface::BlockStore {
 public:
  explicit MemoryDisk(bool read_only) : read_only_(read_only), bytes_(1 << 16) {}
  std::uint64_t size() const override { return bytes_.size(); }
  bool read_only() const override { return read_only_; }
  void read(std::uint64_t offset, std::span<const Segment> into, Done done) override {
    for (const Segment& segment : into) {
      std::memcpy(segment.data, at(offset, segment.size), segment.size);
      offset += segment.size;
    }
    waiting_.push_back(std::move(done));
  }
  void write(std::uint64_t offset, std::span<const Segment> from, Done done) override {
    for (const Segment& segment : from) {
      std::memcpy(at(offset, segment.size), segment.data, segment.size);
      offset += segment.size;
    }
    waiting_.push_back(std::move(done));
  }
  void flush(Done done) override { waiting_.push_back(std::move(done)); }
  void discard(std::uint64_t offset, std::uint64_t length, Done done) override {
    write_zeroes(offset, length, std::move(done));
  }
  void write_zeroes(std::uint64_t offset, std::uint64_t length, Done done) override {
    std::memset(at(offset, length), 0, length);
    waiting_.push_back(std::move(done));
  }

  void end_one(bool well) {
    if (waiting_.empty()) return;
    auto done = std::move(waiting_.front());
    waiting_.pop_front();
    done(well ? Result<void>() : fail(ErrorCode::io, "as the fuzzer wants it"));
  }

 private:
  std::byte* at(std::uint64_t offset, std::uint64_t length) {
    // The device checks ranges before it asks.
    if (offset > bytes_.size() || length > bytes_.size() - offset) std::abort();
    return bytes_.data() + offset;
  }

  bool read_only_;
  std::vector<std::byte> bytes_;
  std::deque<Done> waiting_;
};

struct Port final : iface::NetPort {
  bool takes_offloads() const override { return true; }
  void send(std::span<const std::byte> frame, const iface::Offload& offload) override {
    if (frame.size() < 14 || frame.size() > 65550) std::abort();  // what the seam promises
    if (offload.gso != iface::Offload::Gso::none && !offload.needs_checksum) std::abort();
    if (offload.needs_checksum && offload.checksum_start + offload.checksum_offset + 2u > frame.size()) std::abort();
  }
  void connect(Receiver to) override { receiver = std::move(to); }
  Receiver receiver;
};

struct Terminal final : iface::Console {
  void write(std::span<const std::byte>) override {}
  std::size_t read(std::span<std::byte> out) override {
    const std::size_t count = std::min(out.size(), typed);
    std::ranges::fill(out.first(count), std::byte{'x'});
    typed -= count;
    return count;
  }
  void on_input(std::function<void()> callback) override { came = std::move(callback); }
  std::size_t typed = 0;
  std::function<void()> came;
};

struct Zeroes final : iface::Entropy {
  void fill(std::span<std::byte> out) override { std::ranges::fill(out, std::byte{0}); }
};

class Session {
 public:
  Session(fuzz::Bytes& input, std::uint8_t kind)
      : input_(input),
        disk_((kind & 4) != 0),
        function_(machine_.bus, std::nullopt, make(kind)),
        driver_(machine_, function_) {}

  void run() {
    while (!input_.empty()) step();
  }

 private:
  std::unique_ptr<Device> make(std::uint8_t kind) {
    switch (kind % 4) {
      case 0: return std::make_unique<Blk>(machine_.memory, disk_, "fuzz");
      case 1: return std::make_unique<Net>(machine_.memory, port_, NetOptions{});
      case 2: return std::make_unique<Console>(machine_.memory, terminal_);
      default: return std::make_unique<Rng>(machine_.memory, entropy_);
    }
  }

  void step() {
    switch (input_.number<std::uint8_t>() % 12) {
      case 0: return access_config();
      case 1: return access_bar(TestDriver::bar_address, VirtioPci::bar_size);
      case 2: return access_bar(TestDriver::bar_address, 64);
      case 3: return access_bar(TestDriver::msix_address, 4096);
      case 4:
        started_ = driver_.start(input_.number<std::uint64_t>() & driver_.offered(), input_.number<std::uint8_t>() & 1);
        return;
      case 5: return write_ram();
      case 6:
      case 7:
      case 8: return offer();
      case 9:
      case 10: return host_event();
      default: return save_and_restore();
    }
  }

  static unsigned size_of(std::uint8_t choice) { return 1u << choice % 3; }

  void access_config() {
    const auto choice = input_.number<std::uint8_t>();
    const unsigned size = size_of(choice);
    const unsigned offset = input_.number<std::uint8_t>() & ~(size - 1);
    if (choice & 0x80) {
      driver_.write_config(offset, size, input_.number<std::uint32_t>());
    } else {
      driver_.read_config(offset, size);
    }
  }

  void access_bar(std::uint64_t bar, std::uint64_t bar_size) {
    const auto choice = input_.number<std::uint8_t>();
    const std::uint64_t address = bar + input_.number<std::uint16_t>() % bar_size;
    std::byte bytes[8];
    const auto part = std::span(bytes).first(1u << choice % 4);
    if (choice & 0x80) {
      const auto value = input_.number<std::uint64_t>();
      std::memcpy(bytes, &value, sizeof value);
      machine_.memory.write(address, part);
    } else {
      machine_.memory.read(address, part);
    }
  }

  void write_ram() {
    const std::uint64_t address = TestDriver::rings + input_.number<std::uint16_t>() * 4u;
    machine_.memory.write(address, input_.take(input_.number<std::uint8_t>() % 64));
  }

  /// A chain whose shape is a driver's, but whose sizes and first bytes are the fuzzer's; and now and then not.
  void offer() {
    const auto choice = input_.number<std::uint8_t>();
    const unsigned queue = choice % 3;
    if (!started_ || queue >= function_.device().queue_count()) return;
    if (choice & 0x40) {
      driver_.put_descriptor(TestDriver::descriptors(queue), input_.number<std::uint8_t>() % 16,
                             input_.number<std::uint32_t>(), input_.number<std::uint16_t>(), choice >> 3 & 7,
                             input_.number<std::uint8_t>() % 17);
      driver_.offer(queue, input_.number<std::uint8_t>() % 17);
    } else {
      std::vector<TestDriver::Part> parts;
      for (unsigned i = choice >> 3 & 3; i < 4; ++i) {
        TestDriver::Part part{std::vector<std::byte>(1 + input_.number<std::uint16_t>() % 2048), false};
        part.writable = (choice & 4 || i == 3) && i > 1;
        if (!part.writable)
          std::ranges::copy(input_.take(std::min<std::size_t>(part.bytes.size(), 24)), part.bytes.begin());
        parts.push_back(std::move(part));
      }
      driver_.forget_buffers();
      driver_.add(queue, parts, choice & 0x20);
    }
    driver_.kick(queue);
    driver_.used(queue);
  }

  void host_event() {
    const auto choice = input_.number<std::uint8_t>();
    disk_.end_one(choice & 1);
    terminal_.typed += choice;
    if (terminal_.came) terminal_.came();
    if (!port_.receiver) return;
    const std::vector<std::byte> frame(input_.number<std::uint16_t>());
    port_.receiver(frame, {.needs_checksum = (choice & 2) != 0, .checksum_start = choice, .checksum_offset = choice});
  }

  void save_and_restore() {
    devices::Writer out;
    function_.save(out);
    auto blob = out.take();
    for (unsigned damages = input_.number<std::uint8_t>() % 4; damages > 0; --damages)
      blob[input_.number<std::uint16_t>() % blob.size()] = static_cast<std::byte>(input_.number<std::uint8_t>());
    devices::Reader in(blob);
    if (function_.restore(in)) function_.device().resume();
  }

  fuzz::Bytes& input_;
  TestMachine machine_;
  MemoryDisk disk_;
  Port port_;
  Terminal terminal_;
  Zeroes entropy_;
  VirtioPci function_;
  TestDriver driver_;
  bool started_ = false;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  log::set_level(log::Level::off);  // each input breaks queues
  fuzz::Bytes input(data, size);
  const auto kind = input.number<std::uint8_t>();
  Session(input, kind).run();
  return 0;
}
