// Reads an image's manifest and config from the store.
#include "image/open_image.h"

namespace strata::image {

std::uint64_t OciImage::layer_bytes() const {
  std::uint64_t sum = 0;
  for (const Descriptor& layer : manifest.layers) sum += layer.size;
  return sum;
}

Result<OciImage> open_image(const BlobStore& store, const Digest& manifest) {
  OciImage image{.digest = manifest};
  const std::string manifest_text = STRATA_TRY(store.read_small(manifest));
  image.manifest = STRATA_TRY(read_manifest(manifest_text));
  const std::string config_text = STRATA_TRY(store.read_small(image.manifest.config.digest));
  image.config = STRATA_TRY(read_image_config(config_text));
  if (image.manifest.layers.size() != image.config.diff_ids.size())
    return fail(ErrorCode::bad_data, "the manifest {} has {} layers, its config {}", manifest.text(),
                image.manifest.layers.size(), image.config.diff_ids.size());
  return image;
}

Result<OciImage> open_image(const BlobStore& store, const Image& image) {
  if (!image.info.manifest)
    return fail(ErrorCode::unsupported,
                "the image {} is a machine's disk only: 'strata image build' it again to run it as a container",
                image.info.name);
  return with_context(open_image(store, *image.info.manifest), "the image {}", image.info.name);
}

}  // namespace strata::image
