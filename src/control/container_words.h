// Values of container options as users write them. Errors are usage errors; who calls names the option.
#pragma once

#include <string>
#include <string_view>

#include "control/container_options.h"

namespace strata::control {

/// Letters, digits, '_', '.', '-'; it is a folder's name.
[[nodiscard]] Result<void> check_container_name(std::string_view name);
[[nodiscard]] Result<void> check_host_name(std::string_view name);

/// "0.5" is 500.
[[nodiscard]] Result<unsigned> parse_thousandths(std::string_view what, std::string_view text);
[[nodiscard]] Result<FolderChoice> parse_volume(std::string_view text);
[[nodiscard]] Result<TmpfsChoice> parse_tmpfs(std::string_view text);
[[nodiscard]] Result<DeviceChoice> parse_device(std::string_view text);
[[nodiscard]] Result<LimitChoice> parse_limit(std::string_view text);
[[nodiscard]] Result<container::RestartPolicy> parse_restart(std::string_view text);
/// "read-only", "write=/data", "bind=80", "connect=none", several with commas; added to what was given before.
[[nodiscard]] Result<void> add_landlock_rules(LandlockChoice& choice, std::string_view text);
/// "net_raw" is CAP_NET_RAW; ALL stays.
[[nodiscard]] Result<std::string> parse_capability(std::string_view what, std::string_view text);

/// Setters that keep something else than what was written: absolute paths, values of variables.
[[nodiscard]] Result<void> add_share(ContainerOptions& options, std::string_view text);
[[nodiscard]] Result<void> add_net(ContainerOptions& options, std::string_view text);
[[nodiscard]] Result<void> add_env(ContainerOptions& options, std::string_view text);
[[nodiscard]] Result<void> add_env_file(ContainerOptions& options, std::string_view path);
[[nodiscard]] Result<void> add_sysctl(ContainerOptions& options, std::string_view text);
[[nodiscard]] Result<void> set_workdir(ContainerOptions& options, std::string_view text);
[[nodiscard]] Result<void> set_seccomp(ContainerOptions& options, std::string_view text);

}  // namespace strata::control
