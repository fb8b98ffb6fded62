// MRPDUs written and read: vectors of three events a byte.
#include "network/protocols/mrpdu.h"

#include <algorithm>

namespace strata::network::protocols {
namespace {

constexpr uint8_t protocol_version = 0;
constexpr uint8_t attribute_length = 2;
constexpr unsigned events_per_byte = 3;
constexpr unsigned event_kinds = 6;
constexpr size_t vector_header_size = 2 + attribute_length;
constexpr size_t end_marks_size = 4;
constexpr unsigned leave_all_unit = 1 << 13;  // VectorHeader is LeaveAllEvent * 8192 + NumberOfValues

/// How many events from `first` on have values that follow each other.
size_t run_length(std::span<const MrpEvent> events) {
  size_t length = 1;
  while (length < events.size() && events[length].value == events[0].value + length) ++length;
  return length;
}

void put_vector(WireWriter& pdu, bool leave_all, uint16_t first_value, std::span<const MrpEvent> run) {
  pdu.put<uint16_t>((leave_all ? leave_all_unit : 0) + run.size());
  pdu.put<uint16_t>(first_value);
  for (size_t at = 0; at < run.size(); at += events_per_byte) {
    unsigned packed = 0;
    for (size_t i = at; i < at + events_per_byte; ++i) {
      packed = packed * event_kinds + (i < run.size() ? static_cast<unsigned>(run[i].message) : 0);
    }
    pdu.put<uint8_t>(packed);
  }
}

/// One PDU of as many of `events` as fit; returns how many.
size_t put_pdu(WireWriter& pdu, bool leave_all, std::span<const MrpEvent> events, uint8_t attribute_type) {
  pdu.put<uint8_t>(protocol_version);
  pdu.put<uint8_t>(attribute_type);
  pdu.put<uint8_t>(attribute_length);
  size_t done = 0;
  if (events.empty()) put_vector(pdu, leave_all, 0, {});  // FirstValue says nothing then
  while (done < events.size()) {
    const size_t used = pdu.size() + vector_header_size + end_marks_size;
    if (used >= max_mrpdu_size) break;
    const size_t room = (max_mrpdu_size - used) * events_per_byte;
    const auto rest = events.subspan(done);
    const auto run = rest.first(std::min(run_length(rest), room));
    put_vector(pdu, leave_all && done == 0, run.front().value, run);
    done += run.size();
  }
  pdu.put<uint16_t>(0);  // end of the vectors
  pdu.put<uint16_t>(0);  // end of the PDU
  return done;
}

/// Reads the vectors of one message up to its end mark; false if they are damaged.
bool take_vectors(WireReader& pdu, Mrpdu& mrpdu) {
  while (!pdu.failed() && pdu.rest().size() >= 2) {
    const auto header = pdu.take<uint16_t>();
    if (header == 0) return true;
    const unsigned leave_all_event = header / leave_all_unit;
    if (leave_all_event > 1) return false;
    const unsigned count = header % leave_all_unit;
    const auto first_value = pdu.take<uint16_t>();
    const Bytes packed = pdu.take_bytes((count + events_per_byte - 1) / events_per_byte);
    if (pdu.failed()) return false;
    if (leave_all_event == 1) mrpdu.leave_all = true;
    for (unsigned i = 0; i < count; ++i) {
      auto three = std::to_integer<unsigned>(packed[i / events_per_byte]);
      if (three >= event_kinds * event_kinds * event_kinds) return false;
      for (unsigned skip = i % events_per_byte; skip < events_per_byte - 1; ++skip) three /= event_kinds;
      if (first_value + i > 0xffff) return false;
      mrpdu.events.push_back({static_cast<uint16_t>(first_value + i), static_cast<MrpMessage>(three % event_kinds)});
    }
  }
  return true;  // an end of the PDU stands for end marks (10.8.2.9)
}

/// Passes over the vectors of a message whose values have `length` bytes.
bool skip_vectors(WireReader& pdu, unsigned length) {
  while (!pdu.failed() && pdu.rest().size() >= 2) {
    const auto header = pdu.take<uint16_t>();
    if (header == 0) return true;
    pdu.take_bytes(length + (header % leave_all_unit + events_per_byte - 1) / events_per_byte);
  }
  return !pdu.failed();
}

}  // namespace

std::vector<std::vector<std::byte>> encode(const Mrpdu& mrpdu, uint8_t attribute_type) {
  std::vector<std::vector<std::byte>> pdus;
  std::span<const MrpEvent> rest(mrpdu.events);
  while (!rest.empty() || (mrpdu.leave_all && pdus.empty())) {
    WireWriter pdu;
    rest = rest.subspan(put_pdu(pdu, mrpdu.leave_all && pdus.empty(), rest, attribute_type));
    pdus.push_back(pdu.finish());
  }
  return pdus;
}

Mrpdu decode_mrpdu(Bytes bytes, uint8_t attribute_type) {
  Mrpdu mrpdu;
  WireReader pdu(bytes.first(std::min(bytes.size(), max_mrpdu_size)));  // what a giant costs has a bound
  pdu.take<uint8_t>();  // the version; whatever a later one adds, this much stays as it is
  while (pdu.rest().size() >= 2) {
    const auto type = pdu.take<uint8_t>();
    if (type == 0) break;  // the end mark
    const auto length = pdu.take<uint8_t>();
    const bool whole =
        type == attribute_type && length == attribute_length ? take_vectors(pdu, mrpdu) : skip_vectors(pdu, length);
    if (!whole) break;
  }
  return mrpdu;
}

}  // namespace strata::network::protocols
