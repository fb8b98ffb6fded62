// Whether an overlay can be mounted here, found out by making one.
#pragma once

#include "base/id_maps.h"
#include "base/result.h"

#include <filesystem>

namespace strata::image {

// Makes an overlay of these layers, mounted nowhere, as the runtime would for a container with that user namespace: as
// root with id-mapped layers, as an ordinary user inside of it. The error says why it cannot be.
[[nodiscard]] Result<void> probe_overlay(const std::filesystem::path& lower, const std::filesystem::path& upper,
                                         const std::filesystem::path& work, const IdMaps& maps);

}  // namespace strata::image
