// The network of one container as a process: started, asked, stopped.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "network/container/options.h"
#include "network/switch/control_message.h"

namespace strata::network::container {

/// Returns when the cards are up and have their addresses, and a process carries them; the process ends when the container
/// does, whatever its end. Without cards, lo is taken up and there is no process. To be called by a process of one thread.
/// Errors: then nothing is left.
[[nodiscard]] Result<void> start_network(const NetworkOptions& options);

/// The same in this process, until the container or somebody ends it.
[[nodiscard]] Result<void> run_network(const NetworkOptions& options, const std::function<void()>& ready);

/// Waits until the process has ended. Nothing runs: nothing to do.
[[nodiscard]] Result<void> stop_network(const std::filesystem::path& control_socket);

/// An array of cards as Card::describe() tells of them. not_found: nothing runs.
[[nodiscard]] Result<Json> ask_cards(const std::filesystem::path& control_socket);

/// Changes as parse_forward_change() reads them, all or nothing.
[[nodiscard]] Result<void> ask_for_forwards(const std::filesystem::path& control_socket,
                                            std::span<const std::string> changes);

}  // namespace strata::network::container
