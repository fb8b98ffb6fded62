// Finds out what a source is, and makes an image of it.
#include "image/blobs.h"
#include "image/decompress.h"
#include "image/layer_writer.h"
#include "image/layers.h"
#include "image/layout_import.h"
#include "image/names.h"
#include "image/open_image.h"
#include "image/staging.h"
#include "image/store.h"
#include "image/tar_out.h"
#include "image/transfer.h"
#include "image/unpack.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>

namespace strata::image {
namespace fs = std::filesystem;
namespace {

class Importer {
 public:
  Importer(const BlobStore& store, const ImportOptions& options, const ProgressFn& on_progress)
      : store_(store), options_(options), on_progress_(on_progress) {}

  Result<Image> run() {
    std::error_code error;
    const ImportedLayout imported =
        STRATA_TRY(fs::is_directory(options_.source, error) ? from_folder(options_.source) : from_archive());
    const std::string name = STRATA_TRY(choose_name(imported.name));
    STRATA_TRY(tag(name, imported.manifest));
    return find(name);
  }

 private:
  Result<std::unique_ptr<ByteSource>> open_source() const {
    UniqueFd file(::open(options_.source.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file) return fail_errno("opening {}", options_.source.string());
    return decompress(file_source(std::move(file)));
  }

  Result<ImportedLayout> from_folder(const fs::path& folder) {
    if (fs::exists(folder / "oci-layout")) return import_oci_layout(store_, folder, on_progress_, options_.cancel_fd);
    STRATA_TRY(need_name());
    report("packing the layer");
    LayerWriter writer = STRATA_TRY(LayerWriter::begin(store_));
    const auto tar = STRATA_TRY(TarOut::begin([&](std::span<const std::byte> bytes) { return writer.add(bytes); }));
    STRATA_TRY(tar->add_tree(folder, ::geteuid() != 0, options_.cancel_fd));
    STRATA_TRY(tar->finish());
    const NewLayer layer = STRATA_TRY(writer.finish());
    return image_of(layer);
  }

  // An archive of images has few files, all with names of a known form; a root file system has others.
  Result<ImportedLayout> from_archive() {
    if (!STRATA_TRY(holds_images())) return from_root_archive();
    report("unpacking the archive");
    const fs::path store = STRATA_TRY(store_directory());
    const StagingFolder staging = STRATA_TRY(StagingFolder::create(store, "import"));
    const fs::path folder = staging.directory() / "tree";
    fs::create_directory(folder);
    const UniqueFd root(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    auto source = STRATA_TRY(open_source());
    const auto stream = STRATA_TRY(LayerStream::start(std::move(source)));
    STRATA_TRY(unpack_layer(*stream, root.get(), {.owners = false, .cancel_fd = options_.cancel_fd}));
    if (fs::exists(folder / "oci-layout")) return import_oci_layout(store_, folder, on_progress_, options_.cancel_fd);
    if (fs::exists(folder / "manifest.json")) return import_docker_archive(store_, folder, options_.cancel_fd);
    return fail(ErrorCode::bad_data, "it has neither an oci-layout nor a manifest.json");
  }

  Result<bool> holds_images() {
    auto source = STRATA_TRY(open_source());
    const std::string first = STRATA_TRY(first_name(*source));
    const std::string top = first.substr(0, first.find('/'));
    const bool hexadecimal =
        top.size() >= 64 && top.substr(0, 64).find_first_not_of("0123456789abcdef") == std::string::npos;
    return hexadecimal || top == "oci-layout" || top == "index.json" || top == "manifest.json" ||
           top == "repositories" || (top == "blobs" && first.size() < 90);
  }

  // POSIX ustar: the first field of the first block.
  static Result<std::string> first_name(ByteSource& source) {
    std::array<std::byte, 512> block{};
    std::size_t have = 0;
    while (have < block.size()) {
      const std::size_t count = STRATA_TRY(source.read(std::span(block).subspan(have)));
      if (count == 0) break;
      have += count;
    }
    const std::string_view name(reinterpret_cast<const char*>(block.data()), 100);
    return std::string(name.substr(0, name.find('\0')));
  }

  Result<ImportedLayout> from_root_archive() {
    STRATA_TRY(need_name());
    report("packing the layer");
    const auto source = STRATA_TRY(open_source());
    const NewLayer layer = STRATA_TRY(write_layer(store_, *source, options_.cancel_fd));
    return image_of(layer);
  }

  Result<ImportedLayout> image_of(const NewLayer& layer) {
    const ImageConfig config{.platform = host_platform(),
                             .cmd = {"/bin/sh"},
                             .env = {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}};
    const Digest manifest = STRATA_TRY(put_image_of(store_, {layer}, config));
    report("unpacking");
    const LayerStore layers = STRATA_TRY(LayerStore::open());
    const OciImage image = STRATA_TRY(open_image(store_, manifest));
    STRATA_TRY(layers.unpack(store_, image, on_progress_, options_.cancel_fd));
    return ImportedLayout{manifest, ""};
  }

  Result<void> need_name() const {
    if (options_.name.empty())
      return fail(ErrorCode::usage, "{} is a root file system, which has no name: --name gives it one",
                  options_.source.string());
    return {};
  }

  Result<std::string> choose_name(const std::string& found) const {
    if (!options_.name.empty()) return options_.name;
    const std::string stem = options_.source.lexically_normal().stem().string();
    const std::string name = found.starts_with(':') ? stem + found : found;
    if (name.empty() || !parse_name(name))
      return fail(ErrorCode::usage, "{} does not say the image's name: --name gives it one", options_.source.string());
    return name;
  }

  void report(std::string_view phase) {
    if (on_progress_) on_progress_({phase, 0.0});
  }

  const BlobStore& store_;
  const ImportOptions& options_;
  const ProgressFn& on_progress_;
};

}  // namespace

Result<Image> import_image(const ImportOptions& options, const ProgressFn& on_progress) {
  if (!options.name.empty()) STRATA_TRY(parse_name(options.name));
  const BlobStore store = STRATA_TRY(BlobStore::open());
  auto image = Importer(store, options, on_progress).run();
  if (!image && (image.error().code == ErrorCode::cancelled || image.error().code == ErrorCode::usage)) return image;
  return with_context(std::move(image), "importing {}", options.source.string());
}

}  // namespace strata::image
