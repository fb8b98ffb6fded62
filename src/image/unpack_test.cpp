// Tests of unpacking: what overlayfs gets to see, and that hostile layers reach nothing outside.
#include "image/unpack.h"

#include "image/test_layer.h"
#include "image/test_tree.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>
#include <zlib.h>

namespace strata::image {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;

class MemorySource final : public ByteSource {
 public:
  explicit MemorySource(std::string content) : content_(std::move(content)) {}
  Result<std::size_t> read(std::span<std::byte> into) override {
    const std::size_t count = std::min(into.size(), content_.size() - at_);
    std::memcpy(into.data(), content_.data() + at_, count);
    at_ += count;
    return count;
  }

 private:
  std::string content_;
  std::size_t at_ = 0;
};

class Unpack : public testing::Test {
 protected:
  Unpack() {
    fs::create_directory(tree_);
    write_file(outside_, "untouched");
  }

  Result<UnpackedLayer> unpack_bytes(const std::string& bytes, UnpackLimits limits = {}) {
    auto stream = LayerStream::start(std::make_unique<MemorySource>(bytes));
    const UniqueFd root(::open(tree_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    auto layer = unpack_layer(**stream, root.get(), {.owners = ::geteuid() == 0, .limits = limits});
    if (layer) {
      EXPECT_EQ((*stream)->digest(), Digest::of(bytes));
    }
    return layer;
  }
  Result<UnpackedLayer> unpack(const TestTar& tar, UnpackLimits limits = {}) {
    return unpack_bytes(tar.bytes(), limits);
  }
  std::string failure(const TestTar& tar, UnpackLimits limits = {}) {
    const auto layer = unpack(tar, limits);
    EXPECT_EQ(read_file(outside_), "untouched");
    return layer ? "none" : layer.error().message;
  }

  struct stat status_of(const std::string& path) const {
    struct stat status = {};
    EXPECT_EQ(::lstat((tree_ / path).c_str(), &status), 0) << path;
    return status;
  }
  bool is_whiteout(const std::string& path) const {
    const struct stat status = status_of(path);
    return S_ISCHR(status.st_mode) && status.st_rdev == makedev(0, 0);
  }
  bool is_opaque(const std::string& path) const {
    char value = 0;
    const fs::path full = tree_ / path;
    return (::getxattr(full.c_str(), "trusted.overlay.opaque", &value, 1) == 1 ||
            ::getxattr(full.c_str(), "user.overlay.opaque", &value, 1) == 1) &&
           value == 'y';
  }

  TestFolder folder_;
  const fs::path tree_ = folder_.path / "tree";
  const fs::path outside_ = folder_.path / "outside";
};

TEST_F(Unpack, MakesFilesWithTheirAttributes) {
  const auto layer = unpack(TestTar()
                                .directory("./")
                                .directory("etc/", 0750)
                                .file("etc/passwd", "root", 0640)
                                .file("etc/set-user-id", "x", 04755)
                                .symlink("etc/link", "/etc/passwd")
                                .hard_link("etc/hard", "etc/passwd")
                                .add({.name = "etc/fifo", .type = '6', .mode = 0600}));
  ASSERT_TRUE(layer) << layer.error().message;
  EXPECT_EQ(read_file(tree_ / "etc/passwd"), "root");
  EXPECT_EQ(status_of("etc/passwd").st_mode, S_IFREG | 0640U);
  EXPECT_EQ(status_of("etc/passwd").st_nlink, 2U);
  EXPECT_EQ(status_of("etc/passwd").st_mtime, 1'000'000'000);
  EXPECT_EQ(status_of("etc").st_mode, S_IFDIR | 0750U);
  EXPECT_EQ(status_of("etc").st_mtime, 1'000'000'000);
  EXPECT_EQ(status_of("etc/set-user-id").st_mode, S_IFREG | 04755U);
  EXPECT_EQ(fs::read_symlink(tree_ / "etc/link"), "/etc/passwd");
  EXPECT_TRUE(S_ISFIFO(status_of("etc/fifo").st_mode));
  EXPECT_TRUE(layer->implied_directories.empty());
}

TEST_F(Unpack, KeepsOwnersWhereItMay) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give files away";
  ASSERT_TRUE(unpack(TestTar().add({.name = "a", .user = 1000, .group = 2000})));
  EXPECT_EQ(status_of("a").st_uid, 1000U);
  EXPECT_EQ(status_of("a").st_gid, 2000U);
}

TEST_F(Unpack, TakesNamesOfAnyLengthAndEncoding) {
  const std::string name = "d/" + std::string(200, 'n') + "/größe";
  ASSERT_TRUE(
      unpack(TestTar().add({.name = "short", .content = "content", .pax = {{"path", name}}}).file("b\xff", "raw")));
  EXPECT_EQ(read_file(tree_ / name), "content");
  EXPECT_EQ(read_file(tree_ / "b\xff"), "raw");
}

TEST_F(Unpack, KeepsHolesAndExtendedAttributes) {
  ASSERT_TRUE(unpack(TestTar().add({.name = "sparse",
                                    .content = "data",
                                    .pax = {{"GNU.sparse.major", "0"},
                                            {"GNU.sparse.minor", "1"},
                                            {"GNU.sparse.size", "104857600"},
                                            {"GNU.sparse.map", "52428800,4"},
                                            {"SCHILY.xattr.user.note", "kept"},
                                            {"SCHILY.xattr.user.overlay.redirect", "/etc"},
                                            {"SCHILY.xattr.trusted.overlay.redirect", "/etc"}}})));
  const struct stat status = status_of("sparse");
  EXPECT_EQ(status.st_size, 104857600);
  EXPECT_LT(status.st_blocks * 512, 1 << 20);
  char value[8] = {};
  EXPECT_EQ(::getxattr((tree_ / "sparse").c_str(), "user.note", value, sizeof value), 4);
  EXPECT_LT(::getxattr((tree_ / "sparse").c_str(), "user.overlay.redirect", value, sizeof value), 0);
  EXPECT_LT(::getxattr((tree_ / "sparse").c_str(), "trusted.overlay.redirect", value, sizeof value), 0);
}

TEST_F(Unpack, KeepsCapabilitiesOfFiles) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give files capabilities";
  const std::string raw("\x01\x00\x00\x02\x00\x20\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00", 20);
  ASSERT_TRUE(unpack(
      TestTar().add({.name = "ping", .mode = 0755, .user = 5, .pax = {{"SCHILY.xattr.security.capability", raw}}})));
  char value[32] = {};
  EXPECT_EQ(::getxattr((tree_ / "ping").c_str(), "security.capability", value, sizeof value), 20);
}

TEST_F(Unpack, WhiteoutsAreThoseOfOverlayfs) {
  ASSERT_TRUE(unpack(TestTar()
                         .directory("d")
                         .file("d/.wh.gone", "")
                         .file("e/.wh..wh..opq", "")
                         .file(".wh.top", "")
                         .file(".wh..wh.plnk", "")));
  EXPECT_TRUE(is_whiteout("d/gone"));
  EXPECT_TRUE(is_whiteout("top"));
  EXPECT_TRUE(is_opaque("e"));
  EXPECT_FALSE(is_opaque("d"));
  EXPECT_FALSE(fs::exists(tree_ / ".wh.top"));
}

TEST_F(Unpack, WhiteoutsHideLowerLayersOnly) {
  // In either order, as the specification wants it.
  ASSERT_TRUE(unpack(TestTar().file(".wh.a", "").file("a").file("b").file(".wh.b", "")));
  EXPECT_EQ(read_file(tree_ / "a"), "content");
  EXPECT_EQ(read_file(tree_ / "b"), "content");
}

TEST_F(Unpack, DirectoriesUnderWhiteoutsAreNew) {
  ASSERT_TRUE(unpack(TestTar()
                         .file(".wh.a", "")
                         .directory("a")
                         .file("a/x")
                         .file(".wh.b", "")
                         .file("b/x")
                         .file("c/x")
                         .file(".wh.c", "")));
  for (const std::string name : {"a", "b", "c"}) {
    EXPECT_TRUE(is_opaque(name)) << name;
    EXPECT_EQ(read_file(tree_ / name / "x"), "content");
  }
}

TEST_F(Unpack, ListsDirectoriesThatAreOnlyImplied) {
  const auto layer = unpack(TestTar().file("a/b/c/x").directory("a/b"));
  ASSERT_TRUE(layer);
  EXPECT_THAT(layer->implied_directories, ElementsAre("", "a", "a/b/c"));
}

TEST_F(Unpack, LaterEntriesReplaceEarlierOnes) {
  ASSERT_TRUE(unpack(TestTar()
                         .file("file", "old")
                         .hard_link("other", "file")
                         .file("file", "new")
                         .directory("directory")
                         .file("directory/below/x")
                         .file("directory", "now a file")
                         .file("was-file")
                         .directory("was-file")
                         .symlink("was-link", "file")
                         .directory("was-link")));
  EXPECT_EQ(read_file(tree_ / "file"), "new");
  EXPECT_EQ(read_file(tree_ / "other"), "old");  // not written through
  EXPECT_EQ(read_file(tree_ / "directory"), "now a file");
  EXPECT_TRUE(S_ISDIR(status_of("was-file").st_mode));
  EXPECT_TRUE(S_ISDIR(status_of("was-link").st_mode));
}

TEST_F(Unpack, DirectoriesMayBeClosed) {
  ASSERT_TRUE(
      unpack(TestTar().directory("closed", 0).file("closed/x").directory("closed/deep", 0).file("closed/deep/y")));
  EXPECT_EQ(status_of("closed").st_mode & 07777, 0U);
  fs::permissions(tree_ / "closed", fs::perms::owner_all);
  fs::permissions(tree_ / "closed/deep", fs::perms::owner_all);
}

TEST_F(Unpack, LinksAreFollowedInsideOnly) {
  const std::string up = "../../../../../../../../../../../../../.." + folder_.path.string();
  ASSERT_TRUE(unpack(TestTar()
                         .directory("usr/lib")
                         .symlink("lib", "usr/lib")
                         .file("lib/x")
                         .directory("etc")
                         .symlink("absolute", "/etc")
                         .file("absolute/passwd", "mine")));
  EXPECT_EQ(read_file(tree_ / "usr/lib/x"), "content");
  EXPECT_EQ(read_file(tree_ / "etc/passwd"), "mine");
  EXPECT_THAT(failure(TestTar().symlink("out", up).file("out/outside", "overwritten")),
              HasSubstr("leads nowhere in this layer"));
  EXPECT_THAT(failure(TestTar().symlink("o", folder_.path.string()).file("o/outside", "overwritten")),
              HasSubstr("leads nowhere"));
}

TEST_F(Unpack, MagicLinksOfProcAreNotFollowed) {
  EXPECT_NE(failure(TestTar().symlink("p", "/proc/self/root").file("p/" + outside_.string(), "overwritten")), "none");
}

TEST_F(Unpack, ALinkAsTheFileItselfIsReplaced) {
  EXPECT_EQ(failure(TestTar().symlink("x", outside_.string()).file("x", "overwritten")), "none");
  EXPECT_EQ(read_file(tree_ / "x"), "overwritten");
}

TEST_F(Unpack, PathsUpwardsAreRefused) {
  for (const std::string name : {"../outside", "a/../../outside", "..", "a/.."})
    EXPECT_THAT(failure(TestTar().file(name, "overwritten")), HasSubstr("leads upwards")) << name;
}

TEST_F(Unpack, AbsoluteNamesBeginAtTheRoot) {
  ASSERT_TRUE(unpack(TestTar().file("/etc/absolute")));
  EXPECT_EQ(read_file(tree_ / "etc/absolute"), "content");
  EXPECT_EQ(failure(TestTar().file(outside_.string(), "overwritten")), "none");
}

TEST_F(Unpack, HardLinksReachNothingOutside) {
  EXPECT_THAT(failure(TestTar().hard_link("h", "../outside")), HasSubstr("leads upwards"));
  EXPECT_THAT(failure(TestTar().hard_link("h", outside_.string())), HasSubstr("not in this layer"));
  EXPECT_THAT(failure(TestTar().symlink("s", folder_.path.string()).hard_link("h", "s/outside")),
              HasSubstr("not in this layer"));
  // A link to a symbolic link is that link once more, and what is written to it does not go through.
  EXPECT_EQ(failure(TestTar().symlink("t", outside_.string()).hard_link("h", "t").file("h", "overwritten")), "none");
  EXPECT_THAT(failure(TestTar().directory("d").hard_link("e", "d")), HasSubstr("not in this layer"));
  EXPECT_THAT(failure(TestTar().file(".wh.w", "").hard_link("v", "w")), HasSubstr("not in this layer"));
}

TEST_F(Unpack, DevicesAreLeftOut) {
  const auto layer = unpack(TestTar().add({.name = "dev/null", .type = '3'}).add({.name = "disk", .type = '4'}));
  ASSERT_TRUE(layer);
  EXPECT_FALSE(fs::exists(fs::symlink_status(tree_ / "dev/null")));
  EXPECT_FALSE(fs::exists(fs::symlink_status(tree_ / "disk")));
}

TEST_F(Unpack, WhiteoutsOfWhatIsNoFileAreRefused) {
  for (const std::string name : {".wh.", ".wh..", ".wh...", "a/.wh..."})
    EXPECT_THAT(failure(TestTar().directory("a").file(name, "")), HasSubstr("hides what is no file")) << name;
}

TEST_F(Unpack, TheRootStaysADirectory) {
  EXPECT_NE(failure(TestTar().file("./", "x")), "none");
  EXPECT_NE(failure(TestTar().symlink(".", "/etc")), "none");
  EXPECT_NE(failure(TestTar().hard_link(".", "x")), "none");
}

TEST_F(Unpack, BombsStopAtTheLimits) {
  EXPECT_THAT(failure(TestTar().file("a", std::string(100'000, 'x')), {.bytes = 50'000}),
              HasSubstr("more than 50000 bytes"));
  EXPECT_THAT(failure(TestTar().file("a").file("b").file("c"), {.entries = 2}), HasSubstr("more than 2 files"));
}

TEST_F(Unpack, SizesThatAreLiesAreErrors) {
  EXPECT_NE(failure(TestTar().add({.name = "huge", .content = "x", .size = 077777777777})), "none");
}

TEST_F(Unpack, ControlCharactersDoNotReachTheTerminal) {
  EXPECT_EQ(failure(TestTar().file("../\x1b[2J\n")).find_first_of("\x1b\n"), std::string::npos);
}

TEST_F(Unpack, WhatIsNoArchiveIsSaid) {
  const auto layer = unpack_bytes("this is no archive at all, but a text that is long enough" + std::string(600, '.'));
  ASSERT_FALSE(layer);
  EXPECT_THAT(layer.error().message, HasSubstr("it is no tar archive"));
  EXPECT_TRUE(unpack_bytes(""));  // a layer without changes
}

TEST_F(Unpack, TheStreamIsReadToItsEnd) {
  ASSERT_TRUE(unpack_bytes(TestTar().file("a").bytes() + std::string(300'000, '\0')));  // the digest is checked there
}

// The content through a file, compressed.
Result<std::string> through_file(const std::string& bytes) {
  const TestFolder folder;
  write_file(folder.path / "blob", bytes);
  auto source = decompress(file_source(UniqueFd(::open((folder.path / "blob").c_str(), O_RDONLY | O_CLOEXEC))));
  std::string all;
  std::array<std::byte, 1000> piece{};
  while (true) {
    const std::size_t count = STRATA_TRY((*source)->read(piece));
    if (count == 0) return all;
    all.append(reinterpret_cast<const char*>(piece.data()), count);
  }
}

std::string gzip(const std::string& text) {
  z_stream stream = {};
  deflateInit2(&stream, 6, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY);
  std::string out(deflateBound(&stream, text.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

TEST(Decompress, ReadsGzipInMembers) {
  std::string text;
  for (int i = 0; i < 100'000; ++i) text += std::to_string(i);
  EXPECT_EQ(*through_file(gzip(text)), text);
  EXPECT_EQ(*through_file(gzip(text) + gzip("") + gzip("end")), text + "end");
  EXPECT_EQ(*through_file(text), text);
  EXPECT_EQ(*through_file(""), "");
}

TEST(Decompress, CutOrDamagedGzipIsAnError) {
  const std::string whole = gzip(std::string(100'000, 'x') + "tail");
  for (const std::size_t size : {whole.size() - 1, whole.size() - 9, whole.size() / 2, std::size_t{11}}) {
    const auto text = through_file(whole.substr(0, size));
    ASSERT_FALSE(text) << size;
    EXPECT_EQ(text.error().code, ErrorCode::bad_data);
  }
  std::string damaged = whole;
  damaged[damaged.size() - 6] ^= 1;  // in the checksum
  EXPECT_FALSE(through_file(damaged));
}

}  // namespace
}  // namespace strata::image
