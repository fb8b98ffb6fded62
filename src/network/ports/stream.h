// StreamPort: a cable over a stream socket, as QEMU's `-netdev stream` lays it: before each frame its length, 32 bits,
// big-endian.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/unique_fd.h"
#include "network/poll_set.h"
#include "network/ports/port.h"
#include "network/ports/segment.h"

namespace strata::network::ports {

struct StreamOptions {
  std::string path;     ///< of a Unix socket
  bool listen = false;  ///< else connects, and again every second when nobody is there
  /// Both ends are Strata's: Offload's header goes before each frame and is counted in its length, and large frames pass
  /// whole. Otherwise they are cut and completed here.
  bool offloads = false;
};

/// One peer at a time. A peer that closes in the middle of a frame, or announces one that cannot be, is dropped with a
/// warning; then the port waits for the next.
class StreamPort final : public Port {
 public:
  /// Errors: the path is too long, in use, or in a folder that cannot be written to. That nobody listens yet is none.
  static Result<std::unique_ptr<StreamPort>> open(std::string name, const StreamOptions& options);
  /// Over a socket that is connected already. Gone for good when the peer is. `peer` says who that is, for people.
  static Result<std::unique_ptr<StreamPort>> adopt(std::string name, UniqueFd socket, std::string peer, bool offloads);
  ~StreamPort() override;

  std::string describe() const override;

  int fd() const override { return poll_set_.fd(); }
  bool blocked() const override { return !pending_.empty(); }
  bool connected() const override { return static_cast<bool>(connection_); }
  Result<bool> receive(FramePool& pool, std::vector<Frame>& to, size_t most) override;
  size_t send(std::span<Frame> frames) override;
  void flush() override;
  Time deadline() const override { return retry_at_; }
  void tick(Time now) override;

 private:
  StreamPort(std::string name, StreamOptions options, PollSet poll_set);
  Result<void> listen();
  void connect();
  void accept();
  void begin(UniqueFd connection);
  /// Ends the connection for this reason. An error where there will be no other.
  Result<bool> hang_up(std::string_view reason);
  void watch();

  /// Reads once; false if nothing was there, or the peer is gone.
  Result<bool> read(std::vector<Frame>& to);
  /// Makes frames of what is in input_, until `to` has `enough`; false for a length that cannot be.
  bool parse(FramePool& pool, std::vector<Frame>& to, size_t enough);
  void complete(Frame&& frame, std::vector<Frame>& to);

  void send_whole(std::span<Frame> frames);
  void send_pieces(const Frame& frame);
  size_t header_size() const;

  const StreamOptions options_;
  std::string peer_;  ///< of adopt()
  PollSet poll_set_;
  UniqueFd listener_, connection_;
  Time retry_at_ = bridge::never;
  bool told_ = false;  ///< that nobody is there

  std::vector<std::byte> input_;  ///< read, and not yet of a frame
  size_t input_begin_ = 0, input_end_ = 0;
  Frame partial_;  ///< the frame of which only the first `filled_` bytes have come
  size_t filled_ = 0;
  size_t skip_ = 0;                 ///< bytes to come of a frame that there was no memory for
  std::vector<std::byte> pending_;  ///< the far side had no room for these
  Segmenter segmenter_;
};

}  // namespace strata::network::ports
