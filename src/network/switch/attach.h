// attach_machine: gives a machine of another process a port of a running switch.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/unique_fd.h"
#include "network/services/ipv4.h"
#include "network/switch/settings.h"

namespace strata::network {

struct MachineAttachment {
  std::string network;
  std::string machine;    ///< the port's name; where it is taken, a number follows
  Settings settings;      ///< of the port: vlan, trunk, mtu, …; nothing that says where its cable goes
  bool offloads = false;  ///< the machine writes and reads iface::Offload's header before each frame
};

struct AttachedMachine {
  UniqueFd socket;   ///< carries frames, as ports::StreamPort does
  std::string port;  ///< its name in the switch
  uint16_t mtu = 1500;
};

/// The port is there as long as the socket is open at both ends; when the switch ends, it is the machine's to attach
/// again. Errors: no such network, it does not run, settings that cannot be.
[[nodiscard]] Result<AttachedMachine> attach_machine(const MachineAttachment& attachment);

/// What the switch's own services say of the VLAN of a port's frames without a tag.
struct VlanFacts {
  services::Ipv4Network network;  ///< and the switch's address in it
  services::Ipv4 router = 0;      ///< 0: none
  std::vector<services::Ipv4> name_servers;
  std::string domain;
};

struct AttachedTap {
  UniqueFd connection;  ///< the port is there as long as it is open; a byte from the switch: the port's VLAN is another
  std::string port;
  uint16_t mtu = 1500;
  std::optional<VlanFacts> vlan;  ///< nullopt: the switch has no services there
};

/// The same for who has a TAP (ports::make_tap()) and leaves the frames to the switch: they cross no further process.
/// `address` is what its owner will use there without asking; it is refused where it is another's.
[[nodiscard]] Result<AttachedTap> attach_tap(const MachineAttachment& attachment, int tap,
                                             const std::optional<services::Ipv4Network>& address);

}  // namespace strata::network
