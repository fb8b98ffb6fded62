// The process of a switch: starting it, running it, stopping it.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "network/switch/configuration.h"
#include "network/switch/folders.h"

namespace strata::network {

/// The number of the process that runs the network; nullopt: none does.
[[nodiscard]] std::optional<int> running_process(const NetworkFolders& folders);

/// Writes the network's first configuration. Errors: it exists, or the configuration is not one; then nothing is there.
[[nodiscard]] Result<void> create_network(const NetworkFolders& folders, std::string_view toml,
                                          std::string_view source);

/// Runs the network in a process of its own, and returns when that answers, or with the reason why it does not. To be
/// called by a process of one thread.
[[nodiscard]] Result<void> start_network(const NetworkFolders& folders);

/// Runs the network in this process until somebody stops it or a signal comes. `ready` is called when it answers.
[[nodiscard]] Result<void> run_network(const NetworkFolders& folders, const std::function<void()>& ready);

/// Asks it to end, and waits until it has. With `kill`, it is not asked.
[[nodiscard]] Result<void> stop_network(const NetworkFolders& folders, bool kill);

/// Makes the next configuration of the present one, and writes it. Errors: those of `next`, of what it comes to, and that
/// the network runs, in which case it is the one to ask.
using NextFn = std::function<Result<Configuration>(const Configuration& present)>;
[[nodiscard]] Result<Changes> change_stopped_network(const NetworkFolders& folders, const NextFn& next, bool dry_run);

/// As it was saved.
[[nodiscard]] Result<Configuration> saved_configuration(const NetworkFolders& folders);

/// Of a network that does not run: its configuration and all that belongs to it.
[[nodiscard]] Result<void> remove_network(const NetworkFolders& folders);

}  // namespace strata::network
