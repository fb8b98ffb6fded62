// The applicant's transitions: table 10-3 of 802.1Q-2018.
#include "network/protocols/mrp_applicant.h"

#include <array>

namespace strata::network::protocols {
namespace {

using enum ApplicantState;
using Row = std::array<ApplicantState, 12>;

// Table 10-3 without its rows for transmission, one row for each ApplicantEvent.
constexpr std::array<Row, 8> transitions = {{
    // from vo  vp  vn  an  aa  qa  la  ao  qo  ap  qp  lo
    /* new */ {vn, vn, vn, an, vn, vn, vn, vn, vn, vn, vn, vn},
    /* join */ {vp, vp, vn, an, aa, qa, aa, ap, qp, ap, qp, vp},
    /* leave */ {vo, vo, la, la, la, la, la, ao, qo, ao, qo, lo},
    /* received_join_in */ {ao, ap, vn, an, qa, qa, la, qo, qo, qp, qp, lo},
    /* received_in */ {vo, vp, vn, an, qa, qa, la, ao, qo, ap, qp, lo},
    /* received_empty */ {vo, vp, vn, an, aa, aa, la, ao, ao, ap, ap, vo},
    /* declare_again */ {lo, vp, vn, vn, vp, vp, la, lo, lo, vp, vp, lo},
    /* periodic */ {vo, vp, vn, an, aa, aa, la, ao, qo, ap, ap, lo},
}};

// Its notes 4 and 5: with one peer, an observer gains nothing by counting joins, and with several, one that has it
// registered does not speak for the others.
bool is_ignored(ApplicantState state, ApplicantEvent event, bool point_to_point) {
  if (event == ApplicantEvent::received_join_in) return point_to_point && (state == vo || state == vp);
  return event == ApplicantEvent::received_in && !point_to_point;
}

}  // namespace

ApplicantState next_state(ApplicantState state, ApplicantEvent event, bool point_to_point) {
  if (is_ignored(state, event, point_to_point)) return state;
  return transitions[static_cast<size_t>(event)][static_cast<size_t>(state)];
}

bool wants_to_transmit(ApplicantState state) {
  return state == vp || state == vn || state == an || state == aa || state == la || state == ap || state == lo;
}

ApplicantTransmission transmit(ApplicantState state, bool leave_all, bool registered) {
  const auto join = registered ? MrpMessage::join_in : MrpMessage::join_empty;
  const auto observe = registered ? MrpMessage::in : MrpMessage::empty;
  switch (state) {
    case vn: return {MrpMessage::new_, an};
    case an: return {MrpMessage::new_, registered || leave_all ? qa : aa};
    case aa:
    case ap: return {join, qa};
    case vp: return leave_all ? ApplicantTransmission{observe, aa} : ApplicantTransmission{join, aa};
    case qa: return leave_all ? ApplicantTransmission{join, qa} : ApplicantTransmission{std::nullopt, qa};
    case qp: return leave_all ? ApplicantTransmission{join, qa} : ApplicantTransmission{std::nullopt, qp};
    case la: return leave_all ? ApplicantTransmission{std::nullopt, lo} : ApplicantTransmission{MrpMessage::leave, vo};
    case lo: return leave_all ? ApplicantTransmission{std::nullopt, lo} : ApplicantTransmission{observe, vo};
    case vo:
    case ao:
    case qo: return {std::nullopt, leave_all ? lo : state};
  }
  return {std::nullopt, state};
}

}  // namespace strata::network::protocols
