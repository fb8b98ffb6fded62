// Merges layers into one tree, and finds how directories are that layers only imply.
#include "image/copy_layers.h"

#include "base/path_in_root.h"
#include "base/unique_fd.h"
#include "image/file_copy.h"
#include "image/staging.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <map>
#include <optional>

namespace strata::image {
namespace fs = std::filesystem;
namespace {

Result<UniqueFd> open_folder(int parent, const char* name) {
  UniqueFd folder(::openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!folder) return fail_errno("opening {}", name);
  return folder;
}

Result<std::uint32_t> map_id(const std::vector<IdRange>& ranges, std::uint32_t id) {
  for (const IdRange& range : ranges)
    if (id >= range.inside && id - range.inside < range.count) return range.outside + (id - range.inside);
  return fail(ErrorCode::unsupported, "the id {} is not in the container's map", id);
}

OwnerFn owner_for(bool owners, const IdMaps& maps) {
  return [owners, &maps](const struct stat& status) -> Result<std::optional<std::pair<uid_t, gid_t>>> {
    if (!owners) return std::nullopt;
    if (maps.empty()) return std::pair(status.st_uid, status.st_gid);
    return std::pair(STRATA_TRY(map_id(maps.users, status.st_uid)), STRATA_TRY(map_id(maps.groups, status.st_gid)));
  };
}

// Lays one layer over what is there.
class LayerCopy {
 public:
  LayerCopy(const LayerTree& layer, int target, const OwnerFn& owner, int cancel_fd)
      : layer_(layer), target_(target), owner_(owner), cancel_fd_(cancel_fd) {}

  Result<void> run() {
    const UniqueFd tree(::open(layer_.path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!tree) return fail_errno("opening {}", layer_.path.string());
    struct stat before = {};
    if (::fstat(target_, &before) != 0) return fail_errno("looking at the root");
    STRATA_TRY(merge_directory(tree.get(), target_, ""));
    return layer_.implied_directories.contains("") ? restore(target_, before) : Result<void>();
  }

 private:
  Result<void> merge_directory(int from, int to, const std::string& path) {
    pollfd cancelled{cancel_fd_, POLLIN, 0};
    if (cancel_fd_ >= 0 && ::poll(&cancelled, 1, 0) > 0) return fail(ErrorCode::cancelled, "stopped");
    if (is_opaque(from))
      for (const std::string& name : STRATA_TRY(names_in(to))) STRATA_TRY(remove_at(to, name));
    for (const std::string& name : STRATA_TRY(names_in(from)))
      STRATA_TRY(merge_entry(from, to, name, path.empty() ? name : path + "/" + name));
    // Last, as what is made in a directory changes its time.
    struct stat status = {};
    if (::fstat(from, &status) != 0) return fail_errno("looking at {}", path);
    return copy_attributes(from, to, status, owner_);
  }

  Result<void> merge_entry(int from, int to, const std::string& name, const std::string& path) {
    struct stat status = {};
    struct stat there = {};
    if (::fstatat(from, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) return fail_errno("looking at {}", path);
    const bool exists = ::fstatat(to, name.c_str(), &there, AT_SYMLINK_NOFOLLOW) == 0;
    if (!S_ISDIR(status.st_mode)) {
      if (exists) STRATA_TRY(remove_at(to, name));
      return is_whiteout(status) ? Result<void>() : copy_or_link(from, to, name, path, status);
    }
    const bool merges = exists && S_ISDIR(there.st_mode);
    if (exists && !merges) STRATA_TRY(remove_at(to, name));
    if (!merges && ::mkdirat(to, name.c_str(), 0700) != 0) return fail_errno("making {}", path);
    const UniqueFd source = STRATA_TRY(open_folder(from, name.c_str()));
    const UniqueFd copy = STRATA_TRY(open_folder(to, name.c_str()));
    STRATA_TRY(merge_directory(source.get(), copy.get(), path));
    if (!merges || !layer_.implied_directories.contains(path)) return {};
    return restore(copy.get(), there);
  }

  // As the lower layer had it.
  Result<void> restore(int directory, const struct stat& status) const {
    if (::fchown(directory, status.st_uid, status.st_gid) != 0) return fail_errno("the owner");
    if (::fchmod(directory, status.st_mode & 07777) != 0) return fail_errno("the mode");
    const timespec times[] = {{0, UTIME_OMIT}, status.st_mtim};
    if (::futimens(directory, times) != 0) return fail_errno("the time");
    return {};
  }

  Result<void> copy_or_link(int from, int to, const std::string& name, const std::string& path,
                            const struct stat& status) {
    if (status.st_nlink > 1) {
      const auto [first, is_first] = links_.emplace(status.st_ino, path);
      if (!is_first) {
        if (::linkat(target_, first->second.c_str(), to, name.c_str(), 0) != 0) return fail_errno("linking {}", path);
        return {};
      }
    }
    return copy_file(from, to, name, status, owner_);
  }

  const LayerTree& layer_;
  const int target_;
  const OwnerFn& owner_;
  const int cancel_fd_;
  std::map<ino_t, std::string> links_;
};

// How the directory is in the merged tree: as in the topmost layer that has it and says so, else as that which implies it.
// Nothing where a layer has something else there, or it is reached through symbolic links.
std::optional<UniqueFd> find_directory(const std::vector<LayerTree>& layers, const std::string& path,
                                       bool& was_implied) {
  std::optional<UniqueFd> found;
  was_implied = false;
  for (auto layer = layers.rbegin(); layer != layers.rend(); ++layer) {
    struct stat status = {};
    const fs::path place = layer->path / path;
    if (::lstat(place.c_str(), &status) != 0) continue;
    if (!S_ISDIR(status.st_mode)) return found;
    const UniqueFd root(::open(layer->path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    auto directory = open_in_root(root.get(), path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    if (!directory) return found;
    const bool implied = layer->implied_directories.contains(path);
    const bool opaque = is_opaque(directory->get());
    found = std::move(*directory);
    if (!implied) return found;
    was_implied = true;
    if (opaque) return found;
  }
  return found;
}

Result<void> make_like(int upper, const std::vector<LayerTree>& layers, const std::string& path, const OwnerFn& owner) {
  for (std::size_t end = path.find('/');; end = path.find('/', end + 1)) {
    const std::string so_far = path.substr(0, end);
    if (::mkdirat(upper, so_far.c_str(), 0700) != 0) {
      if (errno != EEXIST) return fail_errno("making {}", so_far);
    } else {
      bool implied = false;
      const auto like = find_directory(layers, so_far, implied);
      const UniqueFd made = STRATA_TRY(open_in_root(upper, so_far, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
      struct stat status = {};
      if (!like || ::fstat(like->get(), &status) != 0) return fail("{} has gone", so_far);
      STRATA_TRY(copy_attributes(like->get(), made.get(), status, owner));
    }
    if (end == std::string::npos) return {};
  }
}

}  // namespace

Result<void> copy_layers(const std::vector<LayerTree>& layers, const fs::path& target, const CopyOptions& options) {
  const UniqueFd root(::open(target.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!root) return fail_errno("opening {}", target.string());
  const OwnerFn owner = owner_for(options.owners, options.maps);
  for (const LayerTree& layer : layers)
    STRATA_TRY(with_context(LayerCopy(layer, root.get(), owner, options.cancel_fd).run(), "copying a layer"));
  return {};
}

Result<void> correct_implied_directories(const std::vector<LayerTree>& layers, const fs::path& upper,
                                         const CopyOptions& options) {
  const UniqueFd root(::open(upper.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!root) return fail_errno("opening {}", upper.string());
  const OwnerFn owner = owner_for(options.owners, options.maps);
  std::set<std::string> all;
  for (const LayerTree& layer : layers) all.insert(layer.implied_directories.begin(), layer.implied_directories.end());
  for (const std::string& path : all) {
    bool implied = false;
    struct stat topmost = {};
    const auto like = find_directory(layers, path, implied);
    if (!like || !implied || ::fstat(like->get(), &topmost) != 0) continue;
    STRATA_TRY(make_like(root.get(), layers, path, owner));
  }
  // The root itself is the topmost layer's, and a layer that does not name it has it as it was made.
  struct stat status = {};
  for (auto layer = layers.rbegin(); layer != layers.rend(); ++layer) {
    if (layer->implied_directories.contains("") && std::next(layer) != layers.rend()) continue;
    const UniqueFd tree(::open(layer->path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!tree || ::fstat(tree.get(), &status) != 0) return fail_errno("opening {}", layer->path.string());
    return copy_attributes(tree.get(), root.get(), status, owner);
  }
  return {};
}

}  // namespace strata::image
