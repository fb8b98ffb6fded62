#!/usr/bin/env python3
"""A runtime that is killed at any step leaves nothing that `delete --force` does not take away.

    kill_test.py STRATA-OCI ATTEMPT

The steps are its system calls: `attempt kill-at N` lets it and the container's process make N of them, and kills it then.
"""
import os
import subprocess
import sys
import unittest
from pathlib import Path

import bundles
from bundles import ContainerTest


def mounts():
    """But for network namespaces that have names: those of tests that run beside this one come and go."""
    return [line for line in Path("/proc/self/mountinfo").read_text().splitlines() if " /run/netns" not in line]


def processes_of(word):
    """Those whose command line has the word."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if word in (folder / "cmdline").read_bytes().split(b"\0"):
                found.append(folder.name)
        except OSError:
            pass  # it has just ended
    return found


class Kill(ContainerTest):
    stride = int(os.environ.get("STRIDE", "40"))  # every so many steps

    def kill_at_steps(self, command, config):
        """Runs the command with ever more steps, until it comes to its end."""
        bundle = self.bundle(config)
        before = mounts()
        for begin in range(0, 20000, self.stride):
            step = begin + begin // self.stride % 7  # not always the same call of a loop
            ended = subprocess.run([*self.before, bundles.attempt, "kill-at", str(step), bundles.runtime, "--root", str(self.root),
                                    command, "--bundle", bundle, self.id], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL, timeout=30)
            self.check(self.oci("delete", "--force", self.id))
            with self.subTest(step=step):
                self.assertFalse(self.root.exists() and os.listdir(self.root))
                self.assertEqual(self.cgroups_left(), [])
                self.assertEqual(mounts(), before)
                self.wait_for(lambda: not processes_of(self.id.encode()) and not processes_of(b"9753"), "the end of its processes")
            if ended.returncode == 0:
                self.assertGreater(step, 100)
                return
        self.fail("it never came to its end")

    def test_create(self):
        config = self.config("/bin/sleep", "9753")
        self.kill_at_steps("create", config)

    def test_create_with_hooks(self):
        config = self.config("/bin/sleep", "9753")
        config["hooks"] = {name: [{"path": "/bin/true"}] for name in ("createRuntime", "createContainer")}
        config["linux"]["namespaces"].append({"type": "user"})
        for name in ("uidMappings", "gidMappings"):
            config["linux"][name] = [{"containerID": 0, "hostID": 100000, "size": 1000}]
        os.chown(self.rootfs, 100000, 100000)
        self.kill_at_steps("create", config)

    def test_run(self):
        self.kill_at_steps("run", self.config("/bin/true"))


class KillByVersionTwo(Kill):
    before = bundles.v2_alone


if __name__ == "__main__":
    bundles.take_arguments()
    bundles.skip_unless_possible()
    unittest.main()
