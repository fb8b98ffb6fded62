// Tests of the readers and writers of index, manifest and config.
#include "image/oci_image.h"

#include "image/blobs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace strata::image {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const std::string digest = "sha256:" + std::string(64, '1');

std::string manifest_with(const std::string& layers) {
  return R"({"schemaVersion":2,"config":{"mediaType":"application/vnd.oci.image.config.v1+json","size":2,"digest":")" +
         digest + R"("},"layers":)" + layers + "}";
}

std::string layer(const std::string& size = "7") {
  return R"({"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip","size":)" + size + R"(,"digest":")" + digest +
         "\"}";
}

std::string message_of(const std::string& json) {
  const auto manifest = read_manifest(json);
  return manifest ? "none" : manifest.error().message;
}

TEST(Manifests, AreRead) {
  const auto manifest = read_manifest(manifest_with("[" + layer() + "]"));
  ASSERT_TRUE(manifest) << manifest.error().message;
  EXPECT_EQ(manifest->config.digest.text(), digest);
  ASSERT_EQ(manifest->layers.size(), 1U);
  EXPECT_EQ(manifest->layers[0].size, 7U);
}

TEST(Manifests, AreWrittenAsTheyAreRead) {
  const auto manifest = read_manifest(manifest_with("[" + layer() + "]"));
  const std::string once = write_manifest(*manifest);
  EXPECT_EQ(write_manifest(*read_manifest(once)), once);
}

TEST(Manifests, TellWhatIsWrongByName) {
  EXPECT_THAT(message_of("[]"), HasSubstr("must be a JSON object"));
  EXPECT_THAT(message_of("{"), HasSubstr("is not valid JSON"));
  EXPECT_THAT(message_of(R"({"schemaVersion":1,"layers":[]})"), HasSubstr("schemaVersion: must be 2"));
  EXPECT_THAT(message_of(manifest_with("{}")), HasSubstr("layers: must be a list"));
  EXPECT_THAT(message_of(manifest_with("[" + layer("-1") + "]")), HasSubstr("layers[0].size"));
  EXPECT_THAT(message_of(manifest_with("[" + layer("9223372036854775808") + "]")), HasSubstr("layers[0].size"));
  EXPECT_THAT(message_of(manifest_with(R"([{"size":1,"digest":"md5:1"}])")),
              HasSubstr("layers[0].digest: 'md5:1' is no digest"));
  EXPECT_THAT(message_of(std::string(BlobStore::small_limit + 1, ' ')), HasSubstr("are allowed"));
}

TEST(Manifests, HaveNoMoreLayersThanCanBeMounted) {
  std::string layers = layer();
  for (int i = 0; i < 500; ++i) layers += "," + layer();
  EXPECT_THAT(message_of(manifest_with("[" + layers + "]")), HasSubstr("501 entries"));
}

TEST(Manifests, DeepNestingIsNoTrouble) {
  EXPECT_THAT(message_of(std::string(1'000'000, '[')), HasSubstr("is not valid JSON"));
}

TEST(Configs, AreRead) {
  const auto config = read_image_config(R"({"architecture":"amd64","os":"linux","created":"2024-01-01T00:00:00Z",
    "config":{"Entrypoint":["/e"],"Cmd":["a","b"],"Env":["A=1"],"WorkingDir":"/w","User":"u:g","StopSignal":"SIGINT",
    "Volumes":{"/data":{}},"ExposedPorts":{"80/tcp":{}},"Labels":{"k":"v"},
    "Healthcheck":{"Test":["CMD-SHELL","true"],"Interval":1000000000,"Retries":3}},
    "rootfs":{"type":"layers","diff_ids":[")" +
                                        digest + "\"]}}");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_THAT(config->cmd, ElementsAre("a", "b"));
  EXPECT_EQ(config->user, "u:g");
  EXPECT_THAT(config->volumes, ElementsAre("/data"));
  EXPECT_THAT(config->exposed_ports, ElementsAre("80/tcp"));
  EXPECT_EQ(config->labels.at("k"), "v");
  ASSERT_TRUE(config->health_check);
  EXPECT_EQ(config->health_check->interval, std::chrono::seconds(1));
  EXPECT_EQ(config->diff_ids.size(), 1U);
  const std::string once = write_image_config(*config);
  EXPECT_EQ(write_image_config(*read_image_config(once)), once);
}

TEST(Configs, MayHaveNullsAsGoWritesThem) {
  const auto config = read_image_config(
      R"({"architecture":"amd64","os":"linux","config":{"Cmd":null,"Volumes":null,"Labels":null},"rootfs":{"type":"layers","diff_ids":[]}})");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_TRUE(config->cmd.empty());
}

TEST(Configs, RefuseVariablesWithoutValue) {
  const auto config = read_image_config(
      R"({"architecture":"amd64","os":"linux","config":{"Env":["A"]},"rootfs":{"type":"layers","diff_ids":[]}})");
  ASSERT_FALSE(config);
  EXPECT_THAT(config.error().message, HasSubstr("config.Env: 'A' is not NAME=VALUE"));
}

Index index_of(const std::vector<Platform>& platforms) {
  Index index;
  for (const Platform& platform : platforms) {
    Descriptor descriptor;
    descriptor.size = index.manifests.size();
    descriptor.platform = platform;
    index.manifests.push_back(descriptor);
  }
  return index;
}

TEST(Indexes, OfferPlatforms) {
  const Index index =
      index_of({{"linux", "arm", "v6"}, {"linux", "arm", "v7"}, {"linux", "amd64", ""}, {"unknown", "unknown", ""}});
  EXPECT_EQ(choose_platform(index, {"linux", "amd64", ""})->size, 2U);
  EXPECT_EQ(choose_platform(index, {"linux", "arm", "v7"})->size, 1U);
  EXPECT_EQ(choose_platform(index, {"linux", "arm", ""})->size, 0U);
  const auto none = choose_platform(index, {"linux", "riscv64", ""});
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().message,
            "there is no image for linux/riscv64; there is linux/arm/v6, linux/arm/v7, linux/amd64");
}

TEST(Indexes, AreToldFromManifests) {
  EXPECT_TRUE(is_index(R"({"schemaVersion":2,"manifests":[]})"));
  EXPECT_TRUE(is_index(R"({"mediaType":"application/vnd.docker.distribution.manifest.list.v2+json"})"));
  EXPECT_FALSE(is_index(manifest_with("[]")));
  EXPECT_FALSE(is_index("["));
}

}  // namespace
}  // namespace strata::image
