// The engine's counters as a table, with what follows from them.
#include "engine/stats.h"

#include <fmt/format.h>

#include <algorithm>

namespace strata::engine {

using iface::Figure;
using Unit = iface::Figure::Unit;

namespace {

double ratio(uint64_t part, uint64_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

std::string share(uint64_t part, uint64_t whole) { return fmt::format("{:.1f} %", 100 * ratio(part, whole)); }

/// Compiled code does not count its accesses. The instructions done are exact; how many accesses one makes is known of
/// the units made, and taken to be the same of those run.
std::string hit_rate(const Stats& stats) {
  const double accesses = static_cast<double>(stats.insns) * ratio(stats.unit_accesses, stats.unit_insns);
  if (accesses < 1) return "";
  const double hits = std::max(0.0, 1 - static_cast<double>(stats.slow_accesses) / accesses);
  return fmt::format("hit rate about {:.3f} %, at {:.2f} accesses an instruction as in the code translated", 100 * hits,
                     ratio(stats.unit_accesses, stats.unit_insns));
}

void add_exits(std::vector<Figure>& out, const Stats& stats) {
  static constexpr std::pair<const char*, const char*> kinds[ir::exit_kinds] = {
      {"  next", "no link or jump table led on"},
      {"  event", "interrupts and requests"},
      {"  memory", "accesses refused: page faults, code that writes to itself"},
      {"  trap", "exceptions, software interrupts, system calls"},
      {"  halt", "the processor waits"},
      {"  leave", "mode or mapping changed"},
  };
  uint64_t all = 0;
  for (const uint64_t count : stats.exits) all += count;
  out.push_back({"exits from code", all, Unit::count, "by what the engine got back:"});
  for (size_t i = 0; i < ir::exit_kinds; ++i)
    out.push_back({kinds[i].first, stats.exits[i], Unit::count, kinds[i].second});
}

}  // namespace

Stats& Stats::operator+=(const Stats& other) {
  static constexpr uint64_t Stats::*counters[] = {
      &Stats::insns,      &Stats::insns_alone,   &Stats::single_steps,  &Stats::units,
      &Stats::unit_insns, &Stats::unit_accesses, &Stats::translate_ns,  &Stats::optimize_ns,
      &Stats::compile_ns, &Stats::units_kept,    &Stats::code_bytes,    &Stats::evictions,
      &Stats::units_run,  &Stats::walks,         &Stats::slow_accesses, &Stats::code_invalidations,
      &Stats::stops,
  };
  static_assert(sizeof(Stats) == sizeof counters / sizeof counters[0] * sizeof(uint64_t) + sizeof exits);
  for (const auto counter : counters) this->*counter += other.*counter;
  for (size_t i = 0; i < exits.size(); ++i) exits[i] += other.exits[i];
  return *this;
}

std::vector<Figure> figures(const Stats& stats) {
  std::vector<Figure> out;
  out.push_back({"guest instructions", stats.insns, Unit::count});
  out.push_back({"  run alone", stats.insns_alone, Unit::count, "in code made for one run, not kept"});
  out.push_back({"interpreted operations", stats.single_steps, Unit::count,
                 fmt::format("IR that translated code has no code for, {:.1f} in 1000 instructions",
                             1000 * ratio(stats.single_steps, stats.insns))});
  out.push_back({"units translated", stats.units, Unit::count,
                 fmt::format("{:.1f} instructions each", ratio(stats.unit_insns, stats.units))});
  out.push_back({"translation time", stats.make_ns(), Unit::nanoseconds,
                 fmt::format("front end {}, passes {}, back end {}", share(stats.translate_ns, stats.make_ns()),
                             share(stats.optimize_ns, stats.make_ns()), share(stats.compile_ns, stats.make_ns()))});
  out.push_back({"code cache", stats.code_bytes, Unit::bytes, fmt::format("in {} units", stats.units_kept)});
  out.push_back({"units dropped", stats.code_invalidations + stats.evictions, Unit::count,
                 fmt::format("{} because their code changed, {} for room", stats.code_invalidations, stats.evictions)});
  if (stats.stops != 0)
    out.push_back({"processors stopped", stats.stops, Unit::count, "by another that changed what they share"});
  out.push_back({"units entered", stats.units_run, Unit::count, "from the engine's loop; links are not counted"});
  add_exits(out, stats);
  out.push_back({"TLB misses", stats.walks, Unit::count, "walks of the guest's page tables, for data and code"});
  out.push_back({"slow accesses", stats.slow_accesses, Unit::count, hit_rate(stats)});
  return out;
}

}  // namespace strata::engine
