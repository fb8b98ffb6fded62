// Writes index, manifest and config: compact, fields in alphabetical order.
#include "image/oci_image.h"

#include <nlohmann/json.hpp>

namespace strata::image {
namespace {

using Json = nlohmann::json;  // keeps an object's fields sorted

void set_annotations(Json& json, const char* name, const Annotations& annotations) {
  if (!annotations.empty()) json[name] = annotations;
}

Json as_json(const Descriptor& descriptor) {
  Json json = {{"mediaType", descriptor.media_type}, {"digest", descriptor.digest.text()}, {"size", descriptor.size}};
  if (const auto& platform = descriptor.platform) {
    json["platform"] = {{"os", platform->os}, {"architecture", platform->architecture}};
    if (!platform->variant.empty()) json["platform"]["variant"] = platform->variant;
  }
  set_annotations(json, "annotations", descriptor.annotations);
  return json;
}

Json as_json(const std::vector<Descriptor>& descriptors) {
  Json json = Json::array();
  for (const Descriptor& descriptor : descriptors) json.push_back(as_json(descriptor));
  return json;
}

void set_list(Json& json, const char* name, const std::vector<std::string>& list) {
  if (!list.empty()) json[name] = list;
}

void set_text(Json& json, const char* name, const std::string& text) {
  if (!text.empty()) json[name] = text;
}

void set_set(Json& json, const char* name, const std::vector<std::string>& names) {
  for (const std::string& entry : names) json[name][entry] = Json::object();
}

Json as_json(const HealthCheck& check) {
  Json json = Json::object();
  set_list(json, "Test", check.test);
  if (check.interval.count() != 0) json["Interval"] = check.interval.count();
  if (check.timeout.count() != 0) json["Timeout"] = check.timeout.count();
  if (check.start_period.count() != 0) json["StartPeriod"] = check.start_period.count();
  if (check.retries != 0) json["Retries"] = check.retries;
  return json;
}

Json execution_of(const ImageConfig& config) {
  Json json = Json::object();
  set_list(json, "Entrypoint", config.entrypoint);
  set_list(json, "Cmd", config.cmd);
  set_list(json, "Env", config.env);
  set_text(json, "WorkingDir", config.working_dir);
  set_text(json, "User", config.user);
  set_text(json, "StopSignal", config.stop_signal);
  set_set(json, "Volumes", config.volumes);
  set_set(json, "ExposedPorts", config.exposed_ports);
  set_annotations(json, "Labels", config.labels);
  if (config.health_check) json["Healthcheck"] = as_json(*config.health_check);
  return json;
}

// Bytes that are not UTF-8 cannot stand in JSON; they become U+FFFD.
std::string dump(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

}  // namespace

std::string write_manifest(const Manifest& manifest) {
  Json json = {{"schemaVersion", 2},
               {"mediaType", manifest.media_type},
               {"config", as_json(manifest.config)},
               {"layers", as_json(manifest.layers)}};
  set_annotations(json, "annotations", manifest.annotations);
  return dump(json);
}

std::string write_index(const Index& index) {
  Json json = {{"schemaVersion", 2}, {"mediaType", index.media_type}, {"manifests", as_json(index.manifests)}};
  set_annotations(json, "annotations", index.annotations);
  return dump(json);
}

std::string write_image_config(const ImageConfig& config) {
  Json json = {{"os", config.platform.os}, {"architecture", config.platform.architecture}};
  set_text(json, "variant", config.platform.variant);
  set_text(json, "created", config.created);
  set_text(json, "author", config.author);
  json["config"] = execution_of(config);
  Json diff_ids = Json::array();
  for (const Digest& digest : config.diff_ids) diff_ids.push_back(digest.text());
  json["rootfs"] = {{"type", "layers"}, {"diff_ids", diff_ids}};
  return dump(json);
}

}  // namespace strata::image
