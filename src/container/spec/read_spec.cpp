// Reads config.json as a whole.
#include "container/spec/read_spec.h"

namespace strata::container {
namespace {

constexpr std::string_view supported_major = "1.";

Mount read_mount(const JsonReader& json) {
  Mount mount{.destination = json["destination"].required().text(),
              .type = json["type"].text(),
              .source = json["source"].text(),
              .options = json["options"].texts(),
              .id_maps = read_id_maps(json)};
  if (mount.destination.empty()) json["destination"].complain("must not be empty");
  if (mount.id_maps.users.empty() != mount.id_maps.groups.empty())
    json.complain("needs both uidMappings and gidMappings, or none");
  return mount;
}

Hook read_hook(const JsonReader& json) {
  Hook hook{.path = json["path"].required().text(),
            .args = json["args"].texts(),
            .env = json["env"].texts(),
            .timeout_seconds = json["timeout"].optional_number<int>()};
  if (!hook.path.starts_with('/')) json["path"].complain("must be an absolute path");
  if (hook.timeout_seconds && *hook.timeout_seconds <= 0) json["timeout"].complain("must be greater than zero");
  if (hook.args.empty()) hook.args = {hook.path};
  return hook;
}

Hooks read_hooks(const JsonReader& json) {
  const auto list = [&](std::string_view name) { return json[name].list<Hook>(read_hook); };
  return {.prestart = list("prestart"),
          .create_runtime = list("createRuntime"),
          .create_container = list("createContainer"),
          .start_container = list("startContainer"),
          .poststart = list("poststart"),
          .poststop = list("poststop")};
}

std::optional<std::vector<std::uint16_t>> read_ports(const JsonReader& json) {
  if (!json) return std::nullopt;
  return json.list<std::uint16_t>([](const JsonReader& port) { return port.number<std::uint16_t>(); });
}

Landlock read_landlock(const JsonReader& json) {
  Landlock landlock{
      .writable = {}, .bind_tcp = read_ports(json["bindTcp"]), .connect_tcp = read_ports(json["connectTcp"])};
  if (const auto writable = json["writable"]) {
    landlock.writable = writable.texts();
    for (const auto& path : *landlock.writable)
      if (!path.starts_with('/')) writable.complain("must be absolute paths");
  }
  if (json && !landlock.any()) json.complain("must have writable, bindTcp or connectTcp");
  return landlock;
}

// Which paths the kernel takes for an overlay; where they lead is for the mounting to find out.
Overlay read_overlay(const JsonReader& json) {
  constexpr std::size_t most_layers = 500;
  Overlay overlay{.lower = json["lower"].required().texts(),
                  .upper = json["upper"].required().text(),
                  .work = json["work"].required().text()};
  if (overlay.lower.empty() || overlay.lower.size() > most_layers)
    json["lower"].complain("must have 1 to 500 directories");
  for (const std::string& lower : overlay.lower)
    if (!lower.starts_with('/')) json["lower"].complain("must be absolute paths");
  for (const auto& [name, path] : {std::pair("upper", overlay.upper), std::pair("work", overlay.work)})
    if (!path.starts_with('/') || path.ends_with('/')) json[name].complain("must be the absolute path of a directory");
  if (overlay.upper == overlay.work ||
      overlay.upper.substr(0, overlay.upper.rfind('/')) != overlay.work.substr(0, overlay.work.rfind('/')))
    json["work"].complain("must be a directory beside upper");
  return overlay;
}

Spec read_whole(const JsonReader& json) {
  Spec spec;
  spec.version = json["ociVersion"].required().text();
  if (!spec.version.starts_with(supported_major))
    json["ociVersion"].complain("'" + spec.version + "' is not a version 1");
  if (const auto process = json["process"]) spec.process = read_process(process);
  const auto root = json["root"];
  spec.root_path = root.required()["path"].required().text();
  spec.root_readonly = root["readonly"].boolean();
  if (const auto overlay = json["strata"]["overlay"]) spec.overlay = read_overlay(overlay);
  spec.hostname = json["hostname"].text();
  spec.domainname = json["domainname"].text();
  spec.mounts = json["mounts"].list<Mount>(read_mount);
  spec.hooks = read_hooks(json["hooks"]);
  spec.linux = read_linux(json["linux"]);
  spec.linux.landlock = read_landlock(json["strata"]["landlock"]);
  json["annotations"].each_field(
      [&](const std::string& name, const JsonReader& value) { spec.annotations[name] = value.text(); });

  if (!spec.hostname.empty() && !spec.linux.find(NamespaceKind::uts))
    json["hostname"].complain("needs a uts namespace, or the host's own name would change");
  if (!spec.domainname.empty() && !spec.linux.find(NamespaceKind::uts))
    json["domainname"].complain("needs a uts namespace, or the host's own name would change");
  return spec;
}

}  // namespace

Result<Spec> read_spec(std::string_view json) {
  return read_json_document<Spec>(json, [](const JsonReader& reader) { return read_whole(reader); });
}

Result<Process> read_process(std::string_view json) {
  return read_json_document<Process>(json, [](const JsonReader& reader) { return read_process(reader); });
}

Result<Resources> read_resources(std::string_view json) {
  return read_json_document<Resources>(json, [](const JsonReader& reader) { return read_resources(reader); });
}

}  // namespace strata::container
