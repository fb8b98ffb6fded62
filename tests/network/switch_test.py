#!/usr/bin/env python3
"""Networks as a user has them: strata network and strata port against real namespaces, clients and readers.

    switch_test.py STRATA

Needs the right to make network namespaces: root's, or that of a user namespace, into which it goes by itself.
"""
import json
import os
import random
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

strata = None
done, failed, wrong_usage = 0, 1, 2


# An ARP request with a tag, and the tag of the answer; the kernel takes tags off and tells them beside the frame.
tagged_arp = """
import socket, struct, sys
link = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
link.setsockopt(263, 8, 1)  # SOL_PACKET, PACKET_AUXDATA
link.bind(("eth0", 0))
link.settimeout(1)
mac = link.getsockname()[4]
link.send(b"\\xff" * 6 + mac + struct.pack(">HHHHHBBH", 0x8100, int(sys.argv[1]), 0x806, 1, 0x800, 6, 4, 1)
          + mac + bytes([10, 0, 0, 99]) + bytes(6) + socket.inet_aton(sys.argv[2]))
try:
    frame = b""
    while frame[12:14] != b"\\x08\\x06" or frame[20:22] != b"\\0\\x02":
        frame, beside, _, _ = link.recvmsg(2048, 64)
    print(struct.unpack_from("IIIHHHH", beside[0][2])[5] & 0xfff)
except TimeoutError:
    print("none")
"""


def sh(*words, **options):
    return subprocess.run(words, capture_output=True, text=True, timeout=30, **options)


def enter_namespaces():
    """As root nothing; else this test begins anew as root of a user namespace, with a /run of its own for `ip netns`."""
    if os.geteuid() == 0:
        return
    again = "mount -t tmpfs none /run && exec \"$@\""
    if sh("unshare", "-Urnm", "sh", "-c", "mount -t tmpfs none /run").returncode == 0:
        os.execvp("unshare", ["unshare", "-Urnm", "sh", "-c", again, "sh", sys.executable, *sys.argv])


def why_not():
    """Why namespaces and TAPs cannot be made here; None if they can."""
    probe = f"strata-probe-{os.getpid()}"
    if sh("ip", "netns", "add", probe).returncode != 0:
        return "no right to make network namespaces"
    tap = sh("ip", "-n", probe, "tuntap", "add", "t0", "mode", "tap")
    sh("ip", "netns", "del", probe)
    return f"no right to make TAPs: {tap.stderr.strip()}" if tap.returncode else None


class NetworkCase(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="strata-network-")
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.environment = dict(os.environ, XDG_DATA_HOME=str(self.folder / "data"),
                                XDG_RUNTIME_DIR=str(self.folder / "run"))
        self.namespaces = []
        self.addCleanup(self.tear_networks_down)

    def tear_networks_down(self):
        for each in json.loads(self.run_strata("network", "list", "--json").stdout or "[]"):
            if each["pid"]:
                os.kill(each["pid"], signal.SIGKILL)
        for namespace in self.namespaces:
            sh("ip", "netns", "del", namespace)

    def run_strata(self, *words, **options):
        return subprocess.run([strata, *map(str, words)], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=30, cwd=self.folder, env=self.environment, **options)

    def do(self, *words):
        ended = self.run_strata(*words)
        self.assertEqual((ended.returncode, ended.stderr), (done, ""), ended)
        return ended.stdout

    def expect(self, code, says, *words):
        """One line of error that holds all of `says`."""
        ended = self.run_strata(*words)
        self.assertEqual(ended.returncode, code, ended)
        self.assertEqual(ended.stderr.count("\n"), 1, ended)
        for word in says.split("|"):
            self.assertIn(word, ended.stderr)

    def query(self, *words):
        return json.loads(self.do(*words, "--json"))

    def ports(self):
        return {port["name"]: port for port in self.query("port", "list", "lab")}

    def namespace(self, name):
        full = f"strata-{os.getpid()}-{name}"
        self.namespaces.append(full)
        self.assertEqual(sh("ip", "netns", "add", full).returncode, 0)
        return full

    def host(self, number, *settings):
        """A port p<number>, and behind it a namespace with the address 10.0.0.<number>."""
        namespace = self.namespace(f"h{number}")
        self.do("port", "add", "lab", f"p{number}", "--netns", namespace, "--ifname", "eth0", *settings)
        sh("ip", "-n", namespace, "addr", "add", f"10.0.0.{number}/24", "dev", "eth0")
        return namespace

    def inside(self, namespace, *words):
        return sh("ip", "netns", "exec", namespace, *words)

    def talks(self, namespace, address):
        return self.inside(namespace, "busybox", "ping", "-c1", "-W2", address).returncode == 0

    def is_silent(self, namespace, address):
        return self.inside(namespace, "busybox", "ping", "-c1", "-W1", address).returncode != 0

    def wait_for(self, condition, what):
        deadline = time.monotonic() + 15
        while not condition():
            self.assertLess(time.monotonic(), deadline, what)
            time.sleep(0.05)

    def control(self):
        connection = socket.socket(socket.AF_UNIX)
        self.addCleanup(connection.close)
        connection.connect(str(self.folder / "run/strata/networks/lab/control"))
        connection.settimeout(20)
        return connection

    def ask(self, connection, **request):
        connection.sendall(json.dumps({"version": 1, **request}).encode() + b"\n")
        line = b""
        while not line.endswith(b"\n"):
            byte = connection.recv(1)
            self.assertTrue(byte, "the switch hung up")
            line += byte
        return json.loads(line)

    def process(self):
        return self.query("network", "show", "lab")["pid"]


class Vlans(NetworkCase):
    def setUp(self):
        super().setUp()
        self.do("network", "create", "lab")

    def test_access_ports_and_a_move(self):
        one, two, other = self.host(1, "--vlan", 10), self.host(2, "--vlan", 10), self.host(3, "--vlan", 20)
        self.assertTrue(self.talks(one, "10.0.0.2"))
        self.assertTrue(self.is_silent(one, "10.0.0.3"))
        self.do("port", "set", "lab", "p3", "--vlan", 10)
        self.assertTrue(self.talks(one, "10.0.0.3"))
        self.do("port", "set", "lab", "p2", "--down")
        self.assertTrue(self.is_silent(other, "10.0.0.2"))
        self.do("port", "set", "lab", "p2", "--no-down")
        self.assertTrue(self.talks(two, "10.0.0.1"))

        station = [each for each in self.query("network", "fdb", "lab") if each["port"] == "p3"][0]
        self.assertEqual(set(station), {"vlan", "address", "port", "static", "age_seconds"})
        self.assertEqual((station["vlan"], station["static"]), (10, False))
        counters = self.query("network", "stats", "lab")
        self.assertEqual([port["name"] for port in counters["ports"]], ["p1", "p2", "p3"])
        self.assertGreater(counters["ports"][0]["received"]["frames"], 0)
        self.assertIn(10, [vlan["vlan"] for vlan in counters["vlans"]])
        self.assertIn("p1", self.do("network", "show", "lab"))

        self.do("network", "fdb", "lab", "add", "02:00:00:00:00:07", "--vlan", 10, "--port", "p1")
        self.do("network", "fdb", "lab", "flush")
        self.assertIn("02:00:00:00:00:07", [s["address"] for s in self.query("network", "fdb", "lab") if s["static"]])
        self.do("network", "fdb", "lab", "rm", "02:00:00:00:00:07", "--vlan", 10, "--port", "p1")

    def test_trunk(self):
        self.host(1, "--vlan", 10), self.host(2, "--vlan", 20)
        trunk = self.namespace("trunk")
        self.do("port", "add", "lab", "up", "--trunk", "10,20-29", "--netns", trunk, "--ifname", "eth0")
        self.assertEqual(self.tag_of_arp_reply(trunk, 10, "10.0.0.1"), "10")
        self.assertEqual(self.tag_of_arp_reply(trunk, 20, "10.0.0.1"), "none")
        self.assertEqual(self.tag_of_arp_reply(trunk, 20, "10.0.0.2"), "20")
        self.do("port", "set", "lab", "up", "--trunk", "10")
        self.assertEqual(self.tag_of_arp_reply(trunk, 20, "10.0.0.2"), "none")

    def tag_of_arp_reply(self, namespace, vlan, address):
        return self.inside(namespace, sys.executable, "-c", tagged_arp, str(vlan), address).stdout.strip()

    def test_trunk_to_linux_vlan_devices(self):
        one, two = self.host(1, "--vlan", 10), self.host(2, "--vlan", 20)
        trunk = self.namespace("trunk")
        self.do("port", "add", "lab", "up", "--trunk", "10,20-29", "--netns", trunk, "--ifname", "eth0")
        for vlan in ("10", "20", "30"):
            made = sh("ip", "-n", trunk, "link", "add", "link", "eth0", "name", "v" + vlan, "type", "vlan", "id", vlan)
            if "Unknown device type" in made.stderr:
                self.skipTest("this kernel has no VLAN devices")
            sh("ip", "-n", trunk, "link", "set", "v" + vlan, "up")
        sh("ip", "-n", trunk, "addr", "add", "10.0.0.9/24", "dev", "v10")
        self.assertTrue(self.talks(one, "10.0.0.9"))
        self.assertTrue(self.is_silent(two, "10.0.0.9"))
        sh("ip", "-n", trunk, "addr", "flush", "dev", "v10")
        sh("ip", "-n", trunk, "addr", "add", "10.0.0.9/24", "dev", "v20")
        self.assertTrue(self.talks(two, "10.0.0.9"))

    def test_access_lists_and_mirrors(self):
        one, two = self.host(1), self.host(2)
        self.host(3)
        self.assertTrue(self.talks(one, "10.0.0.2"))
        self.do("network", "acl", "lab", "add", "10", "--action", "deny", "--protocol", "icmp", "--from", "10.0.0.1")
        self.assertTrue(self.is_silent(one, "10.0.0.2"))
        self.assertEqual(self.query("network", "acl", "lab", "list")[0]["name"], "10")
        self.do("network", "acl", "lab", "add", "5", "--action", "permit", "--to", "10.0.0.2")
        self.assertTrue(self.talks(one, "10.0.0.2"))
        self.do("network", "acl", "lab", "rm", "5")
        self.do("network", "acl", "lab", "rm", "10")

        before = self.ports()["p3"]["transmitted"]["frames"]
        self.do("network", "mirror", "lab", "add", "m", "--to", "p3", "--ports", "p1")
        self.assertTrue(self.talks(two, "10.0.0.1"))
        self.assertGreaterEqual(self.ports()["p3"]["transmitted"]["frames"], before + 2)
        self.expect(wrong_usage, "mirror m|'p3'", "port", "rm", "lab", "p3")

    def test_multicast_groups_are_known(self):
        self.do("network", "set", "lab", "--snooping", "10")
        space = self.host(1, "--vlan", 10)
        join = """import socket, sys
link = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
link.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP,
                socket.inet_aton("239.1.2.3") + socket.inet_aton("10.0.0.1"))
sys.stdin.read()"""
        with subprocess.Popen(["ip", "netns", "exec", space, sys.executable, "-c", join], stdin=subprocess.PIPE) as member:
            expected = {"vlan": 10, "group": "239.1.2.3", "ports": ["p1"]}
            self.wait_for(lambda: expected in self.query("network", "show", "lab")["multicast"], "the group")
            member.stdin.close()
        self.assertIn("239.1.2.3", self.do("network", "show", "lab"))

    def test_cable_between_two_switches(self):
        one = self.host(1, "--vlan", 10)
        self.do("network", "create", "other")
        self.do("port", "add", "lab", "link", "--trunk", "10", "--socket", self.folder / "cable")
        self.do("port", "add", "other", "link", "--trunk", "10", "--connect", self.folder / "cable")
        far = self.namespace("far")
        self.do("port", "add", "other", "p1", "--vlan", "10", "--netns", far, "--ifname", "eth0")
        sh("ip", "-n", far, "addr", "add", "10.0.0.77/24", "dev", "eth0")
        self.wait_for(lambda: self.ports()["link"]["state"] == "up", "the cable")
        self.assertTrue(self.talks(one, "10.0.0.77"))


class Chains(NetworkCase):
    """Several switches."""

    def cable(self, one, two, name, *settings):
        path = self.folder / name
        self.do("port", "add", one, name, "--socket", path, *settings)
        self.do("port", "add", two, name, "--connect", path, *settings)

    def far_host(self, network, address):
        namespace = self.namespace("far")
        self.do("port", "add", network, "far", "--vlan", "10", "--netns", namespace, "--ifname", "eth0", "--edge")
        sh("ip", "-n", namespace, "addr", "add", address + "/24", "dev", "eth0")

    def test_loop_is_cut_and_used_when_the_other_cable_fails(self):
        for network in ("lab", "b"):
            self.do("network", "create", network, "--rstp")
        self.cable("lab", "b", "c1", "--trunk", "10")
        self.cable("lab", "b", "c2", "--trunk", "10", "--cost", "30000")
        one = self.host(1, "--vlan", 10, "--edge")
        self.far_host("b", "10.0.0.77")

        def shut():
            return [port["name"] for network in ("lab", "b") for port in self.query("port", "list", network)
                    if port["state"] == "up" and port["spanning_tree"]["state"] == "discarding"]
        self.wait_for(lambda: shut() == ["c2"], "one end of one cable is shut")
        self.wait_for(lambda: self.talks(one, "10.0.0.77"), "a way over c1")
        self.do("port", "rm", "lab", "c1")
        self.wait_for(lambda: self.talks(one, "10.0.0.77"), "a way over c2")
        self.assertIn("spanning tree", self.do("network", "show", "lab"))

    def test_vlan_crosses_a_switch_that_does_not_know_it(self):
        for network in ("lab", "b", "c"):
            self.do("network", "create", network, "--mvrp")
        self.cable("lab", "b", "ab", "--trunk", "none", "--mvrp")
        self.cable("b", "c", "bc", "--trunk", "none", "--mvrp")
        one = self.host(1, "--vlan", 10)
        self.far_host("c", "10.0.0.77")
        self.wait_for(lambda: [port["registered"] for port in self.query("port", "list", "b")] == ["10", "10"], "VLAN 10")
        self.wait_for(lambda: self.talks(one, "10.0.0.77"), "VLAN 10 crosses")
        self.do("port", "set", "c", "far", "--vlan", 20)
        self.wait_for(lambda: self.query("port", "list", "b")[1]["registered"] == "20", "VLAN 10 is withdrawn")


class Configurations(NetworkCase):
    def test_nothing_changes_where_something_is_wrong(self):
        self.do("network", "create", "lab")
        self.do("port", "add", "lab", "p1", "--vlan", 10, "--socket", self.folder / "s1")
        before = self.do("network", "export", "lab")
        cases = {
            "[port.p2]\nvlan = 5000\n": "port p2|'5000'",
            "[port.p2]\ntrunk = '10-20,15'\n": "port p2|15",
            "[port.p2]\nvlan = 10\ntrunk = '20'\n": "lab.toml:1|port p2|together",
            "[port.p1]\nvlan = 10\n[port.p1]\nvlan = 20\n": "lab.toml:3",
            "[port.p2]\ncolour = 'red'\n": "lab.toml:2|port p2|'colour'",
            "[port.p2]\nsocket = '/no/such/folder/s'\n": "port p2|/no/such/folder/s",
            "[port.p2]\nnetns = 'no-such-space'\n": "port p2|ip netns add no-such-space",
            "[port.p2]\ninterface = 'no-such0'\n": "port p2|no-such0",
            "[port.p1]\nsocket = 's'\n[port.p2]\nsocket = 's'\n": "port p2|port p1",
            "vlan = 3\n": "lab.toml:1|vlan",
        }
        for text, says in cases.items():
            with self.subTest(text=text):
                (self.folder / "lab.toml").write_text(text)
                code = self.run_strata("network", "apply", "lab.toml", "--yes").returncode
                self.assertIn(code, (failed, wrong_usage))
                self.expect(code, says, "network", "apply", "lab.toml", "--yes")
                self.assertEqual(self.do("network", "export", "lab"), before)
        self.assertEqual(list(self.ports()), ["p1"])
        self.expect(failed, "port p1|already", "port", "add", "lab", "p1")
        self.expect(failed, "port p9", "port", "set", "lab", "p9", "--vlan", 3)
        self.expect(wrong_usage, "port p1|mtu|99999", "port", "set", "lab", "p1", "--mtu", 99999)
        self.expect(wrong_usage, "--yes", "network", "apply", self.write("[port.p4]\n"))

    def write(self, text):
        (self.folder / "lab.toml").write_text(text)
        return "lab.toml"

    def test_apply_leaves_other_traffic_alone(self):
        self.do("network", "create", "lab")
        one = self.host(1, "--vlan", 10)
        self.host(2, "--vlan", 10)
        text = self.do("network", "export", "lab")
        self.assertTrue(self.talks(one, "10.0.0.2"))
        with subprocess.Popen(["ip", "netns", "exec", one, "busybox", "ping", "-c30", "-i0.05", "-W2", "10.0.0.2"],
                              stdout=subprocess.PIPE, text=True) as ping:
            for change in range(5):
                self.write(text + f"\n[port.q]\nsocket = '{self.folder}/q{change}'\nvlan = {20 + change}\n")
                shown = self.do("network", "apply", "lab.toml", "--yes")
                self.assertIn("port q", shown)
            said = ping.communicate(timeout=30)[0]
        self.assertIn(" 0% packet loss", said)
        self.assertEqual(self.do("network", "apply", "lab.toml", "--dry-run"), "network lab is so already\n")
        self.assertEqual(self.do("network", "export", "lab"), (self.folder / "lab.toml").read_text().replace("'", '"'))

    def test_cable_moves_to_another_port_or_stays_where_it_is(self):
        self.do("network", "create", "lab")
        one = self.host(1, "--vlan", 10)
        text = self.do("network", "export", "lab").replace("port.p1", "port.q1")
        self.write(text + "[port.bad]\nnetns = 'no-such-space'\n")
        self.expect(failed, "no-such-space", "network", "apply", "lab.toml", "--yes")
        self.assertEqual(self.ports()["p1"]["state"], "up")
        self.assertIn("10.0.0.1", sh("ip", "-n", one, "addr").stdout)
        self.write(text)
        self.do("network", "apply", "lab.toml", "--yes")
        self.assertEqual([(name, port["state"]) for name, port in self.ports().items()], [("q1", "up")])

    def test_file_makes_a_network_and_a_stopped_one_can_be_changed(self):
        self.assertEqual(self.do("network", "apply", self.write("[port.p1]\nvlan = 7\n"), "--dry-run"),
                         "+ network lab\n+ port p1: vlan 7\n")
        self.assertEqual(self.query("network", "list"), [])
        self.do("network", "apply", "lab.toml", "--yes")
        self.do("network", "stop", "lab")
        self.expect(failed, "network start lab", "port", "list", "lab")
        self.do("port", "add", "lab", "p2", "--vlan", 8)
        self.do("network", "start", "lab")
        self.assertEqual([port["untagged"] for port in self.ports().values()], ["7", "8"])
        self.expect(failed, "runs already", "network", "start", "lab")
        self.expect(failed, "--force", "network", "rm", "lab")
        self.do("network", "rm", "lab", "--force")
        self.assertEqual(self.query("network", "list"), [])


class Survival(NetworkCase):
    def setUp(self):
        super().setUp()
        self.do("network", "create", "lab")

    def test_killed_switch_comes_back_as_it_was(self):
        one, _ = self.host(1, "--vlan", 10), self.host(2, "--vlan", 10)
        before = self.do("network", "export", "lab")
        os.kill(self.process(), signal.SIGKILL)
        self.wait_for(lambda: self.query("network", "list")[0]["state"] == "stopped", "its end")
        self.assertEqual(self.do("network", "export", "lab"), before)
        self.do("network", "start", "lab")
        self.assertEqual(self.do("network", "export", "lab"), before)
        self.assertTrue(self.talks(one, "10.0.0.2"))  # also the addresses of its interfaces are still there

    def test_port_comes_back_with_its_namespace(self):
        space = self.host(1)
        sh("ip", "netns", "del", space)
        self.wait_for(lambda: self.ports()["p1"]["state"] == "down", "down")
        self.wait_for(lambda: space in self.ports()["p1"]["reason"], "the reason")
        self.assertEqual(sh("ip", "netns", "add", space).returncode, 0)
        self.wait_for(lambda: self.ports()["p1"]["state"] == "up", "up")

    def test_random_bytes_at_the_control_socket(self):
        noise = random.Random(7)
        process = self.process()
        for round_ in range(150):
            with self.control() as connection:
                try:
                    connection.sendall(noise.randbytes(noise.randrange(3000)))
                    if round_ % 2:
                        connection.sendall(b"\n")
                    if round_ % 3 == 0:
                        request = json.dumps({"version": 1, "request": noise.choice(["edit", "apply", "attach", "fdb"]),
                                              "edits": noise.choice([0, [], [{}], [{"do": "add"}], {"a": 1}]),
                                              "toml": noise.choice([1, "[", "[port.p]\nvlan=1"]), "dry_run": True,
                                              "settings": noise.choice([1, {"a": 1}, {"vlan": [[]]}])})
                        connection.sendall(request.encode() + b"\n")
                except OSError:
                    pass  # it hung up, which is its right
        self.assertEqual(self.process(), process)
        self.assertEqual(self.ports(), {})

    def test_machine_has_a_port_while_it_is_connected(self):
        space = self.host(1, "--vlan", 10)
        with self.control() as machine:
            answer = self.ask(machine, request="attach", machine="vm", settings={"vlan": ["20"]})
            self.assertEqual(answer["result"], {"port": "vm", "mtu": 1500})
            self.wait_for(lambda: self.ports()["vm"]["state"] == "up", "the machine's port")
            self.assertNotIn("vm", self.do("network", "export", "lab"))
            self.do("port", "set", "lab", "vm", "--vlan", 10)
            self.inside(space, "busybox", "arping", "-c1", "-w1", "-I", "eth0", "10.0.0.200")
            request = b""
            while len(request) < 42 or request[12:14] != b"\x08\x06":
                size, = struct.unpack(">I", machine.recv(4, socket.MSG_WAITALL))
                request = machine.recv(size, socket.MSG_WAITALL)
            self.assertEqual(request[38:42], bytes([10, 0, 0, 200]))
        self.wait_for(lambda: "vm" not in self.ports(), "its end")
        with self.control() as machine:
            answer = self.ask(machine, request="attach", machine="vm", settings={"tap": ["t0"]})
            self.assertIn("port vm", answer["error"]["message"])
        self.assertEqual(list(self.ports()), ["p1"])

    def test_machine_does_not_become_the_root_of_the_tree(self):
        self.do("network", "rm", "lab", "--force")
        self.do("network", "create", "lab", "--rstp")
        best = bytes(8)  # priority 0, address 0
        bpdu = (b"\x01\x80\xc2\0\0\0" + b"\x02\0\0\0\0\x01" + (39).to_bytes(2, "big") + b"\x42\x42\x03"
                + b"\0\0\x02\x02\x3c" + best + bytes(4) + best + b"\x80\x01" + b"\0\0\x14\0\x02\0\x0f\0" + b"\0")
        with self.control() as machine:
            self.ask(machine, request="attach", machine="vm", settings={"vlan": ["20"]})
            self.wait_for(lambda: self.ports()["vm"]["state"] == "up", "the machine's port")

            def heard():
                machine.sendall(struct.pack(">I", len(bpdu)) + bpdu)
                return self.ports()["vm"]["spanning_tree"]["state"] == "discarding"
            self.wait_for(heard, "the switch hears of a better root")
            self.assertTrue(self.query("network", "show", "lab")["spanning_tree"]["is_root"])


class Services(NetworkCase):
    def setUp(self):
        super().setUp()
        self.do("network", "create", "lab")

    def script(self, text):
        path = self.folder / "script"
        path.write_text("#!/bin/sh\n" + text)
        path.chmod(0o755)
        return path

    def lease(self, namespace, *words):
        script = self.script('[ "$1" = bound ] && echo "$ip $mask $router $dns $domain $lease"\nexit 0\n')
        ended = self.inside(namespace, "busybox", "udhcpc", "-i", "eth0", "-n", "-q", "-t", "5", "-T", "1", "-s", str(script),
                            *words)
        self.assertEqual(ended.returncode, 0, ended)
        return ended.stdout.strip()

    def test_dhcp_and_names(self):
        space = self.host(1, "--vlan", 10)
        self.do("network", "dhcp", "lab", "vlan=10,range=10.0.10.100-10.0.10.120,router=10.0.10.254,domain=lab,lease=600,"
                                          "host=02:00:00:00:00:99=10.0.10.50=printer")
        self.assertEqual(self.lease(space, "-x", "hostname:alpha"), "10.0.10.100 24 10.0.10.254 10.0.10.1 lab 600")
        self.assertEqual(self.lease(space), "10.0.10.100 24 10.0.10.254 10.0.10.1 lab 600")
        sh("ip", "-n", space, "link", "set", "eth0", "address", "02:00:00:00:00:99")
        self.assertTrue(self.lease(space).startswith("10.0.10.50 "))
        leases = self.query("network", "show", "lab")["dhcp"][0]["leases"]
        self.assertEqual([lease["address"] for lease in leases], ["10.0.10.50", "10.0.10.100"])

        sh("ip", "-n", space, "addr", "add", "10.0.10.50/24", "dev", "eth0")
        self.assertTrue(self.talks(space, "10.0.10.1"))
        self.assertIn("10.0.10.50", self.inside(space, "busybox", "nslookup", "printer.lab", "10.0.10.1").stdout)
        self.do("network", "stop", "lab")
        self.do("network", "start", "lab")
        self.assertEqual(len(self.query("network", "show", "lab")["dhcp"][0]["leases"]), 2)
        self.do("network", "dhcp", "lab", "vlan=10,off")
        self.assertEqual(self.query("network", "show", "lab")["dhcp"], [])

    def test_uplink(self):
        space = self.host(1, "--vlan", 10)
        self.do("network", "uplink", "lab", "vlan=10,user")
        self.assertTrue(self.lease(space).startswith("10.0.2.15 24 10.0.2.2 10.0.2.3"))
        self.expect(wrong_usage, "uplink-10", "network", "dhcp", "lab", "vlan=10,range=10.0.2.100-10.0.2.120")
        self.do("network", "uplink", "lab", "vlan=10,off")

    def test_capture_is_read_by_tshark(self):
        one, _ = self.host(1, "--vlan", 10), self.host(2, "--trunk", "10")
        self.wait_for(lambda: self.ports()["p2"]["state"] == "up", "the trunk")
        file = self.folder / "lab.pcapng"
        with subprocess.Popen([strata, "network", "capture", "lab", "-w", str(file)], env=self.environment,
                              stderr=subprocess.PIPE, text=True) as capture:
            capture.stderr.readline()
            self.inside(one, "busybox", "arping", "-c1", "-w1", "-I", "eth0", "10.0.0.77")
            capture.send_signal(signal.SIGINT)
            self.assertEqual((capture.wait(timeout=20), capture.stderr.read()), (done, ""))
        fields = ["frame.interface_name", "frame.packet_flags_direction", "vlan.id", "arp.dst.proto_ipv4"]
        read = sh("tshark", "-r", str(file), "-Y", "arp.dst.proto_ipv4 == 10.0.0.77", "-T", "fields",
                  *[word for field in fields for word in ("-e", field)])
        complaints = [line for line in read.stderr.splitlines() if "Running as user" not in line]
        self.assertEqual((read.returncode, complaints), (0, []), read)
        rows = [line.split("\t") for line in read.stdout.splitlines()]
        rows = [(row[0], int(row[1], 0), *row[2:]) for row in rows]
        self.assertEqual(rows[:2], [("p1", 1, "", "10.0.0.77"), ("p2", 2, "10", "10.0.0.77")])


class WithoutRights(NetworkCase):
    """As an ordinary user, whose right is to have no right."""
    user = 61234

    def setUp(self):
        super().setUp()
        if sh("setpriv", "--reuid", str(self.user), "--clear-groups", "true").returncode != 0:
            self.skipTest("cannot become another user here")
        home = self.folder / "home"
        home.mkdir()
        os.chmod(self.folder, 0o755)
        os.chown(home, self.user, self.user)
        self.environment = {"PATH": os.environ["PATH"], "HOME": str(home)}
        self.home = home

    def run_strata(self, *words, **options):
        return super().run_strata(*words, **options, user=self.user, group=self.user, extra_groups=[])

    def test_sockets_and_uplinks_need_no_right(self):
        self.do("network", "create", "lab")
        self.do("port", "add", "lab", "m", "--vlan", 10, "--socket", self.home / "m")
        self.do("network", "uplink", "lab", "vlan=10,user")
        self.expect(failed, "port t|--socket|unshare -Urn", "port", "add", "lab", "t", "--tap", "strata-t0")
        self.expect(failed, "port i|--socket", "port", "add", "lab", "i", "--interface", "lo")
        self.assertEqual(list(self.ports()), ["m", "uplink-10"])
        self.do("network", "stop", "lab")

    def test_everything_in_a_user_namespace(self):
        """As root of a namespace of its own, the user may make TAPs there, if the device is open to all."""
        script = self.folder / "script"
        script.write_text(f"""{strata} network create lab && {strata} port add lab p1 --tap t0 && ip -br link show t0
            code=$?; {strata} network rm lab --force; exit $code""")
        ended = subprocess.run(["unshare", "-Urn", "sh", str(script)], capture_output=True, text=True, timeout=30,
                               env=self.environment, user=self.user, group=self.user, extra_groups=[])
        if "unshare" in ended.stderr or "/dev/net/tun: Permission denied" in ended.stderr:
            self.skipTest(f"no TAPs in user namespaces here: {ended.stderr.strip()}")
        self.assertEqual((ended.returncode, ended.stderr), (done, ""))
        self.assertIn("UP", ended.stdout)


if __name__ == "__main__":
    enter_namespaces()
    strata = os.path.abspath(sys.argv.pop(1))
    reason = why_not()
    if reason:
        print(f"skipped: {reason}")
        sys.exit(77)
    unittest.main()
