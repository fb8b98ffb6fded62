// LocalApics: pages of registers come and go as processors move them.
#include "machine/pc/local_apics.h"

#include <algorithm>

#include "machine/pc/this_processor.h"

namespace strata::machine::pc {
namespace {

// They lie above RAM and all else.
constexpr int page_priority = 10;

}  // namespace

LocalApics::LocalApics(unsigned count, devices::ApicBus& bus, devices::Pic& pic, iface::Timers& timers,
                       const devices::TickSource& ticks, memory::AddressSpace& space)
    : space_(space), bases_(count, nowhere) {
  for (unsigned i = 0; i < count; ++i) {
    const devices::LocalApic::Options options = {.id = i, .bootstrap = i == 0, .tsc = ticks};
    apics_.push_back(std::make_unique<devices::LocalApic>(bus, pic, timers, space.lock(), options));
    connect(i, {});
    move(i, devices::LocalApic::default_base, true);
  }
  pic.on_output([this] { apics_[0]->pic_changed(); });
}

LocalApics::~LocalApics() = default;

void LocalApics::connect(unsigned number, devices::LocalApic::Hooks hooks) {
  hooks.moved = [this, number](uint64_t base, bool visible) { move(number, base, visible); };
  apics_[number]->set_hooks(std::move(hooks));
}

void LocalApics::move(unsigned number, uint64_t base, bool visible) {
  bases_[number] = visible ? base : nowhere;
  std::erase_if(pages_, [this](const auto& page) { return std::ranges::find(bases_, page->base) == bases_.end(); });
  if (!visible || std::ranges::any_of(pages_, [base](const auto& page) { return page->base == base; })) return;
  pages_.push_back(std::make_unique<Page>(*this, base));
}

void LocalApics::reset() {
  for (const auto& apic : apics_) apic->reset();
}

void LocalApics::save(devices::Writer& out) const {
  for (const auto& apic : apics_) apic->save(out);
}

Result<void> LocalApics::restore(devices::Reader& in) {
  for (const auto& apic : apics_) STRATA_TRY(apic->restore(in));
  return {};
}

LocalApics::Page::Page(LocalApics& owner, uint64_t address)
    : apics(owner),
      base(address),
      region(owner.space_.add({.name = "local-apic",
                               .base = address,
                               .size = devices::LocalApic::page_size,
                               .device = this,
                               .priority = page_priority})) {}

LocalApics::Page::~Page() { apics.space_.remove(region); }

/// The caller's own, if it is here.
devices::LocalApic* LocalApics::Page::seen() {
  const unsigned number = std::min(this_processor, apics.count() - 1);
  return apics.bases_[number] == base ? &apics[number] : nullptr;
}

uint64_t LocalApics::Page::read(uint64_t offset, unsigned size) {
  devices::LocalApic* apic = seen();
  return apic != nullptr ? apic->read(offset, size) : ~uint64_t{0};
}

void LocalApics::Page::write(uint64_t offset, unsigned size, uint64_t value) {
  if (devices::LocalApic* apic = seen()) apic->write(offset, size, value);
}

}  // namespace strata::machine::pc
