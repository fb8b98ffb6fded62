// The system call filter, by libseccomp.
#include "container/process/process.h"

#include <cstring>
#include <memory>

namespace strata::container {
namespace {

using Filter = std::unique_ptr<void, void (*)(scmp_filter_ctx)>;

// libseccomp gives negated errno values.
Result<void> check(int result, std::string_view doing) {
  if (result >= 0) return {};
  return fail(error_code_from_errno(-result), "{}: {}", doing, std::strerror(-result));
}

Result<void> add_rule(scmp_filter_ctx filter, const SeccompRule& rule, const std::string& name) {
  const int number = ::seccomp_syscall_resolve_name(name.c_str());
  // A list is written for many kernels and architectures; what this one does not have needs no rule.
  if (number == __NR_SCMP_ERROR) return {};
  const auto add = [&](const scmp_arg_cmp* arguments, unsigned count) {
    const int result = ::seccomp_rule_add_array(filter, rule.action, number, count, arguments);
    return check(result == -EEXIST ? 0 : result, name);
  };
  // Two comparisons of one argument are two rules: libseccomp takes one comparison for an argument in a rule.
  bool repeated = false;
  for (std::size_t i = 0; i < rule.args.size(); ++i)
    for (std::size_t j = 0; j < i; ++j) repeated |= rule.args[i].arg == rule.args[j].arg;
  if (!repeated) return add(rule.args.data(), static_cast<unsigned>(rule.args.size()));
  for (const auto& argument : rule.args) STRATA_TRY(add(&argument, 1));
  return {};
}

}  // namespace

bool has_notify(const Seccomp& seccomp) {
  for (const auto& rule : seccomp.rules)
    if (rule.action == SCMP_ACT_NOTIFY) return true;
  return false;
}

Result<UniqueFd> install_seccomp(const Seccomp& seccomp) {
  const Filter filter(::seccomp_init(seccomp.default_action), ::seccomp_release);
  if (!filter) return fail("seccomp: making a filter");
  // no_new_privs is the process's own setting, made elsewhere.
  STRATA_TRY(check(::seccomp_attr_set(filter.get(), SCMP_FLTATR_CTL_NNP, 0), "no_new_privs"));
  STRATA_TRY(check(::seccomp_attr_set(filter.get(), SCMP_FLTATR_CTL_LOG, seccomp.log), "SECCOMP_FILTER_FLAG_LOG"));
  STRATA_TRY(check(::seccomp_attr_set(filter.get(), SCMP_FLTATR_CTL_SSB, seccomp.speculation_allowed),
                   "SECCOMP_FILTER_FLAG_SPEC_ALLOW"));
  for (const auto architecture : seccomp.architectures) {
    const int result = ::seccomp_arch_add(filter.get(), architecture);
    if (result != -EEXIST) STRATA_TRY(check(result, fmt::format("architecture {:#x}", architecture)));
  }
  for (const auto& rule : seccomp.rules) {
    if (rule.action == seccomp.default_action) continue;  // libseccomp refuses rules that change nothing
    for (const auto& name : rule.names) STRATA_TRY(with_context(add_rule(filter.get(), rule, name), "seccomp rule"));
  }
  STRATA_TRY(check(::seccomp_load(filter.get()), "installing the seccomp filter"));
  if (!has_notify(seccomp)) return UniqueFd();
  const int listener = ::seccomp_notify_fd(filter.get());
  STRATA_TRY(check(listener, "the seccomp listener"));
  return UniqueFd(listener);
}

}  // namespace strata::container
