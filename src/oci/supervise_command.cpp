// supervise: the hidden command by which `strata` has a container looked after.
#include "container/supervisor/protocol.h"
#include "container/supervisor/supervisor.h"
#include "oci/commands.h"

#include <fcntl.h>
#include <sys/socket.h>

#include <memory>

namespace strata::oci {
namespace {

void add_supervise_command(CLI::App& app, Context& context) {
  struct Words {
    std::string bundle;
    int client = -1;
    int lock = -1;
    bool attached = false;
  };
  const auto words = std::make_shared<Words>();
  auto* command = app.add_subcommand("supervise", "Look after a container of strata's")->group("");  // not in the help
  command->add_option("BUNDLE", words->bundle)->required();
  command->add_option("--client-fd", words->client)->required();
  command->add_option("--lock-fd", words->lock)->required();
  command->add_flag("--attached", words->attached);
  on(command, context, [words]() -> Result<int> {
    for (const int fd : {words->client, words->lock}) ::fcntl(fd, F_SETFD, FD_CLOEXEC);
    auto ended = container::supervise({.bundle = words->bundle,
                                       .client = UniqueFd(words->client),
                                       .lock = UniqueFd(words->lock),
                                       .attached = words->attached});
    if (ended) return 0;
    return tl::unexpected(std::move(ended.error()));
  });
}

constexpr Subcommand commands[] = {{"supervise", add_supervise_command}};

}  // namespace

std::span<const Subcommand> hidden_commands() { return commands; }

}  // namespace strata::oci
