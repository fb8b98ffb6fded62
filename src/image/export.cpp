// Writes OCI layouts.
#include "base/user_folders.h"
#include "image/copy_blob.h"
#include "image/names.h"
#include "image/open_image.h"
#include "image/staging.h"
#include "image/tar_out.h"
#include "image/transfer.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <functional>

namespace strata::image {
namespace fs = std::filesystem;
namespace {

constexpr std::string_view layout_text = R"({"imageLayoutVersion":"1.0.0"})";

// What the layout holds, in the order in which it is written.
struct Layout {
  std::string index;
  std::vector<Descriptor> blobs;  // each once, by digest
};

Layout layout_of(const Image& image, const OciImage& oci, std::uint64_t manifest_size) {
  const auto name = parse_name(image.info.name);
  Descriptor manifest{.media_type = oci.manifest.media_type,
                      .digest = oci.digest,
                      .size = manifest_size,
                      .platform = oci.config.platform};
  manifest.annotations["io.containerd.image.name"] = image.info.name;
  manifest.annotations["org.opencontainers.image.ref.name"] = name && !name->tag.empty() ? name->tag : "latest";
  Layout layout{.index = write_index({.media_type = std::string(media_type::index), .manifests = {manifest}}),
                .blobs = oci.manifest.layers};
  layout.blobs.push_back(manifest);
  layout.blobs.push_back(oci.manifest.config);
  const auto by_digest = [](const Descriptor& a, const Descriptor& b) { return a.digest < b.digest; };
  std::sort(layout.blobs.begin(), layout.blobs.end(), by_digest);
  const auto same = [](const Descriptor& a, const Descriptor& b) { return a.digest == b.digest; };
  layout.blobs.erase(std::unique(layout.blobs.begin(), layout.blobs.end(), same), layout.blobs.end());
  return layout;
}

class Exporter {
 public:
  Exporter(const BlobStore& store, const Layout& layout, const ProgressFn& on_progress, int cancel_fd)
      : store_(store), layout_(layout), on_progress_(on_progress), cancel_fd_(cancel_fd) {
    for (const Descriptor& blob : layout.blobs) total_ += blob.size;
  }

  Result<void> to_archive(const fs::path& target) {
    const fs::path partial = target.string() + ".partial";
    const UniqueFd file(::open(partial.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644));
    if (!file) return fail_errno("making {}", partial.string());
    auto written = write_archive(file.get());
    if (written && (::fsync(file.get()) != 0 || ::rename(partial.c_str(), target.c_str()) != 0))
      written = fail_errno("writing {}", target.string());
    if (!written) ::unlink(partial.c_str());
    return written;
  }

  Result<void> to_folder(const fs::path& target) {
    std::error_code error;
    const bool existed = fs::exists(target, error);
    if (existed && (!fs::is_directory(target, error) || !fs::is_empty(target, error)))
      return fail(ErrorCode::already_exists, "{} is there already", target.string());
    auto written = write_folder(target);
    if (!written) {
      for (const char* name : {"blobs", "index.json", "oci-layout"}) fs::remove_all(target / name, error);
      if (!existed) fs::remove(target, error);
    }
    return written;
  }

 private:
  Result<void> write_archive(int file) {
    const auto sink = [file](std::span<const std::byte> bytes) { return write_fully(file, bytes); };
    const auto tar = STRATA_TRY(TarOut::begin(sink));
    STRATA_TRY(tar->add_text("oci-layout", layout_text));
    STRATA_TRY(tar->add_text("index.json", layout_.index));
    STRATA_TRY(tar->add_folder("blobs/"));
    STRATA_TRY(tar->add_folder("blobs/sha256/"));
    for (const Descriptor& blob : layout_.blobs) {
      STRATA_TRY(verify_blob(store_.path(blob.digest), blob, cancel_fd_));
      STRATA_TRY(tar->add_file("blobs/sha256/" + blob.digest.hex(), store_.path(blob.digest)));
      report(blob);
    }
    return tar->finish();
  }

  Result<void> write_folder(const fs::path& target) {
    std::error_code error;
    fs::create_directories(target / "blobs" / "sha256", error);
    if (error) {
      errno = error.value();
      return fail_errno("making {}", target.string());
    }
    for (const Descriptor& blob : layout_.blobs) {
      const fs::path to = target / "blobs" / "sha256" / blob.digest.hex();
      const UniqueFd from(::open(store_.path(blob.digest).c_str(), O_RDONLY | O_CLOEXEC));
      const UniqueFd file(::open(to.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
      if (!from || !file) return fail_errno("writing {}", to.string());
      STRATA_TRY(read_blob(from.get(), blob, cancel_fd_, [&](auto bytes) { return write_fully(file.get(), bytes); }));
      report(blob);
    }
    STRATA_TRY(write_durably(target / "index.json", layout_.index));
    return write_durably(target / "oci-layout", layout_text);
  }

  void report(const Descriptor& blob) {
    done_ += blob.size;
    if (on_progress_)
      on_progress_({"exporting", static_cast<double>(done_) / static_cast<double>(std::max<std::uint64_t>(total_, 1))});
  }

  const BlobStore& store_;
  const Layout& layout_;
  const ProgressFn& on_progress_;
  const int cancel_fd_;
  std::uint64_t total_ = 0;
  std::uint64_t done_ = 0;
};

}  // namespace

Result<void> export_image(std::string_view name, const fs::path& target, const ProgressFn& on_progress, int cancel_fd) {
  const Image image = STRATA_TRY(find(name));
  const BlobStore store = STRATA_TRY(BlobStore::open());
  const OciImage oci = STRATA_TRY(open_image(store, image));
  const std::string manifest = STRATA_TRY(store.read_small(oci.digest));
  const Layout layout = layout_of(image, oci, manifest.size());
  Exporter exporter(store, layout, on_progress, cancel_fd);
  auto done = target.extension() == ".tar" ? exporter.to_archive(target) : exporter.to_folder(target);
  if (!done && done.error().code == ErrorCode::cancelled) return done;
  return with_context(std::move(done), "exporting {}", image.info.name);
}

}  // namespace strata::image
