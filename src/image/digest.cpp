// SHA-256 by libcrypto, and its text.
#include "image/digest.h"

#include "base/assert.h"

#include <openssl/evp.h>

#include <algorithm>

namespace strata::image {
namespace {

constexpr std::string_view prefix = "sha256:";

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

}  // namespace

Result<Digest> Digest::parse(std::string_view text) {
  Digest digest;
  const auto malformed = [&] {
    return fail(ErrorCode::bad_data, "'{}' is no digest; one is sha256: and 64 digits of 0-9a-f", text.substr(0, 100));
  };
  if (!text.starts_with(prefix) || text.size() != prefix.size() + 2 * digest.bytes_.size()) return malformed();
  const std::string_view digits = text.substr(prefix.size());
  for (std::size_t i = 0; i < digest.bytes_.size(); ++i) {
    const int high = hex_value(digits[2 * i]);
    const int low = hex_value(digits[2 * i + 1]);
    if (high < 0 || low < 0) return malformed();
    digest.bytes_[i] = static_cast<std::uint8_t>(high * 16 + low);
  }
  return digest;
}

Digest Digest::of(std::span<const std::byte> content) {
  Hasher hasher;
  hasher.add(content);
  return hasher.finish();
}

std::string Digest::hex() const {
  std::string text;
  text.reserve(2 * bytes_.size());
  for (const std::uint8_t byte : bytes_) {
    text += "0123456789abcdef"[byte >> 4];
    text += "0123456789abcdef"[byte & 15];
  }
  return text;
}

struct Hasher::Context {
  Context() : state(EVP_MD_CTX_new()) { begin(); }
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;
  ~Context() { EVP_MD_CTX_free(state); }
  void begin() { STRATA_ASSERT(state != nullptr && EVP_DigestInit_ex(state, EVP_sha256(), nullptr) == 1); }

  EVP_MD_CTX* state;
};

Hasher::Hasher() : context_(std::make_unique<Context>()) {}
Hasher::Hasher(Hasher&&) noexcept = default;
Hasher& Hasher::operator=(Hasher&&) noexcept = default;
Hasher::~Hasher() = default;

void Hasher::add(std::span<const std::byte> content) {
  STRATA_ASSERT(EVP_DigestUpdate(context_->state, content.data(), content.size()) == 1);
}

Digest Hasher::finish() {
  Digest digest;
  unsigned size = 0;
  STRATA_ASSERT(EVP_DigestFinal_ex(context_->state, digest.bytes_.data(), &size) == 1 && size == digest.bytes_.size());
  context_->begin();
  return digest;
}

}  // namespace strata::image
