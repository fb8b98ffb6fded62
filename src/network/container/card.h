// Card: a network card of a container, as the process that carries its network sees it.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "network/container/options.h"
#include "network/switch/control_message.h"

namespace strata::network::container {

/// What a card knows of the network that it is in.
struct CardFacts {
  std::optional<services::Ipv4Network> address;
  services::Ipv4 router = 0;  ///< 0: none
  std::vector<services::Ipv4> name_servers;
  std::string domain;
  bool operator==(const CardFacts&) const = default;
};

/// Lives on its loop's thread.
class Card {
 public:
  virtual ~Card() = default;
  virtual const std::string& interface() const = 0;
  virtual const CardFacts& facts() const = 0;
  /// Whether there is nothing more to wait for.
  virtual bool settled() const = 0;
  /// What it waits for, with the remedy.
  virtual std::string waits_for() const { return ""; }
  /// For people and programs: interface, kind, port, mac, address, forwards.
  virtual Json describe() const = 0;

  /// nullptr: it has none.
  virtual const std::vector<Forward>* forwards() const { return nullptr; }
  virtual Result<void> set_forwards(const std::vector<Forward>&) {
    return fail(ErrorCode::unsupported, "no ports of the host lead into a network");
  }
};

}  // namespace strata::network::container
