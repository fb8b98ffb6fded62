// From an image's name to a supervised container.
#include "control/run_container.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <iostream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "base/user_folders.h"
#include "container/files.h"
#include "container/utc_time.h"
#include "control/container_client.h"
#include "control/container_config.h"
#include "control/progress_line.h"
#include "image/open_image.h"

namespace strata::control {
namespace {

namespace fs = std::filesystem;

struct ContainerImage {
  image::ImageConfig config;
  image::RootPlan root;
};

/// A path, as names of images never begin.
bool is_folder_name(std::string_view image) {
  return image.starts_with('/') || image.starts_with("./") || image.starts_with("../");
}

Result<ContainerImage> folder_as_image(const std::string& folder, const IdMaps& maps) {
  std::error_code error;
  const fs::path root = fs::canonical(folder, error);
  if (error || !fs::is_directory(root)) return fail(ErrorCode::not_found, "there is no folder {}", folder);
  if (::geteuid() == 0 && !maps.empty())
    return fail(ErrorCode::usage,
                "the files of {} are the host's users': run it with --users host, or import it (strata image import)",
                folder);
  return ContainerImage{{}, {.way = image::RootWay::copy, .root = root}};
}

Result<ContainerImage> prepare_image(const std::string& name, const ContainerPlaces& places, const IdMaps& maps) {
  if (is_folder_name(name)) return folder_as_image(name, maps);
  const image::Image found = STRATA_TRY(image::find(name));
  const image::BlobStore blobs = STRATA_TRY(image::BlobStore::open());
  auto opened = STRATA_TRY(image::open_image(blobs, found));
  ProgressLine progress;
  auto root = STRATA_TRY(image::prepare_root(found, places.folder, {.maps = maps}, [&](const image::Progress& now) {
    progress.show(now.phase, now.fraction);
  }));
  return ContainerImage{std::move(opened.config), std::move(root)};
}

/// Between fork and exec: a session of its own, nothing of the terminal's.
[[noreturn]] void become_supervisor(const std::vector<char*>& arguments, int client, int lock) {
  ::setsid();
  const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  for (const int standard : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) ::dup2(null, standard);
  for (const int fd : {client, lock}) ::fcntl(fd, F_SETFD, 0);
  ::execv(arguments[0], arguments.data());
  ::_exit(1);
}

Result<ContainerClient> spawn_supervisor(const ContainerPlaces& places, UniqueFd lock, bool attached) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) return fail_errno("socket pair");
  UniqueFd ours(ends[0]), theirs(ends[1]);
  std::vector<std::string> words = {
      STRATA_TRY(own_program("strata-oci")), "supervise", places.folder.string(),    "--client-fd",
      std::to_string(theirs.get()),          "--lock-fd", std::to_string(lock.get())};
  if (attached) words.emplace_back("--attached");
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  const pid_t child = ::fork();
  if (child < 0) return fail_errno("starting a supervisor");
  if (child == 0) become_supervisor(arguments, theirs.get(), lock.get());
  return ContainerClient(std::move(ours));
}

/// What an earlier run left that was killed.
void clear_running_folder(const ContainerPlaces& places) {
  (void)container::remove(places.runtime(), places.name, /*force=*/true);
  std::error_code ignored;
  fs::remove_all(places.running, ignored);
}

/// All up to a supervisor that is at work. The lock is on the container.
Result<ContainerClient> launch(const ContainerPlaces& places, const ContainerOptions& options, const IdMaps& maps,
                               UniqueFd lock, bool attached) {
  clear_running_folder(places);
  STRATA_TRY(make_private_folder(places.running));
  const ContainerNet net = STRATA_TRY(parse_container_net(options.nets));
  const ContainerImage image = STRATA_TRY(prepare_image(options.image, places, maps));
  STRATA_TRY(prepare_network_files(net, {places.name, places.running}));
  STRATA_TRY(write_configuration({.places = places,
                                  .options = options,
                                  .image = image.config,
                                  .root = image.root,
                                  .maps = maps,
                                  .net = net,
                                  .terminal_size = own_terminal_size()}));
  return spawn_supervisor(places, std::move(lock), attached);
}

/// The exit code, or nothing where the user has left it.
Result<std::optional<int>> attend(ContainerClient& client, const ContainerOptions& options,
                                  const ContainerPlaces& places) {
  const auto code =
      STRATA_TRY(client.relay({.input = options.input, .terminal = options.terminal, .pass_signals = true}));
  if (code) {
    client.wait_until_gone(places);
    return code;
  }
  fmt::print(stderr, "strata: left {0}: it runs on ('strata attach {0}', 'strata stop {0}')\n", places.name);
  return code;
}

/// The exit code, if it has ended.
Result<std::optional<int>> run_made(const ContainerPlaces& places, const ContainerOptions& options, UniqueFd lock) {
  const IdMaps maps = options.users == UserSpace::own ? STRATA_TRY(choose_id_maps()) : IdMaps{};
  if (options.users == UserSpace::host && ::geteuid() != 0)
    return fail(ErrorCode::usage,
                "--users host is for root: an ordinary user's container needs its own user namespace");
  STRATA_TRY(write_record(places, {.image = options.image,
                                   .created = container::utc_now(),
                                   .command = options.command,
                                   .given = options.given,
                                   .maps = maps}));
  if (!options.detach) ContainerClient::hold_signals();
  auto client = STRATA_TRY(launch(places, options, maps, std::move(lock), !options.detach));
  STRATA_TRY(client.wait_for_start());
  if (!options.detach) return attend(client, options, places);
  fmt::print("{}\n", places.name);
  return std::optional<int>();
}

}  // namespace

Result<int> run_container(const ContainerOptions& given) {
  ContainerOptions options = given;
  // Nobody could come back to one whose name nobody chose.
  if (options.name.empty() && !options.detach) options.remove = true;
  const ContainerPlaces places = STRATA_TRY(new_container(options.name, options.image));
  UniqueFd lock = STRATA_TRY(lock_container(places));
  const auto code = run_made(places, options, std::move(lock));
  if (code && !*code) return 0;  // it runs on; the supervisor removes it at its end, if that is wanted
  if (!code || options.remove) {
    auto removed = remove_container(places.name, /*force=*/true);
    if (code && !removed) return tl::unexpected(std::move(removed.error()));
  }
  if (!code) return tl::unexpected(code.error());
  return **code;
}

Result<ContainerOptions> options_of(const ContainerPlaces& places, const ContainerRecord& record) {
  ContainerOptions options;
  for (const auto& [name, value] : record.given) {
    const ContainerOption* option = find_option<ContainerOptions>(container_options(), name);
    if (!option)
      return fail(ErrorCode::bad_data, "container '{}' has an option '{}', which is unknown", places.name, name);
    STRATA_TRY(give_option(options, *option, value));
  }
  options.image = record.image;
  options.command = record.command;
  options.name = places.name;
  return options;
}

Result<int> start_container(const std::string& name, bool attach) {
  const ContainerPlaces places = STRATA_TRY(find_container(name));
  const ContainerRecord record = STRATA_TRY(read_record(places));
  ContainerOptions options = STRATA_TRY(options_of(places, record));
  options.detach = !attach;
  UniqueFd lock = STRATA_TRY(lock_container(places));
  if (attach) ContainerClient::hold_signals();
  auto client = STRATA_TRY(launch(places, options, record.maps, std::move(lock), attach));
  STRATA_TRY(client.wait_for_start());
  if (attach) {
    const auto code = STRATA_TRY(attend(client, options, places));
    return code.value_or(0);
  }
  fmt::print("{}\n", name);
  return 0;
}

Result<void> renew_supervisor_plan(const ContainerPlaces& places, const ContainerRecord& record) {
  const ContainerOptions options = STRATA_TRY(options_of(places, record));
  image::ImageConfig config;
  if (!is_folder_name(options.image)) {
    const image::BlobStore blobs = STRATA_TRY(image::BlobStore::open());
    const image::Image found = STRATA_TRY(image::find(options.image));
    config = STRATA_TRY(image::open_image(blobs, found)).config;
  }
  const image::RootPlan root;
  const ContainerNet net;
  return write_supervisor_plan(
      {.places = places, .options = options, .image = config, .root = root, .maps = record.maps, .net = net});
}

namespace {

Result<void> start_network_of(const ContainerPlaces& places) {
  const ContainerRecord record = STRATA_TRY(read_record(places));
  const ContainerOptions options = STRATA_TRY(options_of(places, record));
  const std::string text(std::istreambuf_iterator<char>(std::cin), {});
  const auto state = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  const auto pid = state.is_object() ? state.find("pid") : state.end();
  if (!state.is_object() || pid == state.end() || !pid->is_number_integer())
    return fail(ErrorCode::usage, "this is a hook of the runtime: it wants a container's state on standard input");
  const ContainerNet net = STRATA_TRY(parse_container_net(options.nets));
  return start_container_network(net, {places.name, places.running}, pid->get<pid_t>());
}

}  // namespace

Result<void> bring_up_network(const std::string& name) {
  const ContainerPlaces places = STRATA_TRY(find_container(name));
  auto started = start_network_of(places);
  // The runtime would only say that a hook has failed.
  if (!started)
    (void)container::replace_file((places.running / container::hook_error_name).string(), started.error().message);
  return started;
}

}  // namespace strata::control
