// The machine's network: its loopback, and addresses for its cards by DHCP.
#pragma once

namespace strata::init {

/// Brings all up, and writes /etc/resolv.conf. What fails is said and left. Gives the seconds after which renew_leases()
/// is to be called, 0: never.
long bring_up_network();

/// Asks for the leases anew, and tells when to come again.
long renew_leases();

void bring_up_loopback();

}  // namespace strata::init
