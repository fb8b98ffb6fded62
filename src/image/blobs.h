// The content-addressed store: files whose name is the SHA-256 of what they hold.
#pragma once

#include "base/result.h"
#include "base/unique_fd.h"
#include "image/digest.h"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>

namespace strata::image {

class BlobStore;

// What a manifest or config may have at most (OCI distribution specification: registries take 4 MiB at least).
inline constexpr std::uint64_t small_blob_limit = std::uint64_t{4} << 20;

// A small blob's content, held against its digest once more. More than `limit` bytes are an error.
[[nodiscard]] Result<std::string> read_verified(const std::filesystem::path& path, const Digest& digest,
                                                std::uint64_t limit = small_blob_limit);

// Receives one blob. What has arrived stays when the writer goes away without commit(): the next one begins where it
// ended. While a writer lives, others that want the same blob wait for it.
class BlobWriter {
 public:
  BlobWriter(BlobWriter&&) noexcept = default;
  BlobWriter& operator=(BlobWriter&&) noexcept = default;

  // Bytes that are there, from an earlier try too: where to go on.
  [[nodiscard]] std::uint64_t offset() const { return offset_; }
  [[nodiscard]] std::uint64_t size() const { return size_; }
  [[nodiscard]] const Digest& digest() const { return digest_; }

  // Appends. More bytes than were announced are an error (bad_data) and are not written.
  [[nodiscard]] Result<void> write(std::span<const std::byte> content);
  // Begins again, as where a server cannot go on in the middle.
  [[nodiscard]] Result<void> restart();
  // Compares length and digest and gives the blob its name, on the disk when this returns. Wrong content is an error
  // (bad_data) and is dropped; too little of it is an error and stays, to go on with.
  [[nodiscard]] Result<void> commit();

 private:
  friend class BlobStore;
  BlobWriter(const BlobStore& store, const Digest& digest, std::uint64_t size, UniqueFd file);
  Result<void> take_up();

  std::filesystem::path partial_;
  std::filesystem::path target_;
  Digest digest_;
  std::uint64_t size_ = 0;
  std::uint64_t offset_ = 0;
  UniqueFd file_;  // under flock
  Hasher hasher_;
};

// Receives content whose digest is found while it comes. What is not committed goes away with the object.
class NewBlob {
 public:
  NewBlob(NewBlob&&) noexcept = default;
  NewBlob& operator=(NewBlob&&) = delete;
  ~NewBlob();

  [[nodiscard]] Result<void> write(std::span<const std::byte> content);
  [[nodiscard]] std::uint64_t size() const { return size_; }
  // On the disk under its digest when this returns.
  [[nodiscard]] Result<Digest> commit();

 private:
  friend class BlobStore;
  NewBlob(std::filesystem::path path, UniqueFd file) : path_(std::move(path)), file_(std::move(file)) {}

  std::filesystem::path path_;
  UniqueFd file_;  // empty when there is nothing left to remove
  std::uint64_t size_ = 0;
  Hasher hasher_;
};

// While an object of this class lives, `gc` removes nothing: what is written and has no name yet is safe.
class BlobStore {
 public:
  // $XDG_DATA_HOME/strata, made if it is not there.
  [[nodiscard]] static Result<BlobStore> open();

  [[nodiscard]] bool has(const Digest& digest) const;
  // Where the blob is or would be.
  [[nodiscard]] std::filesystem::path path(const Digest& digest) const { return directory_ / digest.hex(); }
  // Where its bytes are while a writer is at it.
  [[nodiscard]] std::filesystem::path partial_path(const Digest& digest) const {
    return directory_ / ("." + digest.hex() + ".partial");
  }

  // A manifest or a config, verified once more. More than `limit` bytes are an error.
  [[nodiscard]] Result<std::string> read_small(const Digest& digest, std::uint64_t limit = small_limit) const;

  // A writer for the blob, or nothing if it is there already. Where another writer is at it, this waits; try_begin() fails
  // with the error `busy` instead.
  [[nodiscard]] Result<std::optional<BlobWriter>> begin(const Digest& digest, std::uint64_t size) const;
  [[nodiscard]] Result<std::optional<BlobWriter>> try_begin(const Digest& digest, std::uint64_t size) const;

  [[nodiscard]] Result<NewBlob> begin_new() const;

  // Content that is at hand, such as a manifest.
  [[nodiscard]] Result<Digest> put(std::string_view content) const;

  [[nodiscard]] const std::filesystem::path& directory() const { return directory_; }

  static constexpr std::uint64_t small_limit = small_blob_limit;

 private:
  BlobStore(std::filesystem::path directory, UniqueFd lock)
      : directory_(std::move(directory)), lock_(std::move(lock)) {}
  Result<std::optional<BlobWriter>> begin_locked(const Digest& digest, std::uint64_t size, int lock_flags) const;

  std::filesystem::path directory_;  // blobs/sha256
  UniqueFd lock_;                    // of the whole store, shared
};

}  // namespace strata::image
