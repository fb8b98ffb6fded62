// Switch: a network that runs: its configuration, the datapath that it came to, and the cables in its ports.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/event_loop.h"
#include "network/switch/capture.h"
#include "network/switch/control_message.h"
#include "network/switch/datapath.h"
#include "network/switch/folders.h"
#include "network/switch/plan.h"
#include "network/switch/vlan_host_port.h"

namespace strata::network {

/// A port as it is now.
struct LivePort {
  PortPlan plan;
  Settings settings;  ///< what it was made of
  bridge::PortId id = bridge::no_port;
  bool machine = false;  ///< of a machine that runs: in no configuration
  std::string reason;    ///< why its cable is not there; empty: it is, or there is none
  uint64_t space = 0;    ///< the network namespace that the cable leads to, where it leads to one
  std::optional<services::Ipv4Network> address;  ///< that the machine said it uses
  /// Of a TAP that was passed: the connection to its owner, and what watches for its end.
  UniqueFd owner;
  std::optional<FdWatch> owner_watch;
};

/// On the thread of its loop; the datapath has a thread of its own. There is one way of changing things: the next
/// configuration is made and checked as a whole, its cables are opened, its file is written, and then the datapath changes
/// between two turns. Until then an error leaves everything as it was. Who asked gets the answer when the file is safe.
class Switch {
 public:
  /// With the configuration that was saved. Ports whose cable cannot be opened are down, and are tried again.
  static Result<std::unique_ptr<Switch>> make(const NetworkFolders& folders, EventLoop& loop);
  ~Switch();
  Switch(const Switch&) = delete;
  Switch& operator=(const Switch&) = delete;

  const NetworkFolders& folders() const { return folders_; }
  const Configuration& configuration() const { return configuration_; }
  uint64_t revision() const { return revision_; }
  Captures& captures() { return *captures_; }
  const std::map<std::string, LivePort, NaturalLess>& ports() const { return ports_; }

  /// With `dry_run`, only says what would change; cables are not tried.
  Result<Changes> change(const Configuration& next, bool dry_run);
  /// The same for edits, which may be of machines' ports, too.
  Result<Changes> edit(const std::vector<Edit>& edits, bool dry_run);

  // switch_machines.cpp.
  /// A port for a machine; its cable comes with plug_machine() or plug_tap(). Gives the port's name. `address` is what the
  /// machine will use by itself: it has to fit what the network knows of the VLAN.
  Result<std::string> add_machine_port(std::string_view machine, const Settings& settings,
                                       const std::optional<services::Ipv4Network>& address = {});
  Result<void> plug_machine(const std::string& port, UniqueFd socket, bool offloads);
  Result<void> plug_tap(const std::string& port, UniqueFd tap);
  /// The port goes when the connection ends.
  void live_with(const std::string& port, UniqueFd connection);
  void remove_machine_port(const std::string& port);
  /// What the machine is told of its port, and of the VLAN of its frames without a tag.
  Json attachment_json(const std::string& port) const;

  // switch_status.cpp: what is, as the control protocol tells it.
  Json status();
  Json port_list();
  Json stations();
  Json counters();
  Result<void> flush(std::optional<bridge::Vid> vlan, const std::string& port);

 private:
  /// The cables of a change: opened, or the reasons why not.
  struct Cables {
    std::map<std::string, std::unique_ptr<ports::Port>> opened;
    std::map<std::string, std::string> reasons;
  };
  struct Service {
    DhcpPlan plan;
    bridge::PortId id = bridge::no_port;
  };

  Switch(NetworkFolders folders, EventLoop& loop);

  Result<void> start(const Configuration& configuration);
  void commit_control(const Plan& next);
  Json spanning_tree_json();
  Json multicast_json();
  Result<void> rehearse(const Plan& next) const;
  Result<Cables> open_cables(const Plan& next, bool tolerant);
  LivePort* leaves_place(const Plan& next, const Attachment& place);
  Result<void> become(const Configuration& configuration, const Plan& next, Cables cables);
  // On the datapath's thread.
  Result<void> commit(const Configuration& configuration, const Plan& next, Cables& cables);
  Result<void> commit_port(const PortPlan& port, const Settings& settings, Cables& cables);
  Result<void> commit_mirrors(const Plan& next);
  Result<void> commit_services(const Plan& next);
  Result<void> add_service(const DhcpPlan& plan);
  void remove_port(LivePort& port);

  Result<void> check_address(const PortPlan& port, const services::Ipv4Network& address) const;
  Result<Changes> edit_machine(const Edit& edit, bool dry_run);
  void cable_gone(bridge::PortId id, const std::string& reason);
  void try_again();
  void look_after_namespaces();
  void save_leases(bridge::Vid vlan, const std::string& leases);
  bool is_machine(std::string_view port) const;
  Json port_json(const LivePort& port);

  const NetworkFolders folders_;
  EventLoop& loop_;
  std::unique_ptr<Datapath> datapath_;
  std::unique_ptr<protocols::ControlPlane> control_;  ///< used on the datapath's thread
  std::unique_ptr<Captures> captures_;
  bridge::MacAddress address_;  ///< of the switch; the low 16 bits are 0, its hosts in VLANs have them there
  Configuration configuration_;
  uint64_t revision_ = 1;
  Plan plan_;
  std::map<std::string, LivePort, NaturalLess> ports_;
  std::map<bridge::Vid, Service> services_;
  std::optional<LoopTimer> retry_;
  EventLoop::Clock::time_point started_ = EventLoop::Clock::now();
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  ///< shared with work posted to the loop
};

}  // namespace strata::network
