// Tiny multiboot kernels for tests of the whole machine, assembled into the test program. x86 hosts only.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace strata::machine::pc {

#if defined(__x86_64__)

extern "C" {
extern const std::byte test_guest_begin[], test_guest_end[], smp_guest_begin[], smp_guest_end[];
}

/// What the guest does is chosen by its command line's first letter:
///   p  prints "Hi" and powers off            r  asks for a reset by port 0xcf9
///   d  isa-debug-exit with 3                 t  triple fault
///   h  halts with interrupts off             s  spins for ever
///   i  prints a dot at each of five timer interrupts through the PIC, sleeping between them, and powers off
///   a  the same through IO-APIC and local APIC
///   b  waits for the power button (ACPI event by the SCI), and powers off
///   o  the same by TSC deadlines, in a time stamp counter moved far ahead
///   m  prints the upper memory in KiB that multiboot tells, in hexadecimal, and powers off
inline std::vector<std::byte> test_guest() { return {test_guest_begin, test_guest_end}; }

/// A guest for two processors, of which the first starts the second by INIT, SIPI, SIPI:
///   c  both count to 100,000 in one variable with LOCK; prints + where the sum is right, and powers off
///   w  the first wakes the second by three interrupts and halts for good; the second prints a dot at each, w, and powers off
///   n  the same by NMIs
///   t  the second has a triple fault while the first spins
inline std::vector<std::byte> smp_guest() { return {smp_guest_begin, smp_guest_end}; }

#endif

}  // namespace strata::machine::pc
