// Pulling: manifest, then all blobs at once, then the name.
#include <algorithm>
#include <set>

#include "image/open_image.h"
#include "image/registry/download.h"
#include "image/registry/fetch_manifest.h"
#include "image/registry/parallel.h"
#include "image/registry/registry.h"

namespace strata::image {
namespace {

constexpr double mebibyte = 1 << 20;

// The blobs of one image on their way.
class Pull {
 public:
  Pull(const BlobStore& store, const FetchedManifest& manifest, const ProgressFn& on_progress)
      : store_(store), on_progress_(on_progress) {
    std::set<Digest> seen;  // a layer may stand in a manifest twice
    add(manifest.manifest.config, seen);
    for (const Descriptor& layer : manifest.manifest.layers) add(layer, seen);
    phase_ = fmt::format("pulling {} blobs, {:.1f} MiB", blobs_.size(), static_cast<double>(total_) / mebibyte);
  }

  Result<void> run(RegistryHost& host, const StopSignal& stop) {
    return in_parallel(
        host, stop, blobs_.size(), [this](RegistryClient& client, std::size_t i) { return fetch(client, *blobs_[i]); },
        [this] { show(); });
  }

  std::uint64_t transferred() const { return transferred_; }

 private:
  void add(const Descriptor& blob, std::set<Digest>& seen) {
    if (!seen.insert(blob.digest).second) return;
    blobs_.push_back(&blob);
    total_ += blob.size;
  }

  Result<void> fetch(RegistryClient& client, const Descriptor& descriptor) {
    for (bool again = true;; again = false) {
      auto writer = STRATA_TRY(begin_blob(store_, descriptor, client.host().http().cancel_fds));
      if (!writer) {
        arrived_ += descriptor.size;
        return {};
      }
      const auto blob = STRATA_TRY(ArrivingBlob::make(store_, descriptor.digest, std::move(writer)));
      const std::uint64_t resumed = blob->offset();
      auto fetched = download(client, descriptor, *blob, arrived_);
      if (fetched) transferred_ += descriptor.size - resumed;
      // If it was wrong because of what an earlier pull left, that is gone now, and fetching all of it may succeed.
      if (fetched || !again || resumed == 0 || fetched.error().code != ErrorCode::bad_data) return fetched;
      arrived_ -= blob->offset();
    }
  }

  void show() const {
    const auto total = static_cast<double>(std::max<std::uint64_t>(total_, 1));
    if (on_progress_) on_progress_({phase_, static_cast<double>(arrived_) / total});
  }

  const BlobStore& store_;
  const ProgressFn& on_progress_;
  std::vector<const Descriptor*> blobs_;
  std::uint64_t total_ = 0;
  std::string phase_;
  std::atomic<std::uint64_t> arrived_ = 0;
  std::atomic<std::uint64_t> transferred_ = 0;
};

Result<PulledImage> pull_from(const Reference& reference, const PullOptions& options, const ProgressFn& on_progress) {
  const StopSignal stop = STRATA_TRY(StopSignal::make());
  RegistryOptions registry = options.registry;
  registry.cancel_fds.push_back(stop.fd());
  const BlobStore store = STRATA_TRY(BlobStore::open());
  const auto host = STRATA_TRY(RegistryHost::connect(reference, registry, "pull"));
  RegistryClient client(*host);
  const FetchedManifest manifest =
      STRATA_TRY(fetch_manifest(client, store, options.platform.value_or(host_platform())));

  Pull blobs(store, manifest, on_progress);
  STRATA_TRY(blobs.run(*host, stop));
  STRATA_TRY(store.put(manifest.document));
  // Config and layers are held against each other before the image has a name.
  const OciImage image = STRATA_TRY(open_image(store, manifest.digest));
  if (options.platform && image.config.platform.architecture != options.platform->architecture)
    return fail(ErrorCode::not_found, "there is no image for {} there, only one for {}", options.platform->text(),
                image.config.platform.text());
  STRATA_TRY(tag(reference.name(), manifest.digest));
  return PulledImage{reference.name(), manifest.digest, blobs.transferred()};
}

}  // namespace

Result<Platform> parse_platform(std::string_view text) {
  std::vector<std::string> parts;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find('/', begin), text.size());
    parts.emplace_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  const bool words = std::all_of(parts.begin(), parts.end(), [](const std::string& part) {
    return !part.empty() && part.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789") == std::string::npos;
  });
  if (!words || parts.size() > 3)
    return fail(ErrorCode::usage, "'{}' is no platform; one looks like linux/amd64", text);
  if (parts.size() == 1) parts.insert(parts.begin(), "linux");
  parts.resize(3);
  return Platform{parts[0], parts[1], parts[2]};
}

Result<PulledImage> pull(const PullOptions& options, const ProgressFn& on_progress) {
  const Reference reference = STRATA_TRY(parse_reference(options.reference));
  auto pulled = pull_from(reference, options, on_progress);
  if (!pulled && pulled.error().code == ErrorCode::no_space)
    pulled.error().message += ": free some space and pull again, what has arrived is kept";
  if (!pulled && pulled.error().code == ErrorCode::cancelled) return pulled;
  return with_context(std::move(pulled), "pulling {}", reference.name());
}

}  // namespace strata::image
