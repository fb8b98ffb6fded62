// Finding, listing, removing and publishing images in the store.
#include "image/store.h"

#include "base/log.h"
#include "base/user_folders.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>

namespace strata::image {
namespace fs = std::filesystem;
namespace {

using Json = nlohmann::json;

constexpr std::string_view building_prefix = ".building-";
constexpr int info_version = 1;
constexpr std::string_view temporary_prefix = "strata-image-";
constexpr std::string_view temporary_link = ".temporary";  // in a staging folder, to the temporary one of that build

Result<void> sync_to_disk(const fs::path& path) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd || ::fsync(fd.get()) != 0) return fail_errno("writing {} to the disk", path.string());
  return {};
}

std::uint64_t stored_bytes_of(const fs::path& directory) {
  std::uint64_t sum = 0;
  std::error_code ignored;
  for (const fs::directory_entry& entry : fs::directory_iterator(directory, ignored)) {
    struct stat status = {};
    if (::stat(entry.path().c_str(), &status) == 0) sum += static_cast<std::uint64_t>(status.st_blocks) * 512;
  }
  return sum;
}

Result<Image> load(const fs::path& directory) {
  const fs::path path = directory / info_file;
  std::ifstream file(path);
  if (!file) return fail(ErrorCode::bad_data, "image {} has no {}", directory.filename().string(), info_file);
  const Json json = Json::parse(file, nullptr, /*allow_exceptions=*/false);
  Image image{{}, directory / disk_file, directory / kernel_file, directory / initrd_file};
  ImageInfo& info = image.info;
  info.name = directory.filename();
  bool good = json.is_object();
  const auto text = [&](const char* key, std::string& value) {
    good = good && json.contains(key) && json[key].is_string();
    if (good) value = json[key].get<std::string>();
  };
  text("suite", info.suite);
  text("architecture", info.architecture);
  text("kernel_release", info.kernel_release);
  text("command_line", info.command_line);
  text("created", info.created);
  good = good && json.contains("disk_bytes") && json["disk_bytes"].is_number_unsigned();
  if (good) info.disk_bytes = json["disk_bytes"].get<std::uint64_t>();
  if (!good) return fail(ErrorCode::bad_data, "{} is damaged: remove the image and build it again", path.string());
  info.stored_bytes = stored_bytes_of(directory);
  return image;
}

// Files on another device are a file system that somebody mounted there, such as /proc: not ours to remove.
void remove_tree_on(const fs::path& directory, dev_t device) {
  ::chmod(directory.c_str(), 0700);
  std::error_code ignored;
  for (const fs::directory_entry& entry : fs::directory_iterator(directory, ignored)) {
    struct stat status = {};
    if (::lstat(entry.path().c_str(), &status) != 0 || status.st_dev != device) continue;
    S_ISDIR(status.st_mode) ? remove_tree_on(entry.path(), device) : static_cast<void>(::unlink(entry.path().c_str()));
  }
  ::rmdir(directory.c_str());
}

// Removes the folders of builders that died; the lock of a live one cannot be had.
void sweep(const fs::path& store) {
  std::error_code ignored;
  for (const fs::directory_entry& entry : fs::directory_iterator(store, ignored)) {
    if (!entry.path().filename().string().starts_with(building_prefix)) continue;
    const UniqueFd lock(::open(entry.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!lock || ::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) continue;
    const fs::path temporary = fs::read_symlink(entry.path() / temporary_link, ignored);
    if (temporary.filename().string().starts_with(temporary_prefix)) remove_tree(temporary);
    remove_tree(entry.path());
  }
}

}  // namespace

Result<fs::path> store_directory() { return STRATA_TRY(data_folder()) / "images"; }

Result<void> check_name(std::string_view name) {
  const auto allowed = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
           std::string_view("._+-:").find(c) != std::string_view::npos;
  };
  const bool good = !name.empty() && name.size() <= 100 && std::isalnum(static_cast<unsigned char>(name[0])) != 0 &&
                    std::all_of(name.begin(), name.end(), allowed) && std::count(name.begin(), name.end(), ':') <= 1;
  if (!good) return fail(ErrorCode::usage, "'{}' is no name of an image; one looks like debian:trixie", name);
  return {};
}

Result<void> write_info(const fs::path& directory, const ImageInfo& info) {
  const Json json = {{"version", info_version},
                     {"name", info.name},
                     {"suite", info.suite},
                     {"architecture", info.architecture},
                     {"kernel_release", info.kernel_release},
                     {"command_line", info.command_line},
                     {"created", info.created},
                     {"disk_bytes", info.disk_bytes}};
  std::ofstream file(directory / info_file);
  file << json.dump(2) << '\n';
  file.close();
  if (!file) return fail(ErrorCode::io, "writing {} failed", (directory / info_file).string());
  return {};
}

void remove_tree(const fs::path& directory) {
  struct stat status = {};
  if (::lstat(directory.c_str(), &status) == 0 && S_ISDIR(status.st_mode)) remove_tree_on(directory, status.st_dev);
}

Result<Staging> Staging::create(std::string_view name) {
  const fs::path store = STRATA_TRY(store_directory());
  std::error_code error;
  fs::create_directories(store, error);
  if (error) {
    errno = error.value();
    return fail_errno("making {}", store.string());
  }
  sweep(store);
  while (true) {
    std::string path = (store / fmt::format("{}{}-XXXXXX", building_prefix, name)).string();
    if (::mkdtemp(path.data()) == nullptr) return fail_errno("making {}", path);
    UniqueFd lock(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!lock && errno != ENOENT) return fail_errno("opening {}", path);
    // Somebody's sweep may have come between; then the folder is gone when the lock is ours.
    struct stat held = {};
    const bool locked = lock && ::flock(lock.get(), LOCK_EX) == 0 && ::fstat(lock.get(), &held) == 0;
    if (!locked || held.st_nlink == 0) continue;
    Staging staging(path, std::move(lock));
    STRATA_TRY(staging.make_temporary());
    return staging;
  }
}

Result<void> Staging::make_temporary() {
  std::error_code error;
  std::string path = (fs::temp_directory_path(error) / fmt::format("{}XXXXXX", temporary_prefix)).string();
  if (error || ::mkdtemp(path.data()) == nullptr) return fail_errno("making {}", path);
  temporary_ = path;
  fs::permissions(temporary_, fs::perms::all | fs::perms::sticky_bit, error);
  fs::create_symlink(temporary_, directory_ / temporary_link, error);
  return {};
}

Staging::~Staging() {
  if (!lock_) return;
  remove_tree(temporary_);
  remove_tree(directory_);
}

Result<void> Staging::publish(std::string_view name, bool replace) {
  const fs::path store = directory_.parent_path();
  const fs::path target = store / name;
  for (const std::string_view file : {disk_file, kernel_file, initrd_file, info_file})
    STRATA_TRY(sync_to_disk(directory_ / file));
  remove_tree(temporary_);
  fs::remove(directory_ / temporary_link);
  STRATA_TRY(sync_to_disk(directory_));
  bool done = ::rename(directory_.c_str(), target.c_str()) == 0;
  const bool taken = !done && (errno == EEXIST || errno == ENOTEMPTY || errno == ENOTDIR);
  if (taken && !replace) return fail(ErrorCode::already_exists, "there is an image {} already", name);
  if (taken) {
    // The folders trade names; the old image then goes as the staging folder that it has become.
    done = ::renameat2(AT_FDCWD, directory_.c_str(), AT_FDCWD, target.c_str(), RENAME_EXCHANGE) == 0;
    if (done) remove_tree(directory_);
  }
  if (!done) return fail_errno("naming {}", target.string());
  lock_.reset();
  return sync_to_disk(store);
}

Result<std::vector<ImageInfo>> list() {
  const fs::path store = STRATA_TRY(store_directory());
  std::vector<ImageInfo> images;
  std::error_code ignored;
  for (const fs::directory_entry& entry : fs::directory_iterator(store, ignored)) {
    if (!check_name(entry.path().filename().string())) continue;
    if (auto image = load(entry.path())) images.push_back(std::move(image->info));
    else log::warn("{}", image.error().message);
  }
  std::sort(images.begin(), images.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  return images;
}

Result<Image> find(std::string_view name) {
  STRATA_TRY(check_name(name));
  const fs::path directory = STRATA_TRY(store_directory()) / name;
  if (!fs::exists(directory))
    return fail(ErrorCode::not_found, "there is no image {0}: 'strata image build {0}' makes it", name);
  return load(directory);
}

Result<void> remove(std::string_view name) {
  STRATA_TRY(check_name(name));
  const fs::path store = STRATA_TRY(store_directory());
  // Away from its name at once, so that no half of it is ever seen; what a kill leaves is swept as a dead build.
  std::string trash = (store / fmt::format("{}{}-XXXXXX", building_prefix, name)).string();
  if (!fs::exists(store / name)) return fail(ErrorCode::not_found, "there is no image {}", name);
  if (::mkdtemp(trash.data()) == nullptr || ::rename((store / name).c_str(), trash.c_str()) != 0)
    return fail_errno("removing image {}", name);
  remove_tree(trash);
  return {};
}

}  // namespace strata::image
