// Frames between the TAP and libslirp, which has no thread to wait for: everything happens on the loop's.
#include "network/container/user_card.h"

#include <sys/uio.h>
#include <unistd.h>

#include <array>

#include "base/log.h"

namespace strata::network::container {
namespace {

constexpr uint16_t mtu = 65520;  // libslirp's largest: what a frame costs is nearly the same, whatever its size
constexpr size_t largest_frame = 65550;
constexpr unsigned frames_a_turn = 32;

}  // namespace

UserCard::UserCard(const CardOptions& options, UniqueFd tap, EventLoop& loop)
    : loop_(loop), interface_(options.interface), mac_(options.mac), tap_(std::move(tap)), room_(largest_frame) {
  namespace addresses = user_net_addresses;
  facts_.address = {addresses::guest, addresses::prefix};
  facts_.router = addresses::gateway;
  facts_.name_servers = {addresses::name_server};
}

UserCard::~UserCard() = default;

Result<std::unique_ptr<UserCard>> UserCard::make(const CardOptions& options, UniqueFd tap,
                                                 const ports::InterfaceSetter& setter, EventLoop& loop) {
  std::unique_ptr<UserCard> card(new UserCard(options, std::move(tap), loop));
  UserNetOptions net = {.forwards = std::get<UserCardOptions>(options.kind).forwards, .mtu = mtu};
  net.answers_inside = true;
  card->net_ = STRATA_TRY(UserNet::make(net, loop, *card));
  card->net_->connect([self = card.get()](std::span<const std::byte> frame, const iface::Offload& offload) {
    self->write_frame(frame, offload);
  });
  STRATA_TRY(setter.set_mac(options.interface, options.mac));
  STRATA_TRY(setter.set_mtu(options.interface, mtu));
  STRATA_TRY(setter.take_up(options.interface));
  STRATA_TRY(setter.set_address(options.interface, card->facts_.address));
  card->watch_ = STRATA_TRY(
      FdWatch::make(loop, card->tap_.get(), FdWatch::For::reading, [self = card.get()] { self->read_frames(); }));
  return card;
}

void UserCard::read_frames() {
  for (unsigned i = 0; i < frames_a_turn; ++i) {
    const ssize_t size = read(tap_.get(), room_.data(), room_.size());
    if (size < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (size < 0) {
      if (errno == EIO) return;  // down, and to be taken up again, perhaps
      log::warn("{} is gone from the container", interface_);
      watch_.reset();
      return;
    }
    if (static_cast<size_t>(size) <= iface::Offload::header_size) continue;
    net_->send(
        std::span(room_).subspan(iface::Offload::header_size, static_cast<size_t>(size) - iface::Offload::header_size));
  }
}

/// The kernel takes it at once or drops it.
void UserCard::write_frame(std::span<const std::byte> frame, const iface::Offload& offload) {
  std::array<std::byte, iface::Offload::header_size> header;
  offload.write(header);
  const iovec parts[] = {{header.data(), header.size()}, {const_cast<std::byte*>(frame.data()), frame.size()}};
  [[maybe_unused]] const ssize_t written = writev(tap_.get(), parts, 2);
}

Json UserCard::describe() const {
  Json forwards = Json::array();
  for (const Forward& each : net_->forwards()) forwards.push_back(to_string(each));
  return {{"interface", interface_},
          {"kind", "user"},
          {"mac", to_string(mac_)},
          {"address", ipv4_text(*facts_.address)},
          {"forwards", forwards}};
}

}  // namespace strata::network::container
