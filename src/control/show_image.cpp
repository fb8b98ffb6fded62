// strata image show.
#include <fmt/ranges.h>

#include <nlohmann/json.hpp>

#include "control/image_commands.h"
#include "control/quantity.h"
#include "control/text_table.h"
#include "image/layers.h"
#include "image/open_image.h"

namespace strata::control {
namespace {

using Json = nlohmann::json;

/// What is known of an image, in the fields of `--json`.
Json describe(const image::Image& found) {
  Json json = {{"name", found.info.name},
               {"architecture", found.info.architecture},
               {"created", found.info.created},
               {"stored_bytes", found.info.stored_bytes}};
  if (found.info.disk_bytes != 0) {
    json["machine"] = {{"disk", found.disk.string()},
                       {"disk_bytes", found.info.disk_bytes},
                       {"kernel", found.info.kernel_release},
                       {"command_line", found.info.command_line}};
  }
  return json;
}

Json describe_config(const image::ImageConfig& config) {
  return {{"entrypoint", config.entrypoint},
          {"cmd", config.cmd},
          {"env", config.env},
          {"working_dir", config.working_dir},
          {"user", config.user},
          {"stop_signal", config.stop_signal},
          {"volumes", config.volumes},
          {"exposed_ports", config.exposed_ports},
          {"labels", config.labels}};
}

Json describe_layers(const image::OciImage& image, const image::LayerStore& layers) {
  Json list = Json::array();
  for (size_t i = 0; i < image.manifest.layers.size(); ++i) {
    const image::Descriptor& layer = image.manifest.layers[i];
    list.push_back({{"digest", layer.digest.text()},
                    {"media_type", layer.media_type},
                    {"bytes", layer.size},
                    {"diff_id", image.config.diff_ids[i].text()},
                    {"unpacked", layers.has(image.config.diff_ids[i])}});
  }
  return list;
}

void print_list(TextTable& table, const char* label, const Json& list) {
  if (!list.empty()) table.add({label, fmt::format("{}", fmt::join(list.get<std::vector<std::string>>(), " "))});
}

void print_text(TextTable& table, const char* label, const Json& text) {
  if (!text.get<std::string>().empty()) table.add({label, text.get<std::string>()});
}

void print(const Json& json) {
  TextTable table({"name", json["name"].get<std::string>()});
  if (json.contains("manifest")) {
    print_text(table, "manifest", json["manifest"]);
    print_text(table, "platform", json["platform"]);
  }
  print_text(table, "created", json["created"]);
  if (json.contains("config")) {
    const Json& config = json["config"];
    for (const char* key : {"entrypoint", "cmd", "env", "volumes", "exposed_ports"})
      print_list(table, key, config[key]);
    for (const char* key : {"working_dir", "user", "stop_signal"}) print_text(table, key, config[key]);
    for (const auto& [key, value] : config["labels"].items())
      table.add({"label", key + "=" + value.get<std::string>()});
    for (const Json& layer : json["layers"]) {
      table.add({"layer", fmt::format("{} {}{}", layer["digest"].get<std::string>(),
                                      format_bytes(layer["bytes"].get<uint64_t>()),
                                      layer["unpacked"].get<bool>() ? ", unpacked" : "")});
    }
  }
  if (json.contains("machine")) {
    const Json& machine = json["machine"];
    table.add({"machine", fmt::format("disk of {}, kernel {}", format_bytes(machine["disk_bytes"].get<uint64_t>()),
                                      machine["kernel"].get<std::string>())});
  }
  fmt::print("{}", table.text());
}

}  // namespace

Result<void> show_image(const std::string& name, bool as_json) {
  const image::Image found = STRATA_TRY(image::find(name));
  Json json = describe(found);
  if (found.info.manifest) {
    const image::BlobStore store = STRATA_TRY(image::BlobStore::open());
    const image::OciImage image = STRATA_TRY(image::open_image(store, found));
    const image::LayerStore layers = STRATA_TRY(image::LayerStore::open());
    json["manifest"] = image.digest.text();
    json["platform"] = image.config.platform.text();
    json["config"] = describe_config(image.config);
    json["layers"] = describe_layers(image, layers);
  }
  if (as_json) fmt::print("{}\n", json.dump(2));
  else print(json);
  return {};
}

}  // namespace strata::control
