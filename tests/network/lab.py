"""A laboratory for tests and benchmarks of networks: namespaces that are hosts, and switches, all gone at the end."""
import atexit
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path


def words(command):
    return [str(word) for word in command.split()] if isinstance(command, str) else [str(word) for word in command]


class Failed(Exception):
    """A command ended with an error."""


class Lab:
    def __init__(self, strata):
        self.strata = str(Path(strata).resolve())
        self.tag = f"st{os.getpid()}"
        self.folder = Path(tempfile.mkdtemp(prefix="strata-lab-"))
        self.environment = dict(os.environ, XDG_DATA_HOME=str(self.folder / "data"),
                                XDG_RUNTIME_DIR=str(self.folder / "run"))
        (self.folder / "run").mkdir(mode=0o700)
        self.namespaces, self.networks, self.processes, self.links = [], [], [], []
        atexit.register(self.close)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, lambda *_: sys.exit(1))

    @staticmethod
    def permitted():
        """Whether this process may make namespaces and TAPs; if not, why."""
        name = f"st{os.getpid()}probe"
        made = subprocess.run(["ip", "netns", "add", name], capture_output=True, text=True)
        if made.returncode != 0:
            return f"may not make network namespaces: {made.stderr.strip()}"
        tap = subprocess.run(["ip", "-n", name, "tuntap", "add", "mode", "tap", "name", "t0"], capture_output=True, text=True)
        subprocess.run(["ip", "netns", "del", name], check=False)
        return f"may not make TAPs: {tap.stderr.strip()}" if tap.returncode else ""

    # Commands.

    def run(self, command, namespace=None, check=True, timeout=60, **options):
        command = words(command)
        if namespace:
            command = ["ip", "netns", "exec", namespace] + command
        options.setdefault("stdin", subprocess.DEVNULL)
        done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, env=self.environment, **options)
        if check and done.returncode != 0:
            raise Failed(f"{' '.join(command)}: {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout

    def start(self, command, namespace=None, **options):
        command = words(command)
        if namespace:
            command = ["ip", "netns", "exec", namespace] + command
        options.setdefault("stdin", subprocess.DEVNULL)
        options.setdefault("stdout", subprocess.DEVNULL)
        options.setdefault("stderr", subprocess.DEVNULL)
        process = subprocess.Popen(command, env=self.environment, start_new_session=True, **options)
        self.processes.append(process)
        return process

    def stop(self, process):
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        if process in self.processes:
            self.processes.remove(process)

    # Hosts.

    def host(self, name):
        """A namespace; gives its full name."""
        name = f"{self.tag}{name}"
        self.run(["ip", "netns", "add", name])
        self.namespaces.append(name)
        self.run("ip link set lo up", name)
        return name

    def drop_host(self, name):
        self.namespaces.remove(name)
        self.run(["ip", "netns", "del", name], check=False)

    def address(self, host, address, interface="eth0"):
        self.run(f"ip addr add {address} dev {interface}", host)
        self.run(f"ip link set {interface} up", host)

    def veth(self, here, host, there="eth0"):
        """A veth pair: its end `here` in this namespace, the other one in the host."""
        self.run(f"ip link add {here} type veth peer name {there} netns {host}")
        self.links.append(here)
        self.run(f"ip link set {here} up")
        self.run(f"ip link set {there} up", host)

    # Strata.

    def network(self, name="lab"):
        self.run([self.strata, "network", "create", name])
        self.networks.append(name)
        return name

    def drop_network(self, name):
        self.networks.remove(name)
        self.run([self.strata, "network", "rm", name, "--force"], check=False)

    def port(self, network, name, options):
        self.run([self.strata, "port", "add", network, name] + words(options))

    def set_port(self, network, name, options):
        self.run([self.strata, "port", "set", network, name] + words(options))

    def ask(self, command):
        return json.loads(self.run([self.strata] + words(command) + ["--json"]))

    # The end.

    def close(self):
        for process in list(self.processes):
            self.stop(process)
        for name in list(self.networks):
            self.drop_network(name)
        for name in list(self.namespaces):
            self.drop_host(name)
        for link in self.links:
            subprocess.run(["ip", "link", "del", link], capture_output=True, check=False)
        self.links.clear()
        shutil.rmtree(self.folder, ignore_errors=True)


def in_namespace(name, function):
    """Runs it in a child process inside of the namespace; gives what it returns (JSON)."""
    read_end, write_end = os.pipe()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.close(read_end)
            enter(name)
            with os.fdopen(write_end, "w") as out:
                json.dump(function(), out)
            code = 0
        except BaseException as error:  # whatever it is, the parent tells of it
            print(f"in {name}: {error!r}", file=sys.stderr)
        finally:
            os._exit(code)
    os.close(write_end)
    with os.fdopen(read_end) as text:
        answer = text.read()
    os.waitpid(child, 0)
    if not answer:
        raise Failed(f"in {name}: no answer")
    return json.loads(answer)


def enter(name):
    """Puts this thread into the namespace; sockets that were opened stay where they are."""
    import ctypes
    clone_newnet = 0x40000000
    with open(f"/run/netns/{name}") as space:
        if ctypes.CDLL(None, use_errno=True).setns(space.fileno(), clone_newnet) != 0:
            raise OSError(ctypes.get_errno(), f"entering {name}")


def packet_socket(namespace, interface="eth0"):
    """A packet socket in the namespace, bound to the interface; sees and sends tags as they are on the wire, but those that
    the kernel takes off what comes in."""
    here = os.open("/proc/self/ns/net", os.O_RDONLY)
    try:
        enter(namespace)
        raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        raw.bind((interface, 0))
        return raw
    finally:
        import ctypes
        ctypes.CDLL(None).setns(here, 0x40000000)
        os.close(here)


def wait_for(what, seconds=10):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if what():
            return True
        time.sleep(0.02)
    return False
