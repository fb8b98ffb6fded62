// Which processor the calling thread runs.
#pragma once

namespace strata::machine::pc {

/// An access to a device does not say who makes it, and only one device has to know: the page of local APIC registers,
/// in which each processor sees its own. As a processor keeps to one thread while it runs, the thread is the answer.
/// Threads that run no processor are taken for the first one.
inline thread_local unsigned this_processor = 0;

}  // namespace strata::machine::pc
