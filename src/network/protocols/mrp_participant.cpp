// The participant's registrars, timers and turns to transmit.
#include "network/protocols/mrp_participant.h"

#include <algorithm>
#include <utility>

namespace strata::network::protocols {

MrpParticipant::MrpParticipant(MrpListener& listener, uint8_t attribute_type, uint16_t last_value,
                               const MrpOptions& options, uint64_t seed, Time now)
    : listener_(listener),
      attribute_type_(attribute_type),
      last_value_(last_value),
      options_(options),
      random_(static_cast<std::minstd_rand::result_type>(seed)),
      next_opportunity_(now),
      periodic_at_(options.periodic_time > Time::zero() ? now + options.periodic_time : never) {
  restart_leave_all(now);
}

void MrpParticipant::step(Attribute& attribute, ApplicantEvent event) {
  attribute.applicant = next_state(attribute.applicant, event, options_.point_to_point);
  if (wants_to_transmit(attribute.applicant)) request_transmission();
}

void MrpParticipant::declare(uint16_t value, bool is_new) {
  step(attributes_[value], is_new ? ApplicantEvent::new_ : ApplicantEvent::join);
}

void MrpParticipant::withdraw(uint16_t value) {
  const auto found = attributes_.find(value);
  if (found != attributes_.end()) step(found->second, ApplicantEvent::leave);
}

bool MrpParticipant::is_declared(uint16_t value) const {
  const auto found = attributes_.find(value);
  return found != attributes_.end() && protocols::is_declared(found->second.applicant);
}

void MrpParticipant::set_registration(uint16_t value, MrpRegistration registration) {
  Attribute& attribute = attributes_[value];
  const bool before = attribute.is_registered();
  attribute.registration = registration;
  const bool after = attribute.is_registered();
  if (after && !before) listener_.on_registered(value, false);
  if (before && !after) listener_.on_deregistered(value);
}

MrpRegistration MrpParticipant::registration(uint16_t value) const {
  const auto found = attributes_.find(value);
  return found == attributes_.end() ? MrpRegistration::normal : found->second.registration;
}

bool MrpParticipant::is_registered(uint16_t value) const {
  const auto found = attributes_.find(value);
  return found != attributes_.end() && found->second.is_registered();
}

std::set<uint16_t> MrpParticipant::registered() const {
  std::set<uint16_t> values;
  for (const auto& [value, attribute] : attributes_) {
    if (attribute.is_registered()) values.insert(values.end(), value);
  }
  return values;
}

void MrpParticipant::receive(Bytes pdu, Time now) {
  const Mrpdu mrpdu = decode_mrpdu(pdu, attribute_type_);
  if (mrpdu.leave_all) receive_leave_all(now);
  for (const MrpEvent& event : mrpdu.events) receive_event(event, now);
  forget_idle();
}

void MrpParticipant::receive_event(const MrpEvent& event, Time now) {
  if (event.value == 0 || event.value > last_value_) return;
  Attribute& attribute = attributes_[event.value];
  switch (event.message) {
    case MrpMessage::new_: register_join(event.value, attribute, true); break;
    case MrpMessage::join_in:
      step(attribute, ApplicantEvent::received_join_in);
      register_join(event.value, attribute, false);
      break;
    case MrpMessage::join_empty:
      step(attribute, ApplicantEvent::received_empty);
      register_join(event.value, attribute, false);
      break;
    case MrpMessage::in: step(attribute, ApplicantEvent::received_in); break;
    case MrpMessage::empty: step(attribute, ApplicantEvent::received_empty); break;
    case MrpMessage::leave:
      step(attribute, ApplicantEvent::declare_again);
      register_leave(attribute, now);
      break;
  }
}

void MrpParticipant::receive_leave_all(Time now) {
  restart_leave_all(now);
  leave_all_active_ = false;
  redeclare(now);
}

void MrpParticipant::redeclare(Time now) {
  for (auto& [value, attribute] : attributes_) {
    step(attribute, ApplicantEvent::declare_again);
    register_leave(attribute, now);
  }
}

// Table 10-4 from here.

void MrpParticipant::register_join(uint16_t value, Attribute& attribute, bool is_new) {
  const bool was_registered = attribute.registrar != RegistrarState::mt;
  attribute.registrar = RegistrarState::in;
  attribute.leave_at = never;
  if (attribute.registration == MrpRegistration::forbidden) return;
  if (is_new || (!was_registered && attribute.registration == MrpRegistration::normal)) {
    listener_.on_registered(value, is_new);
  }
}

void MrpParticipant::register_leave(Attribute& attribute, Time now) {
  if (attribute.registrar != RegistrarState::in) return;
  attribute.registrar = RegistrarState::lv;
  attribute.leave_at = now + options_.leave_time;
  next_leave_ = std::min(next_leave_, attribute.leave_at);
}

void MrpParticipant::flush() {
  for (auto& [value, attribute] : attributes_) {
    if (attribute.registrar == RegistrarState::mt) continue;
    attribute.registrar = RegistrarState::mt;
    attribute.leave_at = never;
    if (attribute.registration == MrpRegistration::normal) listener_.on_deregistered(value);
  }
}

void MrpParticipant::expire_leaves(Time now) {
  next_leave_ = never;
  for (auto& [value, attribute] : attributes_) {
    if (attribute.leave_at > now) {
      next_leave_ = std::min(next_leave_, attribute.leave_at);
      continue;
    }
    attribute.registrar = RegistrarState::mt;
    attribute.leave_at = never;
    if (attribute.registration == MrpRegistration::normal) listener_.on_deregistered(value);
  }
  forget_idle();
}

// Table 10-5: between one and one and a half times LeaveAllTime, so that of two ends only one speaks.
void MrpParticipant::restart_leave_all(Time now) {
  const auto spread = std::uniform_int_distribution<Time::rep>(0, options_.leave_all_time.count() / 2)(random_);
  leave_all_at_ = now + options_.leave_all_time + Time(spread);
}

Time MrpParticipant::deadline() const {
  const Time transmission = transmission_wanted_ ? next_opportunity_ : never;
  return std::min({transmission, next_leave_, leave_all_at_, periodic_at_});
}

void MrpParticipant::run(Time now) {
  if (next_leave_ <= now) expire_leaves(now);
  if (leave_all_at_ <= now) {
    restart_leave_all(now);
    leave_all_active_ = true;
    request_transmission();
  }
  if (periodic_at_ <= now) {
    periodic_at_ = now + options_.periodic_time;
    for (auto& [value, attribute] : attributes_) step(attribute, ApplicantEvent::periodic);
  }
  if (transmission_wanted_ && next_opportunity_ <= now) transmit(now);
}

void MrpParticipant::transmit(Time now) {
  Mrpdu mrpdu;
  mrpdu.leave_all = std::exchange(leave_all_active_, false);
  transmission_wanted_ = false;
  for (auto& [value, attribute] : attributes_) {
    const auto [message, next] = protocols::transmit(attribute.applicant, mrpdu.leave_all, attribute.says_in());
    attribute.applicant = next;
    if (message) mrpdu.events.push_back({value, *message});
    if (mrpdu.leave_all) register_leave(attribute, now);
    if (wants_to_transmit(next)) request_transmission();
  }
  forget_idle();
  // With one peer: at once, and three times in one and a half JoinTimes at most. On a shared link: some time within a
  // JoinTime, so that others can be heard first (10.7.5.9, 10.7.11).
  next_opportunity_ = now + options_.join_time / 2;
  if (!options_.point_to_point) {
    next_opportunity_ = now + Time(std::uniform_int_distribution<Time::rep>(1, options_.join_time.count())(random_));
  }
  for (const auto& pdu : encode(mrpdu, attribute_type_)) listener_.on_transmit(pdu);
}

void MrpParticipant::forget_idle() {
  std::erase_if(attributes_, [](const auto& entry) { return entry.second.is_idle(); });
}

}  // namespace strata::network::protocols
