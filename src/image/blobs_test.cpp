// Tests of the blob store: verified names, going on where an earlier try ended, locks between writers.
#include "image/blobs.h"

#include "image/store_lock.h"
#include "image/test_tree.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sys/stat.h>

#include <fstream>
#include <thread>

namespace strata::image {
namespace {

using testing::HasSubstr;

std::span<const std::byte> bytes(std::string_view text) { return std::as_bytes(std::span(text)); }

class Blobs : public testing::Test {
 protected:
  Blobs() : home_("XDG_DATA_HOME", folder_.path), store_(*BlobStore::open()) {}

  TestFolder folder_;
  TestVariable home_;
  const std::string content_ = "the content of a blob";
  const Digest digest_ = Digest::of(content_);
  BlobStore store_;
};

TEST_F(Blobs, DigestsAreThoseOfSha256) {
  EXPECT_EQ(Digest::of("abc").text(), "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(*Digest::parse(digest_.text()), digest_);
  for (const std::string& text :
       {std::string("sha256:"), "sha512:" + digest_.hex(), digest_.text() + "0", "sha256:" + std::string(64, 'A')})
    EXPECT_FALSE(Digest::parse(text)) << text;
}

TEST_F(Blobs, HaveTheirNameWhenWhole) {
  {
    auto writer = *store_.begin(digest_, content_.size());
    ASSERT_TRUE(writer->write(bytes(content_)));
    EXPECT_FALSE(store_.has(digest_));
    ASSERT_TRUE(writer->commit());
  }
  EXPECT_TRUE(store_.has(digest_));
  EXPECT_EQ(*store_.read_small(digest_), content_);
  EXPECT_FALSE(*store_.begin(digest_, content_.size()));  // nothing to write
}

TEST_F(Blobs, GoOnWhereAnEarlierTryEnded) {
  ASSERT_TRUE((*store_.begin(digest_, content_.size()))->write(bytes(content_.substr(0, 5))));
  auto writer = *store_.begin(digest_, content_.size());
  EXPECT_EQ(writer->offset(), 5U);
  const auto early = writer->commit();
  ASSERT_FALSE(early);
  EXPECT_THAT(early.error().message, HasSubstr("ended after 5 of 21 bytes"));
  ASSERT_TRUE(writer->write(bytes(content_.substr(5))));
  EXPECT_TRUE(writer->commit());
}

TEST_F(Blobs, WrongContentIsDropped) {
  {
    auto writer = *store_.begin(digest_, content_.size());
    ASSERT_TRUE(writer->write(bytes("THE CONTENT OF A BLOB")));
    const auto committed = writer->commit();
    ASSERT_FALSE(committed);
    EXPECT_EQ(committed.error().code, ErrorCode::bad_data);
  }
  EXPECT_FALSE(store_.has(digest_));
  EXPECT_EQ((*store_.begin(digest_, content_.size()))->offset(), 0U);
}

TEST_F(Blobs, TakeNoMoreThanWasAnnounced) {
  auto writer = *store_.begin(digest_, 4);
  EXPECT_FALSE(writer->write(bytes("12345")));
  EXPECT_EQ(writer->offset(), 0U);
}

TEST_F(Blobs, OnlyOneWritesAndOthersFindItDone) {
  auto writer = *store_.begin(digest_, content_.size());
  const auto second = store_.try_begin(digest_, content_.size());
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::busy);
  bool found_done = false;
  std::thread other([&] {
    const auto waited = store_.begin(digest_, content_.size());
    found_done = waited && !*waited;
  });
  ASSERT_TRUE(writer->write(bytes(content_)));
  ASSERT_TRUE(writer->commit());
  other.join();
  EXPECT_TRUE(found_done);
}

TEST_F(Blobs, DamageOnTheDiskIsSeen) {
  ASSERT_TRUE(store_.put(content_));
  ::chmod(store_.path(digest_).c_str(), 0600);
  std::ofstream(store_.path(digest_)) << "the content of a BLOB";
  const auto text = store_.read_small(digest_);
  ASSERT_FALSE(text);
  EXPECT_THAT(text.error().message, HasSubstr("is damaged"));
}

TEST_F(Blobs, LargeOnesAreNotReadWhole) {
  ASSERT_TRUE(store_.put(content_));
  EXPECT_FALSE(store_.read_small(digest_, 20));
}

TEST_F(Blobs, AreSafeFromRemovalWhileTheStoreIsOpen) { EXPECT_EQ(own_store().error().code, ErrorCode::busy); }

}  // namespace
}  // namespace strata::image
