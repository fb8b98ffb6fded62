#!/usr/bin/env python3
"""Ways out of a container that have worked elsewhere, each tried here.

    escape_test.py STRATA-OCI
"""
import hashlib
import json
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

    @staticmethod
    def can_open(path):
        try:
            os.close(os.open(path, os.O_RDONLY | os.O_NONBLOCK))
            return True
        except OSError:
            return False

    def test_host_devices(self):
        disks = [f"/dev/{name}" for name in os.listdir("/dev") if stat.S_ISBLK(os.stat(f"/dev/{name}").st_mode)]
        # This host may be a container itself, and have no right to its disks.
        device = next(filter(self.can_open, [*disks, "/dev/fuse", "/dev/loop-control", "/dev/kmsg"]), None)
        if not device:
            self.skipTest("this host may open none of its devices")
        found = os.stat(device)
        kind = "b" if stat.S_ISBLK(found.st_mode) else "c"
        script = (f"mknod /tmp/device {kind} {os.major(found.st_rdev)} {os.minor(found.st_rdev)} || exit; "
                  "(: < /tmp/device) 2>/dev/null && echo open || echo refused; rm /tmp/device")

        def unlimited(config):
            self.all_rights(config)
            del config["linux"]["resources"]["devices"]
        for before in ([], bundles.v2_alone):  # by the files of version 1, by a program of version 2
            self.before = before
            self.assertEqual(self.run_shell(script, self.all_rights).strip(), "refused")
            self.assertEqual(self.run_shell(script, unlimited).strip(), "open")

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

    def test_session_keyring(self):
        """A key of the engine's session. With --no-new-keyring, which asks for it, the same attempt succeeds."""
        self.put_attempt()
        bundle = self.bundle(self.config("/bin/attempt", "find-key", self.id))

        def run(*words):
            return subprocess.run([bundles.attempt, "with-key", self.id, bundles.runtime, "--root", str(self.root), "run", *words,
                                   "-b", bundle, self.id], capture_output=True, text=True, timeout=30)
        ended = run()
        self.assertEqual(ended.returncode, 1, ended)
        self.assertIn("Required key not available", ended.stderr)
        self.check(run("--no-new-keyring"))

    def test_tracing_outsiders(self):
        """With the host's processes in sight. As root with CAP_SYS_PTRACE and no user namespace it succeeds."""
        self.put_attempt()
        victim = subprocess.Popen(["sleep", "100"])
        self.addCleanup(victim.wait, 10)
        self.addCleanup(victim.kill)

        def run(change):
            config = self.config("/bin/sh", "-c", f"/bin/attempt trace {victim.pid}; echo $?; ls /proc/{victim.pid}/root/ > /dev/null; "
                                                  f"echo $?; cat /proc/{victim.pid}/environ > /dev/null; echo $?")
            config["linux"]["namespaces"] = [one for one in config["linux"]["namespaces"] if one["type"] != "pid"]
            config["mounts"] = [one for one in config["mounts"] if one["destination"] != "/proc"]
            config["mounts"].append({"destination": "/proc", "source": "/proc", "options": ["rbind"]})
            config["linux"]["maskedPaths"] = config["linux"]["readonlyPaths"] = []
            change(config)
            return self.check(self.run_config(config)).split()
        self.assertEqual(run(lambda config: None), ["1", "1", "1"])

        def own_users(config):
            self.all_rights(config)
            self.own_user_namespace(config)
        self.assertEqual(run(own_users), ["1", "1", "1"])
        self.assertEqual(run(self.all_rights), ["0", "0", "0"])

    def test_looking_into_a_process_that_waits_for_start(self):
        """It has files of the host open; an exec comes with the same rights in the container's own user namespace."""
        config = self.config("/bin/sleep", "100")
        self.all_rights(config)
        self.own_user_namespace(config)
        with open(self.folder / "errors", "w+") as errors:
            subprocess.run([bundles.runtime, "--root", str(self.root), "create", "-b", self.bundle(config), self.id],
                           stdin=subprocess.DEVNULL, stdout=errors, stderr=errors, check=True, timeout=30)
        ended = self.oci("exec", self.id, "sh", "-c", "ls /proc/1/fd/; echo $?")
        self.assertEqual(ended.stdout, "1\n", ended)
        self.check(self.oci("start", self.id))
        self.check(self.oci("exec", self.id, "ls", "/proc/1/fd/"))  # the program's own, it may see

    def own_user_namespace(self, config):
        config["linux"]["namespaces"].append({"type": "user"})
        for name in ("uidMappings", "gidMappings"):
            config["linux"][name] = [{"containerID": 0, "hostID": 100000, "size": 1000}]
        os.chown(self.rootfs, 100000, 100000)

    def put_attempt(self):
        if not bundles.attempt:
            self.skipTest("the program of attempts is not given")
        shutil.copy(bundles.attempt, self.rootfs / "bin" / "attempt")

    # Writes what is there already: nothing changes on the host, should it succeed.
    write_back = "for f in core_pattern panic; do v=$(cat /proc/sys/kernel/$f); (echo \"$v\" > /proc/sys/kernel/$f) 2>/dev/null && echo wrote; done; true"

    def test_settings_of_the_kernel(self):
        """core_pattern names a program that the host runs. Where /proc/sys is not read-only, root writes them."""
        self.assertEqual(self.run_shell(self.write_back, self.all_rights), "")

        def writable(config):
            self.all_rights(config)
            config["linux"]["readonlyPaths"] = []
        self.assertEqual(self.run_shell(self.write_back, writable), "wrote\nwrote\n")

    def test_masks_taken_off(self):
        """Root of a user namespace of its own with CAP_SYS_ADMIN may unmount what was mounted for it, and gains nothing."""
        def change(config):
            self.all_rights(config)
            self.own_user_namespace(config)
            for names in config["process"]["capabilities"].values():
                names.append("CAP_SYS_ADMIN")
        said = self.run_shell(f"umount /proc/keys && echo off; umount /proc/sys && echo off; {self.write_back}", change)
        self.assertEqual(said, "off\noff\n")

    def test_masks_in_a_nested_namespace(self):
        """Any process may make a user namespace and a mount namespace below. The masks are locked there, and no second procfs
        may be mounted; but for a procfs without masks, it may."""
        script = ("unshare -U -r -m sh -c 'umount /proc/keys 2>/dev/null && echo off; umount -l /proc/sys 2>/dev/null && echo off; "
                  "mount -o bind /proc /tmp && echo bound; mount -t proc proc /tmp && echo mounted' 2>/dev/null; echo end")
        def ordinary(config):
            config["process"]["user"] = {"uid": 1000, "gid": 1000}
        self.assertEqual(self.run_shell(script, ordinary), "end\n")

        def unmasked(config):
            ordinary(config)
            config["linux"]["maskedPaths"] = config["linux"]["readonlyPaths"] = []
        script = "unshare -U -r -p -f -m sh -c 'mount -t proc proc /tmp && echo mounted'"
        self.assertEqual(self.run_shell(script, unmasked), "mounted\n")

    def race(self, a, b):
        """Exchanges the two names until the test ends."""
        if not bundles.attempt:
            self.skipTest("the program of attempts is not given")
        racer = subprocess.Popen([bundles.attempt, "exchange", str(a), str(b)])
        self.addCleanup(racer.wait, 10)
        self.addCleanup(racer.kill)

    def test_links_exchanged_while_mounting(self):
        """A directory of a destination and a link to the outside change places all the time. The same paths made by mkdir -p,
        which follows links, end up outside."""
        outside = self.folder / "outside"
        outside.mkdir()
        (self.rootfs / "race").mkdir()
        (self.rootfs / "link").symlink_to(outside)
        self.race(self.rootfs / "race", self.rootfs / "link")
        before = Path("/proc/self/mountinfo").read_text()
        for number in range(15):
            config = self.config("/bin/true")
            config["mounts"] += [{"destination": f"/race/{number}.{n}", "type": "tmpfs", "source": "tmpfs"} for n in range(20)]
            self.run_config(config)
        self.assertEqual(os.listdir(outside), [])
        self.assertEqual(Path("/proc/self/mountinfo").read_text(), before)
        for number in range(10000):
            try:
                os.mkdir(self.rootfs / "race" / f"plain.{number}")
            except FileNotFoundError:
                pass
            if os.listdir(outside):
                return
        self.fail("the race is none: nothing ever got outside")

    def test_null_device_of_the_image(self):
        """CVE-2025-31133: files are masked by /dev/null, and an image's may be a link to anything, or become one meanwhile."""
        def change(config):
            config["mounts"] = [one for one in config["mounts"] if not one["destination"].startswith("/dev")]
            config["root"]["readonly"] = False
        config = self.config("/bin/cat", "/proc/keys", "/proc/timer_list")
        change(config)
        null = self.rootfs / "dev" / "null"
        (self.rootfs / "secret").write_text("of the image\n")
        null.symlink_to("/secret")
        self.assertIn("device /dev/null", self.run_config(config).stderr)
        other = self.rootfs / "dev" / "other"
        os.mknod(other, 0o666 | stat.S_IFCHR, os.makedev(1, 3))
        self.race(null, other)
        for _ in range(20):
            self.assertEqual(self.run_config(config).stdout, "")

    def test_console_of_the_image(self):
        """CVE-2025-52565: /dev/console is a place to mount on, which an image may lead into /proc."""
        config = self.config("/bin/sh", "-c", "[ -c /proc/sys/kernel/core_pattern ] && echo covered")
        config["mounts"] = [one for one in config["mounts"] if one["destination"] != "/dev"]
        config["process"]["terminal"] = True
        (self.rootfs / "dev" / "console").symlink_to("/proc/sys/kernel/core_pattern")
        bundle = self.bundle(config)
        ended = subprocess.run(["script", "-qec", f"{bundles.runtime} --root {self.root} run -b {bundle} {self.id}", "/dev/null"],
                               capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=30)
        self.assertIn("/dev/console of the container is in a procfs", ended.stdout)

    def test_exec_where_proc_is_a_trap(self):
        """CVE-2025-52881: the runtime writes the new process's settings by /proc/self, which the container has replaced so that
        the words would go elsewhere."""
        config = self.config("/bin/sh", "-c", "mount -t tmpfs t /proc && mkdir /proc/self /proc/self/attr && echo untouched > /proc/self/oom_score_adj "
                                              "&& echo untouched > /proc/self/attr/exec && echo set > /tmp/trap; sleep 100")
        self.all_rights(config)
        for names in config["process"]["capabilities"].values():
            names.append("CAP_SYS_ADMIN")
        config["linux"]["maskedPaths"] = config["linux"]["readonlyPaths"] = []
        self.start(config)
        self.wait_for((self.rootfs / "tmp" / "trap").exists, "the trap")
        process = self.folder / "process.json"
        process.write_text(json.dumps({"args": ["cat", "/proc/self/oom_score_adj", "/proc/self/attr/exec"], "cwd": "/", "env": ["PATH=/bin"],
                                       "user": {"uid": 0, "gid": 0}, "oomScoreAdj": 77}))
        self.assertEqual(self.check(self.oci("exec", "--process", str(process), self.id)), "untouched\nuntouched\n")
        # It was set nevertheless: in the host's own /proc.
        process.write_text(json.dumps({"args": ["sleep", "100"], "cwd": "/", "env": ["PATH=/bin"], "user": {"uid": 0, "gid": 0}, "oomScoreAdj": 77}))
        pid = self.folder / "pid"
        with open(self.folder / "said", "w") as said:
            subprocess.run([bundles.runtime, "--root", str(self.root), "exec", "-d", "--pid-file", str(pid), "--process", str(process),
                            self.id], stdin=subprocess.DEVNULL, stdout=said, stderr=said, check=True, timeout=30)
        self.assertEqual(Path(f"/proc/{pid.read_text()}/oom_score_adj").read_text(), "77\n")

    def test_exec_where_files_are_traps(self):
        """A user's name is looked up in files of the container, a terminal made by its /dev/ptmx: neither may hold the runtime up."""
        config = self.config("/bin/sleep", "100")
        config["mounts"] = [one for one in config["mounts"] if not one["destination"].startswith("/dev")]
        config["root"]["readonly"] = False
        self.start(config)
        (self.rootfs / "etc" / "passwd").unlink()
        os.mkfifo(self.rootfs / "etc" / "passwd")
        self.check(self.oci("exec", self.id, "true", timeout=10))
        (self.rootfs / "dev" / "ptmx").unlink(missing_ok=True)
        os.mkfifo(self.rootfs / "dev" / "ptmx")
        ended = subprocess.run(["script", "-qec", f"{bundles.runtime} --root {self.root} exec -t {self.id} true", "/dev/null"],
                               capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=10)
        self.assertIn("/dev/ptmx of the container makes no terminals", ended.stdout)


if __name__ == "__main__":
    bundles.take_arguments()
    bundles.skip_unless_possible()
    unittest.main()
