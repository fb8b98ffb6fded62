// The user-mode network, between a guest made of frames and real sockets of this host.
#include "network/user_net.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <mutex>
#include <random>
#include <thread>

#include "base/unique_fd.h"
#include "network/test_guest.h"

namespace strata::network {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

using Lock = std::recursive_mutex;

struct LoopExecutor final : iface::Executor {
  LoopExecutor(EventLoop& on, Lock& with) : loop(on), lock(with) {}
  void post(std::function<void()> task) override {
    loop.post([this, task = std::move(task)] {
      const std::lock_guard held(lock);
      task();
    });
  }
  EventLoop& loop;
  Lock& lock;
};

/// A socket on 127.0.0.1 at a port that the kernel chose.
struct HostSocket {
  explicit HostSocket(int type) : fd(socket(AF_INET, type | SOCK_CLOEXEC, 0)) {
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(bind(fd.get(), as_sockaddr(), sizeof address), 0);
    socklen_t length = sizeof address;
    EXPECT_EQ(getsockname(fd.get(), as_sockaddr(), &length), 0);
    const timeval patience = {.tv_sec = 10, .tv_usec = 0};
    setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  }
  uint16_t port() const { return ntohs(address.sin_port); }
  sockaddr* as_sockaddr() { return reinterpret_cast<sockaddr*>(&address); }
  UniqueFd fd;
  sockaddr_in address = {};
};

/// A port that was free a moment ago.
uint16_t free_port(int type) { return HostSocket(type).port(); }

std::string read_to_end(int fd) {
  std::string text;
  char buffer[65536];
  ssize_t count;
  while ((count = recv(fd, buffer, sizeof buffer, 0)) > 0) text.append(buffer, static_cast<size_t>(count));
  return text;
}

class UserNetTest : public testing::Test {
 protected:
  template <class Function>
  decltype(auto) with_lock(const Function& function) {
    const std::lock_guard held(lock_);
    return function();
  }
  ~UserNetTest() override {
    with_lock([&] {
      guest_.reset();
      net_.reset();
    });
    loop_->join();  // its work uses lock and executor
  }
  void open(UserNetOptions options = {}) {
    auto net = UserNet::make(options, *loop_, executor_);
    ASSERT_TRUE(net) << net.error().message;
    net_ = std::move(*net);
    guest_ = std::make_unique<TestGuest>(*net_);
    ASSERT_TRUE(loop_->start());
  }
  /// Waits, without the lock in between, until it is so.
  bool becomes(const std::function<bool()>& condition) {
    for (const auto end = std::chrono::steady_clock::now() + 10s; std::chrono::steady_clock::now() < end;) {
      if (with_lock(condition)) return true;
      std::this_thread::sleep_for(1ms);
    }
    return false;
  }
  std::unique_ptr<EventLoop> loop_ = std::move(EventLoop::make().value());
  Lock lock_;
  LoopExecutor executor_{*loop_, lock_};
  std::unique_ptr<UserNet> net_;
  std::unique_ptr<TestGuest> guest_;
};

TEST_F(UserNetTest, AnswersArpForItsAddresses) {
  open();
  with_lock([&] {
    guest_->ask_arp(TestGuest::host);
    EXPECT_TRUE(guest_->arp.empty());  // never from inside send
  });
  EXPECT_TRUE(becomes([&] { return guest_->arp.contains(TestGuest::host); }));
}

TEST_F(UserNetTest, GivesAddressesByDhcp) {
  open();
  // DHCPDISCOVER (RFC 2131): BOOTREQUEST, Ethernet, a transaction, the client's hardware address; then options.
  std::string discover = big_endian(uint8_t{1}, uint8_t{1}, uint8_t{6}, uint8_t{0}, uint32_t{0x12345678});
  discover += std::string(20, '\0') + std::string("\x52\x54\x00\x12\x34\x56", 6) + std::string(202, '\0');
  discover += "\x63\x82\x53\x63" + std::string("\x35\x01\x01\xff", 4);
  with_lock([&] { guest_->send_udp(0xffffffff, 67, 68, discover, 0); });
  ASSERT_TRUE(becomes([&] { return !guest_->datagrams.empty(); }));
  const std::lock_guard held(lock_);
  const auto& offer = guest_->datagrams.front();
  EXPECT_EQ(offer.from, TestGuest::host);
  ASSERT_GT(offer.data.size(), 240u);
  EXPECT_EQ(load_be<uint32_t>(&offer.data[16]), TestGuest::own_address);           // yiaddr
  EXPECT_THAT(offer.data, HasSubstr(std::string("\x35\x01\x02", 3)));              // DHCPOFFER
  EXPECT_THAT(offer.data, HasSubstr(std::string("\x06\x04\x0a\x00\x02\x03", 6)));  // name server 10.0.2.3
  EXPECT_THAT(offer.data, HasSubstr(std::string("\x03\x04\x0a\x00\x02\x02", 6)));  // router 10.0.2.2
}

TEST_F(UserNetTest, ConnectsToTheHost) {
  HostSocket server(SOCK_STREAM);
  ASSERT_EQ(listen(server.fd.get(), 1), 0);
  std::string seen;
  std::thread serving([&] {
    const UniqueFd client(accept(server.fd.get(), nullptr, nullptr));
    char request[5];
    if (recv(client.get(), request, sizeof request, MSG_WAITALL) == sizeof request)
      seen.assign(request, sizeof request);
    send(client.get(), "answer", 6, MSG_NOSIGNAL);
  });
  open();
  auto& connection = with_lock([&]() -> auto& { return guest_->open(TestGuest::host, server.port()); });
  EXPECT_TRUE(becomes([&] { return connection.established; }));
  with_lock([&] { guest_->send(connection, "hello"); });
  EXPECT_TRUE(becomes([&] { return connection.ended; }));
  serving.join();
  EXPECT_EQ(seen, "hello");
  EXPECT_EQ(with_lock([&] { return connection.received; }), "answer");
}

TEST_F(UserNetTest, CarriesMuchBothWays) {
  std::mt19937 random(1);
  std::string data(2 << 20, '\0');
  for (char& byte : data) byte = static_cast<char>(random());
  HostSocket server(SOCK_STREAM);
  ASSERT_EQ(listen(server.fd.get(), 1), 0);
  std::string arrived;
  std::thread serving([&] {
    const UniqueFd client(accept(server.fd.get(), nullptr, nullptr));
    for (size_t at = 0; at < data.size();) {
      const ssize_t sent = send(client.get(), &data[at], data.size() - at, MSG_NOSIGNAL);
      if (sent <= 0) break;
      at += static_cast<size_t>(sent);
    }
    shutdown(client.get(), SHUT_WR);
    arrived = read_to_end(client.get());
  });
  open();
  auto& connection = with_lock([&]() -> auto& { return guest_->open(TestGuest::host, server.port()); });
  EXPECT_TRUE(becomes([&] { return connection.ended; }));
  const std::string back = data.substr(0, 30000);  // what slirp's buffer takes at once: this guest repeats nothing
  with_lock([&] {
    guest_->send(connection, back);
    guest_->end(connection);
  });
  serving.join();
  EXPECT_TRUE(with_lock([&] { return connection.received; }) == data);
  EXPECT_TRUE(arrived == back);
}

TEST_F(UserNetTest, ResetsWhereNobodyListens) {
  open();
  const uint16_t port = free_port(SOCK_STREAM);
  auto& connection = with_lock([&]() -> auto& { return guest_->open(TestGuest::host, port); });
  EXPECT_TRUE(becomes([&] { return connection.was_reset; }));
}

TEST_F(UserNetTest, ExchangesDatagramsWithTheHost) {
  HostSocket server(SOCK_DGRAM);
  open();
  with_lock([&] { guest_->send_udp(TestGuest::host, server.port(), 5000, "ping"); });
  char buffer[16];
  sockaddr_in from = {};
  socklen_t length = sizeof from;
  ASSERT_EQ(recvfrom(server.fd.get(), buffer, sizeof buffer, 0, reinterpret_cast<sockaddr*>(&from), &length), 4);
  ASSERT_EQ(sendto(server.fd.get(), "pong!", 5, 0, reinterpret_cast<sockaddr*>(&from), length), 5);
  ASSERT_TRUE(becomes([&] { return !guest_->datagrams.empty(); }));
  EXPECT_EQ(with_lock([&] { return guest_->datagrams.front().data; }), "pong!");
}

TEST_F(UserNetTest, ForwardsTcpToTheGuest) {
  const uint16_t port = free_port(SOCK_STREAM);
  open({.forwards = {{.host_port = port, .guest_port = 80}}});
  with_lock([&] { guest_->listen(80); });
  HostSocket client(SOCK_STREAM);
  sockaddr_in target = client.address;
  target.sin_port = htons(port);
  ASSERT_EQ(connect(client.fd.get(), reinterpret_cast<sockaddr*>(&target), sizeof target), 0);
  ASSERT_EQ(send(client.fd.get(), "GET /", 5, 0), 5);
  ASSERT_TRUE(becomes([&] { return guest_->accepted() && guest_->accepted()->received == "GET /"; }));
  with_lock([&] {
    guest_->send(*guest_->accepted(), "200 from the guest");
    guest_->end(*guest_->accepted());
  });
  EXPECT_EQ(read_to_end(client.fd.get()), "200 from the guest");
}

TEST_F(UserNetTest, ForwardsUdpToTheGuest) {
  const uint16_t port = free_port(SOCK_DGRAM);
  open({.forwards = {{.protocol = Forward::Protocol::udp, .host_port = port, .guest_port = 53}}});
  HostSocket client(SOCK_DGRAM);
  sockaddr_in target = client.address;
  target.sin_port = htons(port);
  ASSERT_EQ(sendto(client.fd.get(), "query", 5, 0, reinterpret_cast<sockaddr*>(&target), sizeof target), 5);
  ASSERT_TRUE(becomes([&] { return !guest_->datagrams.empty(); }));
  with_lock([&] {
    const auto& query = guest_->datagrams.front();
    EXPECT_EQ(query.data, "query");
    EXPECT_EQ(query.to_port, 53);
    guest_->send_udp(query.from, query.from_port, 53, "reply");
  });
  char buffer[16];
  ASSERT_EQ(recv(client.fd.get(), buffer, sizeof buffer, 0), 5);
  EXPECT_EQ(std::string(buffer, 5), "reply");
}

TEST_F(UserNetTest, NamesThePortThatIsInUse) {
  HostSocket tcp(SOCK_STREAM), udp(SOCK_DGRAM);
  ASSERT_EQ(listen(tcp.fd.get(), 1), 0);
  const auto refusal = [&](const Forward& forward) {
    const auto net = UserNet::make({.forwards = {forward}}, *loop_, executor_);
    return net ? std::string("it was taken") : net.error().message;
  };
  EXPECT_EQ(refusal({.host_port = tcp.port(), .guest_port = 80}),
            fmt::format("forward=tcp:127.0.0.1:{}:80: TCP port {} of this host is in use; choose another one",
                        tcp.port(), tcp.port()));
  EXPECT_THAT(refusal({.protocol = Forward::Protocol::udp, .host_port = udp.port(), .guest_port = 80}),
              HasSubstr(fmt::format("UDP port {} of this host is in use", udp.port())));
  EXPECT_THAT(refusal({.host_address = {192, 0, 2, 1}, .host_port = 8080, .guest_port = 80}),
              HasSubstr("forward=tcp:192.0.2.1:8080:80: Cannot assign requested address"));
}

TEST_F(UserNetTest, RefusesMtusThatCannotBe) {
  EXPECT_FALSE(UserNet::make({.mtu = 100}, *loop_, executor_));
  EXPECT_FALSE(UserNet::make({.mtu = 65535}, *loop_, executor_));
}

TEST_F(UserNetTest, SurvivesFramesThatAreNone) {
  open();
  std::mt19937 random(2);
  const std::lock_guard held(lock_);
  for (int i = 0; i < 3000; ++i) {
    std::string frame = TestGuest::ethernet(random() % 2 ? 0x0800 : random() % 2 ? 0x0806 : 0x86dd, {});
    for (size_t left = random() % (i % 50 ? 100 : 3000); left > 0; --left) frame += static_cast<char>(random());
    if (random() % 4) frame[14 % frame.size()] = 0x45;
    frame.resize(random() % (frame.size() + 1));
    guest_->send_frame(frame);
  }
}

TEST_F(UserNetTest, EndsWithConnectionsOpen) {
  HostSocket server(SOCK_STREAM);
  ASSERT_EQ(listen(server.fd.get(), 5), 0);
  open();
  auto& connection = with_lock([&]() -> auto& { return guest_->open(TestGuest::host, server.port()); });
  EXPECT_TRUE(becomes([&] { return connection.established; }));
  with_lock([&] { guest_->send(connection, "more to come"); });
}

}  // namespace
}  // namespace strata::network
