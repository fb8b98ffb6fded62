// Fuzz target: what comes with an image of anybody's: manifest, index, config, compressed data, names and paths of a layer.
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string_view>

#include "image/decompress.h"
#include "image/names.h"
#include "image/oci_image.h"
#include "image/tree_writer.h"

namespace {

class Bytes final : public strata::image::ByteSource {
 public:
  Bytes(const uint8_t* data, size_t size) : data_(data), size_(size) {}
  strata::Result<size_t> read(std::span<std::byte> into) override {
    const size_t count = std::min(into.size(), size_);
    std::memcpy(into.data(), data_, count);
    data_ += count;
    size_ -= count;
    return count;
  }

 private:
  const uint8_t* data_;
  size_t size_;
};

// What is read can be written, and reads as the same.
template <class Read, class Write>
void check_round(std::string_view text, Read&& read, Write&& write) {
  const auto document = read(text);
  if (!document) return;
  const std::string once = write(*document);
  const auto again = read(once);
  if (!again || write(*again) != once) std::abort();
}

void check_name(std::string_view text) {
  const auto name = strata::image::parse_name(text);
  if (!name) return;
  const std::string folder = strata::image::folder_of_name(name->text());
  if (folder.find('/') != std::string::npos || folder.starts_with('.')) std::abort();
  if (strata::image::name_of_folder(folder) != name->text()) std::abort();
}

void check_path(std::string_view text) {
  const auto path = strata::image::clean_path(text);
  if (!path) return;
  if (path->starts_with('/') || ("/" + *path + "/").find("/../") != std::string::npos) std::abort();
}

void check_compressed(const uint8_t* data, size_t size) {
  auto source = strata::image::decompress(std::make_unique<Bytes>(data, size));
  std::array<std::byte, 4096> piece{};
  for (int i = 0; source && i < 1000; ++i) {
    const auto count = (*source)->read(piece);
    if (!count || *count == 0) return;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  check_round(text, strata::image::read_manifest, strata::image::write_manifest);
  check_round(text, strata::image::read_index, strata::image::write_index);
  check_round(text, strata::image::read_image_config, strata::image::write_image_config);
  (void)strata::image::is_index(text);
  check_name(text);
  check_path(text);
  check_compressed(data, size);
  return 0;
}
