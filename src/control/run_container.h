// Containers: making and starting them, and what is said to those that run.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "control/container_options.h"
#include "control/container_store.h"

namespace strata::control {

/// Runs a new container: in the foreground until it ends (its exit code), or detached, when it has started and its name is
/// printed. A container that could not be started leaves nothing.
[[nodiscard]] Result<int> run_container(const ContainerOptions& options);

/// Starts a container that was stopped, as it was asked to be (`attach`: in the foreground).
[[nodiscard]] Result<int> start_container(const std::string& name, bool attach);

/// The options of a container that exists.
[[nodiscard]] Result<ContainerOptions> options_of(const ContainerPlaces& places, const ContainerRecord& record);

/// Writes what its supervisor looks at anew, after its options have changed.
[[nodiscard]] Result<void> renew_supervisor_plan(const ContainerPlaces& places, const ContainerRecord& record);

/// Removes a container with all that is its own. One that runs is an error (`busy`), or ended if `force`. With `force` one
/// that is not there is no error.
[[nodiscard]] Result<void> remove_container(const std::string& name, bool force);

/// The runtime's part of bringing up a network: a hook, with the container's state on standard input.
[[nodiscard]] Result<void> bring_up_network(const std::string& name);

}  // namespace strata::control
