// Opening TAPs, interfaces, sockets, tunnels and uplinks as attachments ask for them.
#include "network/switch/cable.h"

#include "network/ports/packet.h"
#include "network/ports/stream.h"
#include "network/ports/tap.h"
#include "network/ports/user.h"
#include "network/switch/values.h"

namespace strata::network {
namespace {

template <class T>
Result<std::unique_ptr<ports::Port>> as_port(Result<std::unique_ptr<T>> opened) {
  if (!opened) return tl::unexpected<Error>(std::move(opened).error());
  return std::unique_ptr<ports::Port>(std::move(*opened));
}

Result<std::unique_ptr<ports::Port>> open_by_kind(const PortPlan& port, EventLoop& loop) {
  const Attachment& where = port.attachment;
  const std::string& name = port.config.name;
  switch (where.kind) {
    case Attachment::Kind::netns:
    case Attachment::Kind::tap: {
      // It outlives a switch that is killed, with the addresses that it was given, and is taken up by the next.
      ports::TapOptions options{
          .interface = where.name, .netns = where.netns, .mtu = port.config.mtu, .persistent = true};
      return as_port(ports::TapPort::open(name, options));
    }
    case Attachment::Kind::interface: return as_port(ports::PacketPort::open(name, {.interface = where.name}));
    case Attachment::Kind::listen:
    case Attachment::Kind::connect: {
      const bool listen = where.kind == Attachment::Kind::listen;
      return as_port(ports::StreamPort::open(name, {.path = where.name, .listen = listen, .offloads = where.offloads}));
    }
    case Attachment::Kind::vxlan: {
      const ports::VxlanOptions options = STRATA_TRY(parse_vxlan(where.name));
      return as_port(ports::VxlanPort::open(name, options));
    }
    case Attachment::Kind::user:
      return as_port(ports::UserPort::open(name, {.forwards = where.forwards, .mtu = port.config.mtu}, loop));
    case Attachment::Kind::unplugged: break;
  }
  return fail("port {} leads nowhere", name);
}

}  // namespace

Result<ports::VxlanOptions> parse_vxlan(std::string_view text) {
  ports::VxlanOptions options;
  Settings settings;
  options.remote = text.substr(0, text.find(','));
  std::string_view rest = text.substr(std::min(text.size(), options.remote.size() + 1));
  while (!rest.empty()) {
    const std::string_view part = rest.substr(0, rest.find(','));
    rest.remove_prefix(std::min(rest.size(), part.size() + 1));
    const size_t equals = part.find('=');
    const std::string_view key = part.substr(0, equals);
    if (equals == std::string_view::npos || (key != "vni" && key != "port" && key != "local" && key != "local-port")) {
      return fail(ErrorCode::usage, "vxlan '{}': '{}' is not one of vni=N, port=N, local=ADDRESS, local-port=N", text,
                  part);
    }
    settings.set(key, part.substr(equals + 1));
  }
  if (options.remote.empty() || !settings.has("vni")) {
    return fail(ErrorCode::usage, "vxlan '{}' is not REMOTE,vni=N", text);
  }
  options.vni = static_cast<uint32_t>(STRATA_TRY(number_setting(settings, "vni", 0, (1 << 24) - 1, 0)));
  options.port = static_cast<uint16_t>(STRATA_TRY(number_setting(settings, "port", 1, 65535, options.port)));
  options.local_port =
      static_cast<uint16_t>(STRATA_TRY(number_setting(settings, "local-port", 0, 65535, options.local_port)));
  options.local = settings.text("local");
  return options;
}

Result<std::unique_ptr<ports::Port>> open_cable(const PortPlan& port, EventLoop& loop) {
  auto opened = open_by_kind(port, loop);
  if (!opened && opened.error().code == ErrorCode::permission_denied) {
    opened.error().message +=
        "; without that right, connect machines (strata run --net), sockets (--socket) and uplinks (--user), or run "
        "everything in a user namespace (unshare -Urn)";
  }
  const bool is_named = port.attachment.netns.find('/') == std::string::npos;
  if (!opened && opened.error().code == ErrorCode::not_found && port.attachment.kind == Attachment::Kind::netns &&
      is_named) {
    opened.error().message += fmt::format("; ip netns add {} makes it", port.attachment.netns);
  }
  // The port's own messages name it, or not: one way for all.
  if (!opened && opened.error().message.starts_with("port ")) return opened;
  return with_context(std::move(opened), "port {}", port.config.name);
}

}  // namespace strata::network
