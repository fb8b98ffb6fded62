// strata image.
#include <memory>
#include <string>

#include "cli/commands.h"
#include "control/image_commands.h"
#include "control/quantity.h"

namespace strata::cli {
namespace {

void add_build(CLI::App& image, Action& action) {
  struct Arguments {
    control::ImageBuildRequest request;
    std::string size;
  };
  auto arguments = std::make_shared<Arguments>();
  CLI::App* command = image.add_subcommand("build", "Build an image from a distribution's packages");
  command->add_option("SOURCE", arguments->request.source, "debian:SUITE, such as debian:trixie")->required();
  command->add_option("--arch", arguments->request.architecture, "amd64 or i386 (amd64)")->type_name("ARCH");
  command->add_option("--name", arguments->request.name, "to keep it under (SOURCE, with -ARCH where not amd64)");
  command->add_option("--package", arguments->request.packages, "a Debian package to install besides; may be repeated")
      ->type_name("NAME")
      ->allow_extra_args(false);
  command->add_option("--size", arguments->size, "of the disk (4G); takes only what is used")->type_name("SIZE");
  command->add_flag("--replace", arguments->request.replace, "in place of the image that has the name now");
  command->callback([arguments, &action] {
    action = [arguments]() -> Result<int> {
      if (!arguments->size.empty()) {
        arguments->request.disk_bytes = STRATA_TRY(control::parse_bytes("--size", arguments->size));
      }
      return done(control::build_image(arguments->request));
    };
  });
}

void add_list(CLI::App& image, Action& action) {
  auto json = std::make_shared<bool>(false);
  CLI::App* command = image.add_subcommand("list", "List the images");
  command->add_flag("--json", *json, "as JSON");
  command->callback([json, &action] { action = [json] { return done(control::list_images(*json)); }; });
}

void add_show(CLI::App& image, Action& action) {
  struct Arguments {
    std::string name;
    bool json = false;
  };
  auto arguments = std::make_shared<Arguments>();
  CLI::App* command = image.add_subcommand("show", "Show what an image is: config, layers, forms");
  command->add_option("NAME", arguments->name, "as strata image list shows it")->required();
  command->add_flag("--json", arguments->json, "as JSON");
  command->callback([arguments, &action] {
    action = [arguments] { return done(control::show_image(arguments->name, arguments->json)); };
  });
}

void add_import(CLI::App& image, Action& action) {
  struct Arguments {
    std::string source;
    std::string name;
  };
  auto arguments = std::make_shared<Arguments>();
  CLI::App* command = image.add_subcommand("import", "Make an image of files");
  command->add_option("SOURCE", arguments->source, "an OCI layout, an archive of images, or a root file system")
      ->required();
  command->add_option("--name", arguments->name, "to keep it under (what SOURCE says)");
  command->callback([arguments, &action] {
    action = [arguments] { return done(control::import_image(arguments->source, arguments->name)); };
  });
}

void add_export(CLI::App& image, Action& action) {
  struct Arguments {
    std::string name;
    std::string target;
  };
  auto arguments = std::make_shared<Arguments>();
  CLI::App* command = image.add_subcommand("export", "Write an image as an OCI layout");
  command->add_option("NAME", arguments->name, "as strata image list shows it")->required();
  command->add_option("TARGET", arguments->target, "FILE.tar, or a folder that is not there")->required();
  command->callback([arguments, &action] {
    action = [arguments] { return done(control::export_image(arguments->name, arguments->target)); };
  });
}

void add_gc(CLI::App& image, Action& action) {
  CLI::App* command = image.add_subcommand("gc", "Free what no image and no container has");
  command->callback([&action] { action = [] { return done(control::collect_images()); }; });
}

void add_rm(CLI::App& image, Action& action) {
  auto name = std::make_shared<std::string>();
  CLI::App* command = image.add_subcommand("rm", "Remove an image");
  command->add_option("NAME", *name, "as strata image list shows it")->required();
  command->callback([name, &action] { action = [name] { return done(control::remove_image(*name)); }; });
}

}  // namespace

void add_image_commands(CLI::App& app, Action& action) {
  CLI::App* image = app.add_subcommand("image", "Images: build, pull, push, import, export, list, show, remove");
  image->require_subcommand(1);
  add_build(*image, action);
  add_list(*image, action);
  add_show(*image, action);
  add_rm(*image, action);
  add_import(*image, action);
  add_export(*image, action);
  add_gc(*image, action);
  add_transfer_commands(*image, action);
}

}  // namespace strata::cli
