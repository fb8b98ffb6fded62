// strata network and strata port: the commands themselves.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "network/switch/configuration.h"

namespace strata::control {

using network::Edit;
using network::PartKind;
using network::SettingInfo;
using network::Settings;

/// What can be set of a port, an access list's rule, …: each is an option of the command line.
[[nodiscard]] std::span<const SettingInfo> settings_of(PartKind kind);

struct CreateRequest {
  std::string name;
  std::string file;  ///< TOML; empty: an empty network
  Settings options;
  bool start = true;
};
[[nodiscard]] Result<void> create_network(const CreateRequest& request);
/// In the foreground it runs in this process, until it is stopped.
[[nodiscard]] Result<void> start_network(const std::string& name, bool foreground);
[[nodiscard]] Result<void> stop_network(const std::string& name, bool kill);
/// A network that runs is removed with `force` only.
[[nodiscard]] Result<void> remove_network(const std::string& name, bool force);
[[nodiscard]] Result<void> list_networks(bool json);
[[nodiscard]] Result<void> show_network(const std::string& name, bool json);
[[nodiscard]] Result<void> export_network(const std::string& name);

struct ApplyRequest {
  std::string file;
  std::string network;  ///< empty: named as the file
  bool dry_run = false;
  bool yes = false;  ///< do not ask; where there is no terminal to ask at, it must be set
};
/// Shows the difference first. A network that is not there is made and started.
[[nodiscard]] Result<void> apply_network(const ApplyRequest& request);

/// Of a network that runs, or of its saved configuration.
[[nodiscard]] Result<void> edit_network(const std::string& name, const std::vector<Edit>& edits);
/// An edit of one part: "vlan=10,range=A-B,host=X,host=Y", and "vlan=10,off" to remove it.
[[nodiscard]] Result<void> edit_dhcp(const std::string& name, const std::string& spec);
/// "vlan=10,user,forward=tcp:8080:80": a port uplink-10; "vlan=10,off" removes it.
[[nodiscard]] Result<void> edit_uplink(const std::string& name, const std::string& spec);

[[nodiscard]] Result<void> list_ports(const std::string& name, bool json);
/// Parts of a kind with their settings: mirrors, rules of access lists.
[[nodiscard]] Result<void> list_parts(const std::string& name, PartKind kind, bool json);

[[nodiscard]] Result<void> list_stations(const std::string& name, bool json);
[[nodiscard]] Result<void> flush_stations(const std::string& name, uint16_t vlan, const std::string& port);
/// A static station of a port; or, with `remove`, no longer.
struct StationEdit {
  std::string address, port;
  uint16_t vlan = 0;
  bool remove = false;
};
[[nodiscard]] Result<void> edit_station(const std::string& name, const StationEdit& edit);
[[nodiscard]] Result<void> show_counters(const std::string& name, bool json);

struct CaptureRequest {
  std::string file;  ///< "-": standard output
  std::string port;  ///< empty: all
  uint16_t vlan = 0;
  uint32_t snap_length = 0;
  uint64_t seconds = 0;  ///< 0: until Ctrl-C
};
[[nodiscard]] Result<void> capture_network(const std::string& name, const CaptureRequest& request);

}  // namespace strata::control
