// One method for each request.
#include "network/switch/requests.h"

#include <memory>

#include "base/log.h"
#include "network/switch/capture.h"
#include "network/switch/settings_json.h"

namespace strata::network {
namespace {

Result<Json> as_json(Result<Changes> changes) {
  if (!changes) return tl::unexpected<Error>(std::move(changes).error());
  return Json{{"changes", changes->lines}, {"revision", changes->revision}};
}

Result<std::vector<Edit>> edits_of(const Json& request) {
  const auto found = request.find("edits");
  if (found == request.end() || !found->is_array() || found->empty()) {
    return fail(ErrorCode::bad_data, "the request has no 'edits'");
  }
  std::vector<Edit> edits;
  for (const Json& each : *found) edits.push_back(STRATA_TRY(edit_from_json(each)));
  return edits;
}

Result<std::optional<bridge::Vid>> vlan_of(const Json& request) {
  const uint64_t vlan = number_field_or(request, "vlan", 0);
  if (vlan == 0) return std::nullopt;
  if (vlan >= bridge::reserved_vid) return fail(ErrorCode::usage, "VLAN {} is not there: they go from 1 to 4094", vlan);
  return static_cast<bridge::Vid>(vlan);
}

/// That the machine says it will use in its VLAN.
Result<std::optional<services::Ipv4Network>> address_of(const Json& request) {
  const std::string text = text_field_or(request, "address", "");
  if (text.empty()) return std::nullopt;
  return STRATA_TRY(with_context(services::parse_ipv4_network(text), "address"));
}

}  // namespace

const Requests::Row Requests::rows[] = {
    {"show", &Requests::show},       {"ports", &Requests::list_ports}, {"fdb", &Requests::stations},
    {"fdb-flush", &Requests::flush}, {"stats", &Requests::counters},   {"export", &Requests::export_toml},
    {"apply", &Requests::apply},     {"edit", &Requests::edit},        {"attach", &Requests::attach},
    {"capture", &Requests::capture}, {"stop", &Requests::stop},
};

ControlAnswer Requests::handle(const Json& request, UniqueFd passed) {
  passed_ = std::move(passed);
  const auto name = text_field(request, "request");
  if (!name) return {tl::unexpected<Error>(name.error())};
  for (const Row& row : rows) {
    if (row.name == *name) return (this->*row.method)(request);
  }
  return {fail(ErrorCode::unsupported, "there is no request '{}'", *name)};
}

ControlAnswer Requests::show(const Json&) { return {switch_.status()}; }
ControlAnswer Requests::list_ports(const Json&) { return {switch_.port_list()}; }
ControlAnswer Requests::stations(const Json&) { return {switch_.stations()}; }
ControlAnswer Requests::counters(const Json&) { return {switch_.counters()}; }
ControlAnswer Requests::export_toml(const Json&) { return {Json(to_toml(switch_.configuration()))}; }

ControlAnswer Requests::flush(const Json& request) {
  const auto vlan = vlan_of(request);
  if (!vlan) return {tl::unexpected<Error>(vlan.error())};
  return {switch_.flush(*vlan, text_field_or(request, "port", "")).map([] { return Json(); })};
}

/// With "revision": only if nothing has changed since that one, which is what the user has seen the difference to.
ControlAnswer Requests::apply(const Json& request) {
  const auto toml = text_field(request, "toml");
  if (!toml) return {tl::unexpected<Error>(toml.error())};
  const uint64_t revision = number_field_or(request, "revision", switch_.revision());
  if (revision != switch_.revision()) {
    return {
        fail(ErrorCode::busy, "somebody else has changed network {} meanwhile; apply again", switch_.folders().name)};
  }
  const auto next = parse_configuration(*toml, text_field_or(request, "source", "configuration"));
  if (!next) return {tl::unexpected<Error>(next.error())};
  return {as_json(switch_.change(*next, flag_field(request, "dry_run")))};
}

ControlAnswer Requests::edit(const Json& request) {
  const auto edits = edits_of(request);
  if (!edits) return {tl::unexpected<Error>(edits.error())};
  return {as_json(switch_.edit(*edits, flag_field(request, "dry_run")))};
}

/// A client that goes before its connection is handed over leaves no port behind. Empty: it was handed over.
std::shared_ptr<std::string> Requests::guarded(const std::string& port) {
  return std::shared_ptr<std::string>(new std::string(port), [this](std::string* unused) {
    if (!unused->empty()) switch_.remove_machine_port(*unused);
    delete unused;
  });
}

ControlAnswer Requests::attach(const Json& request) {
  const auto machine = text_field(request, "machine");
  if (!machine) return {tl::unexpected<Error>(machine.error())};
  const auto settings = settings_from_json(request, "settings");
  if (!settings) return {tl::unexpected<Error>(settings.error())};
  const auto address = address_of(request);
  if (!address) return {tl::unexpected<Error>(address.error())};
  const auto name = switch_.add_machine_port(*machine, *settings, *address);
  if (!name) return {tl::unexpected<Error>(name.error())};
  if (flag_field(request, "tap")) return attach_tap(*name);
  const auto port = guarded(*name);
  ControlAnswer answer{switch_.attachment_json(*name)};
  answer.take_over = [this, port, offloads = flag_field(request, "offloads")](UniqueFd connection) {
    const std::string taken = std::exchange(*port, {});
    const auto plugged = switch_.plug_machine(taken, std::move(connection), offloads);
    if (plugged) return;
    log::warn("port {}: {}", taken, plugged.error().message);
    switch_.remove_machine_port(taken);
  };
  return answer;
}

/// The frames come by the TAP that was passed; the connection only says how long its owner lives.
ControlAnswer Requests::attach_tap(const std::string& name) {
  const auto plugged = switch_.plug_tap(name, std::move(passed_));
  if (!plugged) {
    switch_.remove_machine_port(name);
    return {tl::unexpected<Error>(plugged.error())};
  }
  const auto port = guarded(name);
  ControlAnswer answer{switch_.attachment_json(name)};
  answer.take_over = [this, port](UniqueFd connection) {
    switch_.live_with(std::exchange(*port, {}), std::move(connection));
  };
  return answer;
}

ControlAnswer Requests::capture(const Json& request) {
  CaptureOptions options{.port = text_field_or(request, "port", "")};
  options.snap_length = static_cast<uint32_t>(number_field_or(request, "snap_length", 0));
  const auto vlan = vlan_of(request);
  if (!vlan) return {tl::unexpected<Error>(vlan.error())};
  options.vlan = *vlan;
  if (!options.port.empty() && !switch_.ports().contains(options.port)) {
    return {fail(ErrorCode::not_found, "there is no port '{}'", options.port)};
  }
  ControlAnswer answer{Json()};
  answer.take_over = [this, options](UniqueFd connection) { switch_.captures().add(options, std::move(connection)); };
  return answer;
}

ControlAnswer Requests::stop(const Json&) {
  loop_.post(stop_);
  return {Json()};
}

}  // namespace strata::network
