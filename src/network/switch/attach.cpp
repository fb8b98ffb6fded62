// A machine's end of attaching to a switch.
#include "network/switch/attach.h"

#include "network/switch/control_client.h"
#include "network/switch/settings_json.h"

namespace strata::network {
namespace {

Result<services::Ipv4> address_or_none(const Json& facts, const char* key) {
  const std::string text = text_field_or(facts, key, "");
  return text.empty() ? Result<services::Ipv4>(0) : services::parse_ipv4(text);
}

Result<VlanFacts> read_facts(const Json& json) {
  VlanFacts facts;
  facts.network = STRATA_TRY(services::parse_ipv4_network(text_field_or(json, "address", "")));
  facts.router = STRATA_TRY(address_or_none(json, "router"));
  facts.domain = text_field_or(json, "domain", "");
  const auto servers = json.find("dns");
  if (servers == json.end() || !servers->is_array()) return facts;
  for (const Json& each : *servers) {
    if (each.is_string())
      facts.name_servers.push_back(STRATA_TRY(services::parse_ipv4(each.get_ref<const std::string&>())));
  }
  return facts;
}

}  // namespace

Result<AttachedMachine> attach_machine(const MachineAttachment& attachment) {
  ControlClient client = STRATA_TRY(ControlClient::connect(attachment.network));
  const Json answer = STRATA_TRY(client.ask({{"request", "attach"},
                                             {"machine", attachment.machine},
                                             {"offloads", attachment.offloads},
                                             {"settings", settings_to_json(attachment.settings)}}));
  AttachedMachine attached;
  attached.port = text_field_or(answer, "port", attachment.machine);
  attached.mtu = static_cast<uint16_t>(number_field_or(answer, "mtu", 1500));
  attached.socket = std::move(client).take();
  return attached;
}

Result<AttachedTap> attach_tap(const MachineAttachment& attachment, int tap,
                               const std::optional<services::Ipv4Network>& address) {
  ControlClient client = STRATA_TRY(ControlClient::connect(attachment.network));
  Json request = {{"request", "attach"},
                  {"machine", attachment.machine},
                  {"tap", true},
                  {"settings", settings_to_json(attachment.settings)}};
  if (address) request["address"] = ipv4_text(*address);
  const Json answer = STRATA_TRY(client.ask(std::move(request), tap));
  AttachedTap attached;
  attached.port = text_field_or(answer, "port", attachment.machine);
  attached.mtu = static_cast<uint16_t>(number_field_or(answer, "mtu", 1500));
  if (const auto vlan = answer.find("vlan"); vlan != answer.end()) attached.vlan = STRATA_TRY(read_facts(*vlan));
  attached.connection = std::move(client).take();
  return attached;
}

}  // namespace strata::network
