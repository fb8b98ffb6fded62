// What the engine counts while it runs, as plain counters; and the same for people.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "iface/figure.h"
#include "ir/runtime.h"

namespace strata::engine {

/// Of one processor, written on its thread only. Everything is counted always: none of it costs compiled code anything.
struct Stats {
  // Guest instructions.
  uint64_t insns = 0;         ///< done
  uint64_t insns_alone = 0;   ///< of them, in units that are run once and not kept
  uint64_t single_steps = 0;  ///< IR operations that translated code left to the interpreter

  // Making units.
  uint64_t units = 0;          ///< made, kept or not
  uint64_t unit_insns = 0;     ///< guest instructions in them
  uint64_t unit_accesses = 0;  ///< guest loads, stores and atomic updates in their IR after the passes
  uint64_t translate_ns = 0;   ///< the front end
  uint64_t optimize_ns = 0;    ///< the passes
  uint64_t compile_ns = 0;     ///< the back end

  // Keeping them.
  uint64_t units_kept = 0;          ///< that the code cache has now
  uint64_t code_bytes = 0;          ///< host memory they take
  uint64_t code_invalidations = 0;  ///< units dropped because their code was written to
  uint64_t evictions = 0;           ///< units dropped for room
  uint64_t stops = 0;               ///< times that other processors were stopped for that, or for a new page of code

  // Running them.
  uint64_t units_run = 0;  ///< entered from the engine's loop; what links lead to is not counted
  std::array<uint64_t, ir::exit_kinds> exits = {};  ///< by ir::ExitKind: what the loop got back

  // Memory.
  uint64_t walks = 0;          ///< of the guest's page tables, for data and code: misses of the software TLBs
  uint64_t slow_accesses = 0;  ///< guest accesses off the fast path: misses, page crossings, devices, watched pages

  /// Of several processors.
  Stats& operator+=(const Stats& other);

  uint64_t make_ns() const { return translate_ns + optimize_ns + compile_ns; }
};

std::vector<iface::Figure> figures(const Stats& stats);

}  // namespace strata::engine
