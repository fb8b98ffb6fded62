// Reads and writes root.json.
#include "image/root_record.h"

#include "base/json_reader.h"
#include "base/user_folders.h"

#include <nlohmann/json.hpp>

#include <unistd.h>

namespace strata::image {
namespace fs = std::filesystem;
namespace {

constexpr const char* record_file = "root.json";

struct Word {
  std::string_view word;
  RootWay way;
};
constexpr Word words[] = {
    {"overlay", RootWay::overlay}, {"fuse-overlayfs", RootWay::fuse_overlay}, {"copy", RootWay::copy}};

Digest read_digest(const JsonReader& json) {
  const auto digest = Digest::parse(json.required().text());
  if (!digest) json.complain(digest.error().message);
  return digest.value_or(Digest());
}

RootRecord read_whole(const JsonReader& json) {
  RootRecord record{.image = json["image"].required().text(),
                    .manifest = read_digest(json["manifest"]),
                    .layers = json["layers"].required().list<Digest>(read_digest)};
  const std::string way = json["way"].required().text();
  const Word* known = nullptr;
  for (const Word& word : words)
    if (word.word == way) known = &word;
  if (known != nullptr) record.way = known->way;
  else json["way"].complain("'" + way + "' is unknown");
  return record;
}

}  // namespace

Result<void> write_record(const fs::path& directory, const RootRecord& record) {
  nlohmann::json json = {{"version", 1}, {"image", record.image}, {"manifest", record.manifest.text()}};
  for (const Word& word : words)
    if (word.way == record.way) json["way"] = word.word;
  json["layers"] = nlohmann::json::array();
  for (const Digest& layer : record.layers) json["layers"].push_back(layer.text());
  return write_durably(directory / record_file, json.dump(2) + "\n");
}

Result<RootRecord> read_record(const fs::path& directory) {
  const std::string text = STRATA_TRY(read_whole_file(directory / record_file));
  return with_context(read_json_document<RootRecord>(text, read_whole), "{}", (directory / record_file).string());
}

bool has_record(const fs::path& directory) { return ::access((directory / record_file).c_str(), F_OK) == 0; }

Result<std::vector<ContainerRoot>> container_roots() {
  std::vector<ContainerRoot> roots;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(STRATA_TRY(containers_directory()), ignored))
    if (has_record(entry.path()))
      roots.push_back({entry.path().filename().string(), STRATA_TRY(read_record(entry.path()))});
  return roots;
}

}  // namespace strata::image
