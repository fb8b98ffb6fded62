// LayerWriter: makes a layer's blob from its archive: hashes it, compresses it with zstd, hashes that.
#pragma once

#include "base/result.h"
#include "image/blobs.h"
#include "image/byte_source.h"
#include "image/oci_image.h"

#include <memory>
#include <span>
#include <vector>

struct ZSTD_CCtx_s;

namespace strata::image {

struct NewLayer {
  Descriptor descriptor;
  Digest diff_id;
};

// The same archive gives the same blob, by any number of processors.
class LayerWriter {
 public:
  [[nodiscard]] static Result<LayerWriter> begin(const BlobStore& store);

  // Bytes of the archive.
  [[nodiscard]] Result<void> add(std::span<const std::byte> content);
  [[nodiscard]] Result<NewLayer> finish();

 private:
  struct Free {
    void operator()(ZSTD_CCtx_s* context) const;
  };
  explicit LayerWriter(NewBlob blob);
  Result<void> compress(std::span<const std::byte> content, bool last);

  NewBlob blob_;
  Hasher archive_;
  std::unique_ptr<ZSTD_CCtx_s, Free> context_;
  std::vector<std::byte> buffer_;
};

// All of the source.
[[nodiscard]] Result<NewLayer> write_layer(const BlobStore& store, ByteSource& source, int cancel_fd = -1);

// An image of that one layer: its config and manifest are put into the store.
[[nodiscard]] Result<Digest> put_image_of(const BlobStore& store, const std::vector<NewLayer>& layers,
                                          ImageConfig config);

}  // namespace strata::image
