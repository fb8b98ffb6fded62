// Unpacks layers side by side, verifies what they hold, and names them together.
#include "image/layers.h"

#include "base/json_reader.h"
#include "base/log.h"
#include "base/thread.h"
#include "base/user_folders.h"
#include "image/decompress.h"
#include "image/id_maps.h"
#include "image/staging.h"
#include "image/store_lock.h"
#include "image/unpack.h"
#include "image/user_namespace.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <fstream>
#include <mutex>
#include <optional>
#include <set>

namespace strata::image {
namespace fs = std::filesystem;
namespace {

constexpr std::string_view about_file = "layer.json";
constexpr unsigned most_threads = 4;  // each has 2 MiB of buffers; more do not help where files are made

// What is known of an unpacked layer.
struct About {
  Digest diff_id;
  std::string boot;  // of the host, while its files may not all be on the disk; empty when they are
  UnpackedLayer layer;
};

// A number that the kernel makes anew at each start.
const std::string& this_boot() {
  static const std::string id = [] {
    std::string text;
    std::ifstream("/proc/sys/kernel/random/boot_id") >> text;
    return text;
  }();
  return id;
}

std::string as_text(const About& about) {
  nlohmann::json json = {{"version", 1},
                         {"diff_id", about.diff_id.text()},
                         {"bytes", about.layer.bytes},
                         {"entries", about.layer.entries},
                         {"implied_directories", about.layer.implied_directories}};
  if (!about.boot.empty()) json["boot"] = about.boot;
  return json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

About read_whole(const JsonReader& json) {
  About about{.boot = json["boot"].text(),
              .layer = {.bytes = json["bytes"].required().number<std::uint64_t>(),
                        .entries = json["entries"].required().number<std::uint64_t>(),
                        .implied_directories = json["implied_directories"].required().texts()}};
  const auto diff_id = Digest::parse(json["diff_id"].required().text());
  if (diff_id) about.diff_id = *diff_id;
  else json["diff_id"].complain(diff_id.error().message);
  return about;
}

Result<About> read_about(const fs::path& folder) {
  const std::string text = STRATA_TRY(read_whole_file(folder / about_file));
  return with_context(read_json_document<About>(text, read_whole), "{}", (folder / about_file).string());
}

Result<void> write_about(const fs::path& folder, const About& about) {
  std::ofstream file(folder / about_file);
  file << as_text(about);
  file.close();
  if (!file) return fail(ErrorCode::io, "writing {} failed", (folder / about_file).string());
  return {};
}

}  // namespace

struct LayerStore::Job {
  Digest diff_id;
  Descriptor layer;
  std::optional<StagingFolder> staging = {};
  Result<void> outcome = {};
};

Result<LayerStore> LayerStore::open() {
  const fs::path directory = STRATA_TRY(store_root()) / "layers";
  IdMaps maps;
  if (::geteuid() != 0) maps = STRATA_TRY(own_id_maps());
  STRATA_TRY(make_private_folder(directory));
  return LayerStore(directory, std::move(maps));
}

fs::path LayerStore::folder(const Digest& diff_id) const {
  return directory_ / (diff_id.hex() + (has_owners() ? "" : ".single"));
}

bool LayerStore::has(const Digest& diff_id) const {
  const auto about = read_about(folder(diff_id));
  return about && (about->boot.empty() || about->boot == this_boot());
}

Result<std::vector<std::string>> LayerStore::implied_directories(const Digest& diff_id) const {
  return read_about(folder(diff_id)).map([](About about) { return std::move(about.layer.implied_directories); });
}

Result<void> LayerStore::make_durable() const {
  const UniqueFd store(::open(directory_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!store || ::syncfs(store.get()) != 0) return fail_errno("writing {} to the disk", directory_.string());
  std::error_code ignored;
  for (const fs::directory_entry& entry : fs::directory_iterator(directory_, ignored)) {
    auto about = read_about(entry.path());
    if (!about || about->boot != this_boot()) continue;
    about->boot.clear();
    STRATA_TRY(write_durably(entry.path() / about_file, as_text(*about)));
  }
  return {};
}

Result<void> LayerStore::as_owner(const std::function<Result<void>()>& work) const {
  if (maps_.users.size() <= 1) return work();
  const auto in_child = run_mapped(maps_, [&] { return work().map([] { return std::string(); }); });
  return in_child.map([](const std::string&) {});
}

Result<void> LayerStore::remove(const fs::path& folder) const {
  return as_owner([&]() -> Result<void> {
    remove_tree(folder);
    return {};
  });
}

Result<void> LayerStore::unpack(const BlobStore& blobs, const OciImage& image, const ProgressFn& on_progress,
                                int cancel_fd) const {
  const auto open_layer = [&](const Descriptor& layer) -> Result<std::unique_ptr<ByteSource>> {
    const fs::path path = blobs.path(layer.digest);
    UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file) return fail_errno("opening {}", path.string());
    return file_source(std::move(file));
  };
  return unpack(image, open_layer, on_progress, cancel_fd);
}

Result<void> LayerStore::unpack(const OciImage& image, const OpenLayer& open_layer, const ProgressFn& on_progress,
                                int cancel_fd) const {
  std::vector<Job> jobs;
  std::set<Digest> seen;  // an image may have a layer twice
  for (std::size_t i = 0; i < image.config.diff_ids.size(); ++i) {
    const Digest& diff_id = image.config.diff_ids[i];
    if (!has(diff_id) && seen.insert(diff_id).second)
      jobs.push_back({.diff_id = diff_id, .layer = image.manifest.layers[i]});
  }
  if (jobs.empty()) return {};
  return as_owner([&] {
    auto unpacked = unpack_jobs(jobs, open_layer, on_progress, cancel_fd);
    jobs.clear();  // a child process ends without destroying them, and their folders are its to remove
    return unpacked;
  });
}

Result<void> LayerStore::unpack_jobs(std::vector<Job>& jobs, const OpenLayer& open_layer, const ProgressFn& on_progress,
                                     int cancel_fd) const {
  std::uint64_t total = 0;
  for (Job& job : jobs) {
    total += job.layer.size;
    job.staging.emplace(STRATA_TRY(StagingFolder::create(directory_, job.diff_id.short_hex())));
  }
  std::atomic<std::size_t> next = 0;
  std::atomic<bool> failed = false;
  std::uint64_t done = 0;
  std::mutex reporting;
  const auto work = [&] {
    for (std::size_t i = next++; i < jobs.size() && !failed; i = next++) {
      jobs[i].outcome = unpack_one(jobs[i], open_layer, cancel_fd);
      if (!jobs[i].outcome) failed = true;
      const std::lock_guard lock(reporting);
      done += jobs[i].layer.size;
      if (on_progress)
        on_progress({"unpacking", static_cast<double>(done) / static_cast<double>(std::max<std::uint64_t>(total, 1))});
    }
  };
  std::vector<std::thread> others;
  const std::size_t threads = std::min<std::size_t>({jobs.size(), std::thread::hardware_concurrency(), most_threads});
  while (others.size() + 1 < threads) {
    auto thread = start_thread("unpack", work);
    if (!thread) break;
    others.push_back(std::move(*thread));
  }
  work();
  for (std::thread& thread : others) thread.join();
  for (Job& job : jobs) STRATA_TRY(job.outcome);

  for (Job& job : jobs) {
    // Somebody else may have been faster; what is left from before the host's last start gives way.
    if (has(job.diff_id)) continue;
    STRATA_TRY(job.staging->publish(folder(job.diff_id).filename().string(), /*replace=*/true, /*durable=*/false));
  }
  return {};
}

Result<void> LayerStore::unpack_one(const Job& job, const OpenLayer& open_layer, int cancel_fd) const {
  const auto unpacking = [&](Error error) {
    if (error.code == ErrorCode::cancelled) return error;
    return std::move(error).context("the layer {}", job.diff_id.short_hex());
  };
  auto blob = STRATA_TRY(open_layer(job.layer).map_error(unpacking));
  const fs::path tree = job.staging->directory() / "tree";
  if (::mkdir(tree.c_str(), 0755) != 0) return fail_errno("making {}", tree.string());
  const UniqueFd root(::open(tree.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!root) return fail_errno("opening {}", tree.string());

  auto source = STRATA_TRY(decompress(std::move(blob)).map_error(unpacking));
  const auto stream = STRATA_TRY(LayerStream::start(std::move(source)));
  const UnpackOptions options{.owners = has_owners(), .cancel_fd = cancel_fd};
  const UnpackedLayer layer = STRATA_TRY(unpack_layer(*stream, root.get(), options).map_error(unpacking));
  if (stream->digest() != job.diff_id)
    return fail(ErrorCode::bad_data, "the layer {} is not what the image's config says: it unpacks to {}",
                job.diff_id.text(), stream->digest().text());
  return write_about(job.staging->directory(), {job.diff_id, this_boot(), layer});
}

}  // namespace strata::image
