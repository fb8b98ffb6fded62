// Processors: threads, sleep, and how one of them ends the run of all.
#include "machine/pc/processors.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "base/thread.h"
#include "machine/pc/this_processor.h"

namespace strata::machine::pc {
namespace {

constexpr uint64_t interrupt_flag = 1 << 9;

}  // namespace

Processors::Processors(std::vector<std::unique_ptr<iface::X86Vcpu>> vcpus) {
  STRATA_ASSERT(!vcpus.empty());
  for (auto& vcpu : vcpus) {
    all_.push_back(std::make_unique<Processor>());
    all_.back()->vcpu = std::move(vcpu);
  }
}

Processors::~Processors() = default;

std::vector<iface::Figure> Processors::figures() const {
  std::vector<const iface::Vcpu*> others;
  for (unsigned number = 1; number < count(); ++number) others.push_back(all_[number]->vcpu.get());
  std::vector<iface::Figure> figures = all_[0]->vcpu->figures(others);
  if (!others.empty()) {
    figures.insert(figures.begin(),
                   {"processors", count(), iface::Figure::Unit::count, "what follows is of all of them together"});
  }
  return figures;
}

MachineExit Processors::run() {
  std::vector<std::thread> others;
  for (unsigned number = 1; number < count(); ++number) {
    auto thread = start_thread(fmt::format("processor {}", number).c_str(), [this, number] { run_one(number); });
    if (!thread) {
      end({.reason = MachineExitReason::failed, .message = thread.error().message});
      break;
    }
    others.push_back(std::move(*thread));
  }
  run_one(0);
  for (std::thread& thread : others) thread.join();
  return *take_end();
}

void Processors::run_one(unsigned number) {
  this_processor = number;
  Processor& processor = *all_[number];
  while (!is_over()) {
    iface::Exit exit = processor.vcpu->run();
    switch (exit.reason) {
      case iface::ExitReason::interrupted:
      case iface::ExitReason::debug: break;
      case iface::ExitReason::halted: sleep(processor); break;
      case iface::ExitReason::shutdown:
        end({.reason = MachineExitReason::shutdown, .message = describe(number)});
        break;
      case iface::ExitReason::failed:
        end({.reason = MachineExitReason::failed, .message = std::move(exit.message)});
        break;
    }
  }
}

Processors::Step Processors::run_until(uint64_t insns) {
  if (auto exit = take_end()) return {.exit = std::move(exit)};
  iface::Exit exit = all_[0]->vcpu->run_until(insns);
  Step step{.exit = take_end(), .halted = exit.reason == iface::ExitReason::halted};
  if (step.exit) return step;
  if (exit.reason == iface::ExitReason::shutdown)
    step.exit = MachineExit{.reason = MachineExitReason::shutdown, .message = describe(0)};
  if (exit.reason == iface::ExitReason::failed)
    step.exit = MachineExit{.reason = MachineExitReason::failed, .message = std::move(exit.message)};
  return step;
}

void Processors::sleep(Processor& processor) {
  std::unique_lock guard(mutex_);
  processor.asleep = true;
  if (!is_over_locked() && all_sleep_for_good()) {
    end_ = MachineExit{.reason = MachineExitReason::halted, .message = describe(0)};
    for (const auto& other : all_) other->work.notify_one();
  }
  processor.work.wait(guard, [&] { return is_over_locked() || processor.vcpu->runnable(); });
  processor.asleep = false;
}

/// An interrupt or signal that is on its way shows in runnable(): whoever sent it did so before it fell asleep. The
/// sleepers' state is theirs to look at, as they changed it before they took the mutex.
bool Processors::all_sleep_for_good() {
  return std::ranges::all_of(all_, [](const auto& processor) {
    return processor->asleep && !processor->vcpu->runnable() &&
           (processor->vcpu->registers().rflags & interrupt_flag) == 0;
  });
}

void Processors::wake(unsigned number) {
  // The mutex, though nothing is changed under it: the sleeper may stand between its look and its sleep.
  { std::lock_guard guard(mutex_); }
  all_[number]->work.notify_one();
}

void Processors::end(MachineExit exit) {
  {
    std::lock_guard guard(mutex_);
    if (!end_) end_ = std::move(exit);
  }
  rouse();
}

void Processors::stop() {
  {
    std::lock_guard guard(mutex_);
    stop_ = true;
  }
  rouse();
}

void Processors::rouse() {
  for (const auto& processor : all_) {
    processor->vcpu->kick();
    processor->work.notify_one();
  }
}

void Processors::forget_end() {
  std::lock_guard guard(mutex_);
  end_.reset();
}

bool Processors::is_over() {
  std::lock_guard guard(mutex_);
  return is_over_locked();
}

std::optional<MachineExit> Processors::take_end() {
  std::lock_guard guard(mutex_);
  if (end_) return std::exchange(end_, std::nullopt);
  if (!std::exchange(stop_, false)) return std::nullopt;
  return MachineExit{};
}

std::string Processors::describe(unsigned number) {
  const std::string registers = all_[number]->vcpu->describe();
  return count() == 1 ? registers : fmt::format("processor {}:\n{}", number, registers);
}

}  // namespace strata::machine::pc
