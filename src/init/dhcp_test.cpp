// Tests of the DHCP messages of the machine's first process.
#include "init/dhcp.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace strata::init {
namespace {

constexpr std::uint32_t id = 0x12345678;

std::vector<std::uint8_t> reply_with(const std::vector<std::uint8_t>& options) {
  std::vector<std::uint8_t> message(240 + options.size());
  message[0] = 2;
  message[4] = 0x12, message[5] = 0x34, message[6] = 0x56, message[7] = 0x78;
  message[16] = 10, message[18] = 2, message[19] = 15;
  message[236] = 0x63, message[237] = 0x82, message[238] = 0x53, message[239] = 0x63;
  std::copy(options.begin(), options.end(), message.begin() + 240);
  return message;
}

TEST(Dhcp, AnOfferIsReadAndAskedFor) {
  const auto message = reply_with({53, 1, 2,               // offer
                                   0,  0,                  // padding
                                   1,  4, 255, 255, 0, 0,  // mask
                                   3,  8, 10,  0,   2, 2, 10,   0,    2,  9, 6,  8, 10, 0, 2,   3,  10, 0,
                                   2,  4, 51,  4,   0, 1, 0x51, 0x80, 54, 4, 10, 0, 2,  2, 255, 99, 99});
  const auto reply = read_dhcp(message, id);
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->type, DhcpType::offer);
  EXPECT_EQ(reply->lease.address, 0x0a00020fU);
  EXPECT_EQ(reply->lease.mask, 0xffff0000U);
  EXPECT_EQ(reply->lease.router, 0x0a000202U);
  EXPECT_EQ(reply->lease.seconds, 86400U);
  ASSERT_EQ(reply->lease.name_server_count, 2U);
  EXPECT_EQ(reply->lease.name_servers[1], 0x0a000204U);

  const auto request = make_dhcp(
      {.type = DhcpType::request, .id = id, .mac = {0x52, 0x54, 0, 0x12, 0x34, 0x56}, .lease = &reply->lease});
  EXPECT_EQ(request[0], 1);
  EXPECT_EQ(request[10], 0x80) << "the answer has to go to all";
  EXPECT_EQ(request[28], 0x52);
  const std::vector<std::uint8_t> options(request.begin() + 240, request.end());
  const std::vector<std::uint8_t> wanted{53, 1, 3, 50, 4, 10, 0, 2, 15, 54, 4, 10, 0, 2, 2, 55};
  EXPECT_TRUE(std::equal(wanted.begin(), wanted.end(), options.begin()));
}

TEST(Dhcp, ARenewalNamesTheAddressAsItsOwn) {
  const Lease lease{.address = 0x0a00020f, .server = 0x0a000202};
  const auto request = make_dhcp({.type = DhcpType::request, .id = id, .mac = {}, .lease = &lease, .renewing = true});
  EXPECT_EQ(request[10], 0);
  EXPECT_EQ(request[12], 10);
  EXPECT_EQ(request[15], 15);
  EXPECT_EQ(request[243], 55) << "neither address nor server as options (RFC 2131, table 5)";
}

TEST(Dhcp, WhatIsNoAnswerToUsIsLeft) {
  const auto good = reply_with({53, 1, 5, 255});
  EXPECT_TRUE(read_dhcp(good, id));
  EXPECT_FALSE(read_dhcp(good, id + 1));
  for (const std::size_t at : {0, 236}) {
    auto other = good;
    other[at]++;
    EXPECT_FALSE(read_dhcp(other, id)) << at;
  }
}

TEST(Dhcp, CutMessagesAreRefusedAtEveryLength) {
  const auto whole = reply_with({53, 1, 5, 1, 4, 255, 255, 255, 0, 6, 5, 1, 2, 3, 4, 5});
  EXPECT_TRUE(read_dhcp(whole, id)) << "the end is no option that must be there";
  for (std::size_t size = 0; size < whole.size(); size++) {
    const std::vector<std::uint8_t> cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
    const bool at_an_end = size == 240 || size == 243 || size == 249;
    EXPECT_EQ(read_dhcp(cut, id).has_value(), at_an_end) << size;
  }
}

}  // namespace
}  // namespace strata::init
