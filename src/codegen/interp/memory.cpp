// Guest loads and stores: the software TLB in line, everything else through SlowMemory.
#include <array>
#include <utility>

#include "codegen/interp/handlers.h"

namespace strata::codegen::interp {
namespace {

template <Index I>
[[gnu::always_inline]] inline uint64_t scaled_index(const Step* step, std::byte* state, std::byte* frame) {
  if constexpr (I == Index::none) return 0;
  constexpr Place place = I == Index::slot ? Place::slot : Place::cell;
  return STRATA_READ(place, uint64_t, b) * (step->c >> 8);
}

/// Of a store of an imm: 16 bits in d, 32 with those of the index that there is none of.
template <Index I>
[[gnu::always_inline]] inline int32_t displacement_beside_imm(const Step* step) {
  if constexpr (I != Index::none) return static_cast<int16_t>(step->d);
  return static_cast<int32_t>(step->d | uint32_t{step->b} << 16);
}

inline ir::Space space_of(const Step* step) { return static_cast<ir::Space>(step->c); }

inline const ir::TlbEntry& entry_for(ir::ExecContext* context, const Step* step, uint64_t address) {
  return context->tlb[space_of(step)]->at(address);
}

/// The tag that an access of size bytes must find.
constexpr uint64_t tag_of(uint64_t address, unsigned size) { return ir::page_number(address + size - 1); }

inline std::byte* host(uint64_t address, const ir::TlbEntry& entry) {
  return reinterpret_cast<std::byte*>(address + entry.addend);
}

/// A missed load. The value goes through the frame's header: a local variable whose address is passed on would keep
/// the last call from being a jump.
template <class T, Dest D>
Next load_missed(STRATA_STEP_PARAMS, uint64_t address) {
  std::byte* scratch = header_of(frame).scratch;
  if (!context->memory->load(address, sizeof(T), space_of(step), scratch)) {
    return leave(STRATA_STEP_ARGS, ir::ExitKind::memory, 0);
  }
  write<D>(load_as<T>(scratch), step, state, frame);
  STRATA_NEXT_STEP(1);
}

template <class T, Place A, Index I, Dest D>
Next load_handler(STRATA_STEP_PARAMS) {
  const uint64_t address =
      STRATA_READ(A, uint64_t, a) + scaled_index<I>(step, state, frame) + static_cast<uint64_t>(int64_t{step->imm});
  const ir::TlbEntry& entry = entry_for(context, step, address);
  if (entry.read != tag_of(address, sizeof(T))) [[unlikely]] {
    return load_missed<T, D>(STRATA_STEP_ARGS, address);
  }
  write<D>(load_as<T>(host(address, entry)), step, state, frame);
  STRATA_NEXT_STEP(1);
}

template <class T>
Next store_missed(STRATA_STEP_PARAMS, uint64_t address) {
  if (!context->memory->store(address, sizeof(T), space_of(step), header_of(frame).scratch)) {
    return leave(STRATA_STEP_ARGS, ir::ExitKind::memory, 0);
  }
  STRATA_NEXT_STEP(1);
}

template <class T, Place A, Index I, Place V>
Next store_handler(STRATA_STEP_PARAMS) {
  const int64_t displacement = V == Place::imm ? displacement_beside_imm<I>(step) : step->imm;
  const uint64_t address =
      STRATA_READ(A, uint64_t, a) + scaled_index<I>(step, state, frame) + static_cast<uint64_t>(displacement);
  const T value = STRATA_READ(V, T, d);
  const ir::TlbEntry& entry = entry_for(context, step, address);
  if (entry.write != tag_of(address, sizeof(T))) [[unlikely]] {
    std::memcpy(header_of(frame).scratch, &value, sizeof value);
    return store_missed<T>(STRATA_STEP_ARGS, address);
  }
  std::memcpy(host(address, entry), &value, sizeof value);
  STRATA_NEXT_STEP(1);
}

Next load_vector_missed(STRATA_STEP_PARAMS, uint64_t address) {
  std::byte* scratch = header_of(frame).scratch;
  if (!context->memory->load(address, sizeof(ir::Vec128), space_of(step), scratch)) {
    return leave(STRATA_STEP_ARGS, ir::ExitKind::memory, 0);
  }
  write_any(load_as<ir::Vec128>(scratch), step, state, frame);
  STRATA_NEXT_STEP(1);
}

Next load_vector_handler(STRATA_STEP_PARAMS) {
  const uint64_t address = STRATA_ANY(uint64_t, a) + static_cast<uint64_t>(int64_t{step->imm});
  const ir::TlbEntry& entry = entry_for(context, step, address);
  if (entry.read != tag_of(address, sizeof(ir::Vec128))) [[unlikely]] {
    return load_vector_missed(STRATA_STEP_ARGS, address);
  }
  write_any(load_as<ir::Vec128>(host(address, entry)), step, state, frame);
  STRATA_NEXT_STEP(1);
}

Next store_vector_handler(STRATA_STEP_PARAMS) {
  const uint64_t address = STRATA_ANY(uint64_t, a) + static_cast<uint64_t>(int64_t{step->imm});
  const ir::Vec128 value = STRATA_ANY(ir::Vec128, d);
  const ir::TlbEntry& entry = entry_for(context, step, address);
  if (entry.write != tag_of(address, sizeof value)) [[unlikely]] {
    std::memcpy(header_of(frame).scratch, &value, sizeof value);
    return store_missed<ir::Vec128>(STRATA_STEP_ARGS, address);
  }
  std::memcpy(host(address, entry), &value, sizeof value);
  STRATA_NEXT_STEP(1);
}

// Both families have 2 places of the base, 3 indexes, and 3 of what comes last.
constexpr unsigned indexes = 3, lasts = 3, variants = 2 * indexes * lasts;
using Variants = std::array<Handler, variants>;
constexpr Place value_places[] = {Place::cell, Place::slot, Place::imm};

template <class T, size_t... N>
constexpr Variants loads_of(std::index_sequence<N...>) {
  return {&load_handler<T, static_cast<Place>(N / (indexes * lasts)), static_cast<Index>(N / lasts % indexes),
                        static_cast<Dest>(N % lasts)>...};
}
template <class T, size_t... N>
constexpr Variants stores_of(std::index_sequence<N...>) {
  return {&store_handler<T, static_cast<Place>(N / (indexes * lasts)), static_cast<Index>(N / lasts % indexes),
                         value_places[N % lasts]>...};
}
constexpr std::make_index_sequence<variants> all{};

constexpr unsigned variant(Place a, Index i, unsigned last) {
  return (static_cast<unsigned>(a) * indexes + static_cast<unsigned>(i)) * lasts + last;
}

}  // namespace

Handler load(Width width, Place a, Index i, Dest d) {
  static constexpr Variants handlers[] = {loads_of<uint8_t>(all), loads_of<uint16_t>(all), loads_of<uint32_t>(all),
                                          loads_of<uint64_t>(all)};
  return handlers[index(width)][variant(a, i, static_cast<unsigned>(d))];
}

Handler store(Width width, Place a, Index i, Place value) {
  static constexpr Variants handlers[] = {stores_of<uint8_t>(all), stores_of<uint16_t>(all), stores_of<uint32_t>(all),
                                          stores_of<uint64_t>(all)};
  const unsigned last = value == Place::imm ? 2 : static_cast<unsigned>(value);
  return handlers[index(width)][variant(a, i, last)];
}

Handler load_vector() { return &load_vector_handler; }
Handler store_vector() { return &store_vector_handler; }

}  // namespace strata::codegen::interp
