// Finding the folders of networks.
#include "network/switch/folders.h"

#include <sys/un.h>

#include <algorithm>

#include "base/user_folders.h"

namespace strata::network {
namespace fs = std::filesystem;

Result<void> check_name(std::string_view what, std::string_view name) {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); };
  const auto allowed = [&](char c) { return letter(c) || c == '-' || c == '_' || c == '.'; };
  if (!name.empty() && name.size() <= 32 && letter(name[0]) && std::all_of(name.begin(), name.end(), allowed))
    return {};
  return fail(ErrorCode::usage, "'{}' is no name of a {}: 1 to 32 letters, digits, '-', '_' and '.' are", name, what);
}

Result<NetworkFolders> network_folders(std::string_view name) {
  STRATA_TRY(check_name("network", name));
  NetworkFolders folders{std::string(name), STRATA_TRY(data_folder()) / "networks" / name,
                         STRATA_TRY(runtime_folder()) / "networks" / name};
  if (folders.control_socket().native().size() >= sizeof(sockaddr_un::sun_path)) {
    return fail(
        "the path of the control socket, {}, is longer than a socket's may be; set XDG_RUNTIME_DIR to a shorter one",
        folders.control_socket().string());
  }
  return folders;
}

Result<NetworkFolders> find_network(std::string_view name) {
  NetworkFolders folders = STRATA_TRY(network_folders(name));
  if (folders.exist()) return folders;
  return fail(ErrorCode::not_found, "there is no network '{0}'; make it with strata network create {0}", name);
}

Result<std::vector<std::string>> network_names() {
  std::vector<std::string> names;
  std::error_code none;  // no folder: no networks
  for (const auto& entry : fs::directory_iterator(STRATA_TRY(data_folder()) / "networks", none)) {
    std::string name = entry.path().filename();
    if (check_name("network", name) && fs::exists(entry.path() / "network.toml")) names.push_back(std::move(name));
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace strata::network
