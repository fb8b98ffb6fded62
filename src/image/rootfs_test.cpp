// Tests of containers' roots: what each way makes of the same layers.
#include "image/rootfs.h"

#include "image/id_maps.h"
#include "image/layers.h"
#include "image/root_record.h"
#include "image/test_layer.h"
#include "image/test_tree.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <unistd.h>
#include <nlohmann/json.hpp>

namespace strata::image {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

bool is_root() { return ::geteuid() == 0; }

class Roots : public testing::Test {
 protected:
  Roots() : home_("XDG_DATA_HOME", folder_.path), store_(*BlobStore::open()) {
    // The lower layer: a closed folder, a file that goes, one that is replaced, a hard link, a sticky /tmp.
    const std::string lower = TestTar()
                                  .directory("./", 0755)
                                  .directory("tmp", 01777)
                                  .directory("etc", 0700)
                                  .file("etc/a", "lower")
                                  .file("etc/gone", "x")
                                  .hard_link("etc/b", "etc/a")
                                  .directory("old")
                                  .file("old/x", "x")
                                  .bytes();
    // The upper one has files in /tmp and /etc without naming these.
    const std::string upper = TestTar()
                                  .file("etc/a", "upper")
                                  .file("etc/.wh.gone", "")
                                  .file("tmp/new", "new", 0600)
                                  .file("old/.wh..wh..opq", "")
                                  .file("old/y", "y")
                                  .bytes();
    manifest_ = put_image(store_, {lower, upper});
    EXPECT_TRUE(tag("test", manifest_));
    fs::create_directories(container_);
  }
  ~Roots() override {
    static_cast<void>(release_root(container_));
    if (LayerStore::open()) static_cast<void>(LayerStore::open()->remove(folder_.path / "strata"));
  }

  Result<RootPlan> prepare(RootWay way, const IdMaps& maps = own_maps()) {
    return prepare_root(*find("test"), container_, {.maps = maps, .way = way});
  }
  static IdMaps own_maps() { return is_root() ? IdMaps() : *own_id_maps(); }

  void expect_merged(const fs::path& root) {
    EXPECT_EQ(read_file(root / "etc/a"), "upper");
    EXPECT_EQ(read_file(root / "etc/b"), "lower");
    EXPECT_FALSE(fs::exists(root / "etc/gone"));
    EXPECT_FALSE(fs::exists(root / "old/x"));
    EXPECT_EQ(read_file(root / "old/y"), "y");
    EXPECT_EQ(mode_of(root / "tmp"), 01777U);
    EXPECT_EQ(mode_of(root / "etc"), 0700U);
    EXPECT_EQ(mode_of(root / "tmp/new"), 0600U);
    EXPECT_EQ(mode_of(root), 0755U);
  }
  static unsigned mode_of(const fs::path& path) {
    struct stat status = {};
    EXPECT_EQ(::stat(path.c_str(), &status), 0) << path;
    return status.st_mode & 07777;
  }

  TestFolder folder_;
  TestVariable home_;
  BlobStore store_;
  Digest manifest_;
  const fs::path container_ = folder_.path / "strata/containers/c";
};

TEST_F(Roots, AreCopiesWhereNothingElseWorks) {
  const auto plan = prepare(RootWay::copy);
  ASSERT_TRUE(plan) << plan.error().message;
  EXPECT_EQ(plan->way, RootWay::copy);
  EXPECT_FALSE(plan->overlay);
  if (is_root()) expect_merged(plan->root);
}

TEST_F(Roots, CopiesBelongToTheContainersUsers) {
  if (!is_root()) GTEST_SKIP() << "only root can give files away";
  const auto plan = prepare(RootWay::copy, {{{0, 300000, 65536}}, {{0, 400000, 65536}}});
  ASSERT_TRUE(plan) << plan.error().message;
  struct stat status = {};
  ASSERT_EQ(::stat((plan->root / "etc/a").c_str(), &status), 0);
  EXPECT_EQ(status.st_uid, 300000U);
  EXPECT_EQ(status.st_gid, 400000U);
  const auto too_small = [&] {
    fs::create_directories(folder_.path / "strata/containers/d");
    return prepare_root(*find("test"), folder_.path / "strata/containers/d",
                        {.maps = {{{1, 300000, 5}}, {{0, 400000, 1}}}, .way = RootWay::copy});
  }();
  ASSERT_FALSE(too_small);
  EXPECT_THAT(too_small.error().message, HasSubstr("the id 0 is not in the container's map"));
}

// Mounts the plan's overlay in a namespace of the test's own and runs the check there.
TEST_F(Roots, AreOverlaysOfSharedLayers) {
  if (!is_root()) GTEST_SKIP() << "the overlay is looked at by mounting it as root";
  const auto plan = prepare(RootWay::overlay);
  if (!plan && plan.error().message.find("overlay") != std::string::npos) GTEST_SKIP() << plan.error().message;
  ASSERT_TRUE(plan->overlay);
  ASSERT_EQ(plan->overlay->lower.size(), 2U);
  const std::string settings = "lowerdir=" + plan->overlay->lower[0].string() + ":" + plan->overlay->lower[1].string() +
                               ",upperdir=" + plan->overlay->upper.string() +
                               ",workdir=" + plan->overlay->work.string();
  ASSERT_EQ(::mount("overlay", plan->root.c_str(), "overlay", 0, settings.c_str()), 0) << settings;
  expect_merged(plan->root);
  ::umount2(plan->root.c_str(), MNT_DETACH);
}

TEST_F(Roots, OverlaysCanBeOfAnotherUserNamespace) {
  if (!is_root()) GTEST_SKIP() << "layers are id-mapped by root";
  const auto plan = prepare(RootWay::overlay, {{{0, 300000, 65536}}, {{0, 300000, 65536}}});
  if (!plan) GTEST_SKIP() << plan.error().message;
  EXPECT_TRUE(plan->overlay);
}

TEST_F(Roots, AreFuseOverlaysWhereThatIsInstalled) {
  const auto plan = prepare(RootWay::fuse_overlay);
  if (!plan) GTEST_SKIP() << plan.error().message;
  expect_merged(plan->root);
  write_file(plan->root / "etc/written", "w");
  EXPECT_EQ(read_file(container_ / "upper/etc/written"), "w");
  ASSERT_TRUE(release_root(container_));
  EXPECT_FALSE(fs::exists(plan->root / "etc/written"));
  ASSERT_TRUE(prepare(RootWay::automatic));  // as the container left it, in the same way
  EXPECT_EQ(read_file(plan->root / "etc/written"), "w");
}

TEST_F(Roots, TheFirstWayThatWorksIsTaken) {
  const auto plan = prepare(RootWay::automatic);
  ASSERT_TRUE(plan) << plan.error().message;
  EXPECT_NE(plan->way, RootWay::automatic);
  EXPECT_EQ(read_record(container_)->way, plan->way);
  EXPECT_EQ(read_record(container_)->layers.size(), 2U);
  ASSERT_TRUE(remove_root(container_));
  EXPECT_FALSE(fs::exists(container_));
}

TEST_F(Roots, LayersAreUnpackedOnce) {
  ASSERT_TRUE(prepare(RootWay::automatic));
  const auto layers = LayerStore::open();
  const Digest lowest = read_record(container_)->layers[0];
  write_file(layers->tree(lowest) / "mark", "still there");
  fs::create_directories(folder_.path / "strata/containers/d");
  ASSERT_TRUE(prepare_root(*find("test"), folder_.path / "strata/containers/d", {.maps = own_maps()}));
  EXPECT_EQ(read_file(layers->tree(lowest) / "mark"), "still there");
}

TEST_F(Roots, LayersCountAfterTheHostsNextStartIfTheyWereOnTheDisk) {
  ASSERT_TRUE(prepare(RootWay::automatic));
  const auto layers = LayerStore::open();
  const Digest lowest = read_record(container_)->layers[0];
  const fs::path about = layers->tree(lowest).parent_path() / "layer.json";
  nlohmann::json json = nlohmann::json::parse(read_file(about));
  ASSERT_TRUE(json.contains("boot"));
  json["boot"] = "an earlier one";
  write_file(about, json.dump());
  fs::remove(layers->tree(lowest) / "tmp");
  EXPECT_FALSE(layers->has(lowest));
  fs::create_directories(folder_.path / "strata/containers/d");
  ASSERT_TRUE(prepare_root(*find("test"), folder_.path / "strata/containers/d", {.maps = own_maps()}));
  EXPECT_TRUE(fs::exists(layers->tree(lowest) / "tmp"));
  ASSERT_TRUE(layers->make_durable());
  EXPECT_TRUE(layers->has(lowest));
  EXPECT_FALSE(nlohmann::json::parse(read_file(about)).contains("boot"));
}

TEST_F(Roots, LayersThatAreNotWhatTheConfigSaysAreRefused) {
  ImageConfig config;
  const std::string layer = TestTar().file("a").bytes();
  const Digest blob = *store_.put(layer);
  config.diff_ids = {Digest::of("something else")};
  const std::string text = write_image_config(config);
  Manifest manifest{.media_type = std::string(media_type::manifest),
                    .config = {.digest = *store_.put(text), .size = text.size()},
                    .layers = {{.digest = blob, .size = layer.size()}}};
  ASSERT_TRUE(tag("lie", *store_.put(write_manifest(manifest))));
  const auto plan = prepare_root(*find("lie"), container_, {.maps = own_maps()});
  ASSERT_FALSE(plan);
  EXPECT_THAT(plan.error().message, HasSubstr("is not what the image's config says"));
  EXPECT_TRUE(fs::is_empty(folder_.path / "strata/layers"));
}

TEST_F(Roots, AnImageOfNothingHasARoot) {
  ASSERT_TRUE(tag("nothing", put_image(store_, {})));
  const auto plan = prepare_root(*find("nothing"), container_, {.maps = own_maps()});
  ASSERT_TRUE(plan) << plan.error().message;
}

TEST_F(Roots, AMachinesDiskIsNoRoot) {
  write_file(
      folder_.path / "strata/images/disk/image.json",
      R"({"suite":"trixie","architecture":"amd64","kernel_release":"6","command_line":"","created":"","disk_bytes":1})");
  const auto plan = prepare_root(*find("disk"), container_, {.maps = own_maps()});
  ASSERT_FALSE(plan);
  EXPECT_THAT(plan.error().message, HasSubstr("a machine's disk only"));
}

}  // namespace
}  // namespace strata::image
