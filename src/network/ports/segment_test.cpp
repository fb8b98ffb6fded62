// Frames that were left to be cut, and what comes of them: every header is checked by its own sums.
#include "network/ports/segment.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "base/bits.h"
#include "base/internet_checksum.h"

namespace strata::network::ports {
namespace {

using iface::Offload;

std::string text(std::initializer_list<int> bytes) { return {bytes.begin(), bytes.end()}; }
std::span<const std::byte> bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }

std::string data_of(size_t size) {
  std::string data(size, '\0');
  for (size_t i = 0; i < size; ++i) data[i] = static_cast<char>(i * 7 + i / 256);
  return data;
}

const std::string addresses(12, '\x02');

/// A frame with `tags` bytes of tags, IP and TCP headers, as a sender with offloads leaves it: lengths of the whole, and
/// where the checksum goes only the pseudo header's sum, which nobody has to believe.
struct Sent {
  std::string frame;
  Offload offload;
  size_t ip, transport, header;
};

Sent tcp(bool ipv6, size_t data, uint16_t gso_size, const std::string& tags = {}, uint8_t flags = 0x19) {
  Sent sent;
  sent.frame = addresses + tags + (ipv6 ? text({0x86, 0xdd}) : text({8, 0}));
  sent.ip = sent.frame.size();
  std::string ip = ipv6 ? text({0x60, 0, 0, 0, 0, 0, 6, 64}) + data_of(32)
                        : text({0x45, 0, 0, 0, 0xff, 0xff, 0x40, 0, 64, 6, 0x55, 0x55, 10, 0, 0, 1, 10, 0, 0, 2});
  store_be<uint16_t>(&ip[ipv6 ? 4 : 2], static_cast<uint16_t>(ipv6 ? 32 + data : 52 + data));
  sent.frame += ip;
  sent.transport = sent.frame.size();
  sent.frame += text({0x12, 0x34, 0, 80, 0xff, 0xff, 0xff, 0, 0, 0, 0, 1, 0x80, flags, 1, 0, 0xab, 0xcd, 0, 0});
  sent.frame += text({1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2});  // time stamps
  sent.header = sent.frame.size();
  sent.frame += data_of(data);
  sent.offload = {.needs_checksum = true,
                  .gso = ipv6 ? Offload::Gso::tcp6 : Offload::Gso::tcp4,
                  .header_length = static_cast<uint16_t>(sent.header),
                  .gso_size = gso_size,
                  .checksum_start = static_cast<uint16_t>(sent.transport),
                  .checksum_offset = 16};
  return sent;
}

std::vector<std::string> split(const std::string& frame, const Offload& offload, bool good = true) {
  std::vector<std::string> pieces;
  Segmenter segmenter;
  EXPECT_EQ(segmenter.split(
                bytes_of(frame), offload,
                [&](auto piece) { pieces.emplace_back(reinterpret_cast<const char*>(piece.data()), piece.size()); }),
            good);
  return pieces;
}

/// That sums over a header with its right checksum give all ones (RFC 1071).
void expect_right_sums(const std::string& piece, const Sent& sent, bool ipv6, uint8_t protocol) {
  const auto bytes = bytes_of(piece);
  const size_t transport_size = piece.size() - sent.transport;
  if (ipv6) {
    EXPECT_EQ(load_be<uint16_t>(&bytes[sent.ip + 4]), piece.size() - sent.ip - 40);
  } else {
    EXPECT_EQ(load_be<uint16_t>(&bytes[sent.ip + 2]), piece.size() - sent.ip);
    EXPECT_EQ(internet_sum(bytes.subspan(sent.ip, 20)), 0xffff);
  }
  const auto pseudo = ipv6 ? bytes.subspan(sent.ip + 8, 32) : bytes.subspan(sent.ip + 12, 8);
  const auto begin = internet_sum(pseudo, static_cast<uint32_t>(protocol + transport_size));
  EXPECT_EQ(internet_sum(bytes.subspan(sent.transport), begin), 0xffff);
}

class SegmentTest : public testing::TestWithParam<std::tuple<bool, std::string>> {};

TEST_P(SegmentTest, CutsTcp) {
  const auto& [ipv6, tags] = GetParam();
  const Sent sent = tcp(ipv6, 4001, 1000, tags, 0x99);  // CWR, ACK, PSH, FIN
  const auto pieces = split(sent.frame, sent.offload);
  ASSERT_EQ(pieces.size(), 5u);
  std::string data;
  for (size_t i = 0; i < pieces.size(); ++i) {
    SCOPED_TRACE(i);
    const auto& piece = pieces[i];
    expect_right_sums(piece, sent, ipv6, 6);
    EXPECT_EQ(piece.substr(0, sent.ip), sent.frame.substr(0, sent.ip));
    EXPECT_EQ(load_be<uint32_t>(&piece[sent.transport + 4]), 0xffffff00u + static_cast<uint32_t>(i * 1000));
    EXPECT_EQ(static_cast<uint8_t>(piece[sent.transport + 13]), i == 0 ? 0x90 : i == 4 ? 0x19 : 0x10);
    if (!ipv6) {
      EXPECT_EQ(load_be<uint16_t>(&piece[sent.ip + 4]), static_cast<uint16_t>(0xffff + i));
    }
    data += piece.substr(sent.header);
  }
  EXPECT_EQ(data, data_of(4001));
}

INSTANTIATE_TEST_SUITE_P(Kinds, SegmentTest,
                         testing::Combine(testing::Bool(), testing::Values(std::string(), text({0x81, 0, 0xa0, 10}),
                                                                           text({0x88, 0xa8, 0, 9, 0x81, 0, 0, 10}))));

TEST(Segment, CutsUdpIntoDatagrams) {
  Sent sent = tcp(false, 0, 0);
  sent.frame.resize(sent.transport);
  sent.frame[sent.ip + 9] = 17;
  sent.frame += text({0, 1, 0, 2, 0, 0, 0x12, 0x34}) + data_of(2500);
  sent.offload.gso = Offload::Gso::udp_l4;
  sent.offload.gso_size = 1200;
  sent.offload.checksum_offset = 6;
  const auto pieces = split(sent.frame, sent.offload);
  ASSERT_EQ(pieces.size(), 3u);
  std::string data;
  for (const auto& piece : pieces) {
    expect_right_sums(piece, sent, false, 17);
    EXPECT_EQ(load_be<uint16_t>(&piece[sent.transport + 4]), piece.size() - sent.transport);
    data += piece.substr(sent.transport + 8);
  }
  EXPECT_EQ(data, data_of(2500));
}

TEST(Segment, CompletesJustAChecksum) {
  Sent sent = tcp(false, 100, 0);
  sent.offload.gso = Offload::Gso::none;
  // As a driver does: the pseudo header's sum stands where the checksum goes.
  const auto pseudo = internet_sum(bytes_of(sent.frame).subspan(sent.ip + 12, 8), 6 + 132);
  store_be<uint16_t>(&sent.frame[sent.transport + 16], pseudo);
  const auto pieces = split(sent.frame, sent.offload);
  ASSERT_EQ(pieces.size(), 1u);
  EXPECT_EQ(internet_sum(bytes_of(pieces[0]).subspan(sent.transport), pseudo), 0xffff);
  EXPECT_EQ(split(sent.frame, Offload{}), std::vector{sent.frame});
}

TEST(Segment, RefusesWhatDoesNotFit) {
  const Sent good = tcp(false, 3000, 1000);
  const auto refused = [&](auto change, size_t size = SIZE_MAX) {
    Sent bad = good;
    change(bad);
    split(bad.frame.substr(0, size), bad.offload, false);
  };
  refused([](Sent& s) { s.offload.gso_size = 0; });
  refused([](Sent& s) { s.offload.gso_size = 1; });  // three thousand frames
  refused([](Sent& s) { s.offload.needs_checksum = false; });
  refused([](Sent& s) { s.offload.gso = Offload::Gso::tcp6; });
  refused([](Sent& s) { s.offload.gso = Offload::Gso::udp; });
  refused([](Sent& s) { s.offload.checksum_start = 0xffff; });
  refused([](Sent& s) { s.offload.checksum_start -= 4; });
  refused([](Sent& s) { s.frame[s.ip + 9] = 17; });
  refused([](Sent& s) { s.frame[s.transport + 12] = 0x40; });
  refused([](Sent& s) { s.frame[12] = '\x81'; });
  for (const size_t size : {0u, 1u, 13u, 14u, 20u, 34u, 50u, 65u}) refused([](Sent&) {}, size);
  Offload outside = {.needs_checksum = true, .checksum_start = 60, .checksum_offset = 0};
  split(std::string(61, 'x'), outside, false);
}

TEST(Segment, SurvivesAnything) {
  std::mt19937 random(7);
  const Sent sent = tcp(true, 1500, 500, text({0x81, 0, 0, 10}));
  Segmenter segmenter;
  size_t split_well = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::string frame = sent.frame.substr(0, random() % 4 ? std::string::npos : random() % sent.frame.size());
    for (int i = 0; i < 3 && !frame.empty(); ++i)
      frame[random() % std::min<size_t>(frame.size(), 120)] = static_cast<char>(random());
    Offload offload = sent.offload;
    if (random() % 4 == 0)
      reinterpret_cast<uint8_t*>(&offload)[random() % sizeof offload] = static_cast<uint8_t>(random());
    size_t total = 0;
    split_well += segmenter.split(bytes_of(frame), offload, [&](auto piece) { total += piece.size(); });
    EXPECT_LT(total, 200'000u);
  }
  EXPECT_GT(split_well, 1000u);
}

}  // namespace
}  // namespace strata::network::ports
