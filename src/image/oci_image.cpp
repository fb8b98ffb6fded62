// Reads index, manifest and config.
#include "image/oci_image.h"

#include "base/json_reader.h"
#include "image/blobs.h"

#include <sys/utsname.h>

#include <algorithm>

namespace strata::image {
namespace {

constexpr std::size_t most_entries = 10'000;
constexpr std::size_t most_layers = 500;  // overlayfs itself takes 500

template <class T>
Result<T> read_bounded(std::string_view json, T (*read)(const JsonReader&)) {
  if (json.size() > BlobStore::small_limit)
    return fail(ErrorCode::bad_data, "has {} bytes, {} are allowed", json.size(), BlobStore::small_limit);
  return read_json_document<T>(json, [read](const JsonReader& reader) { return read(reader); });
}

Annotations read_annotations(const JsonReader& json) {
  Annotations all;
  json.each_field([&](const std::string& name, const JsonReader& value) { all[name] = value.text(); });
  return all;
}

Digest read_digest(const JsonReader& json) {
  if (!json.required()) return {};
  const auto digest = Digest::parse(json.text());
  if (digest) return *digest;
  json.complain(digest.error().message);
  return {};
}

Platform read_platform(const JsonReader& json) {
  return {.os = json["os"].required().text(),
          .architecture = json["architecture"].required().text(),
          .variant = json["variant"].text()};
}

Descriptor read_descriptor(const JsonReader& json) {
  Descriptor descriptor{.media_type = json["mediaType"].text(),
                        .digest = read_digest(json["digest"]),
                        .size = json["size"].required().number<std::uint64_t>(),
                        .annotations = read_annotations(json["annotations"])};
  if (descriptor.size > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
    json["size"].complain("is larger than any file can be");
  if (const auto platform = json["platform"]) descriptor.platform = read_platform(platform);
  return descriptor;
}

std::vector<Descriptor> read_descriptors(const JsonReader& json, std::size_t most) {
  std::vector<Descriptor> all = json.required().list<Descriptor>(read_descriptor);
  if (all.size() > most) json.complain(fmt::format("has {} entries, {} are allowed", all.size(), most));
  return all;
}

void check_version(const JsonReader& json) {
  if (json["schemaVersion"].required().number<int>() != 2) json["schemaVersion"].complain("must be 2");
}

Manifest read_whole_manifest(const JsonReader& json) {
  check_version(json);
  Manifest manifest{.media_type = json["mediaType"].text(),
                    .config = read_descriptor(json["config"].required()),
                    .layers = read_descriptors(json["layers"], most_layers),
                    .annotations = read_annotations(json["annotations"])};
  if (manifest.media_type.empty()) manifest.media_type = media_type::manifest;
  if (manifest.media_type != media_type::manifest && manifest.media_type != media_type::docker_manifest)
    json["mediaType"].complain("'" + manifest.media_type + "' is no manifest of an image");
  return manifest;
}

Index read_whole_index(const JsonReader& json) {
  check_version(json);
  Index index{.media_type = json["mediaType"].text(),
              .manifests = read_descriptors(json["manifests"], most_entries),
              .annotations = read_annotations(json["annotations"])};
  if (index.media_type.empty()) index.media_type = media_type::index;
  if (index.media_type != media_type::index && index.media_type != media_type::docker_index)
    json["mediaType"].complain("'" + index.media_type + "' is no index of images");
  return index;
}

// Volumes and ports are sets: objects whose values are empty objects.
std::vector<std::string> read_set(const JsonReader& json) {
  std::vector<std::string> names;
  json.each_field([&](const std::string& name, const JsonReader&) { names.push_back(name); });
  return names;
}

HealthCheck read_health_check(const JsonReader& json) {
  const auto duration = [&](std::string_view name) {
    const auto value = json[name].number<std::int64_t>();
    if (value < 0) json[name].complain("must not be negative");
    return std::chrono::nanoseconds(value);
  };
  HealthCheck check{.test = json["Test"].texts(),
                    .interval = duration("Interval"),
                    .timeout = duration("Timeout"),
                    .start_period = duration("StartPeriod"),
                    .retries = json["Retries"].number<int>()};
  if (check.retries < 0) json["Retries"].complain("must not be negative");
  const bool known = check.test.empty() || check.test[0] == "NONE" ||
                     (check.test[0] == "CMD" && check.test.size() > 1) ||
                     (check.test[0] == "CMD-SHELL" && check.test.size() == 2);
  if (!known) json["Test"].complain("must be NONE, CMD with words or CMD-SHELL with one line");
  return check;
}

void read_execution(const JsonReader& json, ImageConfig& config) {
  config.entrypoint = json["Entrypoint"].texts();
  config.cmd = json["Cmd"].texts();
  config.env = json["Env"].texts();
  config.working_dir = json["WorkingDir"].text();
  config.user = json["User"].text();
  config.stop_signal = json["StopSignal"].text();
  config.volumes = read_set(json["Volumes"]);
  config.exposed_ports = read_set(json["ExposedPorts"]);
  config.labels = read_annotations(json["Labels"]);
  if (const auto check = json["Healthcheck"]) config.health_check = read_health_check(check);
  for (const std::string& entry : config.env)
    if (entry.find('=') == std::string::npos || entry.starts_with('='))
      json["Env"].complain("'" + entry + "' is not NAME=VALUE");
}

ImageConfig read_whole_config(const JsonReader& json) {
  ImageConfig config;
  config.platform = read_platform(json);
  config.created = json["created"].text();
  config.author = json["author"].text();
  if (const auto execution = json["config"]) read_execution(execution, config);
  const auto rootfs = json["rootfs"].required();
  if (rootfs["type"].required().text() != "layers") rootfs["type"].complain("must be 'layers'");
  config.diff_ids = rootfs["diff_ids"].required().list<Digest>(read_digest);
  if (config.diff_ids.size() > most_layers) rootfs["diff_ids"].complain("has too many entries");
  return config;
}

}  // namespace

std::string Platform::text() const { return os + "/" + architecture + (variant.empty() ? "" : "/" + variant); }

Result<Manifest> read_manifest(std::string_view json) {
  return with_context(read_bounded<Manifest>(json, read_whole_manifest), "the manifest");
}

Result<Index> read_index(std::string_view json) {
  return with_context(read_bounded<Index>(json, read_whole_index), "the index");
}

Result<ImageConfig> read_image_config(std::string_view json) {
  return with_context(read_bounded<ImageConfig>(json, read_whole_config), "the image's config");
}

bool is_index(std::string_view json) {
  if (json.size() > BlobStore::small_limit) return false;
  const auto document = nlohmann::json::parse(json, nullptr, /*allow_exceptions=*/false);
  if (!document.is_object()) return false;
  const auto type = document.find("mediaType");
  if (type != document.end() && type->is_string())
    return *type == media_type::index || *type == media_type::docker_index;
  return document.contains("manifests") && !document.contains("config");
}

Result<Descriptor> choose_platform(const Index& index, const Platform& wanted) {
  const Descriptor* best = nullptr;
  std::string offered;
  for (const Descriptor& descriptor : index.manifests) {
    // Where nothing is said, there is nothing to choose by: an index of a single image often says nothing.
    const Platform platform = descriptor.platform.value_or(wanted);
    if (platform.os == "unknown") continue;  // attestations, which builders list beside images
    offered += (offered.empty() ? "" : ", ") + platform.text();
    if (platform.os != wanted.os || platform.architecture != wanted.architecture) continue;
    if (!wanted.variant.empty() && !platform.variant.empty() && platform.variant != wanted.variant) continue;
    if (!best || (best->platform.value_or(wanted).variant != wanted.variant && platform.variant == wanted.variant))
      best = &descriptor;
  }
  if (best) return *best;
  return fail(ErrorCode::not_found, "there is no image for {}; there is {}", wanted.text(),
              offered.empty() ? "none at all" : offered);
}

Platform host_platform() {
  struct Row {
    std::string_view machine;
    Platform platform;
  };
  static const Row rows[] = {{"x86_64", {"linux", "amd64", ""}},
                             {"i686", {"linux", "386", ""}},
                             {"aarch64", {"linux", "arm64", "v8"}},
                             {"riscv64", {"linux", "riscv64", ""}}};
  utsname names = {};
  ::uname(&names);
  for (const Row& row : rows)
    if (row.machine == names.machine) return row.platform;
  return {"linux", names.machine, ""};
}

}  // namespace strata::image
