// Two stream sockets in a switch: what one of them is sent is the fuzzer's, and what the other one says has to be frames.
#include <sys/socket.h>

#include <array>
#include <cstdlib>
#include <string>

#include "base/bits.h"
#include "network/ports/stream.h"
#include "network/switch/datapath.h"
#include "tests/fuzz/bytes.h"

using namespace strata;
using namespace strata::network;

namespace {

UniqueFd plug(Datapath& datapath, const char* name, bool offloads) {
  std::array<int, 2> ends;
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()) != 0) std::abort();
  const auto id = datapath.bridge().add_port(bridge::access_port(name, 10), {});
  auto port = ports::StreamPort::adopt(name, UniqueFd(ends[1]), "fuzz", offloads);
  if (!id || !port || !datapath.plug_in(*id, std::move(*port))) std::abort();
  return UniqueFd(ends[0]);
}

/// Reads whole frames with their lengths; one that no frame can have is a bug of ours.
class Reader {
 public:
  Reader(int socket, bool offloads) : socket_(socket), header_(offloads ? iface::Offload::header_size : 0) {}
  void read() {
    std::array<char, 65536> part;
    ssize_t size;
    while ((size = recv(socket_, part.data(), part.size(), 0)) > 0)
      bytes_.append(part.data(), static_cast<size_t>(size));
    while (bytes_.size() >= 4) {
      const size_t length = load_be<uint32_t>(bytes_.data());
      if (length < header_ + bridge::ethernet_header_size || length > header_ + bridge::max_frame_size) std::abort();
      if (bytes_.size() < 4 + length) break;
      bytes_.erase(0, 4 + length);
    }
  }

 private:
  int socket_;
  size_t header_;
  std::string bytes_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::Bytes input(data, size);
  const auto choice = input.number<std::uint8_t>();
  auto datapath = Datapath::make({});
  if (!datapath) std::abort();
  const UniqueFd from = plug(**datapath, "from", choice & 1);
  const UniqueFd to = plug(**datapath, "to", choice & 2);
  Reader reader(to.get(), choice & 2);
  while (!input.empty()) {
    const auto chunk = input.take(input.number<std::uint8_t>() * (choice & 4 ? 64u : 1u) + 1);
    if (send(from.get(), chunk.data(), chunk.size(), MSG_NOSIGNAL) < 0) break;
    (*datapath)->turn({});
    reader.read();
  }
  for (int i = 0; i < 4; ++i) (*datapath)->turn({});
  reader.read();
  return 0;
}
