// attach_machine: gives a machine of another process a port of a running switch.
#pragma once

#include <string>

#include "base/unique_fd.h"
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

}  // namespace strata::network
