// Pulling: manifest and config, then all layers at once, unpacked while they come, then the name.
#include <algorithm>
#include <atomic>
#include <set>

#include "image/open_image.h"
#include "image/registry/download.h"
#include "image/registry/fetch_manifest.h"
#include "image/registry/parallel.h"
#include "image/registry/registry.h"
#include "image/registry/unpacking.h"

namespace strata::image {
namespace {

constexpr double mebibyte = 1 << 20;

// Brings blobs from the registry to the store.
class Downloads {
 public:
  explicit Downloads(const BlobStore& store) : store_(store) {}

  // May be called from any thread.
  Result<void> fetch(RegistryClient& client, const Descriptor& descriptor, ArrivalNews* news) {
    for (bool again = true;; again = false) {
      auto writer = STRATA_TRY(begin_blob(store_, descriptor, client.host().http().cancel_fds));
      if (!writer) {
        arrived_ += descriptor.size;
        break;
      }
      ArrivingBlob blob(std::move(*writer), news);
      const std::uint64_t resumed = blob.offset();
      auto fetched = download(client, descriptor, blob, arrived_);
      if (fetched) {
        transferred_ += descriptor.size - resumed;
        break;
      }
      // If it was wrong because of what an earlier pull left, that is gone now, and fetching all of it may succeed.
      if (!again || resumed == 0 || fetched.error().code != ErrorCode::bad_data) return fetched;
      arrived_ -= blob.offset();
      anew_ = true;
    }
    if (news != nullptr) news->end();
    return {};
  }

  std::uint64_t arrived() const { return arrived_; }
  std::uint64_t transferred() const { return transferred_; }
  // Whether a blob had to be fetched anew, so that who followed it has read bytes that were wrong.
  bool anew() const { return anew_; }

 private:
  const BlobStore& store_;
  std::atomic<std::uint64_t> arrived_ = 0;
  std::atomic<std::uint64_t> transferred_ = 0;
  std::atomic<bool> anew_ = false;
};

class Pull {
 public:
  Pull(const BlobStore& store, RegistryHost& host, const PullOptions& options, const StopSignal& stop,
       const ProgressFn& on_progress)
      : store_(store), host_(host), options_(options), stop_(stop), on_progress_(on_progress), downloads_(store) {}

  Result<PulledImage> run() {
    const OciImage image = STRATA_TRY(fetch_documents());
    STRATA_TRY(fetch_layers(image));
    const std::string name = host_.reference().name();
    STRATA_TRY(tag(name, image.digest));
    return PulledImage{name, image.digest, downloads_.transferred()};
  }

 private:
  Result<OciImage> fetch_documents() {
    RegistryClient client(host_);
    const FetchedManifest manifest =
        STRATA_TRY(fetch_manifest(client, store_, options_.platform.value_or(host_platform())));
    STRATA_TRY(downloads_.fetch(client, manifest.manifest.config, nullptr));
    STRATA_TRY(store_.put(manifest.document));
    OciImage image = STRATA_TRY(open_image(store_, manifest.digest));
    if (options_.platform && image.config.platform.architecture != options_.platform->architecture)
      return fail(ErrorCode::not_found, "there is no image for {} there, only one for {}", options_.platform->text(),
                  image.config.platform.text());
    return image;
  }

  Result<void> fetch_layers(const OciImage& image) {
    std::vector<const Descriptor*> layers;
    std::set<Digest> seen;  // a layer may stand in a manifest twice
    std::uint64_t total = image.manifest.config.size;
    for (const Descriptor& layer : image.manifest.layers) {
      if (!seen.insert(layer.digest).second) continue;
      layers.push_back(&layer);
      total += layer.size;
    }
    const auto unpacking = STRATA_TRY(Unpacking::start(store_, image, stop_));
    const std::string phase =
        fmt::format("pulling {} layers, {:.1f} MiB", layers.size(), static_cast<double>(total) / mebibyte);
    const auto show = [&](std::string_view what) {
      if (on_progress_) on_progress_({what, static_cast<double>(downloads_.arrived()) / static_cast<double>(total)});
    };
    const auto fetched = in_parallel(
        host_, stop_, layers.size(),
        [&](RegistryClient& client, std::size_t i) {
          return downloads_.fetch(client, *layers[i], &unpacking->news_of(layers[i]->digest));
        },
        [&] { show(phase); });
    auto unpacked = unpacking->finish(host_.http().cancel_fds, [&] { show("unpacking"); });
    STRATA_TRY(fetched);
    return unpacked || !downloads_.anew() ? std::move(unpacked) : unpacking->again();
  }

  const BlobStore& store_;
  RegistryHost& host_;
  const PullOptions& options_;
  const StopSignal& stop_;
  const ProgressFn& on_progress_;
  Downloads downloads_;
};

Result<PulledImage> pull_from(const Reference& reference, const PullOptions& options, const ProgressFn& on_progress) {
  const StopSignal stop = STRATA_TRY(StopSignal::make());
  RegistryOptions registry = options.registry;
  registry.cancel_fds.push_back(stop.fd());
  const BlobStore store = STRATA_TRY(BlobStore::open());
  const auto host = STRATA_TRY(RegistryHost::connect(reference, registry, "pull"));
  return Pull(store, *host, options, stop, on_progress).run();
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
