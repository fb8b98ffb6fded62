// Captures: copies of the frames at the switch's cables, as pcapng, to whoever asked for them.
#pragma once

#include <list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/event_loop.h"
#include "base/unique_fd.h"
#include "network/bridge/vlan.h"
#include "network/switch/datapath.h"
#include "network/switch/pcapng.h"

namespace strata::network {

struct CaptureOptions {
  std::string port;  ///< empty: all
  std::optional<bridge::Vid>
      vlan;                  ///< of frames with a tag: of this VLAN; of those without: at a port where that is theirs
  uint32_t snap_length = 0;  ///< octets of each frame; 0: all
};

/// One stream of pcapng blocks: frames are put in on the datapath's thread, and taken out on the loop's. A reader that is
/// slow loses frames, which are counted; it never holds up the switch.
class CaptureStream;

/// On the loop's thread, but for frame().
class Captures final : public FrameWatcher {
 public:
  Captures(Datapath& datapath, EventLoop& loop) : datapath_(datapath), loop_(loop) {}
  ~Captures();

  /// Until the reader closes or shuts down its end; then the rest and the interfaces' counts are written.
  void add(const CaptureOptions& options, UniqueFd connection);

  void frame(bridge::PortId port, Direction direction, const ports::Frame& frame) override;

 private:
  void end(CaptureStream* stream);

  Datapath& datapath_;
  EventLoop& loop_;
  std::vector<std::shared_ptr<CaptureStream>> streams_;  ///< changed on the datapath's thread; shared with posted work
};

}  // namespace strata::network
