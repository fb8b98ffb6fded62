// Pulling images from registries and pushing them there (OCI distribution specification 1.1).
#pragma once

#include "base/result.h"

#include <cstdint>
#include <optional>
#include <string>

#include "image/image.h"
#include "image/oci_image.h"
#include "image/registry/client.h"

namespace strata::image {

// "linux/amd64", "linux/arm64/v8", "arm64": Go's words for an operating system (linux), architecture and variant.
[[nodiscard]] Result<Platform> parse_platform(std::string_view text);

struct PullOptions {
  std::string reference;                  // as parse_reference() takes it
  std::optional<Platform> platform = {};  // none: host_platform()
  RegistryOptions registry = {};
};

struct PulledImage {
  std::string name;               // under which it is kept: Reference::name()
  Digest manifest;                // of the platform
  std::uint64_t transferred = 0;  // bytes of blobs that came; what was there already is not fetched
};

// Fetches what the store does not have, verifies all of it, unpacks the layers while they come, and gives the image its
// name. What fails changes no name; blobs that have partly arrived are gone on with by the next pull.
[[nodiscard]] Result<PulledImage> pull(const PullOptions& options, const ProgressFn& on_progress = {});

struct PushOptions {
  std::string name;         // of an image in the store
  std::string destination;  // as parse_reference() takes it; empty: the name itself, which then has to say its registry
  RegistryOptions registry = {};
};

struct PushedImage {
  std::string name;  // in the registry
  Digest manifest;
  std::uint64_t transferred = 0;  // bytes of blobs that were sent; what was there or could be mounted is not
};

[[nodiscard]] Result<PushedImage> push(const PushOptions& options, const ProgressFn& on_progress = {});

}  // namespace strata::image
