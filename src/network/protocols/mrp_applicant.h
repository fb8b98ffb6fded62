// The MRP applicant: makes sure that the others on a link know what this participant declares (802.1Q-2018, 10.7.7).
#pragma once

#include <cstdint>
#include <optional>

#include "network/protocols/mrpdu.h"

namespace strata::network::protocols {

/// First letter: Very anxious (nothing was heard or said), Anxious, Quiet (no need to say more), Leaving. Second: Active,
/// Passive, Observer (does not declare), New. Table 10-3.
enum class ApplicantState : uint8_t { vo, vp, vn, an, aa, qa, la, ao, qo, ap, qp, lo };

enum class ApplicantEvent : uint8_t {
  new_,   ///< New!: declare, and tell that it is new
  join,   ///< Join!
  leave,  ///< Lv!
  received_join_in,
  received_in,
  received_empty,  ///< rJoinMt! or rMt!
  declare_again,   ///< rLv!, rLA! or Re-declare!
  periodic,
};

ApplicantState next_state(ApplicantState state, ApplicantEvent event, bool point_to_point);

/// Whether something waits to be said: an opportunity to transmit is to be requested.
bool wants_to_transmit(ApplicantState state);

struct ApplicantTransmission {
  std::optional<MrpMessage> message;  ///< nothing where nothing needs to be said
  ApplicantState next;
};
/// tx! or, together with a LeaveAll of our own, txLA!
ApplicantTransmission transmit(ApplicantState state, bool leave_all, bool registered);

constexpr bool is_declared(ApplicantState state) {
  using enum ApplicantState;
  return state == vp || state == vn || state == an || state == aa || state == qa || state == ap || state == qp;
}

}  // namespace strata::network::protocols
