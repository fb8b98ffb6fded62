// Unpacking beside downloads.
#include "image/registry/unpacking.h"

#include <poll.h>

#include <cerrno>

#include "base/thread.h"

namespace strata::image {
namespace {

constexpr int tick_ms = 100;

}  // namespace

Result<std::unique_ptr<Unpacking>> Unpacking::start(const BlobStore& store, const OciImage& image,
                                                    const StopSignal& stop) {
  auto layers = STRATA_TRY(LayerStore::open());
  auto begun = STRATA_TRY(ArrivalNews::make());
  std::unique_ptr<Unpacking> unpacking(new Unpacking(store, image, stop, std::move(layers), std::move(begun.first)));
  for (const Descriptor& layer : image.manifest.layers) {
    if (unpacking->readers_.contains(layer.digest)) continue;
    auto ends = STRATA_TRY(ArrivalNews::make());
    unpacking->news_.emplace(layer.digest, std::move(ends.first));
    unpacking->readers_.emplace(layer.digest, std::move(ends.second));
  }
  unpacking->thread_ = STRATA_TRY(start_thread("unpacking", [&work = *unpacking] { work.run(); }));
  pollfd waiting{begun.second.get(), POLLIN, 0};
  while (::poll(&waiting, 1, -1) < 0 && errno == EINTR) {
  }
  return unpacking;
}

Unpacking::~Unpacking() {
  end_news();
  if (thread_.joinable()) thread_.join();
}

void Unpacking::end_news() {
  for (auto& [digest, news] : news_) news.end();
}

void Unpacking::run() {
  outcome_ = layers_.unpack(
      image_, [this](const Descriptor& layer) { return open(layer); }, {}, stop_.fd());
  begun_.more();  // where there was nothing to open
  ended_ = true;
}

// In the process that unpacks, for each layer once.
Result<std::unique_ptr<ByteSource>> Unpacking::open(const Descriptor& layer) {
  begun_.more();
  const std::scoped_lock lock(opening_);
  UniqueFd& reader = readers_.at(layer.digest);
  if (!reader) return fail(ErrorCode::bad_data, "the layer {} stands for two diff_ids", layer.digest.text());
  return follow_blob(store_, layer.digest, std::move(reader));
}

Result<void> Unpacking::finish(const std::vector<int>& cancel_fds, const std::function<void()>& tick) {
  end_news();
  std::vector<pollfd> fds;
  for (const int fd : cancel_fds) fds.push_back({fd, POLLIN, 0});
  bool stopped = false;
  while (!ended_) {
    tick();
    if (::poll(fds.data(), stopped ? 0 : fds.size(), tick_ms) <= 0) continue;
    stop_.stop();
    stopped = true;
  }
  thread_.join();
  return std::move(outcome_);
}

Result<void> Unpacking::again() const { return layers_.unpack(store_, image_, {}, stop_.fd()); }

}  // namespace strata::image
