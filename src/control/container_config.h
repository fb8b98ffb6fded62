// What strata-oci and the supervisor are told of a container: config.json, supervisor.json, health.json.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "base/result.h"
#include "control/container_network.h"
#include "control/container_options.h"
#include "control/container_store.h"
#include "control/program_choice.h"
#include "image/oci_image.h"
#include "image/rootfs.h"

namespace strata::control {

struct ContainerSetup {
  const ContainerPlaces& places;
  const ContainerOptions& options;
  const image::ImageConfig& image;
  const image::RootPlan& root;
  const IdMaps& maps;  ///< empty: the host's users
  const ContainerNet& net;
  std::optional<container::TerminalSize> terminal_size = {};
};

/// The capabilities that a container has if none are added or dropped.
[[nodiscard]] std::vector<std::string> usual_capabilities();

/// Writes the three files. Errors name the option that cannot be had here.
[[nodiscard]] Result<void> write_configuration(const ContainerSetup& setup);
/// supervisor.json alone, for `update`.
[[nodiscard]] Result<void> write_supervisor_plan(const ContainerSetup& setup);

/// linux.resources of these options.
[[nodiscard]] std::string resources_json(const ContainerOptions& options);

}  // namespace strata::control
