#!/usr/bin/env python3
"""Ways out of a container that have worked elsewhere, each tried here.

    escape_test.py STRATA-OCI
"""
import hashlib
import os
import shutil
import stat
import subprocess
import sys
import unittest
from pathlib import Path

import bundles
from bundles import ContainerTest


def digest(path):
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


class Escape(ContainerTest):
    def setUp(self):
        super().setUp()
        self.secret = self.folder / "secret"
        self.secret.write_text("of the host\n")

    def all_rights(self, config):
        """As root with every capability, which a container should survive too as far as these tests go."""
        everything = [f"CAP_{name}" for name in ("CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP "
                                                 "NET_ADMIN NET_RAW SYS_CHROOT SYS_PTRACE MKNOD").split()]
        config["process"]["capabilities"] = {name: everything for name in ("bounding", "effective", "permitted")}
        config["root"]["readonly"] = False

    def test_overwriting_the_runtime(self):
        """CVE-2019-5736: the program is the runtime itself, whose file is opened by /proc/PID/exe, and written when it ends."""
        copy = self.folder / "strata-oci"
        shutil.copy(bundles.runtime, copy)
        before = digest(copy)
        config = self.config("/bin/sleep", "100")
        self.all_rights(config)
        self.start(config)
        (self.rootfs / "bin" / "trap").unlink()
        (self.rootfs / "bin" / "trap").symlink_to("/proc/self/exe")
        in_container = [str(copy), "--root", str(self.root), "exec", self.id]
        # The runtime, run in the container by itself, waits for its input there.
        trapped = subprocess.Popen([*in_container, "/bin/trap", "update", "--resources", "-", "x"],
                                   stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        script = """
            until [ "$found" ]; do
              for p in /proc/[0-9]*; do
                if [ "$(cat $p/comm)" = trap ]; then exec 9<$p/exe && found=1; fi
              done
            done 2>/dev/null
            echo open > /said
            until [ -e /go ]; do sleep 0.01; done
            (echo owned > /proc/self/fd/9) 2> /said
            echo tried >> /said"""
        said = self.rootfs / "said"
        # Detached, so that no runtime runs when it strikes: a file that is run cannot be written anyway.
        subprocess.run([*in_container[:-1], "--detach", self.id, "/bin/sh", "-c", script], stdin=subprocess.DEVNULL,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
        self.wait_for(lambda: said.exists() and "open" in said.read_text(), "the attacker finds the runtime")
        trapped.communicate()
        (self.rootfs / "go").touch()
        self.wait_for(lambda: "tried" in said.read_text(), "the attack")
        self.assertIn("Read-only file system", said.read_text())
        self.assertEqual(digest(copy), before)

    def test_leaked_working_directory(self):
        """CVE-2024-21626: a working directory by way of a descriptor that the runtime has open."""
        for number in range(3, 20):
            config = self.config("/bin/sh", "-c", f"cat ../../../../../../../../{self.secret}")
            config["process"]["cwd"] = f"/proc/self/fd/{number}"
            ended = self.run_config(config)
            self.assertNotIn("of the host", ended.stdout)
            self.assertNotEqual(ended.returncode, 0)

    def test_links_in_destinations(self):
        outside = self.folder / "outside"
        outside.mkdir()
        (self.rootfs / "link").symlink_to(outside)
        (self.rootfs / "up").symlink_to("../../../../../../../../../.." + str(outside))
        for destination in ("/link/made", "/up/made", "/../../../.." + str(outside) + "/made"):
            config = self.config("/bin/true")
            config["mounts"].append({"destination": destination, "type": "tmpfs", "source": "tmpfs"})
            self.run_config(config)
            self.assertEqual(os.listdir(outside), [])

    def test_links_in_masked_paths(self):
        (self.rootfs / "dev").rmdir()
        (self.rootfs / "dev").symlink_to(str(self.folder))
        config = self.config("/bin/true")
        self.run_config(config)
        self.assertEqual(sorted(name for name in os.listdir(self.folder) if name in ("null", "pts", "shm")), [])

    def test_mounting_over_proc(self):
        fake = self.folder / "fake"
        fake.write_text("unconfined")
        for destination in ("/proc/self/attr/exec", "/proc/sys/kernel/core_pattern", "/proc/self/status"):
            config = self.config("/bin/true")
            config["mounts"].append({"destination": destination, "source": str(fake), "options": ["bind"]})
            self.assertIn("inside of a procfs", self.run_config(config).stderr)

    def test_masks_stay(self):
        def change(config):
            self.all_rights(config)
        said = self.run_shell("umount /proc/keys; umount /proc/sys; mount -o remount,rw /proc/sys; "
                              "echo x > /proc/sysrq-trigger && echo WROTE; wc -c < /proc/keys", change)
        self.assertEqual(said.strip(), "0")

    def test_host_devices(self):
        disk = next((f"/dev/{name}" for name in os.listdir("/dev") if stat.S_ISBLK(os.stat(f"/dev/{name}").st_mode)), None)
        if not disk:
            self.skipTest("this host has no block device")
        number = os.stat(disk).st_rdev
        said = self.run_shell(f"mknod /tmp/disk b {os.major(number)} {os.minor(number)} && head -c 1 /tmp/disk | wc -c", self.all_rights)
        self.assertEqual(said.strip(), "0")

    def test_processes_outside(self):
        said = self.run_shell("kill -0 1 && ls /proc | grep -c '^[0-9]'", self.all_rights)
        self.assertLess(int(said), 5)

    def test_old_root(self):
        said = self.run_shell(f"ls {self.folder}; cat /proc/1/root{self.secret}; cd /proc/1/cwd; cat .{self.secret}; grep -c . "
                              "/proc/self/mountinfo; grep vda /proc/self/mountinfo | wc -l", self.all_rights)
        self.assertNotIn("of the host", said)

    def test_keys_of_the_host(self):
        config = self.config("/bin/sh", "-c", "cat /proc/keys")
        config["linux"]["maskedPaths"] = []
        self.assertNotIn("_ses.other", self.check(self.run_config(config)))
        self.assertIn(f"_ses.{self.id}", self.check(self.run_config(config)))


if __name__ == "__main__":
    bundles.runtime = sys.argv.pop(1)
    bundles.skip_unless_possible()
    unittest.main()
