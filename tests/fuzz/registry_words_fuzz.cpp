// Fuzz target: what a registry, or who is in its place, says in headers, addresses and documents.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "image/oci_image.h"
#include "image/registry/challenge.h"
#include "image/registry/client.h"
#include "image/registry/reference.h"
#include "image/registry/registry.h"

using namespace strata::image;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const Challenge& challenge : parse_challenges(text))
    if (challenge.scheme.empty()) std::abort();
  if (const auto reference = parse_reference(text)) {
    const auto again = parse_reference(reference->name());  // a name means itself
    if (!again || *again != *reference) std::abort();
  }
  if (const auto platform = parse_platform(text)) (void)platform->text();
  if (const auto url = resolve_url("https://registry.example/v2/", text)) {
    const auto origin = origin_of(*url);
    if (origin && origin->find('@') != std::string::npos) std::abort();  // names of users are no part of it
  }
  HttpResponse response;
  response.body = text;
  for (const unsigned char c : words_of(response))
    if (c < ' ' || c >= 127) std::abort();
  if (is_index(text)) (void)read_index(text);
  else (void)read_manifest(text);
  return 0;
}
