// The folders of containers.
#include "control/container_store.h"

#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "base/json_reader.h"
#include "base/user_folders.h"
#include "container/files.h"
#include "control/container_words.h"
#include "image/id_maps.h"

namespace strata::control {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr std::string_view record_name = "container.json", lock_name = "lock";

// Users of the host that nobody is: above those of people (below 60,000), of /etc/subuid (from 100,000 on), of networks of
// users (below 2^30 or so), and below 2^31, which some programs take for negative.
constexpr uint32_t first_outside = 1'100'000'000, users_each = 65536, most_containers = 10'000;

Result<fs::path> containers_folder() { return STRATA_TRY(data_folder()) / "containers"; }

std::vector<IdRange> read_ranges(const JsonReader& json) {
  return json.list<IdRange>([](const JsonReader& one) {
    return IdRange{.inside = one["containerID"].number<uint32_t>(),
                   .outside = one["hostID"].number<uint32_t>(),
                   .count = one["size"].number<uint32_t>()};
  });
}

struct flock whole_file(short type) {
  struct flock lock = {};
  lock.l_type = type;
  lock.l_whence = SEEK_SET;
  return lock;
}

Result<std::string> made_up_name(std::string_view image) {
  // The last word of the image's name: localhost:5000/team/app:1.0 is app.
  std::string_view base = image.substr(0, image.find('@'));
  while (base.ends_with('/')) base.remove_suffix(1);
  base = base.substr(base.rfind('/') + 1);
  std::string name;
  for (const char c : base.substr(0, base.find(':')).substr(0, 40))
    if (std::isalnum(static_cast<unsigned char>(c)) || (!name.empty() && (c == '-' || c == '.'))) name += c;
  uint32_t random = 0;
  if (::getrandom(&random, sizeof random, 0) != sizeof random) return fail_errno("getrandom");
  return fmt::format("{}-{:06x}", name.empty() ? "container" : name, random & 0xffffff);
}

}  // namespace

Json ranges_json(const std::vector<IdRange>& ranges) {
  Json list = Json::array();
  for (const auto& range : ranges)
    list.push_back({{"containerID", range.inside}, {"hostID", range.outside}, {"size", range.count}});
  return list;
}

Result<ContainerPlaces> places_of(std::string_view name) {
  STRATA_TRY(check_container_name(name));
  const fs::path running = STRATA_TRY(runtime_folder()) / "containers";
  return ContainerPlaces{std::string(name), STRATA_TRY(containers_folder()) / name, running / name};
}

Result<ContainerPlaces> find_container(std::string_view name) {
  auto places = STRATA_TRY(places_of(name));
  if (!fs::exists(places.folder))
    return fail(ErrorCode::not_found, "there is no container '{}': 'strata ps --all' lists them", name);
  return places;
}

Result<std::vector<ContainerPlaces>> all_containers() {
  std::vector<ContainerPlaces> all;
  std::error_code error;
  const fs::path folder = STRATA_TRY(containers_folder());
  for (const auto& entry : fs::directory_iterator(folder, error))
    if (auto places = places_of(entry.path().filename().string())) all.push_back(std::move(*places));
  std::ranges::sort(all, {}, &ContainerPlaces::name);
  return all;
}

Result<ContainerPlaces> new_container(const std::string& name, std::string_view image) {
  const fs::path folder = STRATA_TRY(containers_folder());
  STRATA_TRY(make_private_folder(folder));
  constexpr int tries = 100;
  for (int i = 0; i < tries; ++i) {
    const std::string chosen = name.empty() ? STRATA_TRY(made_up_name(image)) : name;
    auto places = STRATA_TRY(places_of(chosen));
    if (::mkdir(places.folder.c_str(), 0700) == 0) return places;
    if (errno != EEXIST) return fail_errno("making {}", places.folder.string());
    if (!name.empty())
      return fail(ErrorCode::already_exists,
                  "there is a container '{0}' already: 'strata start {0}' starts it, 'strata rm {0}' removes it", name);
  }
  return fail(ErrorCode::already_exists, "no free name was found: give one by --name");
}

Result<void> write_record(const ContainerPlaces& places, const ContainerRecord& record) {
  Json options = Json::array();
  for (const auto& [name, value] : record.given) options.push_back({name, value});
  const Json json = {{"version", 1},
                     {"image", record.image},
                     {"created", record.created},
                     {"command", record.command},
                     {"options", std::move(options)},
                     {"users", ranges_json(record.maps.users)},
                     {"groups", ranges_json(record.maps.groups)}};
  return container::replace_file((places.folder / record_name).string(),
                                 json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
}

Result<ContainerRecord> read_record(const ContainerPlaces& places) {
  const fs::path path = places.folder / record_name;
  auto text = read_whole_file(path);
  if (!text)
    return fail(ErrorCode::bad_data, "container '{0}' was never finished: 'strata rm --force {0}' removes it",
                places.name);
  const auto document = nlohmann::json::parse(*text, nullptr, /*allow_exceptions=*/false);
  JsonProblem problem;
  const JsonReader json(document.is_object() ? &document : nullptr, "", problem);
  ContainerRecord record;
  record.image = json["image"].required().text();
  record.created = json["created"].text();
  record.command = json["command"].texts();
  json["options"].each([&](const JsonReader& one) {
    if (const auto pair = one.texts(); pair.size() == 2) record.given.emplace_back(pair[0], pair[1]);
    else one.complain("must be a name and a value");
  });
  record.maps = {.users = read_ranges(json["users"]), .groups = read_ranges(json["groups"])};
  STRATA_TRY(
      with_context(problem.result(), "{} is damaged ('strata rm --force {}' removes it)", path.string(), places.name));
  return record;
}

Result<UniqueFd> lock_container(const ContainerPlaces& places) {
  const std::string path = (places.folder / lock_name).string();
  UniqueFd file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!file) return fail_errno("container '{}'", places.name);
  // Of the open file, not of the process: it goes with the descriptor to whoever inherits it.
  struct flock lock = whole_file(F_WRLCK);
  if (::fcntl(file.get(), F_OFD_SETLK, &lock) != 0) {
    if (errno == EAGAIN || errno == EACCES) return fail(ErrorCode::busy, "container '{}' is running", places.name);
    return fail_errno("locking container '{}'", places.name);
  }
  if (struct stat found = {}; ::fstat(file.get(), &found) != 0 || found.st_nlink == 0)
    return fail(ErrorCode::not_found, "container '{}' was just removed", places.name);
  return file;
}

bool is_looked_after(const ContainerPlaces& places) {
  const UniqueFd file(::open((places.folder / lock_name).c_str(), O_RDWR | O_CLOEXEC));
  struct flock lock = whole_file(F_WRLCK);
  return file && ::fcntl(file.get(), F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

Result<fs::path> volume_folder(std::string_view name) {
  const fs::path volumes = STRATA_TRY(data_folder()) / "volumes";
  STRATA_TRY(make_private_folder(volumes));
  const fs::path folder = volumes / name;
  if (::mkdir(folder.c_str(), 0755) != 0 && errno != EEXIST) return fail_errno("volume {}", name);
  return folder;
}

Result<IdMaps> choose_id_maps() {
  IdMaps own = STRATA_TRY(image::own_id_maps());
  if (::geteuid() != 0) return own;
  std::set<uint32_t> taken;
  for (const auto& places : STRATA_TRY(all_containers()))
    if (const auto record = read_record(places); record && !record->maps.users.empty())
      taken.insert(record->maps.users[0].outside);
  // Two that choose at the same time are told apart by where they begin to look.
  uint32_t start = 0;
  if (::getrandom(&start, sizeof start, 0) != sizeof start) return fail_errno("getrandom");
  for (uint32_t i = 0; i < most_containers; ++i) {
    const uint32_t outside = first_outside + (start + i) % most_containers * users_each;
    if (taken.contains(outside)) continue;
    const IdRange range{.inside = 0, .outside = outside, .count = users_each};
    return IdMaps{{range}, {range}};
  }
  return fail("all {} ranges of users for containers are taken: remove some (strata ps --all)", most_containers);
}

Result<std::string> own_program(std::string_view name) {
  std::error_code error;
  const fs::path beside = fs::read_symlink("/proc/self/exe", error).parent_path() / name;
  if (!error && ::access(beside.c_str(), X_OK) == 0) return beside.string();
  return fail(ErrorCode::not_found, "{} is missing: it belongs beside the program strata", beside.string());
}

}  // namespace strata::control
