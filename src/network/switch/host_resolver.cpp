// Sending queries to the host's resolver under identifiers of our own, and sorting the answers.
#include "network/switch/host_resolver.h"

#include <arpa/inet.h>
#include <sys/socket.h>

#include <algorithm>
#include <fstream>
#include <sstream>

namespace strata::network {
namespace {

constexpr size_t most_waiting = 256;
constexpr std::chrono::seconds patience{5};
constexpr size_t longest_answer = 4096;

bridge::Time now() { return std::chrono::steady_clock::now().time_since_epoch(); }

/// nullopt: the host has none that speaks IPv4.
std::optional<sockaddr_in> host_server() {
  std::ifstream file("/etc/resolv.conf");
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string key, address;
    sockaddr_in server = {.sin_family = AF_INET, .sin_port = htons(services::dns_port)};
    if (words >> key >> address && key == "nameserver" && inet_pton(AF_INET, address.c_str(), &server.sin_addr) == 1) {
      return server;
    }
  }
  return std::nullopt;
}

}  // namespace

Result<std::unique_ptr<HostResolver>> HostResolver::make() {
  UniqueFd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket) return fail_errno("making a socket for DNS");
  return std::unique_ptr<HostResolver>(new HostResolver(std::move(socket)));
}

void HostResolver::forward(services::Bytes query, Callback callback) {
  const auto server = host_server();
  auto id = static_cast<uint16_t>(random_());  // cannot be guessed by who would answer in the server's place
  if (!server || query.size() < 2 || waiting_.size() >= most_waiting || waiting_.contains(id)) return callback({});
  services::Frame own(query.begin(), query.end());
  own[0] = std::byte(id >> 8), own[1] = std::byte(id & 255);
  if (sendto(socket_.get(), own.data(), own.size(), 0, reinterpret_cast<const sockaddr*>(&*server), sizeof *server) <
      0) {
    return callback({});
  }
  waiting_[id] = {{query[0], query[1]}, std::move(callback), now() + patience};
}

void HostResolver::receive() {
  std::array<std::byte, longest_answer> bytes;
  sockaddr_in from = {};
  socklen_t size = sizeof from;
  ssize_t count;
  while ((count = recvfrom(socket_.get(), bytes.data(), bytes.size(), 0, reinterpret_cast<sockaddr*>(&from), &size)) >=
         0) {
    const auto server = host_server();
    if (count < 12 || !server || from.sin_addr.s_addr != server->sin_addr.s_addr || from.sin_port != server->sin_port)
      continue;
    const auto id =
        static_cast<uint16_t>(std::to_integer<unsigned>(bytes[0]) << 8 | std::to_integer<unsigned>(bytes[1]));
    const auto found = waiting_.find(id);
    if (found == waiting_.end()) continue;
    const Waiting waiting = std::move(found->second);
    waiting_.erase(found);
    bytes[0] = waiting.id[0], bytes[1] = waiting.id[1];
    waiting.callback(services::Bytes(bytes).first(static_cast<size_t>(count)));
  }
}

bridge::Time HostResolver::deadline() const {
  bridge::Time first = bridge::never;
  for (const auto& [id, waiting] : waiting_) first = std::min(first, waiting.until);
  return first;
}

void HostResolver::expire(bridge::Time time) {
  for (auto each = waiting_.begin(); each != waiting_.end();) {
    if (each->second.until > time) {
      ++each;
      continue;
    }
    const Callback callback = std::move(each->second.callback);
    each = waiting_.erase(each);
    callback({});
  }
}

}  // namespace strata::network
