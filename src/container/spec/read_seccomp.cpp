// Reads the `linux.seccomp` part of config.json.
#include "container/spec/read_spec.h"
#include "container/spec/word_table.h"

#include <cerrno>

namespace strata::container {
namespace {

constexpr Word<std::uint32_t> actions[] = {{"SCMP_ACT_KILL", SCMP_ACT_KILL_THREAD},
                                           {"SCMP_ACT_KILL_PROCESS", SCMP_ACT_KILL_PROCESS},
                                           {"SCMP_ACT_KILL_THREAD", SCMP_ACT_KILL_THREAD},
                                           {"SCMP_ACT_TRAP", SCMP_ACT_TRAP},
                                           {"SCMP_ACT_ERRNO", SCMP_ACT_ERRNO(0)},
                                           {"SCMP_ACT_TRACE", SCMP_ACT_TRACE(0)},
                                           {"SCMP_ACT_ALLOW", SCMP_ACT_ALLOW},
                                           {"SCMP_ACT_LOG", SCMP_ACT_LOG},
                                           {"SCMP_ACT_NOTIFY", SCMP_ACT_NOTIFY}};

constexpr Word<std::uint32_t> architectures[] = {{"SCMP_ARCH_X86", SCMP_ARCH_X86},
                                                 {"SCMP_ARCH_X86_64", SCMP_ARCH_X86_64},
                                                 {"SCMP_ARCH_X32", SCMP_ARCH_X32},
                                                 {"SCMP_ARCH_ARM", SCMP_ARCH_ARM},
                                                 {"SCMP_ARCH_AARCH64", SCMP_ARCH_AARCH64},
                                                 {"SCMP_ARCH_MIPS", SCMP_ARCH_MIPS},
                                                 {"SCMP_ARCH_MIPS64", SCMP_ARCH_MIPS64},
                                                 {"SCMP_ARCH_MIPS64N32", SCMP_ARCH_MIPS64N32},
                                                 {"SCMP_ARCH_MIPSEL", SCMP_ARCH_MIPSEL},
                                                 {"SCMP_ARCH_MIPSEL64", SCMP_ARCH_MIPSEL64},
                                                 {"SCMP_ARCH_MIPSEL64N32", SCMP_ARCH_MIPSEL64N32},
                                                 {"SCMP_ARCH_PPC", SCMP_ARCH_PPC},
                                                 {"SCMP_ARCH_PPC64", SCMP_ARCH_PPC64},
                                                 {"SCMP_ARCH_PPC64LE", SCMP_ARCH_PPC64LE},
                                                 {"SCMP_ARCH_S390", SCMP_ARCH_S390},
                                                 {"SCMP_ARCH_S390X", SCMP_ARCH_S390X},
                                                 {"SCMP_ARCH_PARISC", SCMP_ARCH_PARISC},
                                                 {"SCMP_ARCH_PARISC64", SCMP_ARCH_PARISC64},
                                                 {"SCMP_ARCH_RISCV64", SCMP_ARCH_RISCV64}};

constexpr Word<scmp_compare> operators[] = {{"SCMP_CMP_NE", SCMP_CMP_NE},
                                            {"SCMP_CMP_LT", SCMP_CMP_LT},
                                            {"SCMP_CMP_LE", SCMP_CMP_LE},
                                            {"SCMP_CMP_EQ", SCMP_CMP_EQ},
                                            {"SCMP_CMP_GE", SCMP_CMP_GE},
                                            {"SCMP_CMP_GT", SCMP_CMP_GT},
                                            {"SCMP_CMP_MASKED_EQ", SCMP_CMP_MASKED_EQ}};

// The action of a field, with the errno beside it (EPERM where none is given) in those that carry one.
std::uint32_t read_action(const JsonReader& action_json, const JsonReader& errno_json) {
  const std::uint32_t action = read_word(action_json.required(), actions);
  const bool carries_errno = action == SCMP_ACT_ERRNO(0) || action == SCMP_ACT_TRACE(0);
  if (!carries_errno) {
    if (errno_json.present()) errno_json.complain("goes with SCMP_ACT_ERRNO and SCMP_ACT_TRACE only");
    return action;
  }
  return action | (errno_json.present() ? errno_json.number<std::uint16_t>() : EPERM);
}

scmp_arg_cmp read_argument(const JsonReader& json) {
  scmp_arg_cmp compare{.arg = json["index"].required().number<unsigned>(),
                       .op = read_word(json["op"].required(), operators),
                       .datum_a = json["value"].required().number<std::uint64_t>(),
                       .datum_b = json["valueTwo"].number<std::uint64_t>()};
  if (compare.arg > 5) json["index"].complain("must be from 0 to 5: a system call has six arguments");
  return compare;
}

}  // namespace

nlohmann::ordered_json known_seccomp() {
  const auto words = [](const auto& table) {
    nlohmann::ordered_json all = nlohmann::ordered_json::array();
    for (const auto& row : table) all.push_back(std::string(row.word));
    return all;
  };
  return {{"actions", words(actions)},
          {"operators", words(operators)},
          {"archs", words(architectures)},
          {"knownFlags",
           {"SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_SPEC_ALLOW", "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"}}};
}

Seccomp read_seccomp(const JsonReader& json) {
  Seccomp seccomp;
  seccomp.default_action = read_action(json["defaultAction"], json["defaultErrnoRet"]);
  seccomp.architectures = json["architectures"].list<std::uint32_t>(
      [](const JsonReader& element) { return read_word(element, architectures); });
  json["flags"].each([&](const JsonReader& flag) {
    const Word<bool*> flags[] = {{"SECCOMP_FILTER_FLAG_LOG", &seccomp.log},
                                 {"SECCOMP_FILTER_FLAG_SPEC_ALLOW", &seccomp.speculation_allowed},
                                 {"SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV", &seccomp.wait_killable}};
    *read_word(flag, flags) = true;
  });
  seccomp.listener_path = json["listenerPath"].text();
  seccomp.listener_metadata = json["listenerMetadata"].text();
  seccomp.rules = json["syscalls"].list<SeccompRule>([](const JsonReader& element) {
    return SeccompRule{.names = element["names"].required().texts(),
                       .action = read_action(element["action"], element["errnoRet"]),
                       .args = element["args"].list<scmp_arg_cmp>(read_argument)};
  });
  if (seccomp.default_action == SCMP_ACT_NOTIFY)
    json["defaultAction"].complain("must not be SCMP_ACT_NOTIFY: the runtime itself would wait");
  if (!seccomp.listener_metadata.empty() && seccomp.listener_path.empty())
    json["listenerMetadata"].complain("needs listenerPath");
  return seccomp;
}

}  // namespace strata::container
