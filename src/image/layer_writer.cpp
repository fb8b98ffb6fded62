// Compresses with libzstd, by as many threads as there are processors.
#include "image/layer_writer.h"

#include <poll.h>
#include <zstd.h>

#include <thread>

namespace strata::image {
namespace {

constexpr int level = 3;  // zstd's own choice: half of gzip's time, and smaller

}  // namespace

void LayerWriter::Free::operator()(ZSTD_CCtx_s* context) const { ::ZSTD_freeCCtx(context); }

Result<LayerWriter> LayerWriter::begin(const BlobStore& store) { return LayerWriter(STRATA_TRY(store.begin_new())); }

LayerWriter::LayerWriter(NewBlob blob) : blob_(std::move(blob)), context_(::ZSTD_createCCtx()), buffer_(1 << 18) {
  ::ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_compressionLevel, level);
  ::ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_checksumFlag, 1);
  // One at least, as without threads zstd cuts its blocks elsewhere; where it was built without, there is one way only.
  const auto threads = std::max(1U, std::thread::hardware_concurrency());
  ::ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_nbWorkers, static_cast<int>(threads));
}

Result<void> LayerWriter::add(std::span<const std::byte> content) {
  archive_.add(content);
  return compress(content, false);
}

Result<void> LayerWriter::compress(std::span<const std::byte> content, bool last) {
  ZSTD_inBuffer in{content.data(), content.size(), 0};
  while (true) {
    ZSTD_outBuffer out{buffer_.data(), buffer_.size(), 0};
    const std::size_t left = ::ZSTD_compressStream2(context_.get(), &out, &in, last ? ZSTD_e_end : ZSTD_e_continue);
    if (::ZSTD_isError(left) != 0) return fail("compressing: {}", ::ZSTD_getErrorName(left));
    STRATA_TRY(blob_.write(std::span(buffer_).first(out.pos)));
    if (last ? left == 0 : in.pos == in.size) return {};
  }
}

Result<NewLayer> LayerWriter::finish() {
  STRATA_TRY(compress({}, true));
  NewLayer layer{.descriptor = {.media_type = std::string(media_type::layer_zstd), .size = blob_.size()},
                 .diff_id = archive_.finish()};
  layer.descriptor.digest = STRATA_TRY(blob_.commit());
  return layer;
}

Result<NewLayer> write_layer(const BlobStore& store, ByteSource& source, int cancel_fd) {
  LayerWriter writer = STRATA_TRY(LayerWriter::begin(store));
  std::vector<std::byte> piece(1 << 18);
  while (true) {
    pollfd cancelled{cancel_fd, POLLIN, 0};
    if (cancel_fd >= 0 && ::poll(&cancelled, 1, 0) > 0) return fail(ErrorCode::cancelled, "stopped");
    const std::size_t count = STRATA_TRY(source.read(piece));
    if (count == 0) return writer.finish();
    STRATA_TRY(writer.add(std::span(piece).first(count)));
  }
}

Result<Digest> put_image_of(const BlobStore& store, const std::vector<NewLayer>& layers, ImageConfig config) {
  Manifest manifest{.media_type = std::string(media_type::manifest)};
  config.diff_ids.clear();
  for (const NewLayer& layer : layers) {
    manifest.layers.push_back(layer.descriptor);
    config.diff_ids.push_back(layer.diff_id);
  }
  const std::string text = write_image_config(config);
  manifest.config = {
      .media_type = std::string(media_type::config), .digest = STRATA_TRY(store.put(text)), .size = text.size()};
  return store.put(write_manifest(manifest));
}

}  // namespace strata::image
