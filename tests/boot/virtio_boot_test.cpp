// Debian's own virtio drivers against our devices: disks, network, entropy and console of a guest that boots on the
// interpreter.
#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <mutex>
#include <random>
#include <thread>

#include "base/unique_fd.h"
#include "devices/virtio/blk/blk.h"
#include "devices/virtio/console/console.h"
#include "devices/virtio/core/virtio_pci.h"
#include "devices/virtio/net/net.h"
#include "devices/virtio/rng/host_entropy.h"
#include "devices/virtio/rng/rng.h"
#include "machine/pc/engines.h"
#include "memory/device_executor.h"
#include "network/user_net.h"
#include "storage/disk.h"
#include "tests/boot/test_pc.h"

namespace strata::test {
namespace {

using machine::pc::MachineExitReason;
using std::chrono_literals::operator""s;
using testing::HasSubstr;

constexpr size_t disk_size = 8 << 20;

std::string random_bytes(size_t size) {
  std::mt19937_64 random(size);
  std::string bytes(size, '\0');
  for (size_t i = 0; i + 8 <= size; i += 8) {
    const uint64_t number = random();
    std::memcpy(&bytes[i], &number, 8);
  }
  return bytes;
}

/// A server on 127.0.0.1 that answers one HTTP request with `body`, whatever was asked.
class HttpServer {
 public:
  explicit HttpServer(std::string body)
      : body_(std::move(body)), socket_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    bind(socket_.get(), reinterpret_cast<sockaddr*>(&address), length);
    getsockname(socket_.get(), reinterpret_cast<sockaddr*>(&address), &length);
    port_ = ntohs(address.sin_port);
    listen(socket_.get(), 5);
    thread_ = std::thread([this] { serve(); });
  }
  ~HttpServer() {
    shutdown(socket_.get(), SHUT_RDWR);  // wakes accept()
    thread_.join();
  }
  uint16_t port() const { return port_; }

 private:
  void serve() {
    const UniqueFd client(accept(socket_.get(), nullptr, nullptr));
    if (!client) return;
    char request[4096];
    recv(client.get(), request, sizeof request, 0);
    const std::string answer = fmt::format("HTTP/1.0 200 OK\r\nContent-Length: {}\r\n\r\n{}", body_.size(), body_);
    for (size_t at = 0; at < answer.size();) {
      const ssize_t sent = send(client.get(), &answer[at], answer.size() - at, MSG_NOSIGNAL);
      if (sent <= 0) return;
      at += static_cast<size_t>(sent);
    }
    shutdown(client.get(), SHUT_WR);
    recv(client.get(), request, sizeof request, 0);
  }

  std::string body_;
  UniqueFd socket_;
  uint16_t port_ = 0;
  std::thread thread_;
};

class TemporaryDisk {
 public:
  explicit TemporaryDisk(const std::string& contents) {
    std::string name = testing::TempDir() + "strata-boot-XXXXXX";
    close(mkstemp(name.data()));
    path_ = name;
    std::ofstream(path_, std::ios::binary) << contents;
  }
  ~TemporaryDisk() { std::filesystem::remove(path_); }
  const std::string& path() const { return path_; }
  std::string contents() const {
    std::ifstream in(path_, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }

 private:
  std::string path_;
};

class VirtioBootTest : public testing::TestWithParam<const char*> {
 protected:
  // Devices go before what is behind them, and that before the loop.
  ~VirtioBootTest() override {
    machine_.close();
    const std::lock_guard held(machine_.lock());
    net_.reset();
  }

  machine::pc::PcOptions options(const std::filesystem::path& folder, const std::string& command) {
    machine::pc::PcOptions options;
    options.memory = uint64_t{512} << 20;
    options.make_vcpus = machine::pc::jit_engine({});
    options.boot = {.kernel = read_file(folder / "vmlinuz"),
                    .initrd = read_file(folder / "initrd"),
                    .command_line = "console=ttyS0 quiet strata.cmd=\"" + command + "\""};
    options.pci_devices = [this](devices::PciBus& bus) -> Result<std::vector<std::unique_ptr<devices::PciDevice>>> {
      using namespace devices::virtio;
      std::vector<std::unique_ptr<devices::PciDevice>> made;
      const auto add = [&](std::unique_ptr<Device> device) {
        made.push_back(std::make_unique<VirtioPci>(bus, std::nullopt, std::move(device)));
      };
      add(std::make_unique<Blk>(bus.memory(), *source_, "disk0"));
      add(std::make_unique<Blk>(bus.memory(), *target_, "disk1"));
      add(std::make_unique<Net>(bus.memory(), *net_, NetOptions{}));
      add(std::make_unique<Rng>(bus.memory(), entropy_));
      add(std::make_unique<Console>(bus.memory(), virtio_console_));
      return made;
    };
    return options;
  }

  const std::string contents_ = random_bytes(disk_size);
  TemporaryDisk source_file_{contents_}, target_file_{std::string(disk_size, 'x')};
  CollectingConsole virtio_console_;
  devices::virtio::HostEntropy entropy_;
  TestPc machine_;
  memory::DeviceExecutor executor_{machine_.loop(), machine_.lock()};
  std::unique_ptr<iface::BlockStore> source_, target_;
  std::unique_ptr<network::UserNet> net_;
};

TEST_P(VirtioBootTest, DrivesAllDevices) {
  const auto folder = guest_folder(GetParam());
  if (!std::filesystem::exists(folder / "vmlinuz")) GTEST_SKIP() << "tests/guests/fetch " << GetParam();
  const std::string page = random_bytes(2 << 20);
  HttpServer server(page);
  source_ = storage::open_disk(source_file_.path(), {.read_only = true}, executor_).value();
  target_ = storage::open_disk(target_file_.path(), {}, executor_).value();
  net_ = network::UserNet::make({}, machine_.loop(), executor_).value();

  const std::string command = fmt::format(
      "cat /sys/block/vda/serial; echo; cat /sys/block/vda/ro;"
      "dd if=/dev/vda of=/dev/vdb bs=1M conv=fsync && cmp /dev/vda /dev/vdb && echo COPIED;"
      "net-up && wget -qO /page http://10.0.2.2:{}/page && "
      "dd if=/page of=/dev/vdb bs=1M conv=fsync,notrunc && echo FETCHED;"
      "head -c 100 /dev/hwrng | wc -c; echo printed on hvc0 > /dev/hvc0",
      server.port());
  const auto made = machine_.make(options(folder, command));
  ASSERT_TRUE(made) << made.error().message;
  const auto exit = machine_.run(500s);
  const std::string text = machine_.console().text();
  EXPECT_EQ(exit.reason, MachineExitReason::power_off) << exit.message << text;
  EXPECT_THAT(text, HasSubstr("disk0"));
  EXPECT_THAT(text, HasSubstr("COPIED"));
  EXPECT_THAT(text, HasSubstr("FETCHED\r\n100\r\n"));  // and bytes of entropy
  EXPECT_THAT(virtio_console_.text(), HasSubstr("printed on hvc0"));
  EXPECT_TRUE(target_file_.contents() == page + contents_.substr(page.size()));
}

INSTANTIATE_TEST_SUITE_P(Debian, VirtioBootTest, testing::Values("trixie-cloud-amd64"));
INSTANTIATE_TEST_SUITE_P(SlowDebian, VirtioBootTest, testing::Values("bookworm-686-pae", "trixie-amd64", "sid-amd64"));

}  // namespace
}  // namespace strata::test
