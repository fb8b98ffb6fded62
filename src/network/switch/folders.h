// Where a network keeps its configuration, and where the process that runs it is found.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace strata::network {

/// The folders of one network. `data` is there while the network is; `runtime` is made when it starts.
struct NetworkFolders {
  std::string name;
  std::filesystem::path data;     ///< $XDG_DATA_HOME/strata/networks/NAME
  std::filesystem::path runtime;  ///< $XDG_RUNTIME_DIR/strata/networks/NAME

  std::filesystem::path configuration() const { return data / "network.toml"; }
  std::filesystem::path leases() const { return data / "leases"; }  ///< a folder with a file for each VLAN
  std::filesystem::path log() const { return data / "log"; }
  std::filesystem::path control_socket() const { return runtime / "control"; }
  std::filesystem::path lock() const {
    return runtime / "lock";
  }  ///< held, and holds the process's number, while it runs

  bool exist() const { return std::filesystem::exists(configuration()); }
};

/// 1 to 32 letters, digits, '-', '_' and '.', the first a letter or digit. `what` names the thing in the error.
[[nodiscard]] Result<void> check_name(std::string_view what, std::string_view name);

/// Those of a network that may not exist yet.
[[nodiscard]] Result<NetworkFolders> network_folders(std::string_view name);

/// Those of a network that exists.
[[nodiscard]] Result<NetworkFolders> find_network(std::string_view name);

/// The names of all networks of this user, sorted.
[[nodiscard]] Result<std::vector<std::string>> network_names();

}  // namespace strata::network
