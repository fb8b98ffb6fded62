// Pushing: all blobs at once, then the manifest, which makes them an image.
#include <algorithm>
#include <map>
#include <memory>
#include <set>

#include "image/open_image.h"
#include "image/registry/parallel.h"
#include "image/registry/registry.h"
#include "image/registry/upload.h"

namespace strata::image {
namespace {

constexpr double mebibyte = 1 << 20;

// Repositories of the same registry that may have a blob: images of the store that came from there, or went there.
std::map<Digest, std::string> repositories_of_blobs(const BlobStore& store, const Reference& destination) {
  std::map<Digest, std::string> repositories;
  const auto images = list();
  if (!images) return repositories;
  for (const ImageInfo& info : *images) {
    const auto other = parse_reference(info.name);
    const bool near = other && other->registry == destination.registry && other->repository != destination.repository;
    if (!near || !info.manifest) continue;
    const auto image = open_image(store, *info.manifest);
    if (!image) continue;
    repositories.emplace(image->manifest.config.digest, other->repository);
    for (const Descriptor& layer : image->manifest.layers) repositories.emplace(layer.digest, other->repository);
  }
  return repositories;
}

class Push {
 public:
  Push(const BlobStore& store, const OciImage& image, const Reference& destination, const ProgressFn& on_progress)
      : store_(store), on_progress_(on_progress), known_(repositories_of_blobs(store, destination)) {
    std::set<Digest> seen;
    add(image.manifest.config, seen);
    for (const Descriptor& layer : image.manifest.layers) add(layer, seen);
    phase_ = fmt::format("pushing {} blobs, {:.1f} MiB", blobs_.size(), static_cast<double>(total_) / mebibyte);
    sent_ = std::make_unique<std::atomic<std::uint64_t>[]>(blobs_.size());
  }

  // What tokens have to allow for mounts.
  std::string more_scopes() const {
    std::set<std::string> repositories;
    for (const Descriptor* blob : blobs_)
      if (const auto found = known_.find(blob->digest); found != known_.end()) repositories.insert(found->second);
    std::string scopes;
    for (const std::string& repository : repositories)
      scopes += fmt::format("{}repository:{}:pull", scopes.empty() ? "" : " ", repository);
    return scopes;
  }

  Result<void> run(RegistryHost& host, const StopSignal& stop) {
    return in_parallel(
        host, stop, blobs_.size(), [this](RegistryClient& client, std::size_t i) { return send(client, i); },
        [this] { show(); });
  }

  std::uint64_t transferred() const { return transferred_; }

 private:
  void add(const Descriptor& blob, std::set<Digest>& seen) {
    if (!seen.insert(blob.digest).second) return;
    blobs_.push_back(&blob);
    total_ += blob.size;
  }

  Result<void> send(RegistryClient& client, std::size_t i) {
    const Descriptor& blob = *blobs_[i];
    const auto known = known_.find(blob.digest);
    const auto from = known == known_.end() ? std::nullopt : std::optional(known->second);
    const UploadWay way = STRATA_TRY(upload(client, store_, blob, from, sent_[i]));
    if (way == UploadWay::sent) transferred_ += blob.size;
    sent_[i] = blob.size;
    return {};
  }

  void show() const {
    std::uint64_t sent = 0;
    for (std::size_t i = 0; i < blobs_.size(); ++i) sent += sent_[i];
    const auto total = static_cast<double>(std::max<std::uint64_t>(total_, 1));
    if (on_progress_) on_progress_({phase_, static_cast<double>(sent) / total});
  }

  const BlobStore& store_;
  const ProgressFn& on_progress_;
  const std::map<Digest, std::string> known_;
  std::vector<const Descriptor*> blobs_;
  std::unique_ptr<std::atomic<std::uint64_t>[]> sent_;  // of each blob
  std::uint64_t total_ = 0;
  std::string phase_;
  std::atomic<std::uint64_t> transferred_ = 0;
};

Result<void> put_manifest(RegistryHost& host, const BlobStore& store, const OciImage& image) {
  RegistryClient client(host);
  HttpRequest request{.method = "PUT", .url = host.url("manifests/" + host.reference().version())};
  request.headers = {fmt::format("Content-Type: {}", image.manifest.media_type)};
  request.body = STRATA_TRY(store.read_small(image.digest));
  const HttpResponse answer = STRATA_TRY(with_context(client.send(request), "the manifest"));
  if (answer.status != 201) return fail("the registry does not take the manifest: {}", words_of(answer));
  const auto told = answer.header("docker-content-digest");
  if (told && *told != image.digest.text())
    return fail(ErrorCode::bad_data, "the registry has made {} of the manifest {}", *told, image.digest.text());
  return {};
}

Result<PushedImage> push_to(const Reference& destination, const BlobStore& store, const OciImage& image,
                            const PushOptions& options, const ProgressFn& on_progress) {
  const StopSignal stop = STRATA_TRY(StopSignal::make());
  RegistryOptions registry = options.registry;
  registry.cancel_fds.push_back(stop.fd());
  Push blobs(store, image, destination, on_progress);
  const auto host = STRATA_TRY(RegistryHost::connect(destination, registry, "pull,push", blobs.more_scopes()));
  STRATA_TRY(blobs.run(*host, stop));
  STRATA_TRY(put_manifest(*host, store, image));
  return PushedImage{destination.name(), image.digest, blobs.transferred()};
}

}  // namespace

Result<PushedImage> push(const PushOptions& options, const ProgressFn& on_progress) {
  const Image found = STRATA_TRY(find(options.name));
  const Reference destination =
      STRATA_TRY(parse_reference(options.destination.empty() ? found.info.name : options.destination));
  const BlobStore store = STRATA_TRY(BlobStore::open());
  const OciImage image = STRATA_TRY(open_image(store, found));
  if (!destination.digest.empty() && destination.digest != image.digest.text())
    return fail(ErrorCode::usage, "image {} is {}: a push to another digest cannot be", found.info.name,
                image.digest.text());
  auto pushed = push_to(destination, store, image, options, on_progress);
  if (!pushed && pushed.error().code == ErrorCode::cancelled) return pushed;
  return with_context(std::move(pushed), "pushing {}", destination.name());
}

}  // namespace strata::image
