// Block requests: checked, copied, and handed to the store.
#include "devices/virtio/blk/blk.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/bits.h"

namespace strata::devices::virtio {
namespace {

constexpr uint16_t queue_sizes[] = {256};
constexpr unsigned queue_index = 0;
constexpr uint64_t sector_size = 512;

/// Features (5.2.3).
constexpr unsigned feature_size_max = 1;
constexpr unsigned feature_seg_max = 2;
constexpr unsigned feature_read_only = 5;
constexpr unsigned feature_blk_size = 6;
constexpr unsigned feature_flush = 9;
constexpr unsigned feature_topology = 10;
constexpr unsigned feature_discard = 13;
constexpr unsigned feature_write_zeroes = 14;

/// Configuration space (5.2.4).
enum ConfigField : unsigned {
  capacity = 0,
  size_max = 8,
  seg_max = 12,
  blk_size = 20,
  physical_block_exp = 24,
  min_io_size = 26,
  max_discard_sectors = 36,
  max_discard_seg = 40,
  discard_sector_alignment = 44,
  max_write_zeroes_sectors = 48,
  max_write_zeroes_seg = 52,
  write_zeroes_may_unmap = 56,
};

/// Requests and their status (5.2.6).
enum RequestType : uint32_t { in = 0, out = 1, flush_cache = 4, get_id = 8, discard = 11, write_zeroes = 13 };
enum RequestStatus : uint8_t { ok = 0, io_error = 1, unsupported = 2 };
constexpr uint64_t header_size = 16;
constexpr uint64_t id_size = 20;
constexpr uint64_t range_size = 16;  // sector, number of sectors, flags
constexpr uint32_t flag_unmap = 1;

// What one request asks for. Drivers that keep to size_max and seg_max stay below 16 MiB.
constexpr uint32_t most_segments = 254;
constexpr uint32_t most_segment_size = 1 << 16;
constexpr uint64_t most_request_bytes = 32 << 20;
constexpr uint64_t most_ranges = 64;
constexpr uint32_t most_range_sectors = 1 << 22;  // 2 GiB

// Data is copied between guest and store, so that a guest can neither change what is being written nor be written to
// after it has reset the device. This bounds the copies; what is beyond waits in the queue.
constexpr uint64_t most_bytes_in_flight = 16 << 20;

/// Whether `size` bytes at a sector are in the store and not too many at once.
bool is_valid(const iface::BlockStore& store, uint64_t sector, uint64_t size) {
  const uint64_t sectors = store.size() / sector_size;
  return size % sector_size == 0 && size <= most_request_bytes && sector <= sectors &&
         size / sector_size <= sectors - sector;
}

}  // namespace

struct Blk::Request {
  struct Range {
    uint64_t offset, length;
  };
  Chain chain;
  uint32_t type = 0;
  std::unique_ptr<std::byte[]> data;
  uint64_t size = 0;          ///< bytes of data
  std::vector<Range> ranges;  ///< to discard or zero, the next one last
  uint64_t generation = 0;
};

Blk::Blk(memory::AddressSpace& memory, iface::BlockStore& store, std::string serial)
    : Device("virtio-blk", DeviceType::block, memory, queue_sizes),
      store_(store),
      serial_(std::move(serial)),
      self_(std::make_shared<Blk*>(this)) {
  const auto put = [this]<class T>(ConfigField field, T value) { store_le<T>(&config_[field], value); };
  put(capacity, store_.size() / sector_size);
  put(size_max, most_segment_size);
  put(seg_max, most_segments);
  put(blk_size, uint32_t{sector_size});
  put(physical_block_exp, uint8_t{3});  // hosts write pages: 4 KiB is what goes well
  put(min_io_size, uint16_t{8});
  put(max_discard_sectors, most_range_sectors);
  put(max_discard_seg, static_cast<uint32_t>(most_ranges));
  put(discard_sector_alignment, uint32_t{8});
  put(max_write_zeroes_sectors, most_range_sectors);
  put(max_write_zeroes_seg, static_cast<uint32_t>(most_ranges));
  put(write_zeroes_may_unmap, uint8_t{1});
}

Blk::~Blk() = default;

uint64_t Blk::device_features() const {
  uint64_t features = feature_bit(feature_size_max) | feature_bit(feature_seg_max) | feature_bit(feature_blk_size) |
                      feature_bit(feature_flush) | feature_bit(feature_topology);
  if (store_.read_only()) return features | feature_bit(feature_read_only);
  return features | feature_bit(feature_discard) | feature_bit(feature_write_zeroes);
}

void Blk::serve(unsigned index) {
  Chain chain;
  while (bytes_in_flight_ < most_bytes_in_flight && next(index, chain)) begin(std::exchange(chain, {}));
  finish(index);
}

void Blk::begin(Chain chain) {
  if (chain.readable_size() < header_size || chain.writable_size() < 1) {
    return reject(queue_index, "a block request without header or status");
  }
  auto request = std::make_shared<Request>();
  request->type = chain.read_le<uint32_t>(0);
  request->generation = generation_;
  const auto sector = chain.read_le<uint64_t>(8);
  request->chain = std::move(chain);
  switch (request->type) {
    case in: return read(std::move(request), sector);
    case out: return write(std::move(request), sector);
    case flush_cache: return flush(std::move(request));
    case get_id: return identify(std::move(request));
    case discard:
    case write_zeroes: return change_ranges(std::move(request));
    default: return end(request, unsupported, 0);
  }
}

void Blk::read(RequestPointer request, uint64_t sector) {
  request->size = request->chain.writable_size() - 1;
  if (!is_valid(store_, sector, request->size)) return end(request, io_error, 0);
  if (request->size == 0) return end(request, ok, 0);
  request->data = std::make_unique_for_overwrite<std::byte[]>(request->size);
  bytes_in_flight_ += request->size;
  const iface::BlockStore::Segment segment{request->data.get(), request->size};
  store_.read(sector * sector_size, {&segment, 1}, when_done(request, &Blk::copy_to_driver));
}

void Blk::copy_to_driver(RequestPointer request) {
  request->chain.write(0, {request->data.get(), request->size});
  end(request, ok, static_cast<uint32_t>(request->size));
}

void Blk::write(RequestPointer request, uint64_t sector) {
  const uint64_t size = request->chain.readable_size() - header_size;
  if (store_.read_only() || !is_valid(store_, sector, size)) return end(request, io_error, 0);
  if (size == 0) return end(request, ok, 0);
  request->size = size;
  request->data = std::make_unique_for_overwrite<std::byte[]>(size);
  request->chain.read(header_size, {request->data.get(), size});
  bytes_in_flight_ += size;
  const iface::BlockStore::Segment segment{request->data.get(), size};
  store_.write(sector * sector_size, {&segment, 1}, when_done(request, &Blk::finish_write));
}

// A driver that does not flush expects what is written to be safe (5.2.6.2).
void Blk::finish_write(RequestPointer request) {
  if (has_feature(feature_flush)) return succeed(std::move(request));
  store_.flush(when_done(request, &Blk::succeed));
}

void Blk::succeed(RequestPointer request) { end(request, ok, 0); }

void Blk::flush(RequestPointer request) { store_.flush(when_done(request, &Blk::succeed)); }

void Blk::identify(RequestPointer request) {
  std::array<std::byte, id_size> id = {};  // padded with zeroes; not terminated if it is that long
  std::ranges::transform(serial_.substr(0, id_size), id.begin(), [](char c) { return static_cast<std::byte>(c); });
  const auto size = std::min<uint64_t>(id_size, request->chain.writable_size() - 1);
  request->chain.write(0, std::span(id).first(size));
  end(request, ok, static_cast<uint32_t>(size));
}

// 5.2.6.2: ranges of sectors with flags.
void Blk::change_ranges(RequestPointer request) {
  const uint64_t size = request->chain.readable_size() - header_size;
  if (store_.read_only() || size == 0 || size % range_size != 0 || size / range_size > most_ranges) {
    return end(request, io_error, 0);
  }
  for (uint64_t at = header_size; at < header_size + size; at += range_size) {
    const auto sector = request->chain.read_le<uint64_t>(at);
    const auto sectors = request->chain.read_le<uint32_t>(at + 8);
    const auto flags = request->chain.read_le<uint32_t>(at + 12);
    // A discard has no flags; zeroes may allow that the room is given back, which a store does as it likes.
    if (flags & ~(request->type == write_zeroes ? flag_unmap : 0)) return end(request, unsupported, 0);
    const uint64_t end_sector = store_.size() / sector_size;
    if (sectors > most_range_sectors || sector > end_sector || sectors > end_sector - sector) {
      return end(request, io_error, 0);
    }
    request->ranges.push_back({sector * sector_size, uint64_t{sectors} * sector_size});
  }
  std::ranges::reverse(request->ranges);
  change_next_range(std::move(request));
}

void Blk::change_next_range(RequestPointer request) {
  if (request->ranges.empty()) return finish_write(std::move(request));
  const auto [offset, length] = request->ranges.back();
  request->ranges.pop_back();
  auto done = when_done(request, &Blk::change_next_range);
  if (request->type == discard) {
    store_.discard(offset, length, std::move(done));
  } else {
    store_.write_zeroes(offset, length, std::move(done));
  }
}

iface::BlockStore::Done Blk::when_done(RequestPointer request, void (Blk::*then)(RequestPointer)) {
  return [self = std::weak_ptr(self_), request = std::move(request), then](Result<void> result) {
    const auto alive = self.lock();
    if (!alive) return;
    Blk& blk = **alive;
    if (request->generation != blk.generation_) {
      blk.bytes_in_flight_ -= std::exchange(request->size, 0);
    } else if (result) {
      (blk.*then)(request);
    } else {
      blk.end(request, io_error, 0);
    }
    // The queue may hold what had to wait. It is also where this request's end is published.
    if (blk.ready(queue_index)) blk.serve(queue_index);
  };
}

void Blk::end(const RequestPointer& request, uint8_t status, uint32_t written) {
  const Chain& chain = request->chain;
  const std::byte status_byte{status};
  chain.write(chain.writable_size() - 1, {&status_byte, 1});
  queue(queue_index).put(chain.head(), written + 1);
  if (request->data) bytes_in_flight_ -= request->size;
  request->data.reset();
}

}  // namespace strata::devices::virtio
