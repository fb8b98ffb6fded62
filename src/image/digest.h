// Digest: the SHA-256 that names a piece of content, and the hasher that computes it.
#pragma once

#include "base/result.h"

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace strata::image {

// OCI image specification, descriptor.md, "Digests". SHA-256 is the only algorithm that is taken.
class Digest {
 public:
  // "sha256:" and 64 lower-case hexadecimal digits.
  [[nodiscard]] static Result<Digest> parse(std::string_view text);
  [[nodiscard]] static Digest of(std::span<const std::byte> content);
  [[nodiscard]] static Digest of(std::string_view content) { return of(std::as_bytes(std::span(content))); }

  [[nodiscard]] std::string text() const { return "sha256:" + hex(); }
  [[nodiscard]] std::string hex() const;
  // The first twelve digits, as people compare them.
  [[nodiscard]] std::string short_hex() const { return hex().substr(0, 12); }

  auto operator<=>(const Digest&) const = default;

 private:
  friend class Hasher;
  std::array<std::uint8_t, 32> bytes_{};
};

// Hashes a stream (libcrypto, which uses the processor's own instructions where it has them).
class Hasher {
 public:
  Hasher();
  Hasher(Hasher&&) noexcept;
  Hasher& operator=(Hasher&&) noexcept;
  ~Hasher();

  void add(std::span<const std::byte> content);
  // Ends the stream; the next add() begins a new one.
  [[nodiscard]] Digest finish();

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

}  // namespace strata::image
