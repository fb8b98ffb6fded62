#!/usr/bin/env python3
"""Asks Open vSwitch (its userspace datapath with dummy ports, no right needed) about the conformance tables.

Of the tables it takes the cases with plain access and trunk ports and frames that Open vSwitch has the words for, and
compares what it sends with what the table expects. Prints each difference that is not in KNOWN.
"""

import os
import re
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

TABLES = Path(__file__).parent / "conformance"
SCHEMA = "/usr/share/openvswitch/vswitch.ovsschema"
SKIPPED = 77

# Where Open vSwitch does otherwise, and why the table stays.
KNOWN = {
    "a group's address as source": "it forwards what no station can have sent; Linux drops it as we do",
    "the broadcast address as source": "the same",
    "no address as source": "the same",
    "an inner tag of the same type stays on tagged ports, and does not become the outer one on others":
        "802.1Q lets it pass, and so does Open vSwitch; we drop it, as it is how frames hop to other VLANs",
    "an access port's priority tag with a VLAN inside does not hop": "the same",
}


class Unasked(Exception):
    """A case that has words Open vSwitch has no equal for."""


def station(word):
    if word == "*":
        return b"\xff" * 6
    if len(word) == 1:
        groups = {"m": "01005e010203", "n": "333300010203", "g": "030000000001"}
        return bytes.fromhex(groups[word]) if word in groups else b"\x02\0\0\0\0" + word.encode()
    return bytes.fromhex(word.replace(":", ""))


def frame(text):
    words = text.split()
    if not re.fullmatch(r"[^<]+<[^<]+", words[0]):
        raise Unasked(text)
    to, source = words[0].split("<")
    octets, size = station(to) + station(source), 46
    for word in words[1:]:
        tag = re.fullmatch(r"(\d+)(?:p(\d))?", word)
        if tag:
            octets += struct.pack("!HH", 0x8100, int(tag[2] or 0) << 13 | int(tag[1]))
        elif word.startswith("payload="):
            size = int(word[8:])
        else:
            raise Unasked(word)
    rest = b"\x88\xb5"
    return octets + rest + bytes(i & 0xFF for i in range(2, 2 + size))


def settings(words):
    """A port's VLANs as columns of Open vSwitch's Port table."""
    options = dict(word.split("=", 1) for word in words if "=" in word)
    if len(options) != len(words) or set(options) - {"vlan", "trunk", "native"}:
        raise Unasked(words)
    if "vlan" in options:
        return ["tag=" + options["vlan"], "vlan_mode=access"]
    vlans = []
    for item in options["trunk"].split(","):
        first, _, last = item.partition("-")
        vlans += range(int(first), int(last or first) + 1)
    if "native" not in options:
        return ["vlan_mode=trunk", "trunks=" + ",".join(map(str, vlans))]
    vlans.append(int(options["native"]))
    return ["vlan_mode=native-untagged", "tag=" + options["native"], "trunks=" + ",".join(map(str, sorted(set(vlans))))]


def cases():
    found = []
    for path in sorted(TABLES.glob("*.table")):
        setup, current = [], None
        for line in path.read_text().splitlines():
            text = line.split("#")[0].strip()
            if not text:
                continue
            if line.startswith(" "):
                current[2].append(text)
            elif text.startswith("case "):
                current = (path.name, text.split(" ", 2)[2], [], list(setup))
                found.append(current)
            else:
                if text.startswith("switch"):
                    setup = []
                setup.append(text)
    return found


def translate(case):
    """(ports with their columns, steps of (port, frame, {port: frames}))"""
    _, _, lines, setup = case
    if setup[0] != "switch":
        raise Unasked(setup[0])
    ports = {line.split()[1]: settings(line.split()[2:]) for line in setup[1:]}
    steps = []
    for line in lines:
        action, arrow, expected = line.partition("=>")
        name, _, text = action.strip().partition(" ")
        if not arrow or name not in ports:
            raise Unasked(line)
        wanted = {}
        expected = expected.split("!")[0].strip()
        for item in expected.split(";") if expected != "-" else []:
            port, _, out = item.strip().partition(" ")
            wanted.setdefault(port, []).append(frame(out))
        steps.append((name, frame(text), wanted))
    if not steps:
        raise Unasked("no steps")
    return ports, steps


class OpenVSwitch:
    def __init__(self, folder):
        self.folder = folder
        self.environment = dict(os.environ, OVS_RUNDIR=folder, OVS_LOGDIR=folder, OVS_DBDIR=folder)
        self.processes = []
        self.run("ovsdb-tool", "create", f"{folder}/conf.db", SCHEMA)
        self.start("ovsdb-server", f"{folder}/conf.db", f"--remote=punix:{folder}/db.sock", f"--unixctl={folder}/db.ctl")
        self.wait_for(f"{folder}/db.sock")
        self.vsctl("--no-wait", "init")
        self.start("ovs-vswitchd", f"unix:{folder}/db.sock", "--enable-dummy=override", "--disable-system",
                   f"--unixctl={folder}/switch.ctl")
        self.wait_for(f"{folder}/switch.ctl")

    def start(self, *command):
        self.processes.append(subprocess.Popen(command, env=self.environment, cwd=self.folder,
                                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))

    def run(self, *command):
        done = subprocess.run(command, env=self.environment, cwd=self.folder, capture_output=True, text=True, timeout=30)
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip()}")

    def vsctl(self, *words):
        self.run("ovs-vsctl", f"--db=unix:{self.folder}/db.sock", "--timeout=20", *words)

    def wait_for(self, path):
        for _ in range(200):
            if os.path.exists(path):
                return
            time.sleep(0.05)
        raise RuntimeError(f"{path} does not come")

    def make(self, ports, pcaps):
        words = ["add-br", "br0", "--", "set", "bridge", "br0", "datapath_type=dummy", "fail-mode=standalone"]
        for name, columns in ports.items():
            words += ["--", "add-port", "br0", name, *columns]
            words += ["--", "set", "Interface", name, "type=dummy", f"options:tx_pcap={pcaps[name]}"]
        self.vsctl(*words)

    def receive(self, port, octets):
        self.run("ovs-appctl", "-t", f"{self.folder}/switch.ctl", "netdev-dummy/receive", port, octets.hex())

    def stop(self):
        for process in reversed(self.processes):
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()


def sent(path, seen):
    """Frames of a pcap file after the first `seen`."""
    data, frames, at = path.read_bytes() if path.exists() else b"", [], 24
    while at + 16 <= len(data):
        length = struct.unpack_from("<I", data, at + 8)[0]
        frames.append(data[at + 16:at + 16 + length])
        at += 16 + length
    return frames[seen:]


def settle(pcaps, seen):
    """What every port sent, once nothing more comes."""
    before, quiet = None, 0
    while quiet < 3:
        time.sleep(0.03)
        now = {name: sent(path, seen[name]) for name, path in pcaps.items()}
        quiet = quiet + 1 if now == before else 0
        before = now
    return before


def judge(switch, case, folder, number):
    ports, steps = translate(case)
    pcaps = {name: folder / f"{number}-{name}.pcap" for name in ports}
    switch.make(ports, pcaps)
    seen = dict.fromkeys(ports, 0)
    differences = []
    for name, octets, wanted in steps:
        switch.receive(name, octets)
        for port, frames in settle(pcaps, seen).items():
            seen[port] += len(frames)
            if frames != wanted.get(port, []):
                differences.append(f"{name} {octets[:20].hex()}: {port} sent {[f[:20].hex() for f in frames]}, "
                                   f"expected {[f[:20].hex() for f in wanted.get(port, [])]}")
    switch.vsctl("del-br", "br0")
    return differences


def main():
    if not all(map(shutil.which, ("ovsdb-server", "ovs-vswitchd", "ovs-vsctl"))) or not os.path.exists(SCHEMA):
        print("skipped: Open vSwitch (openvswitch-switch) is not installed")
        return SKIPPED
    asked = agreed = known = 0
    with tempfile.TemporaryDirectory() as folder:
        switch = OpenVSwitch(folder)
        try:
            for number, case in enumerate(cases()):
                try:
                    differences = judge(switch, case, Path(folder), number)
                except Unasked:
                    continue
                asked += 1
                if not differences:
                    agreed += 1
                elif case[1] in KNOWN:
                    known += 1
                else:
                    print(f"{case[0]}: {case[1]}")
                    print(*(f"    {difference}" for difference in differences), sep="\n")
        finally:
            switch.stop()
    print(f"{asked} cases asked, {agreed} agree, {known} differ as known")
    return 0 if asked > 0 and agreed + known == asked else 1


if __name__ == "__main__":
    sys.exit(main())
