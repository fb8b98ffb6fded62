// For tests: tar archives with whatever in them, byte by byte (POSIX ustar, pax headers), and images made of such layers.
#pragma once

#include "image/blobs.h"
#include "image/oci_image.h"

#include <fmt/format.h>

#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace strata::image {

class TestTar {
 public:
  struct Entry {
    std::string name;
    char type = '0';  // 0 file, 1 hard link, 2 symbolic link, 3 character device, 5 directory, 6 fifo
    std::string content = {};
    std::string link = {};
    unsigned mode = 0644;
    unsigned user = 0;
    unsigned group = 0;
    std::vector<std::pair<std::string, std::string>> pax = {};
    long size = -1;  // as the header says; -1: that of the content
  };

  TestTar& add(const Entry& entry) {
    if (!entry.pax.empty()) {
      std::string records;
      for (const auto& [key, value] : entry.pax) {
        const std::string rest = " " + key + "=" + value + "\n";
        std::size_t length = rest.size();
        while (std::to_string(length).size() + rest.size() != length)
          length = std::to_string(length).size() + rest.size();
        records += std::to_string(length) + rest;
      }
      add_raw({.name = "pax", .type = 'x', .content = records});
    }
    add_raw(entry);
    return *this;
  }
  TestTar& file(const std::string& name, const std::string& content = "content", unsigned mode = 0644) {
    return add({.name = name, .content = content, .mode = mode});
  }
  TestTar& directory(const std::string& name, unsigned mode = 0755) {
    return add({.name = name, .type = '5', .mode = mode});
  }
  TestTar& symlink(const std::string& name, const std::string& target) {
    return add({.name = name, .type = '2', .link = target, .mode = 0777});
  }
  TestTar& hard_link(const std::string& name, const std::string& target) {
    return add({.name = name, .type = '1', .link = target});
  }

  [[nodiscard]] std::string bytes() const { return bytes_ + std::string(1024, '\0'); }

 private:
  void add_raw(const Entry& entry) {
    std::string header(512, '\0');
    const auto put = [&](std::size_t at, std::string_view text) { std::memcpy(&header[at], text.data(), text.size()); };
    const long size = entry.size >= 0 ? entry.size : static_cast<long>(entry.content.size());
    put(0, std::string_view(entry.name).substr(0, 100));
    put(100, fmt::format("{:07o}", entry.mode));
    put(108, fmt::format("{:07o}", entry.user));
    put(116, fmt::format("{:07o}", entry.group));
    put(124, fmt::format("{:011o}", size));
    put(136, fmt::format("{:011o}", 1'000'000'000));
    put(148, "        ");
    header[156] = entry.type;
    put(157, std::string_view(entry.link).substr(0, 100));
    put(257, std::string_view("ustar\00000", 8));
    unsigned sum = 0;
    for (const char c : header) sum += static_cast<unsigned char>(c);
    put(148, fmt::format("{:06o}", sum));
    header[154] = '\0';
    bytes_ += header + entry.content;
    bytes_.resize((bytes_.size() + 511) / 512 * 512);
  }

  std::string bytes_;
};

// An image of layers that are not compressed, the lowest first, in the store.
inline Digest put_image(const BlobStore& store, const std::vector<std::string>& layers, ImageConfig config = {}) {
  Manifest manifest{.media_type = std::string(media_type::manifest)};
  config.diff_ids.clear();
  for (const std::string& layer : layers) {
    const Digest digest = *store.put(layer);
    manifest.layers.push_back({.media_type = std::string(media_type::layer), .digest = digest, .size = layer.size()});
    config.diff_ids.push_back(digest);
  }
  const std::string text = write_image_config(config);
  manifest.config = {.media_type = std::string(media_type::config), .digest = *store.put(text), .size = text.size()};
  return *store.put(write_manifest(manifest));
}

}  // namespace strata::image
