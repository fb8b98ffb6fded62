// Reference: what an image in a registry is called, as in debian:trixie or localhost:5000/team/app@sha256:….
#pragma once

#include "base/result.h"

#include <string>
#include <string_view>

namespace strata::image {

struct Reference {
  std::string registry;    // host, with its port where one was written: docker.io, localhost:5000
  std::string repository;  // library/debian
  std::string tag;         // latest where nothing was written; empty where there is a digest
  std::string digest;      // sha256:HEX, or empty

  // The whole name, under which such an image is kept: docker.io/library/debian:trixie.
  [[nodiscard]] std::string name() const;
  // What stands at the end of a manifest's address: the digest, else the tag.
  [[nodiscard]] const std::string& version() const { return digest.empty() ? tag : digest; }

  bool operator==(const Reference&) const = default;
};

// Reads a reference by the rules that other tools have made users expect: the first part is a registry if it has a dot
// or a colon or is "localhost", else default_registry() is meant, where Docker Hub's own images are in library/. With a
// digest, the tag says nothing and is dropped. A usage error if it is none.
[[nodiscard]] Result<Reference> parse_reference(std::string_view text);

// $STRATA_REGISTRY, or docker.io: the registry of a name that has none.
[[nodiscard]] std::string default_registry();

// The host that answers for a registry: all are their own but docker.io, which is registry-1.docker.io.
[[nodiscard]] std::string host_of(std::string_view registry);

// Whether a registry is on this machine: localhost or 127.0.0.0/8. Such a one may speak plain HTTP.
[[nodiscard]] bool is_loopback(std::string_view registry);

}  // namespace strata::image
