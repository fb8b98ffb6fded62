// Captures: every frame reaches a reader that keeps up, and a slow one learns what it has lost.
#include "network/switch/capture.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include <cstring>

namespace strata::network {
namespace {

class CaptureTest : public testing::Test {
 protected:
  CaptureTest() {
    EXPECT_TRUE(loop_->start());
    EXPECT_TRUE(datapath_->start());
    port_ = datapath_->call([&] { return datapath_->bridge().add_port(bridge::access_port("p1", 10), {}).value(); });
  }
  ~CaptureTest() override { loop_->join(); }

  UniqueFd start(const CaptureOptions& options) {
    int ends[2];
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    loop_->post([this, options, theirs = ends[1]] { captures_->add(options, UniqueFd(theirs)); });
    UniqueFd ours(ends[0]);
    pollfd header = {ours.get(), POLLIN, 0};
    poll(&header, 1, 10'000);
    return ours;
  }

  void frames(int count, size_t size) {
    datapath_->call([&] {
      for (int i = 0; i < count; ++i) {
        auto frame = datapath_->pool().make(size);
        std::memset(frame.fill().data(), 0x11, size);
        captures_->frame(port_, FrameWatcher::Direction::in, frame);
      }
    });
  }

  struct Read {
    unsigned frames = 0;
    uint64_t received = 0, dropped = 0;  ///< as the statistics say
  };
  /// To the end, which is asked for first.
  static Read read_all(const UniqueFd& stream, bool ask_first) {
    if (ask_first) shutdown(stream.get(), SHUT_WR);
    std::vector<std::byte> file;
    std::byte bytes[65536];
    for (ssize_t count; (count = recv(stream.get(), bytes, sizeof bytes, 0)) > 0;) {
      file.insert(file.end(), bytes, bytes + count);
    }
    Read read;
    for (size_t at = 0; at + 12 <= file.size();) {
      uint32_t type, length;
      std::memcpy(&type, &file[at], 4), std::memcpy(&length, &file[at + 4], 4);
      if (type == 6) ++read.frames;
      if (type == 5) std::memcpy(&read.received, &file[at + 24], 8), std::memcpy(&read.dropped, &file[at + 36], 8);
      at += length;
      EXPECT_LE(at, file.size());
    }
    return read;
  }

  std::unique_ptr<EventLoop> loop_ = EventLoop::make().value();
  std::unique_ptr<Datapath> datapath_ = Datapath::make({}).value();
  std::unique_ptr<Captures> captures_ = std::make_unique<Captures>(*datapath_, *loop_);
  bridge::PortId port_ = 0;
};

TEST_F(CaptureTest, AllFramesReachTheReaderAlsoMoreThanTheSocketHolds) {
  const UniqueFd stream = start({});
  frames(2000, 1500);  // the socket is full long before
  const Read read = read_all(stream, true);
  EXPECT_EQ(read.frames, 2000u);
  EXPECT_EQ(read.received, 2000u);
  EXPECT_EQ(read.dropped, 0u);
}

TEST_F(CaptureTest, SlowReaderLosesFramesAndIsTold) {
  const UniqueFd stream = start({});
  frames(20'000, 1500);  // 30 MB: more than is kept
  const Read read = read_all(stream, true);
  EXPECT_EQ(read.received, 20'000u);
  EXPECT_GT(read.dropped, 0u);
  EXPECT_EQ(read.frames + read.dropped, read.received);
}

TEST_F(CaptureTest, FiltersByPortAndVlan) {
  const UniqueFd other_port = start({.port = "p2"}), other_vlan = start({.vlan = 20}), this_vlan = start({.vlan = 10});
  frames(3, 60);
  EXPECT_EQ(read_all(other_port, true).frames, 0u);
  EXPECT_EQ(read_all(other_vlan, true).frames, 0u);
  EXPECT_EQ(read_all(this_vlan, true).frames, 3u);
}

TEST_F(CaptureTest, ReaderThatGoesAwayIsForgotten) {
  for (int i = 0; i < 20; ++i) {
    start({});
    frames(200, 1500);
  }
  const UniqueFd stream = start({});
  frames(1, 60);
  EXPECT_EQ(read_all(stream, true).frames, 1u);
}

}  // namespace
}  // namespace strata::network
