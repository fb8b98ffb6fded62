#!/usr/bin/env python3
"""Strata's switch among namespaces, interfaces, sockets, tunnels and other switches; scapy and tshark are the judges.

    ports_test.py STRATA [unittest arguments]
"""
import contextlib
import os
import shutil
import socket
import struct
import subprocess
import sys
import threading
import time
import unittest
from pathlib import Path

from lab import Lab, enter, in_namespace, packet_socket, wait_for

try:
    from scapy.all import IP, TCP, UDP, Dot1AD, Dot1Q, Ether, Raw
except ImportError:
    print("SKIP: scapy is missing (python3-scapy)")
    sys.exit(77)

strata = None
experimental = 0x88b5  # IEEE 802: an EtherType that nobody answers
SOL_PACKET, PACKET_AUXDATA = 263, 8


def station(number):
    return f"02:00:00:00:00:{number:02x}"


class Wire:
    """A packet socket on a host's interface that sees frames as they are on the wire, tags included."""

    def __init__(self, host, interface="eth0"):
        self.raw = packet_socket(host, interface)
        self.raw.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)

    def send(self, frame):
        self.raw.send(bytes(frame))

    def frames(self, wanted=1, seconds=1.0, kind=experimental):
        """Those of this EtherType, whatever tags they have."""
        found, end = [], time.monotonic() + seconds
        while len(found) < wanted and time.monotonic() < end:
            self.raw.settimeout(max(0.01, end - time.monotonic()))
            try:
                data, control, _, address = self.raw.recvmsg(80000, 256)
            except TimeoutError:
                break
            if address[2] == socket.PACKET_OUTGOING:
                continue
            for level, which, content in control:
                if level == SOL_PACKET and which == PACKET_AUXDATA:
                    status, _, _, _, _, tci, tpid = struct.unpack("=IIIHHHH", content[:20])
                    if status & 0x10:  # TP_STATUS_VLAN_VALID
                        data = data[:12] + struct.pack("!HH", tpid or 0x8100, tci) + data[12:]
            frame = Ether(data)
            inner = frame
            while isinstance(inner.payload, (Dot1Q, Dot1AD)):
                inner = inner.payload
            if inner.type == kind:
                found.append(bytes(frame))
        return found


def frame(source, destination, *tags, payload=b"x" * 46):
    result = Ether(src=station(source), dst=station(destination))
    for tag in tags:
        result /= tag
    result.lastlayer().type = experimental
    return bytes(result / Raw(payload))


@unittest.skipIf(Lab.permitted(), Lab.permitted())
class PortsTest(unittest.TestCase):
    def setUp(self):
        self.lab = Lab(strata)
        self.addCleanup(self.lab.close)
        self.network = self.lab.network(f"n{os.getpid()}")

    def port(self, name, options):
        self.lab.port(self.network, name, options)

    def host(self, name, options=None):
        """A namespace whose eth0 is a port of that name."""
        host = self.lab.host(name)
        if options:
            self.port(name, f"{options} --netns {host} --ifname eth0")
        return host

    def ping(self, host, address, count=3):
        """Whether UDP datagrams to the discard port come back as ICMP errors: the other host is there."""
        def probe():
            udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            udp.settimeout(0.7)
            udp.connect((address, 9))
            for _ in range(count):
                try:
                    udp.send(b"?")
                    udp.recv(10)
                except ConnectionRefusedError:
                    return True
                except OSError:
                    pass
            return False
        return in_namespace(host, probe)

    @contextlib.contextmanager
    def sink(self, host, address="0.0.0.0", port=7000):
        """Takes one TCP connection on a thread; `result` gets what came."""
        result, ready = {}, threading.Event()

        def serve():
            enter(host)
            with socket.create_server((address, port)) as server:
                server.settimeout(20)
                ready.set()
                try:
                    connection, _ = server.accept()
                    data = bytearray()
                    connection.settimeout(20)
                    while part := connection.recv(1 << 20):
                        data += part
                    result["data"] = bytes(data)
                except OSError as error:
                    result["error"] = error
        thread = threading.Thread(target=serve)
        thread.start()
        ready.wait(5)
        yield result
        thread.join()

    def send_tcp(self, host, address, data, port=7000):
        def send():
            connection = socket.create_connection((address, port), 10)
            connection.sendall(data)
            connection.close()
        in_namespace(host, send)

    # Namespaces.

    def test_vlans_of_namespaces(self):
        a, b, c = self.host("a", "--vlan 10"), self.host("b", "--vlan 10"), self.host("c", "--vlan 20")
        t = self.host("t", "--trunk 10,20")
        wires = {name: Wire(host) for name, host in zip("abct", (a, b, c, t))}
        wires["a"].send(frame(1, 255))
        self.assertEqual(wires["b"].frames(), [frame(1, 255)])
        self.assertEqual(wires["t"].frames(), [frame(1, 255, Dot1Q(vlan=10))])
        wires["t"].send(frame(9, 255, Dot1Q(vlan=20, prio=5)))
        self.assertEqual(wires["c"].frames(), [frame(9, 255)])
        wires["t"].send(frame(9, 255, Dot1Q(vlan=30)))  # is no member
        wires["t"].send(frame(9, 1, Dot1Q(vlan=10)))  # learnt: goes to a only
        self.assertEqual(wires["a"].frames(), [frame(9, 1)])
        for name in "bc":
            self.assertEqual(wires[name].frames(seconds=0.2), [], name)

    def test_a_namespace_moves_between_vlans(self):
        a, b, c = self.host("a", "--vlan 10"), self.host("b", "--vlan 10"), self.host("c", "--vlan 20")
        for number, host in enumerate((a, b, c), 1):
            self.lab.address(host, f"10.97.0.{number}/24")
        self.assertTrue(self.ping(a, "10.97.0.2"))
        self.assertFalse(self.ping(a, "10.97.0.3", 1))
        self.lab.set_port(self.network, "a", "--vlan 20")
        self.assertFalse(self.ping(a, "10.97.0.2", 1))
        self.assertTrue(self.ping(a, "10.97.0.3"))

    def test_tcp_between_namespaces_is_whole(self):
        a, b = self.host("a", "--vlan 10"), self.host("b", "--trunk 10")
        self.lab.address(a, "10.97.0.1/24")
        # b has no interface for VLANs (the kernel may lack it), so it reads its trunk as VLAN 10 after a change.
        self.lab.set_port(self.network, "b", "--vlan 10")
        self.lab.address(b, "10.97.0.2/24")
        data = os.urandom(8 << 20)
        with self.sink(b) as got:
            self.send_tcp(a, "10.97.0.2", data)
        self.assertEqual(got.get("data"), data)

    # Interfaces that are there already.

    def test_an_interface_of_the_host(self):
        far, a = self.lab.host("far"), self.host("a", "--vlan 10")
        self.lab.veth(f"{self.lab.tag}x", far)
        self.port("up", f"--trunk 10,20 --interface {self.lab.tag}x")
        wire, inside = Wire(far), Wire(a)
        for tag in (Dot1Q(vlan=10), Dot1Q(vlan=10, prio=7, id=1)):
            wire.send(frame(3, 255, tag))
            self.assertEqual(inside.frames(), [frame(3, 255)])
        wire.send(frame(3, 255))  # no native VLAN
        inside.send(frame(1, 3, payload=b"y" * 1400))
        self.assertEqual(wire.frames(), [frame(1, 3, Dot1Q(vlan=10), payload=b"y" * 1400)])
        self.assertEqual(inside.frames(seconds=0.2), [])

    def test_a_peer_without_offloads_gets_plain_frames_with_right_checksums(self):
        far, a = self.lab.host("far"), self.host("a", "--vlan 10")
        self.lab.veth(f"{self.lab.tag}x", far)
        for where, link in ((None, f"{self.lab.tag}x"), (far, "eth0")):
            self.lab.run(f"ethtool -K {link} tx off tso off gso off gro off", where)
        self.port("up", f"--vlan 10 --interface {self.lab.tag}x")
        self.lab.address(a, "10.97.0.1/24")
        self.lab.address(far, "10.97.0.2/24")
        raw = packet_socket(far)
        raw.setsockopt(socket.SOL_SOCKET, 33, 64 << 20)  # SO_RCVBUFFORCE
        data = os.urandom(1 << 20)
        with self.sink(far) as got:
            self.send_tcp(a, "10.97.0.2", data)
        self.assertEqual(got.get("data"), data)
        raw.settimeout(0.3)
        checked = 0
        with contextlib.suppress(TimeoutError):
            while True:
                seen, address = raw.recvfrom(80000)
                if address[2] == socket.PACKET_OUTGOING or seen[12:14] != b"\x08\0" or seen[23] != 6:
                    continue
                self.assertLessEqual(len(seen), 1514)
                self.check_tcp(seen)
                checked += 1
        self.assertGreater(checked, 700)

    def check_tcp(self, seen):
        packet = Ether(seen)
        written = packet[TCP].chksum, packet[IP].chksum
        del packet[TCP].chksum, packet[IP].chksum
        right = Ether(bytes(packet))
        self.assertEqual(written, (right[TCP].chksum, right[IP].chksum))

    # Sockets.

    def stream(self, path):
        peer = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        peer.settimeout(5)
        peer.connect(str(path))
        return peer

    @staticmethod
    def read_stream(peer):
        def exactly(size):
            data = b""
            while len(data) < size:
                part = peer.recv(size - len(data))
                if not part:
                    raise EOFError
                data += part
            return data
        return exactly(struct.unpack("!I", exactly(4))[0])

    def test_a_stream_socket(self):
        path = self.lab.folder / "cable"
        a = self.host("a", "--vlan 10")
        self.port("s", f"--vlan 10 --socket {path}")
        inside = Wire(a)
        # What is no frame of Ethernet ends the connection, or is dropped; the next peer finds the port as it was.
        for bad in (b"\xff\xff\xff\xff", struct.pack("!I", 72_001), struct.pack("!I", 100) + b"cut",
                    b"\0\0", b"".join(struct.pack("!I", size) + b"\2" * size for size in (0, 1, 13, 14, 1515, 65_535, 70_000))):
            peer = self.stream(path)
            peer.sendall(bad)
            peer.shutdown(socket.SHUT_WR)
            with contextlib.suppress(OSError):
                while peer.recv(4096):
                    pass
            peer.close()
        peer = self.stream(path)
        peer.sendall(struct.pack("!I", 60) + frame(5, 255))
        self.assertEqual(inside.frames(), [frame(5, 255)])
        inside.send(frame(1, 5, payload=b"z" * 1000))
        while (seen := self.read_stream(peer))[12:14] != b"\x88\xb5":
            pass  # the namespace's kernel says hello by IPv6
        self.assertEqual(seen, frame(1, 5, payload=b"z" * 1000))

    def test_large_segments_are_cut_for_a_stream_socket(self):
        path = self.lab.folder / "cable"
        a = self.host("a", "--vlan 10")
        self.port("s", f"--vlan 10 --socket {path}")
        self.lab.address(a, "10.97.0.1/24")
        self.lab.run(f"ip neigh add 10.97.0.5 lladdr {station(5)} dev eth0", a)
        peer = self.stream(path)
        # Datagrams that the sender leaves to be cut (UDP_SEGMENT), each with its checksum to be computed.
        def send():
            udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            udp.setsockopt(17, 103, 1000)
            udp.sendto(bytes(range(256)) * 40, ("10.97.0.5", 7))
        in_namespace(a, send)
        sizes = []
        while sum(sizes) < 10240:
            seen = self.read_stream(peer)
            if seen[12:14] != b"\x08\0":
                continue
            packet = Ether(seen)
            written = packet[UDP].chksum
            del packet[UDP].chksum
            self.assertEqual(written, Ether(bytes(packet))[UDP].chksum)
            sizes.append(len(packet[UDP].payload))
        self.assertEqual(sizes, [1000] * 10 + [240])

    @unittest.skipUnless(shutil.which("qemu-system-x86_64"), "needs qemu-system-x86_64")
    def test_qemu_plugs_into_a_socket(self):
        path = self.lab.folder / "cable"
        self.port("q", f"--vlan 10 --socket {path}")
        # Its boot firmware asks for an address by DHCP.
        qemu = self.lab.start(["qemu-system-x86_64", "-display", "none", "-m", "64", "-boot", "n",
                               "-netdev", f"stream,id=n,server=off,addr.type=unix,addr.path={path}",
                               "-device", f"virtio-net-pci,netdev=n,mac={station(0x51)}"])
        known = wait_for(lambda: station(0x51) in self.lab.run([strata, "network", "fdb", self.network]), 40)
        if qemu.poll() is not None and not known:
            self.skipTest("this QEMU has no -netdev stream, or no boot firmware for its card")
        self.assertTrue(known)

    def test_two_switches(self):
        path = self.lab.folder / "trunk"
        other = self.lab.network(f"o{os.getpid()}")
        a, b, c = self.host("a", "--vlan 10"), self.lab.host("b"), self.lab.host("c")
        self.port("up", f"--trunk 10 --socket {path}")
        self.lab.port(other, "down", f"--trunk 10,20 --connect {path}")
        self.lab.port(other, "b", f"--vlan 10 --netns {b} --ifname eth0")
        self.lab.port(other, "c", f"--vlan 20 --netns {c} --ifname eth0")
        for number, host in enumerate((a, b, c), 1):
            self.lab.address(host, f"10.97.0.{number}/24")
        self.assertTrue(self.ping(a, "10.97.0.2"))
        self.assertFalse(self.ping(a, "10.97.0.3", 1))
        data = os.urandom(4 << 20)
        with self.sink(b) as got:
            self.send_tcp(a, "10.97.0.2", data)
        self.assertEqual(got.get("data"), data)
        self.lab.run([strata, "network", "stop", self.network, "--kill"])  # leaves its socket behind
        self.lab.run([strata, "network", "start", self.network])
        # The TAP was there all the time, and so was its address.
        self.assertTrue(self.ping(a, "10.97.0.2", 8))

    # Other hosts, other switches.

    def test_vxlan_to_the_kernel(self):
        far, a = self.lab.host("far"), self.host("a", "--vlan 10")
        under = f"{self.lab.tag}u"
        self.lab.veth(under, far, "under")
        self.lab.run(f"ip addr add 10.96.{os.getpid() % 250}.1/24 dev {under}")
        here, there = (f"10.96.{os.getpid() % 250}.{last}" for last in (1, 2))
        self.lab.run(f"ip addr add {there}/24 dev under", far)
        # A veth is no wire: it would pass on what is in the tunnel with its checksums still open.
        self.lab.run("ethtool -K under tx off", far)
        # The kernel's own tunnels may have UDP port 4789 of this namespace: only the far end takes that.
        self.lab.run(f"ip link add eth0 type vxlan id 77 remote {here} dstport 4789 dev under", far)
        self.port("tunnel", f"--vlan 10 --vxlan {there},vni=77,local={here}")
        self.lab.address(far, "10.97.0.2/24")
        self.lab.address(a, "10.97.0.1/24")
        self.lab.run("ip link set eth0 mtu 1450", a)
        capture = None
        if shutil.which("tshark"):
            file = self.lab.folder / "under.pcapng"
            capture = self.lab.start(["tshark", "-q", "-i", under, "-w", file, "-s", "0"])
            wait_for(lambda: file.exists() and file.stat().st_size > 0)
            time.sleep(0.5)
        data = os.urandom(1 << 20)
        with self.sink(far) as got:
            self.send_tcp(a, "10.97.0.2", data)
        self.assertEqual(got.get("data"), data)
        if not capture:
            self.skipTest("tshark is missing: the tunnel's inner checksums were not looked at")
        time.sleep(0.5)
        self.lab.stop(capture)
        fields = self.lab.run(["tshark", "-r", file, "-o", "tcp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE",
                               "-Y", f"vxlan.vni == 77 && tcp.dstport == 7000 && ip.src == {here}", "-T", "fields",
                               "-e", "tcp.checksum.status", "-e", "ip.checksum.status", "-e", "vxlan.flags"])
        rows = [line.split("\t") for line in fields.splitlines()]
        self.assertGreater(len(rows), 700)
        for tcp, ip, flags in rows:
            self.assertEqual((tcp, ip.split(",")[-1], int(flags, 16)), ("1", "1", 0x0800))

    def test_through_a_kernel_bridge(self):
        """A Linux bridge between the trunks of two switches."""
        other = self.lab.network(f"o{os.getpid()}")
        bridge = f"{self.lab.tag}br"
        self.lab.run(f"ip link add {bridge} type bridge")
        self.lab.links.append(bridge)
        self.lab.run(f"ip link set {bridge} up")
        for number, network in enumerate((self.network, other)):
            near, far = f"{self.lab.tag}n{number}", f"{self.lab.tag}f{number}"
            self.lab.run(f"ip link add {near} type veth peer name {far}")
            self.lab.links.append(near)
            self.lab.run(f"ip link set {far} master {bridge}")
            for link in (near, far):
                self.lab.run(f"ip link set {link} up")
            self.lab.port(network, "up", f"--trunk 10,20 --interface {near}")
        a, b = self.host("a", "--vlan 10"), self.lab.host("b")
        self.lab.port(other, "b", f"--vlan 10 --netns {b} --ifname eth0")
        self.lab.address(a, "10.97.0.1/24")
        self.lab.address(b, "10.97.0.2/24")
        self.assertTrue(self.ping(a, "10.97.0.2", 6))
        data = os.urandom(4 << 20)
        with self.sink(b) as got:
            self.send_tcp(a, "10.97.0.2", data)
        self.assertEqual(got.get("data"), data)

    @unittest.skipUnless(shutil.which("ovs-vswitchd"), "needs Open vSwitch")
    def test_a_trunk_to_open_vswitch(self):
        folder = self.lab.folder / "ovs"
        folder.mkdir()
        self.lab.environment.update(OVS_RUNDIR=str(folder), OVS_LOGDIR=str(folder), OVS_DBDIR=str(folder))
        self.lab.run(["ovsdb-tool", "create", folder / "db", "/usr/share/openvswitch/vswitch.ovsschema"])
        self.lab.start(["ovsdb-server", folder / "db", f"--remote=punix:{folder}/db.sock", "--pidfile"])
        wait_for((folder / "db.sock").exists)
        self.lab.start(["ovs-vswitchd", f"unix:{folder}/db.sock", "--pidfile"])
        vsctl = ["ovs-vsctl", f"--db=unix:{folder}/db.sock", "--timeout=20"]
        bridge, near, far = f"{self.lab.tag}o", f"{self.lab.tag}n", f"{self.lab.tag}f"
        self.lab.run(vsctl + ["add-br", bridge, "--", "set", "bridge", bridge, "datapath_type=netdev"])
        self.addCleanup(self.lab.run, vsctl + ["del-br", bridge], check=False)
        self.lab.run(f"ip link add {near} type veth peer name {far}")
        self.lab.links.append(near)
        for link in (near, far):
            self.lab.run(f"ip link set {link} up")
        hosts = {10: self.lab.host("b"), 20: self.lab.host("c")}
        self.lab.run(vsctl + ["add-port", bridge, far, "trunks=10,20"])
        for vlan, host in hosts.items():
            link = f"{self.lab.tag}v{vlan}"
            self.lab.veth(link, host)
            self.lab.run(vsctl + ["add-port", bridge, link, f"tag={vlan}"])
        self.port("up", f"--trunk 10,20 --interface {near}")
        wires = {"a": Wire(self.host("a", "--vlan 10")), 10: Wire(hosts[10]), 20: Wire(hosts[20])}
        def arrives():
            wires["a"].send(frame(1, 255))
            return wires[10].frames(seconds=0.3)[:1] == [frame(1, 255)]
        self.assertTrue(wait_for(arrives))
        wires[10].send(frame(2, 1))
        self.assertEqual(wires["a"].frames(), [frame(2, 1)])
        self.assertEqual(wires[20].frames(seconds=0.2), [])
        wires[20].send(frame(3, 255))
        self.assertEqual(wires["a"].frames(seconds=0.2), [])

    # What goes wrong.

    def test_a_port_whose_interface_goes_comes_back(self):
        a, b = self.host("a", "--vlan 10"), self.host("b", "--vlan 10")
        self.lab.run("ip link del eth0", b)
        self.assertTrue(wait_for(lambda: "eth0" in self.lab.run("ip -br link", b), 20))
        self.lab.address(a, "10.97.0.1/24")
        self.lab.address(b, "10.97.0.2/24")
        self.assertTrue(self.ping(a, "10.97.0.2", 6))

    def test_errors_name_port_and_reason(self):
        for options, says in (("--netns no-such --ifname e", "p9|no-such|No such file"),
                              ("--interface no-such0", "p9|there is no interface no-such0"),
                              (f"--socket {'/x' * 60}", "p9|107 bytes"),
                              ("--vxlan nowhere,vni=1", "p9|nowhere")):
            done = subprocess.run([strata, "port", "add", self.network, "p9", "--vlan", "10", *options.split()],
                                  env=self.lab.environment, capture_output=True, text=True, timeout=20)
            self.assertNotEqual(done.returncode, 0)
            self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
            for word in says.split("|"):
                self.assertIn(word, done.stderr)


if __name__ == "__main__":
    strata = str(Path(sys.argv.pop(1)).resolve())
    if reason := Lab.permitted():
        print(f"SKIP: {reason}")
        sys.exit(77)
    unittest.main(verbosity=2, warnings="ignore")
