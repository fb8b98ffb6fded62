// The commands that move images between the store and registries.
#include "control/transfer_commands.h"

#include "base/unique_fd.h"
#include "control/interruption.h"
#include "control/progress_line.h"
#include "control/quantity.h"
#include "image/registry/registry.h"

namespace strata::control {
namespace {

Result<image::RegistryOptions> registry_options(const RegistryRequest& request, const UniqueFd& interrupted) {
  image::RegistryOptions options;
  if (!request.credentials.empty()) options.credentials = STRATA_TRY(image::parse_credentials(request.credentials));
  options.ca_file = request.ca_file;
  options.insecure = request.insecure;
  options.patience = std::chrono::seconds(request.patience_seconds);
  options.retries = request.retries;
  options.cancel_fds = {interrupted.get()};
  return options;
}

/// Runs pull() or push() with a progress line.
template <class Transfer, class Options>
auto with_progress(Transfer transfer, const Options& options) {
  ProgressLine line;
  return transfer(options, [&line](const image::Progress& progress) { line.show(progress.phase, progress.fraction); });
}

template <class Transferred>
void report(const Transferred& image, const char* verb) {
  fmt::print(stderr, "{} {}\n", format_bytes(image.transferred), verb);
  const bool has_digest = image.name.find('@') != std::string::npos;
  fmt::print("{}\n", has_digest ? image.name : image.name + "@" + image.manifest.text());
}

}  // namespace

Result<void> pull_image(const ImagePullRequest& request) {
  const UniqueFd interrupted = STRATA_TRY(interruption());
  image::PullOptions options{.reference = request.reference};
  if (!request.platform.empty()) options.platform = STRATA_TRY(image::parse_platform(request.platform));
  options.registry = STRATA_TRY(registry_options(request.registry, interrupted));
  report(STRATA_TRY(with_progress(image::pull, options)), "fetched");
  return {};
}

Result<void> push_image(const ImagePushRequest& request) {
  const UniqueFd interrupted = STRATA_TRY(interruption());
  image::PushOptions options{.name = request.name, .destination = request.destination};
  options.registry = STRATA_TRY(registry_options(request.registry, interrupted));
  report(STRATA_TRY(with_progress(image::push, options)), "sent");
  return {};
}

}  // namespace strata::control
