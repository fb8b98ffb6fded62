// Names of images: what is one, and the folder that each has in the store.
#pragma once

#include "base/result.h"

#include <optional>
#include <string>
#include <string_view>

namespace strata::image {

// A name in parts: debian:trixie, localhost:5000/team/app:1.0, app@sha256:….
struct Name {
  std::string repository;                  // localhost:5000/team/app
  std::string tag = {};                    // latest, if nothing is said and there is no digest
  std::optional<std::string> digest = {};  // sha256:…

  // As lists show it and as it is stored: `:latest` is left out, so that `app` and `app:latest` are one image.
  [[nodiscard]] std::string text() const;
};

// A usage error if it cannot be one.
[[nodiscard]] Result<Name> parse_name(std::string_view text);

// One component of a path, for a name's text(): what is neither a letter, a digit nor one of ._+-:@ is %XX.
[[nodiscard]] std::string folder_of_name(std::string_view name);
// Nothing if no name has that folder.
[[nodiscard]] std::optional<std::string> name_of_folder(std::string_view folder);

}  // namespace strata::image
