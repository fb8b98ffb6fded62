// MRPDUs byte for byte, there and back, and damaged ones.
#include "network/protocols/mrpdu.h"

#include <gtest/gtest.h>

#include <random>

namespace strata::network::protocols {
namespace {

std::vector<std::byte> bytes(std::initializer_list<unsigned> values) {
  std::vector<std::byte> result;
  for (const unsigned value : values) result.push_back(static_cast<std::byte>(value));
  return result;
}

TEST(Mrpdu, IsWrittenAsTheStandardSays) {
  const Mrpdu mrpdu{true, {{10, MrpMessage::join_in}, {11, MrpMessage::leave}, {20, MrpMessage::new_}}};
  const auto pdus = encode(mrpdu, mvrp_vid_attribute);
  ASSERT_EQ(pdus.size(), 1u);
  EXPECT_EQ(pdus[0], bytes({0, 1, 2,                         // version, attribute type and length
                            0x20, 2, 0, 10, 1 * 36 + 5 * 6,  // LeaveAll, two values from 10
                            0, 1, 0, 20, 0,                  // one from 20
                            0, 0, 0, 0}));
  EXPECT_EQ(decode_mrpdu(pdus[0], mvrp_vid_attribute), mrpdu);
}

TEST(Mrpdu, LeaveAllMayStandAlone) {
  const auto pdus = encode({true, {}}, mvrp_vid_attribute);
  ASSERT_EQ(pdus.size(), 1u);
  EXPECT_EQ(pdus[0], bytes({0, 1, 2, 0x20, 0, 0, 0, 0, 0, 0, 0}));
  EXPECT_EQ(decode_mrpdu(pdus[0], mvrp_vid_attribute), (Mrpdu{true, {}}));
  EXPECT_TRUE(encode({false, {}}, mvrp_vid_attribute).empty());
}

TEST(Mrpdu, AnythingComesBackAsItWas) {
  std::mt19937 random(1);
  for (int round = 0; round < 200; ++round) {
    Mrpdu mrpdu{random() % 2 == 0, {}};
    const unsigned density = 1 + random() % 8;
    for (unsigned value = 1; value <= 4094; ++value) {
      if (random() % density == 0) {
        mrpdu.events.push_back({static_cast<uint16_t>(value), static_cast<MrpMessage>(random() % 6)});
      }
    }
    Mrpdu decoded;
    for (const auto& pdu : encode(mrpdu, mvrp_vid_attribute)) {
      ASSERT_LE(pdu.size(), max_mrpdu_size);
      const Mrpdu part = decode_mrpdu(pdu, mvrp_vid_attribute);
      decoded.leave_all |= part.leave_all;
      decoded.events.insert(decoded.events.end(), part.events.begin(), part.events.end());
    }
    ASSERT_EQ(decoded, mrpdu);
  }
}

TEST(Mrpdu, OtherAttributesAndPaddingArePassedOver) {
  const auto pdu = bytes({9,                                           // a later version
                          7, 6, 0, 4, 1, 2,  3,  4, 5, 6, 0, 0, 0, 0,  // a type with values of six bytes
                          1, 2, 0, 1, 0, 10, 36, 0, 0,                 // ours
                          0, 0, 0, 0, 0, 0,  0});
  EXPECT_EQ(decode_mrpdu(pdu, mvrp_vid_attribute), (Mrpdu{false, {{10, MrpMessage::join_in}}}));
}

TEST(Mrpdu, EndMarksMayBeMissingAtTheEnd) {
  EXPECT_EQ(decode_mrpdu(bytes({0, 1, 2, 0, 1, 0, 10, 36}), mvrp_vid_attribute).events.size(), 1u);
}

TEST(Mrpdu, WhatIsDamagedCountsUpToTheDamage) {
  const Mrpdu first{false, {{10, MrpMessage::join_in}}};
  // A packed byte that no three events make.
  EXPECT_EQ(decode_mrpdu(bytes({0, 1, 2, 0, 1, 0, 10, 36, 0, 1, 0, 11, 216, 0, 0, 0, 0}), mvrp_vid_attribute), first);
  // A vector that ends beyond the PDU.
  EXPECT_EQ(decode_mrpdu(bytes({0, 1, 2, 0, 1, 0, 10, 36, 0x1f, 0xff, 0, 11, 0, 0}), mvrp_vid_attribute), first);
  // An unknown LeaveAllEvent.
  EXPECT_EQ(decode_mrpdu(bytes({0, 1, 2, 0, 1, 0, 10, 36, 0x40, 1, 0, 11, 36, 0, 0, 0, 0}), mvrp_vid_attribute), first);
  // Values beyond the last one.
  EXPECT_EQ(decode_mrpdu(bytes({0, 1, 2, 0, 3, 0xff, 0xff, 0, 0, 0, 0, 0}), mvrp_vid_attribute).events.size(), 1u);
  EXPECT_EQ(decode_mrpdu({}, mvrp_vid_attribute), Mrpdu{});
}

}  // namespace
}  // namespace strata::network::protocols
