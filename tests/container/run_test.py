#!/usr/bin/env python3
"""Containers as a user runs them: `strata run IMAGE --as container`, and the everyday verbs.

    run_test.py STRATA [CLASS]...

The containers have no network here unless a test is about that.
"""
import json
import os
import pty
import random
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import termios
import time
import unittest
from fcntl import ioctl
from pathlib import Path

import bundles
import images

strata = None


class RunTest(unittest.TestCase):
    """A store of its own with one image of a busybox; afterwards nothing may be left."""

    @classmethod
    def setUpClass(cls):
        cls.folder = Path(tempfile.mkdtemp(prefix="strata-run-test."))
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        cls.folder.chmod(0o755)
        cls.tree = cls.folder / "tree"
        bundles.make_rootfs(cls.tree)
        (cls.tree / "etc" / "group").write_text("root:x:0:\nusers:x:100:ann\n")
        cls.data, cls.runtime = cls.folder / "data", cls.folder / "run"
        cls.runtime.mkdir(mode=0o700)
        images.put_image(cls.data, "box", cls.tree, {"Cmd": ["sh", "-c", "echo the image"], "Env": ["FROM=image"],
                                                     "Labels": {"a": "b"}})
        cls.environment = {**os.environ, "XDG_DATA_HOME": str(cls.data), "XDG_RUNTIME_DIR": str(cls.runtime)}
        cls.prefix = f"t{os.getpid()}-"

    def setUp(self):
        self.addCleanup(self.nothing_is_left)
        self.name = f"{self.prefix}{random.randrange(1 << 30):x}"

    def strata(self, *words, **options):
        options.setdefault("timeout", 60)
        options.setdefault("stdin", subprocess.DEVNULL)
        return subprocess.run([*self.as_user(), strata, *words], env=self.environment, capture_output=True, text=True, **options)

    def as_user(self):
        return []

    def check(self, *words, code=0, **options):
        ended = self.strata(*words, **options)
        self.assertEqual(ended.returncode, code, ended)
        return ended.stdout

    def run_words(self, *options):
        return ["run", "box", "--as", "container", "--net", "none", *options]

    def run_box(self, *words, options=(), code=0, **others):
        return self.check(*self.run_words(*options), *words, code=code, **others)

    def refuse(self, expected, *words, code=2):
        """One line that says it, and that exit code."""
        ended = self.strata(*words)
        self.assertEqual(ended.returncode, code, ended)
        self.assertEqual(ended.stdout, "")
        self.assertEqual(ended.stderr.count("\n"), 1, ended.stderr)
        self.assertIn(expected, ended.stderr)

    def start(self, *words, options=()):
        self.assertEqual(self.run_box(*words, options=("-d", "--name", self.name, *options)), self.name + "\n")
        return self.name

    def state(self, name=None):
        rows = json.loads(self.check("ps", "--all", "--json"))
        return next((row for row in rows if row["name"] == (name or self.name)), None)

    def wait_for(self, condition, what, seconds=20):
        end = time.monotonic() + seconds
        while not condition():
            self.assertLess(time.monotonic(), end, f"waited {seconds} s: {what}")
            time.sleep(0.02)

    def left_over(self):
        left = [str(path) for place in (self.data / "strata" / "containers", self.runtime / "strata" / "containers")
                if place.exists() for path in place.iterdir()]
        left += subprocess.run(["find", "/sys/fs/cgroup", "-maxdepth", "4", "-type", "d", "-name", f"*{self.prefix}*"],
                               capture_output=True, text=True).stdout.split()
        with open("/proc/self/mounts") as mounts:
            left += [line for line in mounts if str(self.folder) in line]
        return left + self.processes_left()

    def processes_left(self):
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                words = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except OSError:
                continue
            if str(self.folder) in words and int(pid) != os.getpid():
                found.append(words)
        return found

    def nothing_is_left(self):
        self.strata("rm", "--force", "--all")
        self.wait_for(lambda: not self.left_over(), "nothing is left")


class Foreground(RunTest):
    def test_what_runs(self):
        self.assertEqual(self.run_box(), "the image\n")
        self.assertEqual(self.run_box("echo", "a", "--memory", "b"), "a --memory b\n")
        self.assertEqual(self.run_box("a", "b", options=("--entrypoint", "/bin/echo")), "a b\n")

    def test_outputs_and_exit_code(self):
        ended = self.strata(*self.run_words(), "sh", "-c", "echo out; echo err >&2; exit 7")
        self.assertEqual((ended.stdout, ended.stderr, ended.returncode), ("out\n", "err\n", 7))
        self.run_box("sh", "-c", "sh -c 'kill -9 $$'; exit $?", code=137)

    def test_without_a_name_nothing_stays(self):
        self.run_box("true")
        self.assertEqual(json.loads(self.check("ps", "--all", "--json")), [])

    def test_with_a_name_it_stays(self):
        self.run_box("sh", "-c", "echo kept > /kept; exit 3", options=("--name", self.name), code=3)
        self.assertEqual((self.state()["state"], self.state()["exitCode"]), ("stopped", 3))
        self.refuse("already", *self.run_words("--name", self.name), code=1)
        self.check("rm", self.name)
        self.run_box("sh", "-c", "[ ! -e /kept ]", options=("--name", self.name, "--rm"))
        self.assertIsNone(self.state())

    def test_input(self):
        self.assertEqual(self.run_box("cat", options=("-i",), stdin=None, input="hello"), "hello")
        self.assertEqual(self.run_box("cat", stdin=None, input="not passed on"), "")
        big = "0123456789abcde\n" * 100_000
        self.assertEqual(self.run_box("cat", options=("-i",), stdin=None, input=big), big)

    def test_variables(self):
        (self.folder / "variables").write_text("# a comment\nC=3\nD=4 5\n")
        self.environment["HOME_OF_TEST"] = "x"
        said = self.run_box("env", options=("--env", "A=1", "--env", "HOME_OF_TEST", "--env-file", str(self.folder / "variables")))
        self.assertLessEqual({"A=1", "HOME_OF_TEST=x", "C=3", "D=4 5", "FROM=image"}, set(said.splitlines()))

    def test_users_are_looked_up_inside(self):
        self.assertEqual(self.run_box("id", options=("--user", "ann")).split()[:2], ["uid=1000(ann)", "gid=1000"])
        self.assertIn("100(users)", self.run_box("id", options=("--user", "ann")))
        self.assertEqual(self.run_box("id", "-u", options=("--user", "77:88")), "77\n")
        self.refuse("no user 'eve'", *self.run_words("--user", "eve"), code=1)

    def test_places(self):
        self.assertEqual(self.run_box("sh", "-c", "pwd; hostname", options=("--workdir", "/tmp", "--hostname", "inside")), "/tmp\ninside\n")
        self.run_box("sh", "-c", "! touch /x 2>/dev/null && touch /scratch/x", options=("--read-only", "--tmpfs", "/scratch:1M"))
        shared = self.folder / "shared"
        shared.mkdir(exist_ok=True)
        (shared / "f").write_text("of the host")
        said = self.run_box("sh", "-c", "cat /s/f; touch /s/x 2>/dev/null || echo ' ro'; id -u; stat -c %u /s/f",
                            options=("--share", f"{shared}:/s:ro"))
        self.assertEqual(said, "of the host ro\n0\n0\n")
        self.run_box("touch", "/s/written", options=("--share", f"{shared}:/s"))
        self.assertEqual((shared / "written").stat().st_uid, os.geteuid())

    def test_volumes_stay(self):
        self.run_box("sh", "-c", "echo 1 > /v/f", options=("--volume", "data:/v"))
        self.assertEqual(self.run_box("cat", "/v/f", options=("--volume", "data:/v:ro")), "1\n")

    def test_init(self):
        said = self.run_box("sh", "-c", "echo $$", options=("--init",))
        self.assertNotEqual(said, "1\n")
        self.run_box("sh", "-c", "exit 9", options=("--init",), code=9)

    def test_timeout(self):
        self.run_box("sleep", "100", options=("--timeout", "1s", "--stop-timeout", "0"), code=124)

    def test_signals_are_passed_on(self):
        process = subprocess.Popen([*self.as_user(), strata, *self.run_words(), "sh", "-c",
                                    "trap 'exit 33' USR1; echo ready; while :; do sleep 0.05; done"],
                                   env=self.environment, stdout=subprocess.PIPE, text=True)
        self.assertEqual(process.stdout.readline(), "ready\n")
        process.send_signal(signal.SIGUSR1)
        self.assertEqual(process.wait(20), 33)
        process.stdout.close()

    def test_toml(self):
        file = self.folder / "box.toml"
        file.write_text('as = "container"\nimage = "box"\ncommand = ["sh", "-c", "echo $A; pwd"]\nenv = ["A=b"]\nnet = "none"\n'
                        'workdir = "/tmp"\nlog-size = "64K"\ninteractive = false\n')
        self.assertEqual(self.check("run", str(file)), "b\n/tmp\n")
        file.write_text('as = "container"\nimage = "box"\nmemroy = "64M"\n')
        self.refuse("box.toml:3: there is no option 'memroy'", "run", str(file))


class Terminal(RunTest):
    def open_terminal(self, *words):
        pid, master = pty.fork()
        if pid == 0:
            ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 31, 77, 0, 0))
            os.execvpe((self.as_user() or [strata])[0], [*self.as_user(), strata, *words], self.environment)
        self.addCleanup(os.close, master)
        return pid, master

    def read_until(self, master, text):
        said = b""
        while text not in said:
            self.assertTrue(select.select([master], [], [], 20)[0], f"waiting for {text}: {said}")
            try:
                said += os.read(master, 1000)
            except OSError:
                self.fail(f"ended before {text}: {said}")
        return said

    def test_size_keys_and_exit_code(self):
        pid, master = self.open_terminal(*self.run_words("-it"), "sh")
        os.write(master, b"stty size; echo do''ne\n")
        self.assertIn(b"31 77", self.read_until(master, b"done\r\n"))
        ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 90, 0, 0))
        os.write(master, b"sleep 0.2; stty size\n")
        self.read_until(master, b"40 90")
        # At its prompt the shell takes Ctrl-C as a character: the key is for a program that runs.
        os.write(master, b"echo run''ning; sleep 50\n")
        self.read_until(master, b"running\r\n")
        os.write(master, b"\x03")  # Ctrl-C is the container's
        os.write(master, b"exit 5\n")
        self.read_until(master, b"exit 5\r\n")
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), 5)

    def test_leaving_and_coming_back(self):
        pid, master = self.open_terminal(*self.run_words("-it", "--name", self.name), "sh")
        os.write(master, b"A=kept; echo rea''dy\n")
        self.read_until(master, b"ready")
        os.write(master, b"\x1dq")
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), 0)
        self.assertEqual(self.state()["state"], "running")
        pid, master = self.open_terminal("attach", self.name)
        os.write(master, b"echo $A-$A; exit 4\n")
        self.read_until(master, b"kept-kept")
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), 4)

    def test_exec(self):
        self.start("sleep", "100")
        pid, master = self.open_terminal("exec", "-it", self.name, "sh")
        os.write(master, b"tty; stty size; exit 6\n")
        self.read_until(master, b"31 77")
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), 6)


class Detached(RunTest):
    def test_from_run_to_rm(self):
        self.start("sh", "-c", "echo out; echo err >&2; sleep 100", options=("--stop-timeout", "0"))
        self.assertEqual(self.state()["state"], "running")
        self.wait_for(lambda: self.check("logs", self.name) == "out\n", "the log")
        self.refuse("is running", "rm", self.name, code=1)
        self.check("stop", self.name)
        self.assertEqual(self.state()["state"], "stopped")
        self.check("stop", self.name)
        self.check("start", self.name)
        self.assertEqual(self.state()["state"], "running")
        self.refuse("is running", "start", self.name, code=1)
        self.check("rm", "--force", self.name)
        self.assertIsNone(self.state())
        self.check("rm", "--force", self.name)
        self.refuse("strata ps --all", "rm", self.name, code=1)

    def test_stop_sends_the_signal(self):
        self.start("sh", "-c", "trap 'echo stopping; exit 3' INT; echo ready; while :; do sleep 0.05; done",
                   options=("--stop-signal", "INT"))
        self.wait_for(lambda: "ready" in self.check("logs", self.name), "the trap")
        self.check("stop", self.name)
        self.assertEqual(self.state()["exitCode"], 3)
        self.assertEqual(self.check("wait", self.name), "3\n")
        self.assertEqual(self.check("logs", "--tail", "1", self.name), "stopping\n")

    def test_kill_and_wait(self):
        self.start("sleep", "100")
        waiting = subprocess.Popen([*self.as_user(), strata, "wait", self.name], env=self.environment, stdout=subprocess.PIPE, text=True)
        self.check("kill", self.name)
        self.assertEqual(waiting.communicate(timeout=20)[0], "137\n")
        self.refuse("strata start", "kill", self.name, code=1)

    def test_exec(self):
        self.start("sleep", "100", options=("--env", "A=1"))
        self.assertEqual(self.check("exec", "--env", "B=2", "--workdir", "/tmp", self.name, "sh", "-c", "echo $A $B; pwd"), "1 2\n/tmp\n")
        self.assertEqual(self.check("exec", "--user", "ann", self.name, "id", "-un"), "ann\n")
        self.assertEqual(self.check("exec", "-i", self.name, "cat", stdin=None, input="in"), "in")
        self.check("exec", self.name, "sh", "-c", "exit 8", code=8)
        self.check("exec", "-d", self.name, "touch", "/tmp/detached")
        self.wait_for(lambda: self.strata("exec", self.name, "test", "-e", "/tmp/detached").returncode == 0, "the program")
        self.refuse("nosuch", "exec", self.name, "nosuch", code=1)
        self.check("kill", self.name)
        self.wait_for(lambda: self.state()["state"] == "stopped", "the end")
        self.refuse("strata start", "exec", self.name, "true", code=1)

    def test_logs(self):
        self.start("sh", "-c", "for i in 1 2 3 4 5; do echo line $i; done; printf part; sleep 0.3; echo ' rest'; sleep 0.2")
        followed = self.check("logs", "--follow", self.name)
        self.assertEqual(followed, "".join(f"line {i}\n" for i in range(1, 6)) + "part rest\n")
        self.assertEqual(self.check("logs", "--tail", "2", self.name), "line 5\npart rest\n")
        self.assertRegex(self.check("logs", "--timestamps", "--tail", "1", self.name), r"^20\d\d-\d\d-\d\dT[\d:.]+Z part rest\n$")
        self.assertEqual(self.check("logs", "--since", "1h", self.name), followed)
        self.assertEqual(self.check("logs", "--since", "2999-01-01T00:00:00Z", self.name), "")
        self.refuse("--since 'soon'", "logs", "--since", "soon", self.name)

    def test_log_rotation(self):
        self.start("sh", "-c", "for i in $(seq 300); do echo $i 0123456789012345678901234567890123456789; done",
                   options=("--log-size", "4K", "--log-files", "2"))
        self.check("wait", self.name)
        folder = self.data / "strata" / "containers" / self.name
        self.assertEqual(sorted(path.name for path in folder.glob("log*")), ["log", "log.1"])
        for path in folder.glob("log*"):
            self.assertLess(path.stat().st_size, 4096 + 200)
        self.assertEqual(self.check("logs", "--tail", "1", self.name).split()[0], "300")

    def test_restart(self):
        self.start("sh", "-c", "echo x >> /count; exit 3", options=("--restart", "on-failure:2"))
        self.check("wait", self.name)
        self.assertEqual((self.state()["restarts"], self.state()["exitCode"]), (2, 3))
        self.check("rm", self.name)
        self.start("sh", "-c", "sleep 0.05", options=("--restart", "always"))
        self.wait_for(lambda: self.state()["restarts"] >= 2, "two restarts")
        self.check("stop", self.name)
        self.assertEqual(self.state()["state"], "stopped")

    def test_health(self):
        self.start("sleep", "100", options=("--health-cmd", "test -e /well", "--health-interval", "1s", "--health-retries", "1"))
        self.wait_for(lambda: self.state()["health"] == "unhealthy", "the first check")
        self.check("exec", self.name, "touch", "/well")
        self.wait_for(lambda: self.state()["health"] == "healthy", "the next check")

    def test_pause(self):
        self.start("sh", "-c", "while :; do echo x; sleep 0.02; done")
        self.check("pause", self.name)
        self.assertEqual(self.state()["state"], "paused")
        size = len(self.check("logs", self.name))
        time.sleep(0.2)
        self.assertEqual(len(self.check("logs", self.name)), size)
        self.check("unpause", self.name)
        self.wait_for(lambda: len(self.check("logs", self.name)) > size, "it goes on")
        self.check("pause", self.name)
        self.check("stop", "--timeout", "0", self.name)

    def test_update_and_stats(self):
        self.start("sleep", "100", options=("--memory", "64M", "--pids", "20"))
        self.check("update", self.name, "--memory", "96M", "--pids", "30", "--cpus", "0.5", "--restart", "always")
        stats = json.loads(self.check("stats", "--once", "--json", self.name))[0]
        if stats["memoryLimit"] is None:
            self.skipTest("no memory controller here")
        self.assertEqual((stats["memoryLimit"], stats["pidsLimit"]), (96 << 20, 30))
        self.assertGreater(stats["memory"], 0)
        self.check("kill", self.name)
        self.wait_for(lambda: self.state()["restarts"] == 1 and self.state()["state"] == "running", "the new policy")
        stats = json.loads(self.check("stats", "--once", "--json", self.name))[0]
        self.assertEqual(stats["memoryLimit"], 96 << 20)
        self.refuse("--memory: the value '1Q'", "update", self.name, "--memory", "1Q")
        self.refuse("nothing to change", "update", self.name)

    def test_attach(self):
        self.start("sh", "-c", "read line; echo got $line; exit 5", options=("-i",))
        self.assertEqual(self.check("attach", self.name, code=5, stdin=None, input="hello\n"), "got hello\n")

    def test_a_detached_one_removes_itself(self):
        self.start("sh", "-c", "sleep 0.1", options=("--rm",))
        self.wait_for(lambda: self.state() is None, "it is gone")

    def test_many_at_once(self):
        names = [f"{self.name}-{n}" for n in range(6)]
        for name in names:
            self.name = name
            self.start("sleep", "100")
        self.check("rm", "--force", *names)
        self.assertEqual(json.loads(self.check("ps", "--all", "--json")), [])


class Closed(RunTest):
    """What a container may not do unless told otherwise."""

    def test_rights(self):
        status = dict(line.split(":\t", 1) for line in self.run_box("cat", "/proc/self/status").splitlines() if ":\t" in line)
        self.assertEqual(int(status["CapEff"], 16), 0xa80425fb)
        self.assertEqual(int(status["CapBnd"], 16), 0xa80425fb)
        self.assertEqual((status["NoNewPrivs"], status["Seccomp"]), ("1", "2"))

    def test_users_are_not_the_hosts(self):
        inside, outside, count = self.run_box("cat", "/proc/self/uid_map").split()[:3]
        self.assertEqual(inside, "0")
        self.assertNotEqual(outside, "0")
        self.assertEqual(self.run_box("stat", "-c", "%u:%g", "/bin/busybox"), "0:0\n")

    def test_capabilities_can_be_changed(self):
        caps = lambda *options: int(self.run_box("grep", "CapEff", "/proc/self/status", options=options).split()[1], 16)
        self.assertEqual(caps("--cap-drop", "ALL"), 0)
        self.assertEqual(caps("--cap-drop", "all", "--cap-add", "net_raw"), 1 << 13)

    def test_system_calls(self):
        for program in (("unshare", "-U", "true"), ("mount", "-t", "tmpfs", "none", "/tmp"), ("hostname", "new")):
            ended = self.strata(*self.run_words(), *program)
            self.assertNotEqual(ended.returncode, 0, program)
            self.assertRegex(ended.stderr, "not permitted|denied")
        self.run_box("mount", "-t", "tmpfs", "none", "/tmp", options=("--cap-add", "sys_admin"))

    def test_landlock(self):
        tries = ("sh", "-c", "for f in /tmp/x /home/x; do { echo 1 >$f; } 2>/dev/null && echo wrote $f; done; mkdir -p /x 2>/dev/null && echo made; true")
        self.assertEqual(self.run_box(*tries, options=("--tmpfs", "/tmp", "--tmpfs", "/home")), "wrote /tmp/x\nwrote /home/x\nmade\n")
        self.assertEqual(self.run_box(*tries, options=("--tmpfs", "/tmp", "--tmpfs", "/home", "--landlock", "write=/home")), "wrote /home/x\n")
        self.assertEqual(self.run_box("sh", "-c", "{ echo 1 >/x; } 2>/dev/null || echo refused", options=("--landlock", "read-only")), "refused\n")
        ended = self.strata(*self.run_words(), "--landlock", "bind=none", "busybox", "nc", "-l", "-p", "80")
        self.assertIn("bind: Permission denied", ended.stderr)

    def test_proc_and_sys(self):
        said = self.run_box("sh", "-c", "for f in /proc/sys/kernel/x /proc/sysrq-trigger /sys/x; do echo 1 2>/dev/null >$f && echo wrote $f; done; "
                            "cat /proc/kcore 2>/dev/null | wc -c; ls /sys/firmware | wc -l")
        self.assertEqual(said.split(), ["0", "0"])


class BadInput(RunTest):
    def test_words(self):
        run = self.run_words()
        for words, expected in (
                ((*run, "--memory", "1"), "--memory: 1 is not from"),
                ((*run, "--memory", "lots"), "'lots' is no size"),
                ((*run, "--cpus", "x"), "no number such as 0.5"),
                ((*run, "--cpus", "0"), "not from 0.01"),
                ((*run, "--pids", "0"), "--pids: the value '0'"),
                ((*run, "--name", "../x"), "no name of a container"),
                ((*run, "--volume", "/etc:/x"), "--share"),
                ((*run, "--volume", "data"), "VOLUME:PATH"),
                ((*run, "--share", "/etc"), "DIR:PATH"),
                ((*run, "--share", "/etc:x"), "no absolute path"),
                ((*run, "--tmpfs", "/"), "the root itself"),
                ((*run, "--env", "=x"), "NAME=VALUE"),
                ((*run, "--env", "NO_SUCH_VARIABLE_X"), "has no value here"),
                ((*run, "--restart", "often"), "on-failure:N"),
                ((*run, "-d", "--rm", "--restart", "always"), "do not go together"),
                ((*run, "--cap-add", "fly"), "no capability"),
                ((*run, "--stop-signal", "STOPP"), "no signal"),
                ((*run, "--stop-timeout", "soon"), "no time"),
                ((*run, "--ulimit", "files=3"), "no limit"),
                ((*run, "--ulimit", "nofile=5:3"), "above the hard one"),
                ((*run, "--device", "/etc/passwd"), "no device"),
                ((*run, "--sysctl", "x"), "NAME=VALUE"),
                ((*run, "--users", "mine"), "own, host"),
                ((*run, "--landlock", "write"), "no absolute path"),
                ((*run, "--landlock", "bind=70000"), "not a number from 1 to 65535"),
                ((*run, "--landlock", "fly"), "read-only, write=PATH"),
                ((*run, "--kernel", "x"), "option of machines"),
                (("run", "box", "--as", "container", "--memroy", "5M", "true"), "no option --memroy"),
                (("run", "box", "--as", "cloud"), "not one of vm, container"),
                (("run", "box", "--read-only"), "--as container"),
                (("exec", "no such"), "no name of a container"),
                (("kill", "--signal", "x", "y"), "no signal"),
                (("rm",), "give names")):
            with self.subTest(words=words):
                self.refuse(expected, *words)
        for words, expected in (
                (("run", "nosuch", "--as", "container"), "no image nosuch"),
                ((*run, "--share", "/no/such:/x"), "/no/such"),
                ((*run, "--env-file", "/no/such"), "/no/such"),
                ((*run, "--seccomp", "/no/such"), "/no/such"),
                ((*run, "nosuch"), "nosuch: executable file not found"),
                ((*run, "--sysctl", "kernel.panic=1"), "the host's"),
                (("stop", "nosuch"), "strata ps --all"),
                (("logs", "nosuch"), "strata ps --all"),
                (("exec", "nosuch", "true"), "strata ps --all"),
                (("attach", "nosuch"), "strata ps --all"),
                (("update", "nosuch", "--memory", "64M"), "strata ps --all")):
            with self.subTest(words=words):
                self.refuse(expected, *words, code=1)

    def test_damaged_records(self):
        self.start("sleep", "100")
        self.check("stop", "--timeout", "0", self.name)
        folder = self.data / "strata" / "containers" / self.name
        for content in ("", "[]", '{"image": 3}', '{"image": "box", "options": [["x"]]}', "\0"):
            (folder / "container.json").write_text(content)
            (folder / "status.json").write_text(content)
            ended = self.strata("start", self.name)
            self.assertEqual((ended.returncode, ended.stderr.count("\n")), (1, 1), ended)
            self.check("ps", "--all")
        self.check("rm", self.name)


class Killed(RunTest):
    """kill -9 of each part at any moment: `rm --force` removes all, and the name is free again."""

    rounds = 10

    def begin(self):
        return subprocess.Popen([*self.as_user(), strata, *self.run_words("-d", "--name", self.name), "sleep", "100"], env=self.environment,
                                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def processes(self, word):
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if word in words and any(self.name.encode() in one for one in words):
                found.append(int(pid))
        return found

    def end(self, pids):
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass

    def check_removal(self):
        self.check("rm", "--force", self.name)
        self.assertEqual(self.left_over(), [])

    def test_the_command(self):
        for number in range(self.rounds):
            process = self.begin()
            time.sleep(0.08 * number / self.rounds)
            process.kill()
            process.wait()
            self.check_removal()

    def test_the_supervisor(self):
        for number in range(self.rounds):
            process = self.begin()
            self.wait_for(lambda: self.processes(b"supervise") or process.poll() is not None, "the supervisor")
            time.sleep(0.05 * number / self.rounds)
            self.end(self.processes(b"supervise"))
            process.wait()
            self.check_removal()

    def test_the_runtime(self):
        for number in range(self.rounds):
            process = self.begin()
            self.wait_for(lambda: self.processes(b"--pid-file") or process.poll() is not None, "the runtime")
            time.sleep(0.02 * number / self.rounds)
            self.end(self.processes(b"--pid-file"))
            process.wait()
            self.check_removal()

    def test_a_container_outlives_its_command(self):
        process = subprocess.Popen([*self.as_user(), strata, *self.run_words("--name", self.name), "sleep", "100"], env=self.environment,
                                   stdin=subprocess.DEVNULL)
        self.wait_for(lambda: (self.state() or {}).get("state") == "running", "the start")
        process.kill()
        process.wait()
        self.assertEqual(self.state()["state"], "running")
        self.check("stop", "--timeout", "0", self.name)
        self.assertEqual(self.state()["exitCode"], 137)

    def test_start_after_the_supervisor_died(self):
        self.start("sleep", "100")
        self.end(self.processes(b"supervise"))
        self.wait_for(lambda: self.state()["state"] == "dead", "it is told")
        self.check("start", self.name)
        self.assertEqual(self.state()["state"], "running")


class OrdinaryUser(Foreground):
    """The same as an ordinary user with 65536 users of his own."""

    uid = 54321
    subordinate = True

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        if not shutil.which("newuidmap"):
            raise unittest.SkipTest("newuidmap (package uidmap) is missing")
        etc = cls.folder / "etc"
        etc.mkdir()
        ranges = "tester:300000:65536\n" if cls.subordinate else ""
        passwd = Path("/etc/passwd").read_text() + f"tester:x:{cls.uid}:{cls.uid}::{cls.folder}:/bin/sh\n"
        for name, text in (("subuid", ranges), ("subgid", ranges), ("passwd", passwd)):
            (etc / name).write_text(text)
        for top in (cls.data, cls.runtime):
            subprocess.run(["chown", "-R", f"{cls.uid}:{cls.uid}", top], check=True)
        os.chown(cls.folder, cls.uid, cls.uid)
        cls.environment = {**cls.environment, "HOME": str(cls.folder)}

    def as_user(self):
        binds = "; ".join(f"mount --bind {self.folder}/etc/{name} /etc/{name}" for name in ("subuid", "subgid", "passwd"))
        return ["unshare", "--mount", "sh", "-c", f'{binds}; exec setpriv --reuid {self.uid} --regid {self.uid} --clear-groups "$@"', "sh"]

    def test_places(self):
        said = self.run_box("sh", "-c", "pwd; hostname; touch /x; ls /x", options=("--workdir", "/tmp", "--hostname", "inside"))
        self.assertEqual(said, "/tmp\ninside\n/x\n")

    def test_limits_need_a_cgroup(self):
        ended = self.strata(*self.run_words("--memory", "64M"), "true")
        if ended.returncode != 0:
            self.assertEqual(ended.stderr.count("\n"), 1, ended.stderr)


class OneUser(OrdinaryUser):
    """An ordinary user who is all the users of his containers."""

    subordinate = False

    def test_users_are_looked_up_inside(self):
        self.assertEqual(self.run_box("id", "-u"), "0\n")
        ended = self.strata(*self.run_words("--user", "ann"), "id")
        self.assertEqual((ended.returncode, ended.stderr.count("\n")), (1, 1), ended)


class KilledOften(Killed):
    rounds = 60


class Networks(RunTest):
    def run_words(self, *options):
        return ["run", "box", "--as", "container", *options]

    def test_behind_nat_by_default(self):
        self.assertEqual(self.run_box("ls", "/sys/class/net").split(), ["eth0", "lo"])
        self.assertIn("nameserver", self.run_box("cat", "/etc/resolv.conf"))
        self.assertIn(self.prefix, self.run_box("cat", "/etc/hosts", options=("--name", self.name, "--rm")))

    def test_none_and_host(self):
        self.assertEqual(self.run_box("ls", "/sys/class/net", options=("--net", "none")).split(), ["lo"])
        inside = self.run_box("cat", "/proc/net/dev", options=("--net", "host"))
        self.assertEqual([line.split(":")[0] for line in inside.splitlines()],
                         [line.split(":")[0] for line in Path("/proc/net/dev").read_text().splitlines()])

    def free_port(self):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            return probe.getsockname()[1]

    def fetch(self, port):
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
                return connection.makefile().readline()
        except OSError:
            return ""

    def test_forwards_change_while_it_runs_and_stay(self):
        first, second = self.free_port(), self.free_port()
        self.start("sh", "-c", "while :; do busybox nc -l -p 80 -e echo served; done", options=("--net", f"user,forward=tcp:{first}:80"))
        self.wait_for(lambda: self.fetch(first) == "served\n", "the first port")
        self.check("update", self.name, "--forward", f"+tcp:{second}:80", "--forward", f"-tcp:{first}")
        self.wait_for(lambda: self.fetch(second) == "served\n", "the second port")
        self.assertEqual(self.fetch(first), "")
        self.check("stop", "--timeout", "0", self.name)
        self.assertEqual(self.fetch(second), "")
        self.check("start", self.name)
        self.wait_for(lambda: self.fetch(second) == "served\n", "the second port after a start")
        self.refuse("", "update", self.name, "--forward", "+nonsense")

    def test_in_a_network(self):
        self.check("network", "create", "lab")
        self.addCleanup(self.strata, "network", "rm", "lab", "--force")
        for vlan in (10, 20):
            self.check("network", "dhcp", "lab", f"vlan={vlan},range=10.0.{vlan}.100-10.0.{vlan}.120,domain=lab.test,"
                       f"host=02:00:00:00:00:77=10.0.{vlan}.50")
        ports = lambda: [port["name"] for port in json.loads(self.check("port", "list", "lab", "--json"))]
        self.start("sh", "-c", "while :; do busybox nc -l -p 80 -e echo served; done", options=("--net", "lab,vlan=10,port=web,mac=02:00:00:00:00:77"))
        self.assertEqual(ports(), ["web"])
        fetch = "busybox nc -w 2 10.0.10.50 80"
        self.assertEqual(self.run_box("sh", "-c", fetch, options=("--net", "lab,vlan=10")), "served\n")
        self.assertEqual(self.run_box("sh", "-c", fetch, options=("--net", "lab,vlan=10,address=10.0.10.5/24")), "served\n")
        found = self.run_box("busybox", "nslookup", f"{self.name}.lab.test", "10.0.10.1", options=("--net", "lab,vlan=10"))
        self.assertIn("10.0.10.50", found)
        self.assertNotEqual(self.strata(*self.run_words("--net", "lab,vlan=20"), "sh", "-c", fetch).returncode, 0)
        self.check("port", "set", "lab", "web", "--vlan", "20")
        reached = lambda: self.strata(*self.run_words("--net", "lab,vlan=20"), "sh", "-c", "busybox nc -w 2 10.0.20.50 80").stdout
        self.wait_for(lambda: reached() == "served\n", "the container in the other VLAN")
        self.check("rm", "--force", self.name)
        self.wait_for(lambda: ports() == [], "the ports to go")
        self.refuse("outside of VLAN 10's network", *self.run_words("--net", "lab,vlan=10,address=10.9.9.9/24"), "true", code=1)

    def test_a_port_in_use_is_told(self):
        self.run_box("true")  # the image is unpacked then, which is told
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            ended = self.strata(*self.run_words("-d", "--name", self.name, "--net", f"user,forward=tcp:{port}:80"), "sleep", "100")
        self.assertEqual((ended.returncode, ended.stderr.count("\n")), (1, 1), ended)
        self.assertIn(str(port), ended.stderr)
        self.assertIsNone(self.state())


if __name__ == "__main__":
    strata = os.path.abspath(sys.argv.pop(1))
    bundles.skip_unless_possible()
    unittest.main()
