"""Bundles to run: a root file system of one busybox, and the runtime's own template with changes."""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

runtime = None  # the program under test
attempt = None  # attempt.cpp
busybox = shutil.which("busybox") or "/bin/busybox"
tools = ("sh ls cat id mount ps sleep kill hostname mknod dd true false env pwd stat readlink umount touch tty stty wc "
         "grep echo test mkdir ln chmod cp od head seq trap unshare rm").split()


def take_arguments():
    """The programs that the command line names; what follows is unittest's."""
    global runtime, attempt
    runtime = sys.argv.pop(1)
    if len(sys.argv) > 1 and os.path.exists(sys.argv[1]):
        attempt = sys.argv.pop(1)


def skip_unless_possible():
    """Ends the whole test where the host cannot run containers at all, and says why."""
    probe = subprocess.run(["unshare", "--mount", "--pid", "--fork", "true"], capture_output=True, text=True)
    if os.geteuid() != 0 or probe.returncode != 0:
        print("skipped: making namespaces needs root here:", probe.stderr.strip())
        raise SystemExit(77)


def make_rootfs(folder):
    (folder / "bin").mkdir(parents=True)
    shutil.copy(busybox, folder / "bin" / "busybox")
    for tool in tools:
        (folder / "bin" / tool).symlink_to("busybox")
    for name in ("proc", "dev", "sys", "tmp", "etc", "root"):
        (folder / name).mkdir()
    (folder / "etc" / "passwd").write_text("root:x:0:0::/root:/bin/sh\nann:x:1000:1000::/home/ann:/bin/sh\n")


# Where a host has cgroups of version 1 as well, the runtime is to see those of version 2 alone.
v2_alone = ["unshare", "--mount", "sh", "-c",
            'umount --recursive --lazy /sys/fs/cgroup && mount -t cgroup2 cgroup2 /sys/fs/cgroup && exec "$@"', "sh"]


class ContainerTest(unittest.TestCase):
    """A folder with one root file system and a state folder of its own; afterwards nothing may be left."""

    count = 0
    before = []  # words before the runtime's

    def setUp(self):
        self.folder = Path(tempfile.mkdtemp(prefix="strata-oci-test."))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.folder.chmod(0o755)
        self.rootfs = self.folder / "rootfs"
        make_rootfs(self.rootfs)
        self.root = self.folder / "state"
        ContainerTest.count += 1
        self.id = f"strata-test-{os.getpid()}-{ContainerTest.count}"
        self.addCleanup(self.remove_all)

    def remove_all(self):
        if not self.root.exists():
            return
        for name in os.listdir(self.root):
            self.oci("delete", "--force", name)
        self.assertEqual(os.listdir(self.root), [])
        self.assertEqual(self.cgroups_left(), [])

    def cgroups_left(self):
        found = subprocess.run(["find", "/sys/fs/cgroup", "-maxdepth", "3", "-name", f"*strata-test-{os.getpid()}*"],
                               capture_output=True, text=True)
        return found.stdout.split()

    def config(self, *args, rootless=False):
        """The template with a program; the test changes it and hands it to `bundle`."""
        place = Path(tempfile.mkdtemp(dir=self.folder))
        self.check(self.oci("spec", "--bundle", str(place), *(["--rootless"] if rootless else [])))
        config = json.loads((place / "config.json").read_text())
        config["process"]["terminal"] = False
        config["process"]["args"] = list(args)
        config["root"]["path"] = str(self.rootfs)
        return config

    def bundle(self, config):
        place = Path(tempfile.mkdtemp(dir=self.folder, prefix="bundle."))
        place.chmod(0o755)
        (place / "config.json").write_text(config if isinstance(config, str) else json.dumps(config))
        return str(place)

    def oci(self, *words, **options):
        options.setdefault("timeout", 30)
        options.setdefault("stdin", subprocess.DEVNULL)
        return subprocess.run([*self.before, runtime, "--root", str(self.root), *words], capture_output=True, text=True,
                              errors="replace", **options)

    def check(self, ended, code=0):
        self.assertEqual(ended.returncode, code, ended)
        return ended.stdout

    def popen(self, *words, **options):
        options.setdefault("stdin", subprocess.DEVNULL)
        process = subprocess.Popen([*self.before, runtime, "--root", str(self.root), *words], text=True, **options)
        self.addCleanup(process.wait, 10)
        self.addCleanup(process.kill)
        return process

    def run_config(self, config, *words, **options):
        return self.oci("run", "--bundle", self.bundle(config), *words, self.id, **options)

    def run_shell(self, script, change=lambda config: None):
        """What a shell prints in a container of the template as `change` leaves it."""
        config = self.config("/bin/sh", "-c", script)
        change(config)
        return self.check(self.run_config(config))

    def start(self, config, *words):
        """A container that runs on, by create and start, as an engine does it. What it prints goes nowhere."""
        # A pipe would be the container's too, and never end.
        with open(self.folder / "errors", "w+") as errors:
            ended = subprocess.run([*self.before, runtime, "--root", str(self.root), "create", "--bundle", self.bundle(config), *words, self.id],
                                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=errors, timeout=30)
            errors.seek(0)
            self.assertEqual(ended.returncode, 0, errors.read())
        self.check(self.oci("start", self.id))

    def state(self):
        return json.loads(self.check(self.oci("state", self.id)))

    def wait_for(self, condition, what, seconds=10):
        end = time.monotonic() + seconds
        while not condition():
            self.assertLess(time.monotonic(), end, f"waited {seconds} s: {what}")
            time.sleep(0.01)
