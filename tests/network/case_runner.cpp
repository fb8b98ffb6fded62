// Running a case of a conformance table: its steps are frames and changes of the switch.
#include <functional>
#include <map>
#include <memory>
#include <optional>

#include "network/bridge/bridge.h"
#include "tests/network/config_text.h"
#include "tests/network/frame_text.h"
#include "tests/network/table.h"
#include "tests/network/words.h"

namespace strata::network::conformance {

namespace {

using namespace bridge;

using Frames = std::vector<WireFrame>;
using FramesByPort = std::map<std::string, Frames>;

class Collector final : public Sink {
 public:
  std::size_t send(std::span<Frame> frames) override {
    for (Frame& frame : frames) {
      const Frame mine = std::move(frame);
      taken.push_back({std::vector<std::byte>(mine.size()), mine.offload()});
      mine.copy_to(taken.back().octets);
    }
    return frames.size();
  }
  Frames taken;
};

class Runner final : public Protocol, public Snooper {
 public:
  explicit Runner(std::vector<std::string>& failures) : failures_(failures) {}
  ~Runner() override {
    if (bridge_) bridge_->detach(*this);
  }

  void run(const Step& step);

 private:
  using Action = std::function<Result<void>(std::string_view)>;

  void receive(PortId port, std::span<const std::byte> frame, Time) override {
    outputs_["protocol@" + bridge_->config(port).name].push_back({{frame.begin(), frame.end()}, {}});
  }
  Verdict snoop(PortId port, Vid, std::span<const std::byte> frame, Time) override {
    outputs_["snooper@" + bridge_->config(port).name].push_back({{frame.begin(), frame.end()}, {}});
    return verdict_;
  }

  PortId port(std::string_view name) const {
    const auto id = bridge_->find_port(name);
    if (!id) throw Mistake(fmt::format("there is no port '{}'", name));
    return *id;
  }
  PortSet port_set(std::string_view names) const {
    PortSet set;
    for (const auto name : split(names, ',')) set.add(port(name));
    return set;
  }

  Result<void> act(std::string_view text);
  Result<void> change_switch(std::string_view text);
  Result<void> add_mirror(std::string_view text);
  void receive_frame(std::string_view name, std::string_view text);
  void drain(std::size_t budget);
  void compare(std::string_view expected);
  void compare_stations(std::string_view expected);
  void compare_drops(std::string_view expected, const std::map<PortId, PortCounters>& before);
  void failed(std::string message) { failures_.push_back(fmt::format("line {}: {}", line_, message)); }

  std::vector<std::string>& failures_;
  FramePool pool_;
  std::unique_ptr<Bridge> bridge_ = must(Bridge::make(pool_));
  Time now_ = std::chrono::hours(1);
  Verdict verdict_ = Verdict::forward;
  FramesByPort outputs_;
  int line_ = 0;
};

// "ACTION [=> WHAT COMES OUT] [! PORT REASON]"
void Runner::run(const Step& step) {
  line_ = step.line;
  const auto arrow = step.text.find("=>");
  const auto [action, unused] = std::pair(trim(std::string_view(step.text).substr(0, arrow)), 0);
  std::map<PortId, PortCounters> before;
  bridge_->ports().for_each(
      [&](unsigned id) { before[static_cast<PortId>(id)] = bridge_->counters(static_cast<PortId>(id)); });
  const auto result = act(action);
  std::string_view expected = arrow == std::string::npos ? "" : trim(std::string_view(step.text).substr(arrow + 2));
  if (!result) {
    if (!expected.starts_with("error ")) return failed(result.error().message);
    if (result.error().message.find(expected.substr(6)) == std::string::npos)
      failed(fmt::format("the error is '{}'", result.error().message));
    return;
  }
  if (expected.starts_with("error ")) return failed("this should be an error");
  if (expected.starts_with("stations")) return compare_stations(expected.substr(8));
  if (arrow == std::string::npos) return;
  const auto [frames, drops] = split_pair(expected, '!');
  if (!action.starts_with("drain")) drain(SIZE_MAX);
  compare(frames);
  compare_drops(drops, before);
  outputs_.clear();
}

Result<void> Runner::act(std::string_view text) {
  const auto [verb, rest] = split_pair(text, ' ');
  const auto [first, second] = split_pair(rest, ' ');
  if (verb == "switch") return change_switch(rest);
  if (verb == "port" || verb == "add") {
    const auto added = bridge_->add_port(parse_port(rest), now_);
    return added ? Result<void>{} : Result<void>(tl::unexpected(added.error()));
  }
  if (verb == "set") return bridge_->reconfigure(port(first), parse_port(rest), now_);
  if (verb == "mirror") return add_mirror(rest);
  const auto vid = [&](std::string_view number_text) { return static_cast<Vid>(number(number_text)); };
  if (verb == "no-mirrors") return bridge_->set_mirrors({});
  if (verb == "remove") bridge_->remove_port(port(first), now_);
  else if (verb == "down") bridge_->set_up(port(first), false, now_);
  else if (verb == "up") bridge_->set_up(port(first), true, now_);
  else if (verb == "state")
    bridge_->set_state(port(first), second == "learning"     ? PortState::learning
                                    : second == "forwarding" ? PortState::forwarding
                                                             : PortState::discarding);
  else if (verb == "wait") now_ += std::chrono::milliseconds(number(rest)), bridge_->poll(now_);
  else if (verb == "flush") bridge_->flush(port(first));
  else if (verb == "register") bridge_->set_registered(port(first), vid(second), true);
  else if (verb == "unregister") bridge_->set_registered(port(first), vid(second), false);
  else if (verb == "protocol") bridge_->attach(*this, std::array{parse_station(first)}, now_);
  else if (verb == "snoop") bridge_->set_snooping(vid(first), true), bridge_->set_snooper(this);
  else if (verb == "verdict")
    verdict_ = first == "to-routers" ? Verdict::to_routers : first == "consume" ? Verdict::consume : Verdict::forward;
  else if (verb == "routers") bridge_->set_router_ports(vid(first), port_set(second));
  else if (verb == "group")
    bridge_->set_group(vid(first), parse_station(split_pair(second, ' ').first),
                       port_set(split_pair(second, ' ').second));
  else if (verb == "drain") drain(rest.empty() ? SIZE_MAX : number(rest));
  else if (verb != "stations") receive_frame(verb, rest);
  return {};
}

Result<void> Runner::change_switch(std::string_view text) {
  const auto config = parse_switch(text);
  if (!bridge_->ports().empty()) return bridge_->reconfigure(config, now_);
  bridge_ = must(Bridge::make(pool_, config));
  return {};
}

// "NAME to=p3 in=p1,p2 out=p1"
Result<void> Runner::add_mirror(std::string_view text) {
  auto mirrors = bridge_->mirrors();
  Mirror mirror{.name = std::string(split_pair(text, ' ').first)};
  for (const auto word : split(split_pair(text, ' ').second, ' ')) {
    const auto [key, value] = split_pair(word);
    if (key == "to") mirror.destination = port(value);
    if (key == "in") mirror.ingress = port_set(value);
    if (key == "out") mirror.egress = port_set(value);
  }
  mirrors.push_back(mirror);
  return bridge_->set_mirrors(mirrors);
}

void Runner::receive_frame(std::string_view name, std::string_view text) {
  const WireFrame wire = parse_frame(text);
  Frame frame = pool_.copy(wire.octets);
  frame.set_offload(wire.offload);
  bridge_->receive(port(name), {&frame, 1}, now_);
}

void Runner::drain(std::size_t budget) {
  const PortSet ports = bridge_->ports();
  ports.for_each([&](unsigned id) {
    Collector collector;
    bridge_->transmit(static_cast<PortId>(id), budget, collector, now_);
    auto& taken = outputs_[bridge_->config(static_cast<PortId>(id)).name];
    taken.insert(taken.end(), collector.taken.begin(), collector.taken.end());
  });
}

// "p1 FRAME; p2 FRAME", or "-" for none.
void Runner::compare(std::string_view expected) {
  FramesByPort wanted;
  if (expected != "-")
    for (const auto item : split(expected, ';')) {
      const auto [name, frame] = split_pair(item, ' ');
      wanted[std::string(name)].push_back(parse_frame(frame));
    }
  for (const auto& [name, frames] : outputs_) {
    const auto& want = wanted[name];
    for (std::size_t i = 0; i < std::max(frames.size(), want.size()); ++i) {
      if (i >= frames.size()) failed(fmt::format("missing at {}: {}", name, describe(want[i])));
      else if (i >= want.size()) failed(fmt::format("too much at {}: {}", name, describe(frames[i])));
      else if (frames[i] != want[i])
        failed(fmt::format("at {}: {}, wanted: {}", name, describe(frames[i]), describe(want[i])));
    }
  }
  for (const auto& [name, frames] : wanted)
    if (!outputs_.contains(name)) failed(fmt::format("nothing at {}", name));
}

// "p1 runt": one more frame was dropped at p1 for this reason, and for no other.
void Runner::compare_drops(std::string_view expected, const std::map<PortId, PortCounters>& before) {
  if (expected.empty()) return;
  const auto [name, reason] = split_pair(expected, ' ');
  const PortId id = port(name);
  const auto& now = bridge_->counters(id);
  const auto& then = before.at(id);
  for (std::size_t i = 0; i < drop_reasons; ++i) {
    const std::uint64_t wanted = to_string(static_cast<Drop>(i)) == reason ? 1 : 0;
    if (now.drops[i] - then.drops[i] != wanted)
      failed(fmt::format("{} frames dropped as {}", now.drops[i] - then.drops[i], to_string(static_cast<Drop>(i))));
  }
}

// "10/A@p1 10/B@p2", in the order of VLAN and address.
void Runner::compare_stations(std::string_view expected) {
  std::string found, wanted;
  for (const auto& station : bridge_->stations(now_))
    found += fmt::format("{}/{}@{} ", station.fid, to_string(station.address), bridge_->config(station.port).name);
  for (const auto word : split(expected, ' ')) {
    const auto [fid, rest] = split_pair(word, '/');
    const auto [address, name] = split_pair(rest, '@');
    wanted += fmt::format("{}/{}@{} ", fid, to_string(parse_station(address)), name);
  }
  if (found != wanted) failed(fmt::format("stations are {}; wanted {}", found, wanted));
}

}  // namespace

std::vector<std::string> run(const Case& test_case) {
  std::vector<std::string> failures;
  try {
    Runner runner(failures);
    for (const auto& step : test_case.setup) runner.run(step);
    for (const auto& step : test_case.steps) runner.run(step);
  } catch (const Mistake& mistake) {
    failures.push_back(fmt::format("the table is wrong: {}", mistake.what()));
  }
  return failures;
}

}  // namespace strata::network::conformance
