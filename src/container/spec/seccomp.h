// Seccomp: which system calls a container may make, in the terms of libseccomp.
#pragma once

#include <seccomp.h>

#include <cstdint>
#include <string>
#include <vector>

namespace strata::container {

struct SeccompRule {
  std::vector<std::string> names;
  std::uint32_t action = SCMP_ACT_ALLOW;  // SCMP_ACT_…, an errno in it
  std::vector<scmp_arg_cmp> args;
};

struct Seccomp {
  std::uint32_t default_action = SCMP_ACT_ALLOW;
  std::vector<std::uint32_t> architectures;  // SCMP_ARCH_…
  bool log = false;
  bool speculation_allowed = false;
  bool wait_killable = false;
  std::string listener_path;
  std::string listener_metadata;
  std::vector<SeccompRule> rules;
};

}  // namespace strata::container
