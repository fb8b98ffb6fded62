// Manifests by tag and by digest (distribution specification 1.1, "Pulling manifests").
#include "image/registry/fetch_manifest.h"

namespace strata::image {
namespace {

struct Document {
  Digest digest;
  std::string text;
};

std::vector<std::string> accept_headers() {
  std::string accept = "Accept: ";
  for (const std::string_view type : {media_type::index, media_type::manifest, media_type::docker_index})
    accept += fmt::format("{}, ", type);
  return {accept + std::string(media_type::docker_manifest)};
}

tl::unexpected<Error> no_such_image(const RegistryHost& host, const HttpResponse& response) {
  return fail(ErrorCode::not_found, "{} has no image {}:{} ({}): check the name and the tag", host.reference().registry,
              host.reference().repository, host.reference().version(), words_of(response));
}

Result<std::optional<Digest>> told_digest(const HttpResponse& response) {
  const auto header = response.header("docker-content-digest");
  if (!header || header->empty()) return std::nullopt;
  // Another algorithm than ours says nothing to us.
  if (!header->starts_with("sha256:")) return std::nullopt;
  return STRATA_TRY(Digest::parse(*header));
}

// By its digest, from the store or the registry; or by its tag, where no digest is known.
Result<Document> get(RegistryClient& client, const BlobStore& store, const std::optional<Digest>& expected) {
  if (expected && store.has(*expected))
    if (auto known = store.read_small(*expected)) return Document{*expected, std::move(*known)};
  const std::string version = expected ? expected->text() : client.host().reference().version();
  HttpRequest request{.url = client.host().url("manifests/" + version), .headers = accept_headers()};
  request.limit = BlobStore::small_limit;
  HttpResponse answer = STRATA_TRY(with_context(client.send(request), "the manifest {}", version));
  if (answer.status == 404) return no_such_image(client.host(), answer);
  if (answer.status != 200) return fail("the manifest {}: {}", version, words_of(answer));
  const Digest found = Digest::of(answer.body);
  const auto told = expected ? expected : STRATA_TRY(told_digest(answer));
  if (told && found != *told)
    return fail(ErrorCode::bad_data, "the registry's manifest is not what its digest says: {} is promised, {} came",
                told->text(), found.text());
  return Document{found, std::move(answer.body)};
}

// Asking for the head alone tells the digest, and Docker Hub does not count it as a pull.
Result<std::optional<Digest>> digest_of_tag(RegistryClient& client) {
  const Reference& reference = client.host().reference();
  if (!reference.digest.empty()) return STRATA_TRY(Digest::parse(reference.digest));
  HttpRequest request{
      .method = "HEAD", .url = client.host().url("manifests/" + reference.tag), .headers = accept_headers()};
  const HttpResponse answer = STRATA_TRY(with_context(client.send(request), "the manifest {}", reference.tag));
  if (answer.status == 404) return no_such_image(client.host(), answer);
  if (answer.status != 200) return std::nullopt;  // some have no HEAD
  return told_digest(answer);
}

}  // namespace

Result<FetchedManifest> fetch_manifest(RegistryClient& client, const BlobStore& store, const Platform& platform) {
  const std::optional<Digest> expected = STRATA_TRY(digest_of_tag(client));
  Document document = STRATA_TRY(get(client, store, expected));
  if (is_index(document.text)) {
    const Index index = STRATA_TRY(with_context(read_index(document.text), "the registry's index"));
    const Descriptor chosen = STRATA_TRY(choose_platform(index, platform));
    document = STRATA_TRY(get(client, store, chosen.digest));
    if (is_index(document.text)) return fail(ErrorCode::unsupported, "the registry's index leads to another index");
  }
  Manifest manifest = STRATA_TRY(with_context(read_manifest(document.text), "the registry's manifest"));
  return FetchedManifest{document.digest, std::move(document.text), std::move(manifest)};
}

}  // namespace strata::image
