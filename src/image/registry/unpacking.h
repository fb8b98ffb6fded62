// Unpacking: an image's layers, unpacked on a thread of its own while their blobs arrive.
#pragma once

#include "base/result.h"

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "image/layers.h"
#include "image/open_image.h"
#include "image/registry/arriving_blob.h"
#include "image/registry/parallel.h"

namespace strata::image {

class Unpacking {
 public:
  // Returns when downloads may begin: LayerStore may work in a child process, and a process of several threads cannot
  // safely be forked. All three outlive the object.
  [[nodiscard]] static Result<std::unique_ptr<Unpacking>> start(const BlobStore& store, const OciImage& image,
                                                                const StopSignal& stop);
  ~Unpacking();

  // To be told how far a layer's blob is.
  [[nodiscard]] ArrivalNews& news_of(const Digest& layer) { return news_.at(layer); }

  // After the downloads: waits until all that has arrived is unpacked, calling tick() all the while. Stops early when one
  // of `cancel_fds` becomes readable.
  [[nodiscard]] Result<void> finish(const std::vector<int>& cancel_fds, const std::function<void()>& tick);
  // Once more, from blobs that are all in the store.
  [[nodiscard]] Result<void> again() const;

 private:
  Unpacking(const BlobStore& store, const OciImage& image, const StopSignal& stop, LayerStore layers, ArrivalNews begun)
      : store_(store), image_(image), stop_(stop), layers_(std::move(layers)), begun_(std::move(begun)) {}
  void run();
  Result<std::unique_ptr<ByteSource>> open(const Descriptor& layer);
  void end_news();

  const BlobStore& store_;
  const OciImage& image_;
  const StopSignal& stop_;
  const LayerStore layers_;
  const ArrivalNews begun_;
  std::mutex opening_;
  std::map<Digest, UniqueFd> readers_;  // by the blob
  std::map<Digest, ArrivalNews> news_;
  Result<void> outcome_;
  std::atomic<bool> ended_ = false;
  std::thread thread_;
};

}  // namespace strata::image
