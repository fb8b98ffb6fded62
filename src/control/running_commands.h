// The everyday verbs for what runs under a name: today containers.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "control/container_options.h"

namespace strata::control {

using Names = std::vector<std::string>;

/// A table, or with `json` an array. Those that have ended only with `all`.
[[nodiscard]] Result<void> list_running(bool all, bool json);

/// Several at the same time, each with its own error; gives the exit code. `timeout`: seconds from the stop signal to KILL.
[[nodiscard]] Result<int> stop_running(const Names& names, std::optional<int> timeout);
[[nodiscard]] Result<int> kill_running(const Names& names, const std::string& signal);
[[nodiscard]] Result<int> pause_running(const Names& names, bool pause);
[[nodiscard]] Result<int> remove_running(const Names& names, bool force, bool all);
[[nodiscard]] Result<int> start_stopped(const Names& names, bool attach);

/// Its standard input and outputs are ours until it ends or Ctrl-] q. Gives its exit code.
[[nodiscard]] Result<int> attach_to(const std::string& name);
/// Waits for the end and prints its exit code.
[[nodiscard]] Result<int> wait_for(const std::string& name);

struct ExecRequest {
  std::string name;
  std::vector<std::string> command;
  bool input = false, terminal = false, detach = false;
  std::vector<std::string> env;  ///< NAME=VALUE, or NAME for ours
  std::string user, workdir;
};
/// Runs one more program in it; does not come back if that could be begun.
[[nodiscard]] Result<int> exec_in(const ExecRequest& request);

struct UpdateRequest {
  std::string name;
  std::vector<std::pair<std::string, std::string>> options;  ///< name and value, of those that update_options() names
  std::vector<std::string> forwards;                         ///< "+tcp:8443:443", "-tcp:8443"
};
/// The options of `run` that a running container can be given anew.
[[nodiscard]] std::vector<const ContainerOption*> update_options();
/// Changes it while it runs, and what a later start gives it.
[[nodiscard]] Result<void> update_running(const UpdateRequest& request);

struct LogRequest {
  std::string name;
  bool follow = false, timestamps = false;
  std::optional<uint64_t> tail;  ///< the last that many lines
  std::string since;             ///< RFC 3339, or a time back from now ("10m")
};
[[nodiscard]] Result<void> print_log(const LogRequest& request);

struct StatsRequest {
  Names names;  ///< empty: all that run
  bool json = false, once = false;
};
/// Anew each second until Ctrl-C, or once.
[[nodiscard]] Result<void> print_stats(const StatsRequest& request);

}  // namespace strata::control
