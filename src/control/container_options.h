// What a user can ask of a container, and the one table through which command line and TOML say it.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "container/supervisor/plan.h"
#include "control/option_table.h"

namespace strata::control {

/// A folder of the host, or a named volume, inside.
struct FolderChoice {
  bool volume = false;
  std::string source;  ///< an absolute path, or the volume's name
  std::string target;
  bool read_only = false;
};

struct TmpfsChoice {
  std::string target;
  std::optional<uint64_t> bytes;
};

struct DeviceChoice {
  std::string path;    ///< on the host
  std::string target;  ///< inside
  std::string access;  ///< of r, w, m
};

struct LimitChoice {
  std::string name;  ///< RLIMIT_NOFILE
  uint64_t soft = 0, hard = 0;
};

/// What a container may still do (landlock(7)); what is not given is not limited.
struct LandlockChoice {
  std::optional<std::vector<std::string>> writable;  ///< files may be changed only below these absolute paths
  std::optional<std::vector<uint16_t>> bind_ports, connect_ports;  ///< of TCP
};

enum class UserSpace : uint8_t {
  own,   ///< a user namespace: root inside is nobody special outside
  host,  ///< the host's users
};

struct ContainerOptions {
  std::string image;                 ///< a name in the image store, or the path of a folder that is a root file system
  std::vector<std::string> command;  ///< empty: the image's
  std::string name;
  bool input = false, terminal = false, detach = false, remove = false;

  std::optional<int64_t> memory;       ///< bytes
  std::optional<unsigned> milli_cpus;  ///< 500: half a processor's time
  std::optional<int64_t> pids;
  std::vector<FolderChoice> folders;
  std::vector<TmpfsChoice> tmpfs;
  std::vector<std::string> nets;  ///< the words of each --net
  std::vector<std::string> env;   ///< NAME=VALUE
  std::string user, workdir, hostname;
  std::optional<std::string> entrypoint;  ///< empty: none
  bool read_only = false, init = false;

  std::optional<container::RestartPolicy> restart;
  std::optional<std::string> health_command;  ///< for a shell; empty: no check
  std::optional<container::Seconds> health_interval, health_timeout, health_start;
  std::optional<unsigned> health_retries;
  uint64_t log_bytes = uint64_t{10} << 20;
  unsigned log_files = 3;
  std::optional<int> stop_signal;
  container::Seconds stop_timeout{10};
  std::optional<container::Seconds> timeout;

  std::vector<std::string> added_capabilities, dropped_capabilities;  ///< CAP_…, or ALL
  std::string seccomp;  ///< a file, "unconfined", or empty: our own profile
  LandlockChoice landlock;
  UserSpace users = UserSpace::own;
  bool new_privileges = false;
  std::vector<DeviceChoice> devices;
  std::vector<LimitChoice> limits;
  std::vector<std::pair<std::string, std::string>> sysctls;

  /// What was given, name and value, so that a later start can say it again: paths are absolute, variables have values.
  std::vector<std::pair<std::string, std::string>> given;
};

using ContainerOption = Option<ContainerOptions>;

[[nodiscard]] std::span<const ContainerOption> container_options();

/// Sets an option and keeps it in `given`.
[[nodiscard]] Result<void> give_option(ContainerOptions& options, const ContainerOption& option,
                                       std::string_view value);

/// Reads options out of a TOML file over what `options` has already; `command` is an array of words.
[[nodiscard]] Result<void> read_container_toml(const std::string& path, ContainerOptions& options);

/// Whether they fit together.
[[nodiscard]] Result<void> check(const ContainerOptions& options);

/// "10", "90s", "5m", "2h", "1d": a time of at least `least`.
[[nodiscard]] Result<container::Seconds> parse_seconds(std::string_view what, std::string_view text,
                                                       container::Seconds least);

/// TERM, SIGTERM, sigterm, 15, RTMIN+3.
[[nodiscard]] Result<int> parse_signal(std::string_view what, std::string_view text);

}  // namespace strata::control
