// The network of a container: the cards in its namespace, the process that carries them, what changes while it runs.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "control/net_choice.h"

namespace strata::control {

/// What all --net of a container come to.
struct ContainerNet {
  bool own_space = true;         ///< false (--net host): no network namespace in config.json, and nothing to start
  std::vector<NetChoice> cards;  ///< eth0, eth1, …; empty (--net none): only lo
};

/// The words of each --net, in order; none given: one card of user mode. Everything that can be said without looking
/// outside is checked. Errors are usage errors and name the word.
[[nodiscard]] Result<ContainerNet> parse_container_net(std::span<const std::string> texts);

/// Where the network of one container lives.
struct ContainerNetworkPlace {
  std::string
      name;  ///< the container's: its host name in DHCP and /etc/hosts, its port in a switch unless port= says so
  /// Of the running container, closed to others. In it: `resolv.conf` and `hosts`, to be mounted over the container's;
  /// `network`, the control socket; `network.log`.
  std::filesystem::path folder;

  std::filesystem::path resolv_conf() const { return folder / "resolv.conf"; }
  std::filesystem::path hosts() const { return folder / "hosts"; }
};

/// Before the container is created: writes `resolv.conf` and `hosts`, as far as they are known. start_container_network()
/// completes them in place (same inode), so that a bind mount of the files sees it.
[[nodiscard]] Result<void> prepare_network_files(const ContainerNet& net, const ContainerNetworkPlace& place);

/// Between create and start (an own network namespace is there, the program does not run yet), and again after each
/// restart. `pid` is the container's first process: in its network namespace, whose owner may be another user namespace
/// (found by itself), lo and the cards come up with addresses and routes. A process of its own carries them and ends when
/// `pid` has ended, however that came. Without cards no process is left. To be called by a process of one thread.
/// Errors: unknown network, port of the host in use, no DHCP in the VLAN, …: then nothing is left.
[[nodiscard]] Result<void> start_container_network(const ContainerNet& net, const ContainerNetworkPlace& place,
                                                   pid_t pid);

/// Ends the process, if there is one, and waits until it has: ports of the host and of switches are free then. Needed only
/// where they are to be free at once.
[[nodiscard]] Result<void> stop_container_network(const ContainerNetworkPlace& place);

/// `update --forward`: each change is "+tcp:8443:443" or "-tcp:8443" ("-tcp:127.0.0.1:8443" where several addresses have
/// it). All or nothing; connections that are there go on. Errors: no card of user mode, port in use, no such forward.
[[nodiscard]] Result<void> change_forwards(const ContainerNetworkPlace& place, std::span<const std::string> changes);

/// The same change to the words of --net, for a container that is to keep it after a restart.
[[nodiscard]] Result<std::vector<std::string>> with_forward_changes(std::span<const std::string> texts,
                                                                    std::span<const std::string> changes);

/// A card as it is now.
struct CardState {
  std::string interface;              ///< eth0
  std::string kind;                   ///< "user", or the network's name
  std::string port;                   ///< its port in the network
  std::string mac;                    ///< "02:…"
  std::string address;                ///< "10.0.2.15/24"; empty: none yet
  std::vector<std::string> forwards;  ///< "tcp:127.0.0.1:8080:80"
};

/// Empty where nothing runs.
[[nodiscard]] Result<std::vector<CardState>> container_cards(const ContainerNetworkPlace& place);

}  // namespace strata::control
