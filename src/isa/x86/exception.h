// Exceptions: their vectors, and how an instruction or a helper raises one.
#pragma once

#include <cstdint>

namespace strata::isa::x86 {

struct Cpu;

/// SDM vol. 3, table 6-1.
enum Vector : uint8_t {
  vector_de = 0,
  vector_db = 1,
  vector_nmi = 2,
  vector_bp = 3,
  vector_of = 4,
  vector_br = 5,
  vector_ud = 6,
  vector_nm = 7,
  vector_df = 8,
  vector_ts = 10,
  vector_np = 11,
  vector_ss = 12,
  vector_gp = 13,
  vector_pf = 14,
  vector_mf = 16,
  vector_ac = 17,
  vector_mc = 18,
  vector_xm = 19,
};

/// The payload of ExitKind::trap: an exception that the instruction raises by itself.
constexpr uint64_t trap_payload(Vector vector) { return vector; }
constexpr uint64_t trap_payload(Vector vector, uint16_t error) { return vector | 0x100u | uint64_t{error} << 16; }

/// Not an exception: the x87 state is not where the instruction was translated to find it. It is to be begun anew with
/// X87::careful set.
inline constexpr uint64_t trap_x87_careful = 0x200;

/// Raises an exception from a helper: records it in State::event and makes the unit leave behind the call. State must
/// be as before the instruction. Gives 0, so that a helper can `return raise(...)`.
uint64_t raise(Cpu& cpu, uint8_t vector);
uint64_t raise(Cpu& cpu, uint8_t vector, uint32_t error);

/// Makes the unit leave behind the call, for a refused access or an exception that is recorded already.
uint64_t leave(Cpu& cpu);

/// Records an exception without leaving yet: what the functions of system/ do, which tell by false that they failed.
bool fault(Cpu& cpu, uint8_t vector);
bool fault(Cpu& cpu, uint8_t vector, uint32_t error);

}  // namespace strata::isa::x86
