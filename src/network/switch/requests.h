// Requests: what comes over the control socket, done with a switch (docs/formats/network_control.md).
#pragma once

#include <functional>

#include "network/switch/control_server.h"
#include "network/switch/switch.h"

namespace strata::network {

class Requests {
 public:
  /// `stop` is called once the switch has been asked to end. The switch outlives this.
  Requests(Switch& network, EventLoop& loop, std::function<void()> stop)
      : switch_(network), loop_(loop), stop_(std::move(stop)) {}

  /// `passed`: the descriptor that came along, if one did.
  ControlAnswer handle(const Json& request, UniqueFd passed);

 private:
  using Method = ControlAnswer (Requests::*)(const Json& request);
  struct Row {
    std::string_view name;
    Method method;
  };
  static const Row rows[];

  ControlAnswer show(const Json& request);
  ControlAnswer list_ports(const Json& request);
  ControlAnswer stations(const Json& request);
  ControlAnswer flush(const Json& request);
  ControlAnswer counters(const Json& request);
  ControlAnswer export_toml(const Json& request);
  ControlAnswer apply(const Json& request);
  ControlAnswer edit(const Json& request);
  ControlAnswer attach(const Json& request);
  ControlAnswer attach_tap(const std::string& port);
  std::shared_ptr<std::string> guarded(const std::string& port);
  ControlAnswer capture(const Json& request);
  ControlAnswer stop(const Json& request);

  Switch& switch_;
  EventLoop& loop_;
  std::function<void()> stop_;
  UniqueFd passed_;  ///< of the request that is being handled
};

}  // namespace strata::network
