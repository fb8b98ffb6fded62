// Of a container: /etc/resolv.conf and /etc/hosts.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "network/container/card.h"

namespace strata::network::container {

/// The resolvers of all cards, the first card's first; at most three, which is all that resolv.conf(5) allows.
[[nodiscard]] std::string resolv_conf_text(const std::vector<CardFacts>& cards);
/// `host_name` is the first card's address; without one, a loopback address.
[[nodiscard]] std::string hosts_text(const std::string& host_name, const std::vector<CardFacts>& cards);

}  // namespace strata::network::container
