#!/usr/bin/env python3
"""The commands of the OCI runtime, and what a container is inside.

    oci_test.py STRATA-OCI
"""
import array
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import unittest

import bundles
from bundles import ContainerTest


class Lifecycle(ContainerTest):
    def test_from_create_to_delete(self):
        pid_file = self.folder / "pid"
        config = self.config("/bin/sh", "-c", "echo ran > /tmp/ran; exec sleep 100")
        config["root"]["readonly"] = False
        bundle = self.bundle(config)
        created = subprocess.run([bundles.runtime, "--root", str(self.root), "create", "-b", bundle, "--pid-file", str(pid_file),
                                  self.id], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.assertEqual(created.returncode, 0)
        state = self.state()
        self.assertEqual(state["status"], "created")
        self.assertEqual(state["bundle"], bundle)
        self.assertEqual(str(state["pid"]), pid_file.read_text())
        self.assertFalse((self.rootfs / "tmp" / "ran").exists())

        self.check(self.oci("start", self.id))
        self.wait_for((self.rootfs / "tmp" / "ran").exists, "the program")
        self.assertEqual(self.state()["status"], "running")
        again = self.oci("start", self.id)
        self.assertNotEqual(again.returncode, 0)
        self.assertIn("running, not created", again.stderr)
        refused = self.oci("delete", self.id)
        self.assertIn("stop it first, or use --force", refused.stderr)

        self.check(self.oci("kill", self.id, "KILL"))
        self.wait_for(lambda: self.state()["status"] == "stopped", "the end")
        self.check(self.oci("delete", self.id))
        self.assertEqual(self.cgroups_left(), [])
        self.assertNotEqual(self.oci("state", self.id).returncode, 0)

    def test_run_gives_the_exit_code(self):
        self.assertEqual(self.run_config(self.config("/bin/sh", "-c", "exit 7")).returncode, 7)
        # The first process of a namespace takes signals only from outside.
        self.assertEqual(self.run_config(self.config("/bin/sh", "-c", "sh -c 'kill -9 $$'; exit $?")).returncode, 137)
        self.assertEqual(os.listdir(self.root), [])

    def test_run_passes_signals_on(self):
        config = self.config("/bin/sh", "-c", "trap 'exit 33' USR1; echo ready; while :; do sleep 0.05; done")
        process = subprocess.Popen([bundles.runtime, "--root", str(self.root), "run", "-b", self.bundle(config), self.id],
                                   stdout=subprocess.PIPE, text=True)
        self.assertEqual(process.stdout.readline(), "ready\n")
        process.send_signal(signal.SIGUSR1)
        self.assertEqual(process.wait(10), 33)
        process.stdout.close()

    def test_others_while_run_waits(self):
        bundle = self.bundle(self.config("/bin/sleep", "100"))
        for end in (["kill", self.id, "KILL"], ["delete", "--force", self.id]):
            process = self.popen("run", "-b", bundle, self.id)
            self.wait_for(lambda: self.oci("state", self.id, timeout=5).returncode == 0, "the container")
            self.wait_for(lambda: self.state()["status"] == "running", "the program")
            self.check(self.oci("exec", self.id, "true", timeout=5))
            self.check(self.oci(*end, timeout=5))
            self.assertEqual(process.wait(10), 137)
            self.assertEqual(os.listdir(self.root), [])

    def test_exec(self):
        self.start(self.config("/bin/sleep", "100"))
        said = self.check(self.oci("exec", "--env", "A=b", "--cwd", "/tmp", self.id, "/bin/sh", "-c", "echo $A; pwd; ps"))
        self.assertEqual(said.splitlines()[:2], ["b", "/tmp"])
        self.assertIn("/bin/sleep 100", said)
        self.assertEqual(self.oci("exec", self.id, "sh", "-c", "exit 9").returncode, 9)
        missing = self.oci("exec", self.id, "no-such-program")
        self.assertIn("no-such-program: executable file not found in $PATH", missing.stderr)
        # In the container's cgroup, which is the root of its cgroup namespace.
        inside = self.check(self.oci("exec", self.id, "cat", "/proc/self/cgroup"))
        self.assertEqual({line.rsplit(":", 1)[1] for line in inside.split()}, {"/"})
        self.check(self.oci("exec", "--user", "1000:7", self.id, "sh", "-c", "[ $(id -u):$(id -g) = 1000:7 ]"))

    def test_exec_takes_a_file(self):
        self.start(self.config("/bin/sleep", "100"))
        process = self.folder / "process.json"
        process.write_text(json.dumps({"args": ["id", "-u"], "cwd": "/", "env": ["PATH=/bin"], "user": {"uid": 5, "gid": 5}}))
        self.assertEqual(self.check(self.oci("exec", "--process", str(process), self.id)), "5\n")

    def test_pause_and_resume(self):
        config = self.config("/bin/sh", "-c", "while :; do echo x >> /tmp/count; sleep 0.01; done")
        config["root"]["readonly"] = False
        self.start(config)
        count = self.rootfs / "tmp" / "count"
        self.wait_for(count.exists, "the program")
        self.check(self.oci("pause", self.id))
        self.assertEqual(self.state()["status"], "paused")
        size = count.stat().st_size
        time.sleep(0.1)
        self.assertEqual(count.stat().st_size, size)
        self.check(self.oci("resume", self.id))
        self.wait_for(lambda: count.stat().st_size > size, "it goes on")
        self.check(self.oci("pause", self.id))
        self.check(self.oci("delete", "--force", self.id))

    def test_limits_and_update(self):
        config = self.config("/bin/sleep", "100")
        config["linux"]["resources"]["pids"] = {"limit": 20}
        config["linux"]["resources"]["memory"] = {"limit": 64 << 20}
        self.start(config)
        self.assertIn("20\n", self.cgroup_file("pids.max"))
        self.assertEqual(self.cgroup_file("memory.limit_in_bytes", "memory.max"), f"{64 << 20}\n")
        self.check(self.oci("update", "--pids-limit", "30", "--memory", str(80 << 20), self.id))
        self.assertEqual(self.cgroup_file("pids.max"), "30\n")
        self.assertEqual(self.cgroup_file("memory.limit_in_bytes", "memory.max"), f"{80 << 20}\n")

    def cgroup_file(self, *names):
        for folder in self.cgroups_left():
            for name in names:
                if os.path.exists(f"{folder}/{name}"):
                    with open(f"{folder}/{name}") as file:
                        return file.read()
        self.skipTest(f"no cgroup controller with {names}")

    def test_hooks_in_their_order_with_the_state(self):
        log = self.folder / "log"
        config = self.config("/bin/sh", "-c", "echo program >> /log")
        config["root"]["readonly"] = False
        config["mounts"].append({"destination": "/log", "source": str(log), "options": ["bind"]})
        log.touch()
        (self.rootfs / "hook").write_text(f"#!/bin/sh\nread state; echo $1 >> /log\n")

        def hook(name, where):
            return {"path": "/bin/sh", "args": ["sh", "-c", f"cat > {self.folder}/{name}.json; echo {name} >> {where}"]}
        config["hooks"] = {name: [hook(name, log)] for name in ("prestart", "createRuntime", "createContainer", "poststart", "poststop")}
        config["hooks"]["startContainer"] = [{"path": "/bin/sh", "args": ["sh", "-c", "echo startContainer >> /log"]}]
        self.check(self.run_config(config))
        lines = log.read_text().split()
        for before, after in (("prestart", "createRuntime"), ("createRuntime", "createContainer"),
                              ("createContainer", "startContainer"), ("startContainer", "program"), ("program", "poststop")):
            self.assertLess(lines.index(before), lines.index(after), lines)
        self.assertIn("poststart", lines)
        self.assertEqual(json.loads((self.folder / "poststop.json").read_text())["status"], "stopped")

    def test_a_hook_that_fails(self):
        config = self.config("/bin/true")
        for name, hook, words in (("createRuntime", {"path": "/bin/false"}, "createRuntime hook /bin/false: exit code 1"),
                                  ("createContainer", {"path": "/no/such"}, "exit code 127"),
                                  ("prestart", {"path": "/bin/sleep", "args": ["sleep", "9"], "timeout": 1}, "longer than its timeout of 1 s")):
            config["hooks"] = {name: [hook]}
            ended = self.run_config(config)
            self.assertEqual(ended.returncode, 1)
            self.assertIn(words, ended.stderr)
            self.assertEqual(os.listdir(self.root), [])
            self.assertEqual(self.cgroups_left(), [])

    def test_terminal_by_socket(self):
        path = str(self.folder / "console")
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(path)
            listener.listen()
            config = self.config("/bin/sh", "-c", "tty; stty size; exec sleep 100")
            config["process"]["terminal"] = True
            config["process"]["consoleSize"] = {"height": 31, "width": 77}
            self.start(config, "--console-socket", path)
            connection, _ = listener.accept()
            with connection:
                _, control, _, _ = connection.recvmsg(100, socket.CMSG_SPACE(4))
        master = array.array("i", control[0][2])[0]
        said = b""
        while said.count(b"\n") < 2:
            said += os.read(master, 100)
        os.close(master)
        self.assertEqual(said, b"/dev/console\r\n31 77\r\n".replace(b"/dev/console", said.split(b"\r")[0]))
        self.assertTrue(said.startswith(b"/dev/"), said)

    def test_descriptors(self):
        read, write = os.pipe()
        config = self.config("/bin/sh", "-c", f"echo through >&{write}")
        ended = self.run_config(config, "--preserve-fds", str(write - 2), pass_fds=[write])
        os.close(write)
        self.check(ended)
        self.assertEqual(os.read(read, 100), b"through\n")
        os.close(read)
        # ls itself has one open for the folder.
        self.assertEqual(self.run_shell("ls /proc/self/fd").split(), ["0", "1", "2", "3"])

    def test_list(self):
        self.start(self.config("/bin/sleep", "100"))
        rows = json.loads(self.check(self.oci("list", "--format", "json")))
        self.assertEqual([(row["id"], row["status"]) for row in rows], [(self.id, "running")])
        self.assertEqual(self.check(self.oci("list", "-q")), self.id + "\n")
        self.assertIn(str(rows[0]["pid"]), self.check(self.oci("ps", self.id)))

    def test_a_runtime_killed_at_any_moment(self):
        config = self.config("/bin/sleep", "100")
        bundle = self.bundle(config)
        for delay in range(0, 24, 2):
            process = subprocess.Popen([bundles.runtime, "--root", str(self.root), "create", "-b", bundle, self.id],
                                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(delay / 1000)
            process.kill()
            process.wait()
            self.check(self.oci("delete", "--force", self.id))
            self.assertEqual(self.cgroups_left(), [])


class Inside(ContainerTest):
    def test_names_and_numbers(self):
        def change(config):
            config["hostname"] = "inside"
            config["process"]["user"] = {"uid": 1000, "gid": 50, "additionalGids": [60, 70], "umask": 0o27}
            config["process"]["cwd"] = "/tmp"
            config["process"]["rlimits"] = [{"type": "RLIMIT_NOFILE", "soft": 64, "hard": 128}]
        said = self.run_shell("hostname; id -u; id -g; id -G; pwd; umask; ulimit -n; echo $HOME; echo $$", change)
        self.assertEqual(said.splitlines(), ["inside", "1000", "50", "50 60 70", "/tmp", "0027", "64", "/home/ann", "1"])

    def test_working_directory_is_made(self):
        def change(config):
            config["root"]["readonly"] = False
            config["process"]["cwd"] = "/new/one"
        self.assertEqual(self.run_shell("pwd", change), "/new/one\n")

    def test_read_only_root_and_paths(self):
        said = self.run_shell("for f in /x /proc/sys/kernel/x /sys/x; do touch $f 2>/dev/null && echo wrote $f; done; "
                              "wc -c < /proc/keys; ls /sys/firmware | wc -l")
        self.assertEqual(said.split(), ["0", "0"])

    def test_capabilities_and_no_new_privileges(self):
        status = self.run_shell("cat /proc/self/status")
        # KILL, NET_BIND_SERVICE and AUDIT_WRITE: bits 5, 10 and 29.
        for field in ("CapPrm", "CapEff", "CapBnd"):
            self.assertIn(f"{field}:\t{1 << 5 | 1 << 10 | 1 << 29:016x}", status)
        self.assertIn("CapInh:\t0000000000000000", status)
        self.assertIn("NoNewPrivs:\t1", status)

    def test_seccomp(self):
        def change(config):
            config["linux"]["seccomp"] = {
                "defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86"],
                "syscalls": [{"names": ["mkdir", "mkdirat", "not_a_call"], "action": "SCMP_ACT_ERRNO", "errnoRet": 95},
                             {"names": ["kill"], "action": "SCMP_ACT_ERRNO",
                              "args": [{"index": 1, "value": 10, "op": "SCMP_CMP_EQ"}]}]}
        script = "mkdir /tmp/x; kill -10 $$ || echo refused; kill -0 $$ && echo allowed; grep Seccomp: /proc/self/status"
        for no_new_privileges in (True, False):
            def both(config):
                change(config)
                config["process"]["noNewPrivileges"] = no_new_privileges
            config = self.config("/bin/sh", "-c", script)
            both(config)
            ended = self.run_config(config)
            self.assertIn("Operation not supported", ended.stderr)  # errno 95
            self.assertEqual(ended.stdout.split(), ["refused", "allowed", "Seccomp:", "2"], ended)

    def test_seccomp_listener(self):
        path = str(self.folder / "agent")
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(path)
            listener.listen()
            config = self.config("/bin/true")
            config["linux"]["seccomp"] = {"defaultAction": "SCMP_ACT_ALLOW", "listenerPath": path, "listenerMetadata": "words",
                                          "syscalls": [{"names": ["swapon"], "action": "SCMP_ACT_NOTIFY"}]}
            self.check(self.run_config(config))
            connection, _ = listener.accept()
            with connection:
                data, control, _, _ = connection.recvmsg(10000, socket.CMSG_SPACE(4))
        told = json.loads(data)
        self.assertEqual((told["metadata"], told["fds"], told["state"]["id"]), ("words", ["seccompFd"], self.id))
        os.close(array.array("i", control[0][2])[0])

    def test_devices(self):
        def change(config):
            config["process"]["capabilities"]["effective"].append("CAP_MKNOD")
            config["process"]["capabilities"]["permitted"].append("CAP_MKNOD")
            config["process"]["capabilities"]["bounding"].append("CAP_MKNOD")
            config["linux"]["devices"] = [{"path": "/dev/x/one", "type": "c", "major": 1, "minor": 5, "fileMode": 0o640, "gid": 9}]
        said = self.run_shell("stat -c %a:%g:%t:%T /dev/x/one; head -c 3 /dev/x/one | od -An -tx1; echo x > /dev/null; "
                              "mknod /dev/memory c 1 1 && head -c 1 /dev/memory; echo; readlink /dev/ptmx", change)
        self.assertEqual(said.split("\n")[:2], ["640:9:1:5", " 00 00 00"])
        self.assertTrue(said.endswith("\npts/ptmx\n"), said)

    def test_mounts(self):
        source = self.folder / "source"
        source.mkdir()
        (source / "file").write_text("shared")
        (self.rootfs / "filled").mkdir()
        (self.rootfs / "filled" / "old").write_text("old")

        def change(config):
            config["mounts"] += [
                {"destination": "/a/b", "source": str(source), "options": ["rbind", "ro"]},
                {"destination": "/c", "source": str(source / "file"), "type": "bind", "options": ["bind"]},
                {"destination": "/filled", "type": "tmpfs", "source": "tmpfs", "options": ["tmpcopyup", "size=1m", "nodev"]}]
        said = self.run_shell("cat /a/b/file /c /filled/old; touch /a/b/x 2>/dev/null || echo read-only; touch /filled/x; ls /filled",
                              change)
        self.assertEqual(said, "sharedsharedoldread-only\nold\nx\n")

    def test_namespaces_joined(self):
        self.start(self.config("/bin/sleep", "100"))
        first = self.state()["pid"]
        config = self.config("/bin/readlink", "/proc/self/ns/net")
        for one in config["linux"]["namespaces"]:
            if one["type"] == "network":
                one["path"] = f"/proc/{first}/ns/net"
        ended = self.oci("run", "-b", self.bundle(config), self.id + "-second")
        self.assertEqual(self.check(ended).strip(), os.readlink(f"/proc/{first}/ns/net"))
        for one in config["linux"]["namespaces"]:
            if one["type"] == "network":
                one["path"] = f"/proc/{first}/ns/uts"
        self.assertIn("is not one of type 'net'", self.oci("run", "-b", self.bundle(config), self.id + "-third").stderr)

    def test_memory_policy(self):
        if not os.path.exists("/proc/self/numa_maps"):
            self.skipTest("this kernel knows no nodes of memory")
        for policy, says in (({"mode": "MPOL_BIND", "nodes": "0"}, " bind:0 "), ({"mode": "MPOL_INTERLEAVE", "nodes": "0,0-0"}, " interleave:0 "),
                             ({"mode": "MPOL_BIND", "nodes": "0", "flags": ["MPOL_F_STATIC_NODES"]}, " bind=static:0 ")):
            def change(config):
                config["linux"]["memoryPolicy"] = policy
            self.assertIn(says, self.run_shell("cat /proc/self/numa_maps", change))

    def test_mounts_with_ids_of_their_own(self):
        shared = self.folder / "shared"
        shared.mkdir()
        shared.chmod(0o777)
        (shared / "old").write_text("")
        maps = [{"containerID": 0, "hostID": 3000, "size": 10}]

        def change(config):
            config["mounts"].append({"destination": "/tmp", "source": str(shared), "type": "bind", "options": ["bind", "rw", "idmap"],
                                     "uidMappings": maps, "gidMappings": maps})

        os.chown(shared / "old", 0, 0)
        self.assertEqual(self.run_shell("touch /tmp/no 2>/dev/null || echo refused; stat -c %u:%g /tmp/old", change).split(), ["refused", "3000:3000"])

        def wrong(config):
            config["mounts"].append({"destination": "/tmp", "source": "tmpfs", "type": "tmpfs", "uidMappings": maps, "gidMappings": maps})

        config = self.config("true")
        wrong(config)
        self.assertIn("mount /tmp: uidMappings and gidMappings are for binds", self.run_config(config).stderr)

    def test_net_devices(self):
        space, device = f"strata-{os.getpid()}", {"v0": {"name": "eth0"}, "v1": {}}
        if subprocess.run(["ip", "netns", "add", space]).returncode != 0:
            self.skipTest("no network namespaces here")
        self.addCleanup(subprocess.run, ["ip", "netns", "del", space])
        inside = ["ip", "netns", "exec", space]
        self.addCleanup(setattr, self, "before", self.before)
        self.before = [*inside, *self.before]

        def run(devices, script):
            subprocess.run([*inside, "ip", "link", "del", "v0"], stderr=subprocess.DEVNULL)
            subprocess.run([*inside, "sh", "-ec", "ip link add v0 mtu 1400 type veth peer v1; ip address add 10.1.2.3/24 dev v0; ip link set v0 up"],
                           check=True)
            config = self.config("sh", "-c", script)
            config["linux"]["netDevices"] = devices
            return self.run_config(config)

        (self.rootfs / "bin" / "ip").symlink_to("busybox")
        said = self.check(run(device, "ip address show eth0; ip link show v1"))
        self.assertRegex(said, r"eth0@v1: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1400")
        self.assertIn("inet 10.1.2.3/24", said)
        self.assertRegex(said, "v1@eth0: <BROADCAST,MULTICAST,UP")
        for devices, refusal in (({"none": {}}, "linux.netDevices.none: the kernel: No such device"),
                                 ({"v0": {"name": "lo"}}, "linux.netDevices.v0: the container has an interface lo already"),
                                 ({"v0": {"name": "a%d"}}, "linux.netDevices.v0.name: must be the name of an interface"),
                                 ({"v0": []}, "linux.netDevices.v0: must be")):
            ended = run(devices, "true")
            self.assertNotEqual(ended.returncode, 0, devices)
            self.assertIn(refusal, ended.stderr)
            self.assertIn("v0", subprocess.run([*inside, "ip", "link"], capture_output=True, text=True).stdout)

    def test_landlock(self):
        if not bundles.attempt:
            self.skipTest("the program of attempts is not given")
        shutil.copy(bundles.attempt, self.rootfs / "bin" / "attempt")
        script = ("for p in /a/x /b/x; do echo > $p && echo $p; done; ln /a/x /b/y && echo link; rm -f /b/old && echo rm; echo > /dev/null && echo null; "
                  "for p in 80 81; do attempt bind $p && echo $p; done; mount -t tmpfs t /a && echo mounted")

        def run(landlock, refusal=None):
            for folder in ("a", "b"):
                shutil.rmtree(self.rootfs / folder, ignore_errors=True)
                (self.rootfs / folder).mkdir()
            (self.rootfs / "b" / "old").touch()
            config = self.config("/bin/sh", "-c", f"exec 2>/dev/null; {script}; true")
            config["root"]["readonly"] = False
            config["strata"] = {"landlock": landlock} if landlock is not None else {}
            for names in config["process"]["capabilities"].values():
                names.append("CAP_SYS_ADMIN")
            ended = self.run_config(config)
            if refusal:
                self.assertIn(refusal, ended.stderr)
                return None
            if "needs version" in ended.stderr:
                self.skipTest(ended.stderr.strip())
            return self.check(ended).split()
        self.assertEqual(run(None), ["/a/x", "/b/x", "link", "rm", "null", "80", "81", "mounted"])
        self.assertEqual(run({"writable": ["/a"]}), ["/a/x", "null", "80", "81"])
        self.assertEqual(run({"bindTcp": [81], "connectTcp": []}), ["/a/x", "/b/x", "link", "rm", "null", "81", "mounted"])
        run({"writable": ["/nowhere"]}, "strata.landlock.writable /nowhere")
        run({"writable": ["a"]}, "strata.landlock.writable: must be absolute paths")
        run({"bindTcp": [70000]}, "strata.landlock.bindTcp[0]: must be a whole number from 0 to 65535")
        run({}, "must have writable, bindTcp or connectTcp")

    def test_landlock_holds_for_exec(self):
        config = self.config("/bin/sleep", "100")
        config["root"]["readonly"] = False
        config["strata"] = {"landlock": {"writable": ["/tmp"]}}
        self.start(config)
        self.assertNotEqual(self.oci("exec", self.id, "touch", "/x").returncode, 0)
        self.check(self.oci("exec", self.id, "touch", "/tmp/x"))

    def test_time_namespace(self):
        def change(config):
            config["linux"]["namespaces"].append({"type": "time"})
            config["linux"]["timeOffsets"] = {"boottime": {"secs": 10_000_000}}
        self.assertGreater(float(self.run_shell("cat /proc/uptime", change).split()[0]), 10_000_000)

    def test_user_namespace_of_root(self):
        def change(config):
            config["linux"]["namespaces"].append({"type": "user"})
            for name in ("uidMappings", "gidMappings"):
                config["linux"][name] = [{"containerID": 0, "hostID": 100000, "size": 1000}]
        os.chown(self.rootfs, 100000, 100000)
        said = self.run_shell("cat /proc/self/uid_map; id -u; cat /dev/null; echo x > /dev/null; ls /dev", change)
        self.assertEqual(said.split()[:4], ["0", "100000", "1000", "0"])
        self.assertIn("urandom", said)


class VersionTwoAlone(ContainerTest):
    """As most hosts are: one hierarchy, in which a process can begin, and no files for devices."""

    before = bundles.v2_alone

    def setUp(self):
        super().setUp()
        probe = subprocess.run([*bundles.v2_alone, "true"], capture_output=True, text=True)
        if probe.returncode != 0:
            self.skipTest(f"no cgroups of version 2: {probe.stderr.strip()}")

    def test_run_and_exec(self):
        self.start(self.config("/bin/sleep", "100"))
        folder, = self.cgroups_left()
        with open(f"{folder}/cgroup.procs") as file:
            self.assertEqual(file.read(), f"{self.state()['pid']}\n")
        said = self.check(self.oci("exec", self.id, "sh", "-c", "cat /proc/self/cgroup; ls /sys/fs/cgroup"))
        self.assertIn("0::/\n", said)
        self.assertIn("cgroup.procs", said)
        self.check(self.oci("pause", self.id))
        self.assertEqual(self.state()["status"], "paused")
        self.check(self.oci("delete", "--force", self.id))
        self.assertEqual(self.cgroups_left(), [])

    def test_device_rules(self):
        # The device of the kernel's messages, 1:11, is none that each container has.
        for rules, says in (([], "1"), ([{"allow": True}], "1"), ([{"allow": False}], "0"),
                            ([{"allow": False}, {"allow": True, "type": "c", "major": 1, "minor": 11, "access": "r"}], "1"),
                            ([{"allow": False}, {"allow": True, "type": "c", "major": 1, "minor": 11, "access": "w"}], "0"),
                            ([{"allow": True}, {"allow": False, "type": "c", "major": 1, "access": "r"}], "0")):
            def change(config):
                config["linux"]["resources"] = {"devices": rules}
                for name in ("bounding", "effective", "permitted"):
                    config["process"]["capabilities"][name] += ["CAP_MKNOD", "CAP_SYSLOG"]
            said = self.run_shell("mknod /dev/messages c 1 11; (: < /dev/messages) 2> /dev/null && echo 1 || echo 0",
                                  change)
            self.assertEqual(said.strip(), says, rules)


class Rootless(ContainerTest):
    def run_by_user(self, config):
        for name in ("uidMappings", "gidMappings"):
            config["linux"][name] = [{"containerID": 0, "hostID": 4321, "size": 1}]
        place = self.bundle(config)
        state = self.folder / "own"
        state.mkdir()
        os.chown(state, 4321, 4321)
        return subprocess.run(["setpriv", "--reuid=4321", "--regid=4321", "--clear-groups", bundles.runtime, "--root", str(state),
                               "run", "-b", place, self.id], capture_output=True, text=True, timeout=30)

    def test_by_an_ordinary_user(self):
        config = self.config("/bin/sh", "-c", "id -u; id -g; cat /proc/self/uid_map; echo x > /dev/null; exit 4", rootless=True)
        ended = self.run_by_user(config)
        self.assertEqual(ended.returncode, 4, ended)
        self.assertEqual(ended.stdout.split(), ["0", "0", "0", "4321", "1"])

    def test_hooks_of_an_ordinary_user_find_the_namespaces(self):
        config = self.config("true", rootless=True)
        namespaces = config["linux"]["namespaces"]
        namespaces += [] if {"type": "network"} in namespaces else [{"type": "network"}]
        enter = (r"""pid=$(tr -d ' \n' | sed 's/.*"pid":\([0-9]*\).*/\1/'); """
                 "exec nsenter -t $pid -U -n --preserve-credentials ip link set lo up")
        config["hooks"] = {"createRuntime": [{"path": "/bin/sh", "args": ["sh", "-c", enter], "env": [f"PATH={os.environ['PATH']}"]}]}
        self.check(self.run_by_user(config))


    def test_time_namespace_of_an_ordinary_user(self):
        config = self.config("/bin/sh", "-c", "cat /proc/uptime", rootless=True)
        for name in ("uidMappings", "gidMappings"):
            config["linux"][name] = [{"containerID": 0, "hostID": 4321, "size": 1}]
        config["linux"]["namespaces"].append({"type": "time"})
        config["linux"]["timeOffsets"] = {"boottime": {"secs": 10_000_000}}
        place = self.bundle(config)
        state = self.folder / "own"
        state.mkdir()
        os.chown(state, 4321, 4321)
        ended = subprocess.run(["setpriv", "--reuid=4321", "--regid=4321", "--clear-groups", bundles.runtime, "--root", str(state),
                                "run", "-b", place, self.id], capture_output=True, text=True, timeout=30)
        self.assertEqual(ended.returncode, 0, ended)
        self.assertGreater(float(ended.stdout.split()[0]), 10_000_000)


class BadInput(ContainerTest):
    def expect(self, words, config, code=1):
        ended = self.run_config(config)
        self.assertEqual(ended.returncode, code, ended)
        self.assertEqual(ended.stderr.count("\n"), 1, ended)
        for word in words.split("|"):
            self.assertIn(word, ended.stderr)
        self.assertFalse(self.root.exists() and os.listdir(self.root))
        self.assertEqual(self.cgroups_left(), [])

    def changed(self, path, value):
        config = self.config("/bin/true")
        at = config
        *parents, last = path.split(".")
        for name in parents:
            at = at[name]
        at[last] = value
        return config

    def test_configurations(self):
        self.expect("config.json|not valid JSON", "{")
        self.expect("must be a JSON object", "[]")
        self.expect("ociVersion: is missing", "{}")
        cases = [("process.args", "sh", "process.args: must be a list"), ("process.args", [], "must name a program"),
                 ("process.args", ["a\0b"], "NUL"), ("process.cwd", "tmp", "absolute"), ("process.user.uid", -1, "whole number"),
                 ("process.rlimits", [{"type": "RLIMIT_X", "soft": 1, "hard": 2}], "'RLIMIT_X' is unknown"),
                 ("process.rlimits", [{"type": "RLIMIT_CPU", "soft": 3, "hard": 2}], "soft is above hard"),
                 ("root.path", "nowhere", "root.path nowhere"), ("ociVersion", "7.0.0", "ociVersion"),
                 ("linux.namespaces", [{"type": "moon"}], "linux.namespaces[0].type: 'moon' is unknown"),
                 ("linux.namespaces", [{"type": "uts"}], "no mount namespace"),
                 ("linux.namespaces", [{"type": "mount"}, {"type": "mount"}], "listed twice"),
                 ("linux.uidMappings", [{"containerID": 0, "hostID": 0, "size": 1}], "needs a new user namespace"),
                 ("linux.sysctl", {"kernel.panic": "1"}, "sysctl kernel.panic is the host's"),
                 ("linux.resources", {"memory": {"limit": "much"}}, "linux.resources.memory.limit: must be a whole number"),
                 ("linux.resources", {"unified": {"../../x": "1"}}, "not the name of a file"),
                 ("linux.seccomp", {"defaultAction": "SCMP_ACT_SING"}, "'SCMP_ACT_SING' is unknown"),
                 ("linux.intelRdt", {"closID": "x"}, "linux.intelRdt: is not supported"),
                 ("linux.memoryPolicy", {"mode": "MPOL_FAR"}, "linux.memoryPolicy.mode: 'MPOL_FAR' is unknown"),
                 ("linux.memoryPolicy", {"mode": "MPOL_BIND", "nodes": "0-"}, "linux.memoryPolicy.nodes: must be a list"),
                 ("linux.memoryPolicy", {"mode": "MPOL_BIND", "nodes": "900"}, "linux.memoryPolicy (are its nodes there"),
                 ("linux.rootfsPropagation", "wide", "'wide' is unknown"),
                 ("hooks", {"prestart": [{"path": "relative"}]}, "hooks.prestart[0].path: must be an absolute path"),
                 ("mounts", [{"destination": "/x", "type": "nofs", "source": "x"}], "mounting x (nofs) on /x|file system nofs"),
                 ("mounts", [{"destination": "/x", "type": "tmpfs", "options": ["size=lots"]}], "Bad value for 'size'"),
                 ("mounts", [{"destination": "/x", "source": "/no/such", "options": ["bind"]}], "/no/such"),
                 ("process.args", ["nothing-here"], "nothing-here: executable file not found"),
                 ("process.args", ["/etc/passwd"], "permission denied")]
        for path, value, words in cases:
            with self.subTest(path=path, value=value):
                self.expect(words, self.changed(path, value))

    def test_too_large(self):
        self.expect("has more than", json.dumps(self.config("/bin/true")) + " " * (17 << 20))

    def test_deep(self):
        self.expect("config.json", '{"a":' * 100_000 + "1" + "}" * 100_000)

    def test_words(self):
        for words, says in (([], "subcommand"), (["fly"], "fly"), (["run"], "ID is required"), (["state", "../x"], "no container id"),
                            (["kill", self.id, "LOUD"], "'LOUD' is no signal"), (["start", "nobody"], "'nobody' does not exist"),
                            (["checkpoint", "x"], "not supported"), (["run", "-b", "/no/such", "x"], "/no/such"),
                            (["create", "--no-pivot", "x"], "--no-pivot")):
            ended = self.oci(*words)
            self.assertIn(ended.returncode, (1, 2), ended)
            self.assertEqual(ended.stderr.count("\n"), 1, ended)
            self.assertIn(says, ended.stderr)

    def test_log_as_engines_read_it(self):
        log = self.folder / "log.json"
        self.oci("--log", str(log), "--log-format", "json", "state", "nobody")
        line = json.loads(log.read_text())
        self.assertEqual((line["level"], line["msg"]), ("error", "container 'nobody' does not exist"))

    def test_two_of_one_name(self):
        self.start(self.config("/bin/sleep", "100"))
        second = self.oci("create", "-b", self.bundle(self.config("/bin/true")), self.id)
        self.assertIn("exists already", second.stderr)
        self.assertEqual(self.state()["status"], "running")


if __name__ == "__main__":
    bundles.take_arguments()
    bundles.skip_unless_possible()
    unittest.main()
