// Reads config.json and its parts; errors name the field and what it must be.
#pragma once

#include "base/json_reader.h"
#include "container/spec/spec.h"

namespace strata::container {

/// The largest configuration that is read, in bytes; those of engines have some 50 KB.
inline constexpr std::size_t max_spec_size = 16 << 20;

/// The description of a whole container. An error is bad_data and names the field.
[[nodiscard]] Result<Spec> read_spec(std::string_view json);
/// The process of `exec --process`.
[[nodiscard]] Result<Process> read_process(std::string_view json);
/// The file of `update --resources`.
[[nodiscard]] Result<Resources> read_resources(std::string_view json);

/// Parts, for the readers of each other.
[[nodiscard]] Process read_process(const JsonReader& json);
[[nodiscard]] LinuxSpec read_linux(const JsonReader& json);
[[nodiscard]] Resources read_resources(const JsonReader& json);
[[nodiscard]] Seccomp read_seccomp(const JsonReader& json);
[[nodiscard]] IdMaps read_id_maps(const JsonReader& json);

/// CAP_… in any case, with or without the prefix, as the kernel's number; -1 where there is none of that name.
[[nodiscard]] int capability_number(std::string_view name);
/// For `features`: all names, CAP_…, and the words of seccomp's actions, architectures, operators, flags.
[[nodiscard]] std::vector<std::string> known_capabilities();
[[nodiscard]] nlohmann::ordered_json known_seccomp();

}  // namespace strata::container
