// The documents of an OCI image (image specification 1.1): index, manifest, config; read strictly, written the same way
// each time. Docker's documents of schema 2 are read as what they correspond to.
#pragma once

#include "base/result.h"
#include "image/digest.h"

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace strata::image {

using Annotations = std::map<std::string, std::string>;

namespace media_type {
inline constexpr std::string_view index = "application/vnd.oci.image.index.v1+json";
inline constexpr std::string_view manifest = "application/vnd.oci.image.manifest.v1+json";
inline constexpr std::string_view config = "application/vnd.oci.image.config.v1+json";
inline constexpr std::string_view layer = "application/vnd.oci.image.layer.v1.tar";
inline constexpr std::string_view layer_gzip = "application/vnd.oci.image.layer.v1.tar+gzip";
inline constexpr std::string_view layer_zstd = "application/vnd.oci.image.layer.v1.tar+zstd";
inline constexpr std::string_view docker_index = "application/vnd.docker.distribution.manifest.list.v2+json";
inline constexpr std::string_view docker_manifest = "application/vnd.docker.distribution.manifest.v2+json";
inline constexpr std::string_view docker_config = "application/vnd.docker.container.image.v1+json";
inline constexpr std::string_view docker_layer = "application/vnd.docker.image.rootfs.diff.tar";
inline constexpr std::string_view docker_layer_gzip = "application/vnd.docker.image.rootfs.diff.tar.gzip";
}  // namespace media_type

struct Platform {
  std::string os = "linux";
  std::string architecture = "amd64";  // Go's words: amd64, 386, arm64, riscv64
  std::string variant = {};

  bool operator==(const Platform&) const = default;
  [[nodiscard]] std::string text() const;  // linux/arm64/v8
};

struct Descriptor {
  std::string media_type;
  Digest digest;
  std::uint64_t size = 0;
  std::optional<Platform> platform = {};
  Annotations annotations = {};
};

struct Manifest {
  std::string media_type;
  Descriptor config;
  std::vector<Descriptor> layers;  // the lowest first
  Annotations annotations = {};
};

struct Index {
  std::string media_type;
  std::vector<Descriptor> manifests;
  Annotations annotations = {};
};

struct HealthCheck {
  std::vector<std::string> test;  // {"NONE"}, {"CMD", word…} or {"CMD-SHELL", line}; empty: as inherited
  std::chrono::nanoseconds interval{};
  std::chrono::nanoseconds timeout{};
  std::chrono::nanoseconds start_period{};
  int retries = 0;
};

struct ImageConfig {
  Platform platform;
  std::string created;  // RFC 3339, or empty
  std::string author;

  // What a container of it runs, unless told otherwise.
  std::vector<std::string> entrypoint;
  std::vector<std::string> cmd;
  std::vector<std::string> env;  // NAME=VALUE
  std::string working_dir;
  std::string user;         // name, uid, name:group, uid:gid
  std::string stop_signal;  // SIGTERM, 15, or empty
  std::vector<std::string> volumes;
  std::vector<std::string> exposed_ports;  // 80/tcp
  Annotations labels;
  std::optional<HealthCheck> health_check;

  std::vector<Digest> diff_ids;  // of the layers' unpacked archives, the lowest first
};

// Each has at most BlobStore::small_limit bytes, and lists of at most 10,000 entries (layers: 500). What is wrong is told
// by the field's name, as in "layers[2].digest: …" (bad_data).
[[nodiscard]] Result<Manifest> read_manifest(std::string_view json);
[[nodiscard]] Result<Index> read_index(std::string_view json);
[[nodiscard]] Result<ImageConfig> read_image_config(std::string_view json);

// Whether the document is an index or list of manifests; its mediaType decides, else what it holds.
[[nodiscard]] bool is_index(std::string_view json);

// The manifest for a platform: that of the variant if there is one, else the first that fits. An error that lists what there is.
[[nodiscard]] Result<Descriptor> choose_platform(const Index& index, const Platform& wanted);
// What this host runs without an emulator.
[[nodiscard]] Platform host_platform();

// Without spaces, fields in a fixed order: the same document gives the same bytes and digest.
[[nodiscard]] std::string write_manifest(const Manifest& manifest);
[[nodiscard]] std::string write_index(const Index& index);
[[nodiscard]] std::string write_image_config(const ImageConfig& config);

}  // namespace strata::image
