#!/usr/bin/env python3
"""Networks of containers: user mode, ports of switches, addresses, live changes; namespaces stand for the containers.

    container_test.py STRATA [CASE…]

Runs twice: as root, and then again as an ordinary user, who has but a user namespace of his own.
"""
import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest
from pathlib import Path

strata = None
done, failed, wrong_usage = 0, 1, 2


def wait_for(what, seconds=10):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if result := what():
            return result
        time.sleep(0.02)
    return None


class Container:
    """A process in namespaces of its own, as a container is between create and start."""

    def __init__(self, test, name, host=()):
        """`host`: the words that enter the host that it is on, where that is not this one."""
        self.test, self.name, self.host, self.folder = test, name, host, test.folder / name
        self.folder.mkdir()
        test.addCleanup(self.end)
        self.begin()

    def begin(self):
        self.process = subprocess.Popen([*self.host, "unshare", "-Urn", "sleep", "1000"])
        assert wait_for(lambda: Path(f"/proc/{self.process.pid}/comm").read_text() == "sleep\n")

    def strata(self, verb, *words):
        return self.test.strata("container-net", verb, self.name, self.folder, *words, before=self.host)

    def up(self, *nets):
        self.nets = [f"--net={net}" for net in nets]
        prepared = self.strata("prepare", *self.nets)
        return prepared if prepared.returncode else self.strata("start", str(self.process.pid), *self.nets)

    def forward(self, *changes):
        return self.strata("forward", *[f"--forward={change}" for change in changes])

    def cards(self):
        return [line.split() for line in self.strata("show").stdout.splitlines()]

    def address(self, card=0):
        return self.cards()[card][4].split("/")[0]

    def run(self, *words, **options):
        options.setdefault("stdin", subprocess.DEVNULL)
        return subprocess.run([*self.enter, *words], capture_output=True, text=True, timeout=30, **options)

    @property
    def enter(self):
        return ["nsenter", "-t", str(self.process.pid), "-U", "-n", "--preserve-credentials"]

    def ping(self, address, tries=3):
        return self.run("busybox", "ping", "-c1", "-W1", address).returncode == 0 or (tries > 1 and self.ping(address, tries - 1))

    def resolves(self, name, server):
        return self.run("busybox", "nslookup", name, server).stdout

    def echo_server(self, port):
        """TCP in the container: what comes, goes back, each connection at the same time."""
        server = subprocess.Popen([*self.enter, sys.executable, "-c", echo_source, str(port)], stdout=subprocess.PIPE)
        self.test.addCleanup(end_process, server)
        assert server.stdout.readline() == b"ready\n"

    def carrier(self):
        """The process that carries its network."""
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(self.folder / "network"))
            return int.from_bytes(client.getsockopt(socket.SOL_SOCKET, 17, 12)[:4], sys.byteorder)  # SO_PEERCRED

    def end(self):
        end_process(self.process)


echo_source = """
import socket, sys, threading
def serve(connection):
    while data := connection.recv(65536):
        connection.sendall(data)
server = socket.create_server(("0.0.0.0", int(sys.argv[1])))
print("ready", flush=True)
while True:
    threading.Thread(target=serve, args=(server.accept()[0],), daemon=True).start()
"""


# A resolver that knows one address: the question goes back with an answer that points at its name.
dns_source = """
import socket
server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind(("127.0.0.1", 53))
print("ready", flush=True)
while True:
    query, peer = server.recvfrom(1500)
    is_a = query[-4:-2] == b"\\0\\1"
    answer = b"\\xc0\\x0c\\0\\1\\0\\1\\0\\0\\0\\x3c\\0\\4" + bytes([192, 0, 2, 77]) if is_a else b""
    server.sendto(query[:2] + b"\\x81\\x80\\0\\1\\0" + bytes([is_a]) + bytes(4) + query[12:] + answer, peer)
"""


def end_process(process):
    process.kill()
    process.wait()


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def exists(pid):
    """Not a zombie either: whoever is the first process here may be slow to look after it."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    return False


class Case(unittest.TestCase):
    def setUp(self):
        self.folder = Path(tempfile.mkdtemp(prefix="strata-cnet-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.environment = dict(os.environ, XDG_DATA_HOME=str(self.folder / "data"), XDG_RUNTIME_DIR=str(self.folder / "run"))
        (self.folder / "run").mkdir(mode=0o700)

    def strata(self, *words, before=()):
        return subprocess.run([*before, strata, *map(str, words)], capture_output=True, text=True, timeout=30, env=self.environment)

    def ok(self, ended, code=done, says=""):
        self.assertEqual(ended.returncode, code, ended)
        if code != done:
            self.assertEqual(ended.stderr.count("\n"), 1, ended)
            self.assertRegex(ended.stderr, says)
        return ended.stdout

    def container(self, name, *nets):
        made = Container(self, name)
        self.ok(made.up(*nets))
        return made

    def network(self, *dhcp):
        self.ok(self.strata("network", "create", "lab"))
        self.addCleanup(self.strata, "network", "rm", "lab", "--force")
        for each in dhcp:
            self.ok(self.strata("network", "dhcp", "lab", each))

    def ports(self):
        return {port["name"]: port for port in json.loads(self.ok(self.strata("port", "list", "lab", "--json")))}


ten = "vlan=10,range=10.0.10.100-10.0.10.120,router=10.0.10.1,domain=lab.test"
twenty = "vlan=20,range=10.0.20.100-10.0.20.120"


class UserMode(Case):
    def serve_tcp(self, answer):
        server = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(server.close)

        def accept():
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = server.accept()
                    connection.sendall(answer)
                    connection.close()
        threading.Thread(target=accept, daemon=True).start()
        return server.getsockname()[1]

    def test_the_outside(self):
        container = self.container("web", "user")
        self.assertEqual((container.folder / "resolv.conf").read_text(), "nameserver 10.0.2.3\n")
        self.assertIn("10.0.2.15\tweb\n", (container.folder / "hosts").read_text())
        port = self.serve_tcp(b"from the host")
        self.assertEqual(container.run("busybox", "nc", "10.0.2.2", str(port)).stdout, "from the host")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as echo:
            echo.bind(("127.0.0.1", 0))
            echo.settimeout(10)
            asking = subprocess.Popen([*container.enter, sys.executable, "-c", """
import socket, sys
asker = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
asker.settimeout(10)
asker.sendto(b"datagram", ("10.0.2.2", int(sys.argv[1])))
print(asker.recv(100).decode())""", str(echo.getsockname()[1])], stdout=subprocess.PIPE, text=True)
            data, peer = echo.recvfrom(100)
            echo.sendto(data * 2, peer)
            self.assertEqual(asking.communicate(timeout=10)[0], "datagramdatagram\n")

    def test_names(self):
        """A host of its own around it all, whose resolver is ours."""
        (self.folder / "resolv.conf").write_text("nameserver 127.0.0.1\n")
        mounts = f"mount --bind {self.folder}/resolv.conf /etc/resolv.conf && ip link set lo up && exec sleep 1000"
        host = subprocess.Popen(["unshare", "-Urnm", "sh", "-c", mounts])
        self.addCleanup(end_process, host)
        self.assertTrue(wait_for(lambda: Path(f"/proc/{host.pid}/comm").read_text() == "sleep\n"))
        enter = ["nsenter", "-t", str(host.pid), "-U", "-n", "-m", "--preserve-credentials"]
        server = subprocess.Popen([*enter, sys.executable, "-c", dns_source], stdout=subprocess.PIPE)
        self.addCleanup(end_process, server)
        self.assertEqual(server.stdout.readline(), b"ready\n")
        container = Container(self, "web", enter)
        self.ok(container.up("user"))
        self.assertIn("192.0.2.77", container.resolves("name.test", "10.0.2.3"))

    def test_forwards_change_under_traffic(self):
        first, second, third = free_port(), free_port(), free_port()
        container = self.container("web", f"user,forward=tcp:{first}:80")
        container.echo_server(80)
        with socket.create_connection(("127.0.0.1", first), 10) as lasting:
            def still_goes(text):
                lasting.sendall(text)
                self.assertEqual(lasting.recv(100), text)
            still_goes(b"one")
            self.ok(container.forward(f"+tcp:{second}:80", f"-tcp:{first}"))
            still_goes(b"two")
            with socket.create_connection(("127.0.0.1", second), 10) as other:
                other.sendall(b"x")
                self.assertEqual(other.recv(1), b"x")
            with self.assertRaises(ConnectionRefusedError):
                socket.create_connection(("127.0.0.1", first), 10)
            # A port that is in use, and a second change beside it that would be good: nothing changes.
            with socket.create_server(("127.0.0.1", 0)) as taken:
                busy = taken.getsockname()[1]
                self.ok(container.forward(f"-tcp:{second}", f"+tcp:{third}:80", f"+tcp:{busy}:80"), failed,
                        f"TCP port {busy} of this host is in use")
            self.assertEqual(container.cards()[0][5], f"tcp:127.0.0.1:{second}:80")
            with socket.create_connection(("127.0.0.1", second), 10) as other:
                other.sendall(b"y")
                self.assertEqual(other.recv(1), b"y")
            with self.assertRaises(ConnectionRefusedError):
                socket.create_connection(("127.0.0.1", third), 10)
            still_goes(b"three")
            # One that is replaced: its port may lead elsewhere.
            self.ok(container.forward(f"-tcp:{second}", f"+tcp:{second}:81"))
            self.assertEqual(container.cards()[0][5], f"tcp:127.0.0.1:{second}:81")
            still_goes(b"four")

    def test_changes_that_cannot_be(self):
        port = free_port()
        container = self.container("web", f"user,forward=tcp:{port}:80")
        for change, code, says in ((f"+tcp:{port}:80", failed, "there already"), ("-tcp:1", failed, "no forward tcp:1"),
                                   (f"tcp:{port}:81", wrong_usage, "neither"), ("-udp", wrong_usage, "-PROTOCOL"),
                                   ("+tcp:0:80", wrong_usage, "'0' is no port"), (f"-udp:{port}", failed, "no forward")):
            self.ok(container.forward(change), code, says)
        self.assertEqual(container.cards()[0][5], f"tcp:127.0.0.1:{port}:80")
        alone = self.container("alone", "none")
        self.ok(alone.forward("+tcp:1234:80"), failed, "no network of its own")

    def test_it_ends_with_the_container_and_gives_ports_back(self):
        port = free_port()
        container = self.container("web", f"user,forward=tcp:{port}:80")
        carrier = container.carrier()
        container.end()
        self.assertTrue(wait_for(lambda: not exists(carrier)))
        socket.create_server(("127.0.0.1", port)).close()

    def test_it_is_confined(self):
        container = self.container("web", "user")
        status = Path(f"/proc/{container.carrier()}/status").read_text()
        self.assertIn("NoNewPrivs:\t1\n", status)
        self.assertIn("Seccomp:\t2\n", status)
        capabilities = int(status.split("CapEff:\t")[1].split()[0], 16)
        self.assertEqual(capabilities & ~(1 << 10), 0)  # CAP_NET_BIND_SERVICE, of root's

    def test_a_second_start_takes_over(self):
        port = free_port()
        container = self.container("web", f"user,forward=tcp:{port}:80")
        first = container.carrier()
        end_process(container.process)
        container.begin()
        self.ok(container.up(f"user,forward=tcp:{port}:80"))
        self.assertNotEqual(container.carrier(), first)
        self.ok(container.strata("stop"))
        self.assertEqual(container.cards(), [])
        self.ok(container.strata("stop"))


class InNetworks(Case):
    def test_addresses_names_and_vlans(self):
        self.network(ten, twenty)
        web, db = self.container("web", "lab,vlan=10"), self.container("db", "lab,vlan=10")
        apart = self.container("apart", "lab,vlan=20,port=other")
        self.assertEqual(sorted(self.ports()), ["db", "other", "web"])
        self.assertEqual((web.folder / "resolv.conf").read_text(), "search lab.test\nnameserver 10.0.10.1\n")
        self.assertIn(f"{web.address()}\tweb\n", (web.folder / "hosts").read_text())
        self.assertTrue(web.ping(db.address()))
        self.assertFalse(apart.ping(db.address(), 1))
        self.assertIn(db.address(), web.resolves("db.lab.test", "10.0.10.1"))
        self.assertIn("default via 10.0.10.1 dev eth0", web.run("ip", "route").stdout)
        db.echo_server(7)
        talked = web.run("sh", "-c", f"(echo hello; sleep 0.3) | busybox nc {db.address()} 7", stdin=subprocess.DEVNULL)
        self.assertEqual(talked.stdout, "hello\n")

    def test_a_port_that_moves_gets_an_address_there(self):
        self.network(ten, twenty)
        web, other = self.container("web", "lab,vlan=10"), self.container("other", "lab,vlan=20")
        self.assertFalse(web.ping(other.address(), 1))
        self.ok(self.strata("port", "set", "lab", "web", "--vlan", "20"))
        self.assertTrue(wait_for(lambda: web.address().startswith("10.0.20.")), web.cards())
        self.assertTrue(web.ping(other.address()))
        self.assertEqual((web.folder / "resolv.conf").read_text(), "nameserver 10.0.20.1\n")

    def test_an_address_of_its_own(self):
        self.network(ten)
        web = self.container("web", "lab,vlan=10,address=10.0.10.5/24")
        db = self.container("db", "lab,vlan=10")
        self.assertTrue(db.ping("10.0.10.5"))
        self.assertEqual((web.folder / "resolv.conf").read_text(), "search lab.test\nnameserver 10.0.10.1\n")
        for address, code, says in (("10.0.99.5/24", wrong_usage, "outside of VLAN 10's network 10.0.10.0/24"),
                                    ("10.0.10.101/24", wrong_usage, "DHCP gives"), ("10.0.10.1/24", wrong_usage, "switch's own"),
                                    ("10.0.10.5/24", failed, "port web's already"), ("10.0.10.6/16", wrong_usage, "outside")):
            other = Container(self, f"x{address.replace('/', '-')}")
            self.ok(other.up(f"lab,vlan=10,address={address}"), code, says)
        self.assertEqual(sorted(self.ports()), ["db", "web"])

    def test_several_cards(self):
        self.network(ten, twenty)
        web = self.container("web", "lab,vlan=20", "user", "lab,vlan=10,address=none,port=quiet")
        self.assertEqual([card[0] for card in web.cards()], ["eth0", "eth1", "eth2"])
        self.assertIn("default via 10.0.2.2 dev eth1", web.run("ip", "route").stdout)
        self.assertEqual((web.folder / "resolv.conf").read_text(), "nameserver 10.0.20.1\nnameserver 10.0.2.3\n")
        self.assertNotIn("inet ", web.run("ip", "addr", "show", "dev", "eth2").stdout)

    def test_ports_go_with_their_containers(self):
        self.network(ten)
        first, second = self.container("first", "lab,vlan=10"), self.container("second", "lab,vlan=10")
        os.kill(first.carrier(), signal.SIGKILL)
        self.assertTrue(wait_for(lambda: list(self.ports()) == ["second"]))
        second.end()
        self.assertTrue(wait_for(lambda: not self.ports()))

    def test_a_network_that_comes_back(self):
        self.network(ten)
        web, db = self.container("web", "lab,vlan=10"), self.container("db", "lab,vlan=10")
        before = web.address()
        self.ok(self.strata("network", "stop", "lab", "--kill"))
        self.ok(self.strata("network", "start", "lab"))
        self.assertTrue(wait_for(lambda: sorted(self.ports()) == ["db", "web"]))
        self.assertTrue(web.ping(db.address()))
        self.assertEqual(web.address(), before)


class Words(Case):
    def test_none_is_lo(self):
        container = self.container("web", "none")
        shown = container.run("ip", "-br", "link").stdout.splitlines()
        self.assertEqual(len(shown), 1)
        self.assertIn("LOOPBACK,UP", shown[0])
        self.assertFalse((container.folder / "network").exists())

    def test_bad_input(self):
        self.network()
        with socket.create_server(("127.0.0.1", 0)) as taken:
            busy = taken.getsockname()[1]
            table = (
                (["nowhere"], failed, "there is no network 'nowhere'"),
                (["lab,vlan=5000"], wrong_usage, "5000"),
                (["lab,vlan=10"], failed, "no DHCP server answers in VLAN 10"),
                (["lab,colour=red"], wrong_usage, "colour=red"),
                (["lab,address=10.0.0"], wrong_usage, "10.0.0"),
                (["lab,address=10.0.10.255/24"], wrong_usage, "no station"),
                (["lab,netns=x"], wrong_usage, "netns=x"),
                (["a/b"], wrong_usage, "is not user, none, host or the name"),
                (["user,vlan=10"], wrong_usage, "vlan=10"),
                (["user,forward=tcp:80"], wrong_usage, "forward=tcp:80"),
                (["user,forward=tcp:99999:80"], wrong_usage, "99999"),
                ([f"user,forward=tcp:{busy}:80"], failed, f"TCP port {busy} of this host is in use"),
                (["user,forward=tcp:1111:80,forward=tcp:1111:80"], wrong_usage, "twice"),
                (["user", "user"], wrong_usage, "twice"),
                (["none", "user"], wrong_usage, "together"),
                (["host,forward=tcp:1:2"], wrong_usage, "forward"),
            )
            for number, (nets, code, says) in enumerate(table):
                with self.subTest(nets=nets):
                    container = Container(self, f"c{number}")
                    self.ok(container.up(*nets), code, says)
                    self.assertEqual(container.cards(), [])
        self.assertEqual(self.ports(), {})

    def test_a_process_without_a_network_of_its_own(self):
        container = Container(self, "web")
        self.ok(container.strata("prepare", "--net=user"))
        self.ok(container.strata("start", str(os.getpid()), "--net=user"), wrong_usage, "no network namespace of its own")
        gone = subprocess.Popen(["true"])
        gone.wait()
        self.ok(container.strata("start", str(gone.pid), "--net=user"), failed, "No such")


def as_ordinary_user():
    """The same tests by a user who may nothing; None where this host gives users no namespaces."""
    user = ["setpriv", "--reuid=12345", "--regid=12345", "--clear-groups"]
    tun = "mount -t tmpfs none /mnt && mknod -m 666 /mnt/tun c 10 200 && mount --bind /mnt/tun /dev/net/tun && exec \"$@\""
    command = ["unshare", "-m", "sh", "-c", tun, "sh", *user]
    if subprocess.run([*command, "unshare", "-Urn", "true"], capture_output=True).returncode != 0:
        return None
    python = next((each for each in (os.path.realpath(sys.executable), "/usr/bin/python3")
                   if subprocess.run([*user, "test", "-x", each]).returncode == 0), None)
    if not python:
        return None
    environment = {key: value for key, value in os.environ.items() if not key.startswith("XDG")} | {"HOME": "/"}
    return subprocess.run([*command, python, *sys.argv], env=environment).returncode


if __name__ == "__main__":
    arguments = list(sys.argv)
    strata = str(Path(sys.argv.pop(1)).resolve())
    probe = subprocess.run(["unshare", "-Urn", "ip", "tuntap", "add", "mode", "tap", "name", "t0"], capture_output=True, text=True)
    if probe.returncode != 0:
        print("SKIP: no right to make namespaces and TAPs:", probe.stderr.strip())
        sys.exit(77)
    if os.geteuid() == 0:
        sys.argv, kept = arguments, sys.argv
        code = as_ordinary_user()
        print("as an ordinary user:", "not possible here" if code is None else "failed" if code else "passed", flush=True)
        if code:
            sys.exit(code)
        sys.argv = kept
    unittest.main(verbosity=2, warnings="ignore")
