// strata image pull and push.
#include <memory>
#include <string>

#include "cli/commands.h"
#include "control/transfer_commands.h"

namespace strata::cli {
namespace {

void add_registry_options(CLI::App& command, control::RegistryRequest& registry) {
  command
      .add_option("--creds", registry.credentials,
                  "who you are to the registry (from $REGISTRY_AUTH_FILE or the auth files of podman and docker)")
      ->type_name("USER:PASSWORD");
  command.add_option("--ca", registry.ca_file, "certificates to trust besides the host's, in PEM form")
      ->type_name("FILE")
      ->check(CLI::ExistingFile);
  command.add_flag("--insecure", registry.insecure, "take any certificate, and plain HTTP where there is no TLS");
  command.add_option("--timeout", registry.patience_seconds, "to bear with a silent registry (60)")
      ->type_name("SECONDS")
      ->check(CLI::Range(1, 86400));
  command.add_option("--retries", registry.retries, "how often to try again what may pass (4)")
      ->type_name("N")
      ->check(CLI::Range(0, 100));
}

void add_pull(CLI::App& image, Action& action) {
  auto request = std::make_shared<control::ImagePullRequest>();
  CLI::App* command = image.add_subcommand("pull", "Fetch an image from a registry");
  command
      ->add_option("NAME", request->reference,
                   "[REGISTRY/]NAME[:TAG] or …@sha256:…; without REGISTRY: $STRATA_REGISTRY or docker.io")
      ->required();
  command->add_option("--platform", request->platform, "where there are several, such as linux/arm64 (this host's)")
      ->type_name("OS/ARCH");
  add_registry_options(*command, request->registry);
  command->callback([request, &action] { action = [request] { return done(control::pull_image(*request)); }; });
}

void add_push(CLI::App& image, Action& action) {
  auto request = std::make_shared<control::ImagePushRequest>();
  CLI::App* command = image.add_subcommand("push", "Bring an image to a registry");
  command->add_option("NAME", request->name, "as strata image list shows it")->required();
  command->add_option("DESTINATION", request->destination, "REGISTRY/NAME[:TAG], where it is not NAME itself");
  add_registry_options(*command, request->registry);
  command->callback([request, &action] { action = [request] { return done(control::push_image(*request)); }; });
}

}  // namespace

void add_transfer_commands(CLI::App& image, Action& action) {
  add_pull(image, action);
  add_push(image, action);
}

}  // namespace strata::cli
