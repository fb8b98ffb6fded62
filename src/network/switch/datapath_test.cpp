// The loop with cables in memory, and with a socket at the other end.
#include "network/switch/datapath.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <algorithm>
#include <string>

#include "base/bits.h"
#include "network/ports/memory.h"
#include "network/ports/stream.h"

namespace strata::network {
namespace {

using bridge::PortId;
using ports::MemoryPort;

std::string frame_from(uint8_t from, uint8_t to, std::string_view payload = std::string(46, 'x')) {
  std::string frame("\x02\0\0\0\0", 5);
  frame += static_cast<char>(to);
  frame += std::string("\x02\0\0\0\0", 5) + static_cast<char>(from) + "\x08";
  frame += '\0';
  return frame + std::string(payload);
}

std::string text_of(const ports::Frame& frame) {
  std::string text(frame.size(), '\0');
  frame.copy_to(std::as_writable_bytes(std::span(text)));
  return text;
}

class DatapathTest : public testing::Test {
 protected:
  void SetUp() override {
    auto made = Datapath::make({});
    ASSERT_TRUE(made);
    datapath_ = std::move(*made);
  }
  PortId add(const bridge::PortConfig& config) {
    auto id = datapath_->bridge().add_port(config, Datapath::now());
    EXPECT_TRUE(id) << id.error().message;
    return *id;
  }
  PortId add_memory(const std::string& name, bridge::Vid vid) {
    const PortId id = add(bridge::access_port(name, vid));
    EXPECT_TRUE(datapath_->plug_in(id, std::make_unique<MemoryPort>(name)));
    return id;
  }
  MemoryPort& memory(PortId id) { return static_cast<MemoryPort&>(*datapath_->port(id)); }
  void put(PortId id, const std::string& frame) {
    memory(id).put(datapath_->pool().copy(std::as_bytes(std::span(frame))));
  }
  std::vector<std::string> sent(PortId id) {
    std::vector<std::string> texts;
    for (const auto& frame : memory(id).sent()) texts.push_back(text_of(frame));
    memory(id).sent().clear();
    return texts;
  }
  void turn(int times = 2) {
    for (int i = 0; i < times; ++i) datapath_->turn(std::chrono::milliseconds(10));
  }

  std::unique_ptr<Datapath> datapath_;
};

TEST_F(DatapathTest, MovesFramesWithinAVlan) {
  const PortId a = add_memory("a", 10), b = add_memory("b", 10), c = add_memory("c", 20);
  put(a, frame_from(1, 2));
  turn();
  EXPECT_EQ(sent(b), std::vector{frame_from(1, 2)});
  EXPECT_TRUE(sent(c).empty());
}

TEST_F(DatapathTest, KeepsWhatAFullCableCannotTake) {
  const PortId a = add_memory("a", 10), b = add_memory("b", 10);
  memory(b).set_room(2);
  for (uint8_t i = 0; i < 5; ++i) put(a, frame_from(1, 2, std::string(46, static_cast<char>('0' + i))));
  turn();
  EXPECT_EQ(sent(b).size(), 2u);
  turn();
  EXPECT_TRUE(sent(b).empty());
  memory(b).set_room(10);
  turn();
  const auto rest = sent(b);
  ASSERT_EQ(rest.size(), 3u);
  EXPECT_EQ(rest[0].back(), '2');
  EXPECT_EQ(rest[2].back(), '4');
}

TEST_F(DatapathTest, PullsACableOutOfAPort) {
  const PortId a = add_memory("a", 10), b = add_memory("b", 10);
  auto cable = datapath_->pull_out(b);
  EXPECT_FALSE(datapath_->bridge().is_up(b));
  put(a, frame_from(1, 2));
  turn();
  EXPECT_TRUE(static_cast<MemoryPort&>(*cable).sent().empty());
  ASSERT_TRUE(datapath_->plug_in(b, std::move(cable)));
  put(a, frame_from(1, 2));
  turn();
  EXPECT_EQ(sent(b).size(), 1u);
}

/// A port whose far end is a socket that the test holds.
class FarEnd {
 public:
  explicit FarEnd(Datapath& datapath, PortId id, bool offloads) : datapath_(datapath) {
    int ends[2];
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
    socket_.reset(ends[0]);
    auto port = ports::StreamPort::adopt("far", UniqueFd(ends[1]), "the test", offloads);
    EXPECT_TRUE(port && datapath.plug_in(id, std::move(*port)));
  }
  void write(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t size = ::write(socket_.get(), bytes.data(), bytes.size());
      if (size > 0) bytes.remove_prefix(static_cast<size_t>(size));
      datapath_.turn({});
    }
  }
  std::string read() {
    std::string all, part(1 << 20, '\0');
    for (int i = 0; i < 50; ++i) {
      datapath_.turn({});
      const ssize_t size = ::read(socket_.get(), part.data(), part.size());
      if (size > 0) all += part.substr(0, static_cast<size_t>(size));
    }
    return all;
  }
  void close() { socket_.reset(); }

 private:
  Datapath& datapath_;
  UniqueFd socket_;
};

std::string with_length(std::string_view bytes) {
  std::string length(4, '\0');
  store_be<uint32_t>(length.data(), static_cast<uint32_t>(bytes.size()));
  return length + std::string(bytes);
}

TEST_F(DatapathTest, SpeaksQemusFramingWithASocket) {
  const PortId a = add_memory("a", 10), b = add(bridge::access_port("b", 10));
  FarEnd far(*datapath_, b, false);
  const std::string large = frame_from(2, 1, std::string(1500, 'l'));
  const std::string bytes = with_length(frame_from(2, 1)) + with_length(large) + with_length(frame_from(2, 1));
  for (const char byte : bytes.substr(0, 100)) far.write({&byte, 1});
  far.write(bytes.substr(100));
  turn(4);
  EXPECT_EQ(sent(a), (std::vector{frame_from(2, 1), large, frame_from(2, 1)}));
  put(a, frame_from(1, 2));
  EXPECT_EQ(far.read(), with_length(frame_from(1, 2)));
}

TEST_F(DatapathTest, TakesFramesOfEverySizeFromASocket) {
  const PortId a = add_memory("a", 10), b = add(bridge::access_port("b", 10));
  FarEnd far(*datapath_, b, false);
  uint64_t count = 0;
  for (const size_t size : {0u, 1u, 13u, 14u, 59u, 60u, 1514u, 1515u, 9216u, 65535u, 65560u, 69632u, 70000u, 72000u}) {
    far.write(with_length(std::string(size, '\2')));
    ++count;
  }
  far.write(with_length(frame_from(2, 1)));
  turn(20);
  EXPECT_EQ(datapath_->bridge().counters(b).received.frames, count + 1);
  EXPECT_EQ(sent(a).back(), frame_from(2, 1));
}

// Once looked for the rest of the last frame for ever.
TEST_F(DatapathTest, TakesMoreFramesThanATurnFromASocketThenAPartOfOne) {
  const PortId a = add_memory("a", 10), b = add(bridge::access_port("b", 10));
  FarEnd far(*datapath_, b, false);
  const std::string one = with_length(frame_from(2, 1));
  for (const size_t count : {8u, 15u, 16u, 17u, 40u}) {
    std::string bytes;
    for (size_t i = 0; i < count; ++i) bytes += one;
    far.write(bytes + one.substr(0, 30));
    turn(10);
    EXPECT_EQ(sent(a).size(), count);
    far.write(one.substr(30));
    turn();
    EXPECT_EQ(sent(a).size(), 1u);
  }
}

TEST_F(DatapathTest, LosesAPeerThatAnnouncesAnAbsurdLength) {
  const PortId b = add(bridge::access_port("b", 10));
  std::string error;
  datapath_->on_gone([&](PortId id, const Error& why) {
    EXPECT_EQ(id, b);
    error = why.message;
  });
  FarEnd far(*datapath_, b, false);
  far.write(std::string("\xff\xff\xff\xff", 4));
  turn(4);
  EXPECT_NE(error.find("port far"), std::string::npos) << error;
  EXPECT_EQ(datapath_->port(b), nullptr);
  EXPECT_FALSE(datapath_->bridge().is_up(b));
}

TEST_F(DatapathTest, LosesAPeerThatClosesInTheMiddleOfAFrame) {
  const PortId b = add(bridge::access_port("b", 10));
  std::string error;
  datapath_->on_gone([&](PortId, const Error& why) { error = why.message; });
  for (const size_t size : {1u, 4u, 30u}) {
    error.clear();
    FarEnd far(*datapath_, b, false);
    far.write(with_length(frame_from(2, 1)).substr(0, size));
    far.close();
    turn(4);
    EXPECT_NE(error.find("in the middle of a frame"), std::string::npos) << error;
  }
}

TEST_F(DatapathTest, PassesOffloadsBetweenItsOwnSockets) {
  const PortId a = add(bridge::access_port("a", 10)), b = add(bridge::trunk_port("b", {10}));
  FarEnd left(*datapath_, a, true), right(*datapath_, b, true);
  const std::string frame = frame_from(2, 1, std::string(60'000, 'p'));
  iface::Offload offload = {.needs_checksum = true,
                            .gso = iface::Offload::Gso::tcp4,
                            .header_length = 54,
                            .gso_size = 1448,
                            .checksum_start = 34,
                            .checksum_offset = 16};
  std::string header(iface::Offload::header_size, '\0');
  const auto header_bytes = std::as_writable_bytes(std::span(header)).first<iface::Offload::header_size>();
  offload.write(header_bytes);
  left.write(with_length(header + frame));
  const std::string got = right.read();
  offload.checksum_start += 4;  // behind the tag
  offload.header_length += 4;
  offload.write(header_bytes);
  EXPECT_EQ(got, with_length(header + frame.substr(0, 12) + std::string("\x81\0\0\x0a", 4) + frame.substr(12)));
}

TEST_F(DatapathTest, CutsLargeFramesForAPeerWithoutOffloads) {
  const PortId a = add(bridge::access_port("a", 10)), b = add(bridge::access_port("b", 10));
  FarEnd left(*datapath_, a, true), right(*datapath_, b, false);
  std::string frame = frame_from(2, 1, std::string(40 + 4000, 'p'));
  frame[14] = 0x45;
  frame[14 + 9] = 6;
  frame[14 + 20 + 12] = 0x50;
  iface::Offload offload = {.needs_checksum = true,
                            .gso = iface::Offload::Gso::tcp4,
                            .header_length = 54,
                            .gso_size = 1000,
                            .checksum_start = 34,
                            .checksum_offset = 16};
  std::string header(iface::Offload::header_size, '\0');
  offload.write(std::as_writable_bytes(std::span(header)).first<iface::Offload::header_size>());
  left.write(with_length(header + frame));
  EXPECT_EQ(right.read().size(), 4 * (4 + 54 + 1000u));
}

TEST_F(DatapathTest, IsAskedByOtherThreads) {
  ASSERT_TRUE(datapath_->start());
  const PortId a = datapath_->call([&] { return add_memory("a", 10); });
  const PortId b = datapath_->call([&] { return add_memory("b", 10); });
  datapath_->call([&] { put(a, frame_from(1, 2)); });
  size_t count = 0;
  for (int i = 0; i < 1000 && count == 0; ++i) count = datapath_->call([&] { return sent(b).size(); });
  EXPECT_EQ(count, 1u);
  datapath_->stop();
}

}  // namespace
}  // namespace strata::network
