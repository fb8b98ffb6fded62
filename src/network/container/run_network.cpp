// The process: cards, the files about them, the control socket, and the end of the container.
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/event_loop.h"
#include "base/log.h"
#include "network/container/confine.h"
#include "network/container/inside.h"
#include "network/container/name_files.h"
#include "network/container/network.h"
#include "network/container/switch_card.h"
#include "network/container/user_card.h"
#include "network/switch/control_server.h"

namespace strata::network::container {
namespace {

constexpr auto patience = std::chrono::seconds(5);  // three tries of DHCP

/// Each connection of a container takes one.
void allow_many_files() {
  rlimit limit = {};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

/// A file of the container that is bound there: always the same file. Short enough for one write.
Result<void> write_in_place(const UniqueFd& file, const std::string& text) {
  if (pwrite(file.get(), text.data(), text.size(), 0) != static_cast<ssize_t>(text.size()) ||
      ftruncate(file.get(), static_cast<off_t>(text.size())) != 0) {
    return fail_errno("writing a file of the container");
  }
  return {};
}

class Carrier {
 public:
  Carrier(const NetworkOptions& options, EventLoop& loop, const std::function<void()>& ready)
      : options_(options), loop_(loop), ready_(ready), deadline_(loop, [this] { give_up(); }) {}

  Result<void> start();
  Result<void> run();

 private:
  Result<void> open_cards();
  void changed();
  Result<void> follow();
  Result<void> settle();
  void give_up();
  void end(Result<void> result);
  ControlAnswer handle(const Json& request);
  Result<void> change_forwards(const Json& request);

  const NetworkOptions& options_;
  EventLoop& loop_;
  const std::function<void()>& ready_;
  UniqueFd container_, resolv_conf_, hosts_;
  std::optional<ports::InterfaceSetter> setter_;
  bool needs_right_ = false;
  std::vector<std::unique_ptr<Card>> cards_;
  std::unique_ptr<ControlServer> server_;
  std::optional<FdWatch> container_watch_;
  std::optional<SignalWatch> signals_;
  LoopTimer deadline_;
  bool opened_ = false, settled_ = false;
  Result<void> result_;
};

Result<void> Carrier::start() {
  container_.reset(static_cast<int>(syscall(SYS_pidfd_open, options_.container, 0)));
  if (!container_) return fail_errno("the container's process {}", options_.container);
  resolv_conf_.reset(open(options_.resolv_conf.c_str(), O_WRONLY | O_CLOEXEC | O_NOFOLLOW));
  hosts_.reset(open(options_.hosts.c_str(), O_WRONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!resolv_conf_ || !hosts_) return fail_errno("opening {}", options_.resolv_conf.string());
  container_watch_ =
      STRATA_TRY(FdWatch::make(loop_, container_.get(), FdWatch::For::reading, [this] { loop_.stop(); }));
  signals_ = STRATA_TRY(SignalWatch::make(loop_, {SIGINT, SIGTERM}, [this](int) { loop_.stop(); }));
  STRATA_TRY(open_cards());
  opened_ = true;
  server_ = STRATA_TRY(ControlServer::make(loop_, options_.control_socket,
                                           [this](const Json& request, const UniqueFd&) { return handle(request); }));
  return {};
}

Result<void> Carrier::open_cards() {
  std::vector<std::string> interfaces;
  for (const CardOptions& each : options_.cards) interfaces.push_back(each.interface);
  Inside inside = STRATA_TRY(open_inside(options_.container, interfaces));
  setter_.emplace(std::move(inside.interfaces));
  for (size_t i = 0; i < options_.cards.size(); ++i) {
    const CardOptions& card = options_.cards[i];
    if (std::holds_alternative<UserCardOptions>(card.kind)) {
      cards_.push_back(STRATA_TRY(
          with_context(UserCard::make(card, std::move(inside.taps[i]), *setter_, loop_), "{}", card.interface)));
      continue;
    }
    needs_right_ |= inside.needs_right && std::get<SwitchCardOptions>(card.kind).dhcp;
    cards_.push_back(
        STRATA_TRY(with_context(SwitchCard::make(card, options_.host_name, std::move(inside.taps[i]),
                                                 std::move(inside.wires[i]), *setter_, loop_, [this] { changed(); }),
                                "{}", card.interface)));
  }
  return {};
}

Result<void> Carrier::run() {
  deadline_.set_after(patience);
  changed();
  loop_.run();
  return result_;
}

void Carrier::changed() {
  if (!opened_) return;
  auto followed = follow();
  if (followed && !settled_) followed = settle();
  if (followed) return;
  if (!settled_) return end(std::move(followed));
  log::warn("{}", followed.error().message);
}

/// The files, and the way out: the first card's that has one.
Result<void> Carrier::follow() {
  std::vector<CardFacts> facts;
  for (const auto& card : cards_) facts.push_back(card->facts());
  STRATA_TRY(write_in_place(resolv_conf_, resolv_conf_text(facts)));
  STRATA_TRY(write_in_place(hosts_, hosts_text(options_.host_name, facts)));
  for (const auto& card : cards_) {
    if (card->facts().address && card->facts().router != 0)
      return setter_->set_default_route(card->interface(), card->facts().router);
  }
  return {};
}

/// Once, when all cards have what they wait for: only now the container's program may start.
Result<void> Carrier::settle() {
  for (const auto& card : cards_) {
    if (!card->settled()) return {};
  }
  settled_ = true;
  deadline_.cancel();
  malloc_trim(0);  // much was needed once: parsers, filters; there is one such process for each container
  STRATA_TRY(confine({.interfaces = needs_right_, .folder = options_.control_socket.parent_path()}));
  ready_();
  return {};
}

void Carrier::give_up() {
  for (const auto& card : cards_) {
    if (!card->settled()) return end(fail(ErrorCode::not_found, "{}", card->waits_for()));
  }
}

void Carrier::end(Result<void> result) {
  result_ = std::move(result);
  loop_.stop();
}

ControlAnswer Carrier::handle(const Json& request) {
  const std::string name = text_field_or(request, "request", "");
  if (name == "cards") {
    Json cards = Json::array();
    for (const auto& card : cards_) cards.push_back(card->describe());
    return {cards};
  }
  if (name == "forwards") return {change_forwards(request).map([] { return Json(); })};
  if (name == "stop") {
    loop_.post([this] { loop_.stop(); });
    return {Json()};
  }
  return {fail(ErrorCode::unsupported, "there is no request '{}'", name)};
}

Result<void> Carrier::change_forwards(const Json& request) {
  const auto changes = request.find("changes");
  if (changes == request.end() || !changes->is_array())
    return fail(ErrorCode::bad_data, "the request has no 'changes'");
  for (const auto& card : cards_) {
    if (!card->forwards()) continue;
    std::vector<Forward> forwards = *card->forwards();
    for (const Json& each : *changes) {
      if (!each.is_string()) return fail(ErrorCode::bad_data, "a change is no text");
      STRATA_TRY(change_forward(forwards, each.get_ref<const std::string&>()));
    }
    return card->set_forwards(forwards);
  }
  return fail(ErrorCode::usage, "no ports of the host lead into this container: it has no card of --net user");
}

}  // namespace

Result<void> run_network(const NetworkOptions& options, const std::function<void()>& ready) {
  signal(SIGPIPE, SIG_IGN);
  signal(SIGHUP, SIG_IGN);
  allow_many_files();
  const auto loop = STRATA_TRY(EventLoop::make());
  Carrier carrier(options, *loop, ready);
  STRATA_TRY(carrier.start());
  return carrier.run();
}

}  // namespace strata::network::container
