// The program that decides on devices where cgroup version 2 has no file for them.
#include "container/cgroup/cgroup.h"

#include "base/unique_fd.h"

#include <fcntl.h>
#include <linux/bpf.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

namespace strata::container {
namespace {

// Registers of the program, filled once from the kernel's description of the access (struct bpf_cgroup_dev_ctx).
enum Register : unsigned char { result = 0, context = 1, type = 2, access = 3, major = 4, minor = 5, scratch = 6 };

class Program {
 public:
  Program() {
    load(type, offsetof(bpf_cgroup_dev_ctx, access_type));
    alu(BPF_MOV | BPF_X, access, type, 0);
    alu(BPF_AND | BPF_K, type, 0, 0xffff);
    alu(BPF_RSH | BPF_K, access, 0, 16);
    load(major, offsetof(bpf_cgroup_dev_ctx, major));
    load(minor, offsetof(bpf_cgroup_dev_ctx, minor));
  }

  /// What the rule says, if the access is one of its kind; else on to the next.
  void add(const DeviceRule& rule) {
    std::vector<std::size_t> misses;  // jumps to behind the rule
    const auto unless_equal = [&](Register left, std::int32_t right) {
      misses.push_back(code_.size());
      jump(BPF_JNE | BPF_K, left, 0, right);
    };
    if (rule.type != 'a') unless_equal(type, rule.type == 'b' ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR);
    if (const int bits = access_bits(rule.access); bits != all_access) {
      alu(BPF_MOV | BPF_X, scratch, access, 0);
      alu(BPF_AND | BPF_K, scratch, 0, bits);
      misses.push_back(code_.size());
      // A permission has to cover all that is wanted; a refusal any part of it.
      if (rule.allow) jump(BPF_JNE | BPF_X, scratch, access, 0);
      else jump(BPF_JEQ | BPF_K, scratch, 0, 0);
    }
    if (rule.major) unless_equal(major, static_cast<std::int32_t>(*rule.major));
    if (rule.minor) unless_equal(minor, static_cast<std::int32_t>(*rule.minor));
    end(rule.allow);
    for (const std::size_t miss : misses) code_[miss].off = static_cast<std::int16_t>(code_.size() - miss - 1);
  }

  static bool fits_everything(const DeviceRule& rule) {
    return rule.type == 'a' && !rule.major && !rule.minor && access_bits(rule.access) == all_access;
  }

  void end(bool allow) {
    alu(BPF_MOV | BPF_K, result, 0, allow);
    code_.push_back({.code = BPF_JMP | BPF_EXIT, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = 0});
  }

  [[nodiscard]] Result<UniqueFd> load_into_kernel() const {
    bpf_attr attributes{};
    attributes.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
    attributes.insns = reinterpret_cast<std::uintptr_t>(code_.data());
    attributes.insn_cnt = static_cast<std::uint32_t>(code_.size());
    attributes.license = reinterpret_cast<std::uintptr_t>("");
    UniqueFd program(static_cast<int>(::syscall(SYS_bpf, BPF_PROG_LOAD, &attributes, sizeof attributes)));
    if (!program) return fail_errno("loading the device filter");
    return program;
  }

 private:
  static constexpr int all_access = BPF_DEVCG_ACC_MKNOD | BPF_DEVCG_ACC_READ | BPF_DEVCG_ACC_WRITE;

  static int access_bits(const std::string& words) {
    int bits = 0;
    for (const char c : words)
      bits |= c == 'm' ? BPF_DEVCG_ACC_MKNOD : c == 'r' ? BPF_DEVCG_ACC_READ : BPF_DEVCG_ACC_WRITE;
    return bits ? bits : all_access;
  }

  void load(Register to, std::size_t offset) {
    code_.push_back({.code = BPF_LDX | BPF_MEM | BPF_W,
                     .dst_reg = to,
                     .src_reg = context,
                     .off = static_cast<std::int16_t>(offset),
                     .imm = 0});
  }
  void alu(unsigned operation, Register to, unsigned char from, std::int32_t value) {
    code_.push_back({.code = static_cast<unsigned char>(BPF_ALU | operation),
                     .dst_reg = to,
                     .src_reg = from,
                     .off = 0,
                     .imm = value});
  }
  void jump(unsigned operation, Register left, unsigned char right, std::int32_t value) {
    code_.push_back({.code = static_cast<unsigned char>(BPF_JMP | operation),
                     .dst_reg = left,
                     .src_reg = right,
                     .off = 0,
                     .imm = value});
  }

  std::vector<bpf_insn> code_;
};

}  // namespace

Result<void> apply_device_filter(const std::string& folder, const std::vector<DeviceRule>& rules) {
  Program program;
  // Of the rules that fit, the last one counts, as with the files of v1: it is asked first. What comes behind a rule for
  // everything cannot be reached, which the kernel does not take.
  const auto everything = std::find_if(rules.rbegin(), rules.rend(), Program::fits_everything);
  for (auto rule = rules.rbegin(); rule != everything; ++rule) program.add(*rule);
  program.end(everything != rules.rend() && everything->allow);

  const UniqueFd cgroup(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!cgroup) return fail_errno("{}", folder);
  const auto loaded = program.load_into_kernel();
  if (!loaded) {
    // An ordinary user may not load programs; nor may he make devices, so the filter is not what protects the host.
    if (loaded.error().code == ErrorCode::permission_denied && ::geteuid() != 0) return {};
    return tl::unexpected(loaded.error());
  }
  bpf_attr attach{};
  attach.target_fd = static_cast<std::uint32_t>(cgroup.get());
  attach.attach_bpf_fd = static_cast<std::uint32_t>(loaded->get());
  attach.attach_type = BPF_CGROUP_DEVICE;
  attach.attach_flags = BPF_F_ALLOW_MULTI;
  if (::syscall(SYS_bpf, BPF_PROG_ATTACH, &attach, sizeof attach) != 0)
    return fail_errno("attaching the device filter to {}", folder);
  return {};
}

}  // namespace strata::container
