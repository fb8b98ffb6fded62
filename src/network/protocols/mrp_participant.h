// MrpParticipant: one port's end of the Multiple Registration Protocol for one application (802.1Q-2018, clause 10).
#pragma once

#include <cstdint>
#include <map>
#include <random>
#include <set>

#include "network/protocols/mrp_applicant.h"
#include "network/protocols/mrpdu.h"
#include "network/protocols/time.h"

namespace strata::network::protocols {

/// Timer values of 10.7.11 and Table 10-7; all but the last are above zero.
struct MrpOptions {
  Time join_time = std::chrono::milliseconds(200);
  Time leave_time = std::chrono::milliseconds(600);
  Time leave_all_time = std::chrono::seconds(10);
  Time periodic_time = std::chrono::seconds(1);  ///< zero: no periodic transmission
  bool point_to_point = true;

  bool operator==(const MrpOptions&) const = default;
};

/// The manager's word on an attribute (10.7.2, Registrar Administrative Controls).
enum class MrpRegistration : uint8_t { normal, fixed, forbidden };

/// Calls that come from inside of the participant's own calls.
class MrpListener {
 public:
  /// MAD_Join.indication; `is_new` also where it was registered before.
  virtual void on_registered(uint16_t value, bool is_new) = 0;
  /// MAD_Leave.indication
  virtual void on_deregistered(uint16_t value) = 0;
  /// What follows the EtherType.
  virtual void on_transmit(Bytes pdu) = 0;

 protected:
  ~MrpListener() = default;
};

class MrpParticipant {
 public:
  /// `listener` outlives it. `seed` spreads what the standard wants to be random. Values above `last_value` and zero
  /// are ignored when they come in.
  MrpParticipant(MrpListener& listener, uint8_t attribute_type, uint16_t last_value, const MrpOptions& options,
                 uint64_t seed, Time now);

  /// MAD_Join.request and MAD_Leave.request.
  void declare(uint16_t value, bool is_new);
  void withdraw(uint16_t value);
  bool is_declared(uint16_t value) const;

  void set_registration(uint16_t value, MrpRegistration registration);
  MrpRegistration registration(uint16_t value) const;
  bool is_registered(uint16_t value) const;
  /// In ascending order.
  std::set<uint16_t> registered() const;

  void receive(Bytes pdu, Time now);
  /// Re-declare!: the port stopped to be designated (10.7.5.3).
  void redeclare(Time now);
  /// Flush!: it became designated (10.7.5.2); what was registered before is forgotten.
  void flush();

  /// Does what is due. To be called at the deadline, and after any other call that moved it.
  void run(Time now);
  Time deadline() const;

 private:
  enum class RegistrarState : uint8_t { mt, lv, in };
  struct Attribute {
    ApplicantState applicant = ApplicantState::vo;
    RegistrarState registrar = RegistrarState::mt;
    MrpRegistration registration = MrpRegistration::normal;
    Time leave_at = never;

    bool is_registered() const {
      return registration == MrpRegistration::fixed ||
             (registration == MrpRegistration::normal && registrar != RegistrarState::mt);
    }
    bool says_in() const {  ///< as the messages on the wire have it
      return registration == MrpRegistration::fixed ||
             (registration == MrpRegistration::normal && registrar == RegistrarState::in);
    }
    bool is_idle() const {
      return applicant == ApplicantState::vo && registrar == RegistrarState::mt &&
             registration == MrpRegistration::normal;
    }
  };
  using Attributes = std::map<uint16_t, Attribute>;

  void step(Attribute& attribute, ApplicantEvent event);
  void receive_event(const MrpEvent& event, Time now);
  void receive_leave_all(Time now);
  void register_join(uint16_t value, Attribute& attribute, bool is_new);
  void register_leave(Attribute& attribute, Time now);
  void expire_leaves(Time now);
  void transmit(Time now);
  void restart_leave_all(Time now);
  void request_transmission() { transmission_wanted_ = true; }
  void forget_idle();

  MrpListener& listener_;
  const uint8_t attribute_type_;
  const uint16_t last_value_;
  const MrpOptions options_;
  std::minstd_rand random_;

  Attributes attributes_;
  bool transmission_wanted_ = false;
  Time next_opportunity_;    ///< no transmission before
  Time next_leave_ = never;  ///< no leave timer ends before
  Time leave_all_at_;
  bool leave_all_active_ = false;
  Time periodic_at_;
};

}  // namespace strata::network::protocols
