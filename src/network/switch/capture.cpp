// Frames into blocks, blocks to readers.
#include "network/switch/capture.h"

#include <fcntl.h>
#include <sys/socket.h>

#include <algorithm>
#include <ctime>
#include <map>
#include <mutex>

#include "base/log.h"

namespace strata::network {
namespace {

constexpr size_t most_buffered = size_t{8} << 20;

uint64_t wall_clock_ns() {
  timespec now = {};
  clock_gettime(CLOCK_REALTIME, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec);
}

/// The frame's own tag, where it has one of the port's type.
std::optional<bridge::Vid> tag_of(const bridge::PortConfig& port, std::span<const std::byte> bytes) {
  if (bytes.size() < 18 || load_be<uint16_t>(&bytes[12]) != static_cast<uint16_t>(port.tag_type)) return std::nullopt;
  const auto vid = static_cast<bridge::Vid>(load_be<uint16_t>(&bytes[14]) & 0xfff);
  return vid == bridge::no_vid ? std::nullopt : std::optional(vid);
}

bool is_of_vlan(const bridge::PortConfig& port, bool in, std::span<const std::byte> bytes, bridge::Vid vlan) {
  if (const auto tag = tag_of(port, bytes)) return *tag == vlan;
  return in ? port.pvid == vlan : port.untagged.contains(vlan);
}

}  // namespace

class CaptureStream : public std::enable_shared_from_this<CaptureStream> {
 public:
  CaptureStream(EventLoop& loop, CaptureOptions options, UniqueFd connection, std::function<void(CaptureStream*)> ended)
      : loop_(loop), options_(std::move(options)), connection_(std::move(connection)), ended_(std::move(ended)) {
    PcapngWriter(blocks_).section("strata network capture");
  }

  /// On the datapath's thread.
  void frame(const bridge::PortConfig& port, FrameWatcher::Direction direction, const ports::Frame& frame) {
    if (!options_.port.empty() && port.name != options_.port) return;
    scratch_.resize(frame.size());
    frame.copy_to(scratch_);
    const bool in = direction == FrameWatcher::Direction::in;
    if (options_.vlan && !is_of_vlan(port, in, scratch_, *options_.vlan)) return;
    const std::lock_guard lock(lock_);
    Interface& interface = interface_of(port.name);
    ++interface.received;
    if (blocks_.size() > most_buffered) {
      ++interface.dropped;
      return;
    }
    std::span<const std::byte> bytes = scratch_;
    if (options_.snap_length && bytes.size() > options_.snap_length) bytes = bytes.first(options_.snap_length);
    PcapngWriter(blocks_).frame({interface.number, wall_clock_ns(), in ? CaptureDirection::in : CaptureDirection::out,
                                 bytes, static_cast<uint32_t>(scratch_.size())});
    if (std::exchange(awake_, true)) return;
    loop_.post([weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->write_more();
    });
  }

  /// From here on, on the loop's thread.
  Result<void> start() {
    reading_ = STRATA_TRY(FdWatch::make(loop_, connection_.get(), FdWatch::For::reading, [this] { finish(); }));
    write_more();
    return {};
  }

 private:
  struct Interface {
    uint32_t number = 0;
    uint64_t received = 0, dropped = 0;
  };

  Interface& interface_of(const std::string& port) {
    const auto [found, is_new] = interfaces_.try_emplace(port, Interface{static_cast<uint32_t>(interfaces_.size())});
    if (is_new) PcapngWriter(blocks_).interface(port, "", options_.snap_length);
    return found->second;
  }

  void write_more() {
    if (sent_ == sending_.size()) {
      const std::lock_guard lock(lock_);
      sending_.clear();
      sent_ = 0;
      sending_.swap(blocks_);
      awake_ = !sending_.empty();
    }
    while (sent_ < sending_.size()) {
      const ssize_t count =
          send(connection_.get(), sending_.data() + sent_, sending_.size() - sent_, MSG_DONTWAIT | MSG_NOSIGNAL);
      if (count < 0 && errno == EINTR) continue;
      if (count < 0 && errno == EAGAIN) break;
      if (count < 0) return end();
      sent_ += static_cast<size_t>(count);
    }
    wait_for_room();
  }

  void wait_for_room() {
    bool more;
    {
      const std::lock_guard lock(lock_);
      more = sent_ < sending_.size() || !blocks_.empty();
      awake_ = more;
    }
    if (!more) {
      writing_.reset();
      if (finishing_) end();
      return;
    }
    if (writing_) return;
    if (!for_writing_) for_writing_ = UniqueFd(fcntl(connection_.get(), F_DUPFD_CLOEXEC, 0));
    auto watch = FdWatch::make(loop_, for_writing_.get(), FdWatch::For::writing, [this] { write_more(); });
    if (!watch) return end();
    writing_ = std::move(*watch);
  }

  /// The reader has said that it is enough, or is gone: what it has not read yet tells which.
  void finish() {
    reading_.reset();
    finishing_ = true;
    {
      const std::lock_guard lock(lock_);
      for (const auto& [name, interface] : interfaces_) {
        PcapngWriter(blocks_).statistics(interface.number, wall_clock_ns(), interface.received, interface.dropped);
      }
    }
    write_more();
  }

  void end() {
    reading_.reset();
    writing_.reset();
    if (ended_) std::exchange(ended_, {})(this);
  }

  EventLoop& loop_;
  const CaptureOptions options_;
  UniqueFd connection_;
  UniqueFd for_writing_;  ///< the same: a descriptor can be watched once
  std::function<void(CaptureStream*)> ended_;
  std::optional<FdWatch> reading_, writing_;
  std::vector<std::byte> sending_;
  size_t sent_ = 0;
  bool finishing_ = false;

  std::vector<std::byte> scratch_;  ///< the datapath's thread's
  std::mutex lock_;                 ///< of what follows
  std::vector<std::byte> blocks_;
  std::map<std::string, Interface> interfaces_;
  bool awake_ = true;  ///< write_more() will be called
};

Captures::~Captures() { datapath_.watch(nullptr); }

void Captures::add(const CaptureOptions& options, UniqueFd connection) {
  auto stream = std::make_shared<CaptureStream>(loop_, options, std::move(connection),
                                                [this](CaptureStream* ended) { end(ended); });
  datapath_.call([&] {
    streams_.push_back(stream);
    datapath_.watch(this);
  });
  if (const auto started = stream->start(); !started) end(stream.get());
}

/// The stream may be in the middle of a callback: it goes when that has returned.
void Captures::end(CaptureStream* stream) {
  std::shared_ptr<CaptureStream> gone;
  datapath_.call([&] {
    const auto found =
        std::find_if(streams_.begin(), streams_.end(), [&](const auto& each) { return each.get() == stream; });
    if (found == streams_.end()) return;
    gone = std::move(*found);
    streams_.erase(found);
    if (streams_.empty()) datapath_.watch(nullptr);
  });
  loop_.post([gone = std::move(gone)] {});
}

void Captures::frame(bridge::PortId port, Direction direction, const ports::Frame& frame) {
  if (!datapath_.bridge().has_port(port)) return;
  for (const auto& stream : streams_) stream->frame(datapath_.bridge().config(port), direction, frame);
}

}  // namespace strata::network
