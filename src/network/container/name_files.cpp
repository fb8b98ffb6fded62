// The texts, from what cards know.
#include "network/container/name_files.h"

#include <algorithm>

namespace strata::network::container {
namespace {

constexpr size_t most_name_servers = 3;

void add_once(std::vector<std::string>& texts, const std::string& text) {
  if (!text.empty() && std::find(texts.begin(), texts.end(), text) == texts.end()) texts.push_back(text);
}

}  // namespace

std::string resolv_conf_text(const std::vector<CardFacts>& cards) {
  std::vector<std::string> servers, domains;
  for (const CardFacts& card : cards) {
    add_once(domains, card.domain);
    for (const services::Ipv4 server : card.name_servers) add_once(servers, services::ipv4_text(server));
  }
  if (servers.size() > most_name_servers) servers.resize(most_name_servers);
  std::string text;
  if (!domains.empty()) text += fmt::format("search {}\n", fmt::join(domains, " "));
  for (const std::string& server : servers) text += fmt::format("nameserver {}\n", server);
  return text;
}

std::string hosts_text(const std::string& host_name, const std::vector<CardFacts>& cards) {
  const auto first = std::find_if(cards.begin(), cards.end(), [](const CardFacts& card) { return card.address; });
  const std::string address = first == cards.end() ? "127.0.1.1" : services::ipv4_text(first->address->address);
  return fmt::format("127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n{}\t{}\n", address, host_name);
}

}  // namespace strata::network::container
