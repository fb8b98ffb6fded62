#!/usr/bin/env python3
"""A Debian kernel in Strata's machine, with a card in a running switch; namespaces and a container are its neighbours.

    machine_test.py STRATA
"""
import contextlib
import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

from lab import Lab, enter, packet_socket, wait_for

guest = Path(os.environ.get("STRATA_GUEST_CACHE", Path.home() / ".cache/strata/guests")) / "trixie-cloud-amd64"

# Which of the neighbours answers, again and again; after 16 MiB of TCP to the one on VLAN 10.
in_guest = ("card=eth0; ifconfig $card 10.97.0.9 up; "
            "until ping -c1 -W1 10.97.0.1 >/dev/null; do :; done; "
            "dd if=/dev/zero bs=1M count=16 2>/dev/null | nc 10.97.0.1 7000; echo SENT; "
            "while :; do r=; for n in 1 2 3; do ping -c1 -W1 10.97.0.$n >/dev/null && r=$r$n; done; echo REACH=$r.; done")


def take(host, result):
    enter(host)
    with socket.create_server(("10.97.0.1", 7000)) as server:
        server.settimeout(100)
        connection, _ = server.accept()
        size = 0
        while part := connection.recv(1 << 20):
            size += len(part)
        result["size"] = size


def count_large(raw, result, stop):
    """Frames larger than the MTU that came in: segments that nobody has cut."""
    raw.settimeout(0.5)
    raw.setsockopt(socket.SOL_SOCKET, 33, 64 << 20)  # SO_RCVBUFFORCE
    while not stop.is_set():
        with contextlib.suppress(OSError):
            data = raw.recv(80000)
            if len(data) > 1514 and data[6] == 0x52:
                result["large"] = result.get("large", 0) + 1


def main():
    strata = str(Path(sys.argv[1]).resolve())
    if reason := Lab.permitted() or ("" if (guest / "vmlinuz").exists() else "tests/guests/fetch trixie-cloud-amd64"):
        print(f"SKIP: {reason}")
        sys.exit(77)
    lab = Lab(strata)
    network = lab.network(f"n{os.getpid()}")
    hosts = {10: lab.host("a"), 20: lab.host("b")}
    for number, (vlan, host) in enumerate(hosts.items(), 1):
        lab.port(network, f"h{vlan}", f"--vlan {vlan} --netns {host} --ifname eth0")
        lab.address(host, f"10.97.0.{number}/24")
    container = lab.start("unshare --net sleep 1000")  # as one is between create and start
    assert wait_for(lambda: Path(f"/proc/{container.pid}/comm").read_text() == "sleep\n")
    net = ["--net", f"{network},vlan=10,address=10.97.0.3/24"]
    lab.run([strata, "container-net", "prepare", "box", lab.folder, *net])
    lab.run([strata, "container-net", "start", "box", lab.folder, container.pid, *net])
    result, stop = {}, threading.Event()
    threads = [threading.Thread(target=take, args=(hosts[10], result)),
               threading.Thread(target=count_large, args=(packet_socket(hosts[10]), result, stop))]
    for thread in threads:
        thread.daemon = True
        thread.start()
    command = [strata, "run", "--kernel", guest / "vmlinuz", "--initrd", guest / "initrd", "--memory", "256M",
               "--net", f"{network},vlan=10,port=vm", "--timeout", "150",
               "--append", f'console=ttyS0 quiet panic=-1 strata.cmd="{in_guest}"']
    machine = lab.start(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    seen = []

    def expect(*wanted):
        for line in machine.stdout:
            seen.append(line := line.decode(errors="replace").strip())
            if line in wanted:
                return
        sys.exit("FAILED: the machine ended before it said " + " or ".join(wanted) + "\n" + "\n".join(seen[-20:]))

    try:
        expect("SENT")
        threads[0].join(10)
        assert result.get("size") == 16 << 20, result
        print(f"ok: 16 MiB of TCP from the machine, {result.get('large', 0)} frames larger than the MTU")
        assert result.get("large", 0) > 0, result
        expect("REACH=13.")
        print("ok: on VLAN 10 it reaches the neighbour and the container on 10, not the one on 20")
        lab.set_port(network, "vm", "--vlan 20")
        expect("REACH=2.")
        print("ok: moved to VLAN 20 while it runs, it reaches the other")
        lab.set_port(network, "vm", "--vlan 10")
        expect("REACH=13.")
        print("ok: and back")
        lab.run([strata, "network", "stop", network])
        lab.run([strata, "network", "start", network])
        for number, host in enumerate(hosts.values(), 1):
            lab.address(host, f"10.97.0.{number}/24")  # went with the interfaces
        expect("REACH=13.")
        print("ok: attached again after the network was stopped and started")
        lab.stop(machine)
        end = time.monotonic() + 5
        while "vm" in lab.run([strata, "port", "list", network]):
            assert time.monotonic() < end, "the port of a machine that has ended is still there"
            time.sleep(0.1)
        print("ok: its port went with it")
    finally:
        stop.set()
        lab.close()


if __name__ == "__main__":
    main()
