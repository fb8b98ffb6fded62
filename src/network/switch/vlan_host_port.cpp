// Frames to the host of a VLAN, and what it says.
#include "network/switch/vlan_host_port.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>

#include <ctime>

namespace strata::network {
namespace {

constexpr size_t most_waiting = 1024;  // frames that nobody fetched

}  // namespace

VlanHostPort::VlanHostPort(std::string name, PollSet poll_set, UniqueFd wake, std::unique_ptr<HostResolver> resolver,
                           SaveFn save)
    : Port(std::move(name)),
      poll_set_(std::move(poll_set)),
      wake_(std::move(wake)),
      resolver_(std::move(resolver)),
      save_(std::move(save)) {
  poll_set_.replace({{wake_.get(), EPOLLIN}, {resolver_->fd(), EPOLLIN}});
}

Result<std::unique_ptr<VlanHostPort>> VlanHostPort::open(std::string name, services::MacAddress mac,
                                                         services::DhcpOptions options, std::string_view leases,
                                                         SaveFn save) {
  UniqueFd wake(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
  if (!wake) return fail_errno("making an eventfd");
  PollSet poll_set = STRATA_TRY(PollSet::make());
  auto resolver = STRATA_TRY(HostResolver::make());
  std::unique_ptr<VlanHostPort> port(
      new VlanHostPort(std::move(name), std::move(poll_set), std::move(wake), std::move(resolver), std::move(save)));
  port->host_ = std::make_unique<services::VlanHost>(
      mac, std::move(options), [] { return static_cast<int64_t>(std::time(nullptr)); },
      [raw = port.get()](services::Bytes frame) { raw->say(frame); }, port->resolver_.get());
  port->host_->dhcp().leases().load(leases);
  return port;
}

std::string VlanHostPort::describe() const {
  return "the switch itself, " + services::ipv4_text(host_->dhcp().options().server);
}

Result<bool> VlanHostPort::receive(ports::FramePool& pool, std::vector<ports::Frame>& to, size_t most) {
  uint64_t times;
  [[maybe_unused]] const auto size = read(wake_.get(), &times, sizeof times);
  resolver_->receive();
  for (size_t i = 0; i < most && !said_.empty(); ++i) {
    if (ports::Frame frame = pool.copy(said_.front())) {
      count_received(frame.size());
      to.push_back(std::move(frame));
    } else {
      ++counters_.receive_dropped;
    }
    said_.pop_front();
  }
  return !said_.empty();
}

size_t VlanHostPort::send(std::span<ports::Frame> frames) {
  for (ports::Frame& frame : frames) {
    scratch_.resize(frame.size());
    frame.copy_to(scratch_);
    count_sent(scratch_.size());
    host_->receive(scratch_);
    frame = {};
  }
  save_if_changed();
  return frames.size();
}

void VlanHostPort::say(services::Bytes frame) {
  if (said_.size() >= most_waiting) return;
  said_.emplace_back(frame.begin(), frame.end());
  const uint64_t one = 1;
  [[maybe_unused]] const auto size = write(wake_.get(), &one, sizeof one);
}

void VlanHostPort::save_if_changed() {
  if (host_->dhcp().changes() == saved_changes_) return;
  saved_changes_ = host_->dhcp().changes();
  save_(host_->dhcp().leases().text());
}

}  // namespace strata::network
