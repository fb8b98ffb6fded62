// Where containers with their records are, and who looks after each.
#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/id_maps.h"
#include "base/result.h"
#include "base/unique_fd.h"
#include "container/container.h"
#include "container/supervisor/status_file.h"

namespace strata::control {

/// docs/formats/containers.md says what is in the folders.
struct ContainerPlaces {
  std::string name;
  std::filesystem::path folder;   ///< what lasts; the bundle too
  std::filesystem::path running;  ///< while it runs

  container::Runtime runtime() const { return {.root = (running / "oci").string()}; }
};

/// What a container was asked to be: container.json.
struct ContainerRecord {
  std::string image;
  std::string created;                                     ///< RFC 3339
  std::vector<std::string> command;                        ///< as given; empty: the image's
  std::vector<std::pair<std::string, std::string>> given;  ///< options and their values
  IdMaps maps;                                             ///< of its user namespace; empty: it has none
};

[[nodiscard]] Result<ContainerPlaces> places_of(std::string_view name);
/// One that exists. The error says how to find the right name.
[[nodiscard]] Result<ContainerPlaces> find_container(std::string_view name);
/// By name.
[[nodiscard]] Result<std::vector<ContainerPlaces>> all_containers();

/// Makes the folder of a new container. Without a name it gets one like `busybox-1f9a03`, after the image.
[[nodiscard]] Result<ContainerPlaces> new_container(const std::string& name, std::string_view image);

[[nodiscard]] Result<void> write_record(const ContainerPlaces& places, const ContainerRecord& record);
[[nodiscard]] Result<ContainerRecord> read_record(const ContainerPlaces& places);

/// The lock that a supervisor has for as long as it looks after the container. `busy` where somebody has it.
[[nodiscard]] Result<UniqueFd> lock_container(const ContainerPlaces& places);
[[nodiscard]] bool is_looked_after(const ContainerPlaces& places);

/// Where a named volume is; made if it is missing.
[[nodiscard]] Result<std::filesystem::path> volume_folder(std::string_view name);

/// The maps of a new container's user namespace: for root a range of 65536 users that no other container has, else what
/// the user has been given (/etc/subuid).
[[nodiscard]] Result<IdMaps> choose_id_maps();

/// As records and config.json list them.
[[nodiscard]] nlohmann::ordered_json ranges_json(const std::vector<IdRange>& ranges);

/// A program that is built beside this one: strata-oci, strata-init.
[[nodiscard]] Result<std::string> own_program(std::string_view name);

}  // namespace strata::control
