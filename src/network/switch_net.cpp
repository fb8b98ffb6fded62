// The same framing as at the switch's end, through the same port.
#include "network/switch_net.h"

#include <atomic>
#include <chrono>
#include <deque>
#include <optional>

#include "base/log.h"
#include "network/ports/segment.h"
#include "network/ports/stream.h"

namespace strata::network {
namespace {

constexpr size_t pool_bytes = 64 << 20;
constexpr size_t frames_a_turn = 64;
constexpr size_t most_waiting = 256;
constexpr auto retry_after = std::chrono::seconds(1);

}  // namespace

/// Everything under the device lock, except where it says otherwise.
class SwitchNet::Cable : public std::enable_shared_from_this<Cable> {
 public:
  Cable(MachineAttachment attachment, EventLoop& loop, iface::Executor& executor)
      : attachment_(std::move(attachment)), loop_(loop), executor_(executor), pool_(pool_bytes) {}

  Result<void> attach();
  void close();
  void send(std::span<const std::byte> bytes, const iface::Offload& offload);

  uint16_t mtu = 0;
  Receiver receiver;
  iface::OffloadKinds accepted;

 private:
  /// Asks for a turn on the loop's thread; from any thread.
  std::function<void()> in_a_turn(void (Cable::*work)());
  void turn();
  void receive(const ports::Frame& frame);
  void flush();
  void lose(const Error& error);
  void attach_again();

  const MachineAttachment attachment_;
  EventLoop& loop_;
  iface::Executor& executor_;
  bridge::FramePool pool_;
  std::unique_ptr<ports::StreamPort> port_;
  std::vector<ports::Frame> received_;
  std::deque<ports::Frame> waiting_;  ///< the socket was full
  std::vector<std::byte> flat_;
  ports::Segmenter segmenter_;
  std::atomic<bool> scheduled_ = false;
  std::optional<FdWatch> watch_;
  std::optional<LoopTimer> retry_;
};

Result<void> SwitchNet::Cable::attach() {
  AttachedMachine attached = STRATA_TRY(attach_machine(attachment_));
  mtu = attached.mtu;
  port_ = STRATA_TRY(ports::StreamPort::adopt(attached.port, std::move(attached.socket),
                                              fmt::format("network {}", attachment_.network), attachment_.offloads));
  watch_ = STRATA_TRY(FdWatch::make(loop_, port_->fd(), FdWatch::For::reading, [weak = weak_from_this()] {
    const auto cable = weak.lock();
    if (cable && !cable->scheduled_.exchange(true)) cable->executor_.post(cable->in_a_turn(&Cable::turn));
  }));
  return {};
}

std::function<void()> SwitchNet::Cable::in_a_turn(void (Cable::*work)()) {
  return [weak = weak_from_this(), work] {
    if (const auto cable = weak.lock()) ((*cable).*work)();
  };
}

void SwitchNet::Cable::close() {
  receiver = {};
  watch_.reset();
  retry_.reset();
  port_.reset();
}

void SwitchNet::Cable::turn() {
  scheduled_ = false;
  if (!port_) return;
  flush();
  received_.clear();
  const auto more = port_->receive(pool_, received_, frames_a_turn);
  for (const ports::Frame& frame : received_) receive(frame);
  received_.clear();
  if (!more) lose(more.error());
}

void SwitchNet::Cable::receive(const ports::Frame& frame) {
  using Gso = iface::Offload::Gso;
  const iface::Offload offload = frame.offload();
  const auto bytes = frame.stored();
  if (!receiver || bytes.size() < bridge::ethernet_header_size) return;
  const bool takes_gso = offload.gso == Gso::none || (offload.gso == Gso::tcp4 && accepted.tcp4) ||
                         (offload.gso == Gso::tcp6 && accepted.tcp6) || (offload.gso == Gso::udp_l4 && accepted.udp_l4);
  const bool takes_ecn = !offload.ecn || accepted.ecn;
  if (takes_gso && takes_ecn && (!offload.needs_checksum || accepted.checksum)) return receiver(bytes, offload);
  (void)segmenter_.split(bytes, offload, [this](std::span<const std::byte> piece) {
    if (receiver) receiver(piece, {.checksum_valid = true});
  });
}

void SwitchNet::Cable::send(std::span<const std::byte> bytes, const iface::Offload& offload) {
  if (!port_ || waiting_.size() >= most_waiting) return;
  ports::Frame frame = pool_.copy(bytes);
  if (!frame) return;
  frame.set_offload(offload);
  waiting_.push_back(std::move(frame));
  if (!port_->blocked()) flush();
}

void SwitchNet::Cable::flush() {
  port_->flush();
  while (!waiting_.empty() && port_->send({&waiting_.front(), 1}) == 1) waiting_.pop_front();
}

void SwitchNet::Cable::lose(const Error& error) {
  log::warn("{}; trying to attach again", error.message);
  watch_.reset();
  port_.reset();
  waiting_.clear();
  retry_.emplace(loop_, [weak = weak_from_this()] {
    if (const auto cable = weak.lock()) cable->executor_.post(cable->in_a_turn(&Cable::attach_again));
  });
  retry_->set_after(retry_after);
}

void SwitchNet::Cable::attach_again() {
  if (!retry_ || attach()) return;  // closed meanwhile, or done
  retry_->set_after(retry_after);
}

Result<std::unique_ptr<SwitchNet>> SwitchNet::make(MachineAttachment attachment, EventLoop& loop,
                                                   iface::Executor& executor) {
  attachment.offloads = true;
  auto cable = std::make_shared<Cable>(std::move(attachment), loop, executor);
  STRATA_TRY(cable->attach());
  return std::unique_ptr<SwitchNet>(new SwitchNet(std::move(cable)));
}

SwitchNet::~SwitchNet() { cable_->close(); }

uint16_t SwitchNet::mtu() const { return cable_->mtu; }

void SwitchNet::send(std::span<const std::byte> frame, const iface::Offload& offload) { cable_->send(frame, offload); }

void SwitchNet::connect(Receiver receiver) { cable_->receiver = std::move(receiver); }

void SwitchNet::accept(const iface::OffloadKinds& kinds) { cable_->accepted = kinds; }

}  // namespace strata::network
