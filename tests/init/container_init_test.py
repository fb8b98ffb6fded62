#!/usr/bin/env python3
"""The first process of a container: what it does with its program, signals, orphans and the terminal.

    container_init_test.py STRATA-INIT
"""
import os
import pty
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

program = None


def in_namespace(*words):
    """As the first process of a PID namespace."""
    return ["unshare", "--fork", "--pid", "--mount-proc", "--kill-child", program, "--", *words]


def can_have_namespaces():
    return subprocess.run(["unshare", "--fork", "--pid", "--mount-proc", "true"], stderr=subprocess.DEVNULL).returncode == 0


def wait_for(condition, what, seconds=20):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"{what} did not come")
        time.sleep(0.02)


class Size(unittest.TestCase):
    def test_budget(self):
        self.assertLess(os.path.getsize(program), 200_000)


class ExitCodes(unittest.TestCase):
    def code(self, *words, **options):
        return subprocess.run([program, *words], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30, **options)

    def test_of_the_program(self):
        for code in (0, 7, 255):
            self.assertEqual(self.code("sh", "-c", f"exit {code}").returncode, code)
        self.assertEqual(self.code("--", "sh", "-c", "kill -9 $$").returncode, 128 + 9)
        self.assertEqual(self.code("sh", "-c", "kill -TERM $$").returncode, 128 + 15)

    def test_of_programs_that_do_not_start(self):
        cases = [("nosuch", 127, "no such file"), ("/nosuch", 127, "no such file"), ("/etc/passwd", 126, "permission denied"),
                 ("/etc/passwd/x", 127, "not a directory"), ("/", 126, "permission denied")]
        for name, code, says in cases:
            ended = self.code("--", name)
            self.assertEqual(ended.returncode, code, ended)
            self.assertEqual(ended.stderr.count("\n"), 1, ended)
            self.assertIn(name, ended.stderr)
            self.assertIn(says, ended.stderr)

    def test_nothing_to_run_is_wrong_usage(self):
        for words in ([], ["--"]):
            ended = self.code(*words)
            self.assertEqual(ended.returncode, 2)
            self.assertIn("strata-init [--] PROGRAM", ended.stderr)

    def test_the_programs_own_dashes_are_left_alone(self):
        self.assertEqual(self.code("--", "echo", "--", "-x").stdout, "-- -x\n")

    def test_path_is_the_programs(self):
        with tempfile.TemporaryDirectory() as folder:
            for name, mode in (("tool", 0o755), ("closed", 0o644)):
                path = Path(folder) / name
                path.write_text("#!/bin/sh\necho here\n")
                path.chmod(mode)
            environment = {"PATH": f"/nosuch::{folder}"}
            self.assertEqual(self.code("tool", env=environment).stdout, "here\n")
            self.assertEqual(self.code("closed", env=environment).returncode, 126)
            self.assertEqual(self.code("true", env={}).returncode, 0)


@unittest.skipUnless(can_have_namespaces(), "PID namespaces cannot be made here")
class FirstProcess(unittest.TestCase):
    def start(self, script, **options):
        process = subprocess.Popen(in_namespace("sh", "-c", script), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
                                   **options)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def init_of(self, process):
        def children():
            return Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        wait_for(children, "the first process")
        return int(children()[0])

    def test_orphans_are_reaped(self):
        script = "for i in 1 2 3 4 5; do sh -c 'sleep 0.1 &'; done; sleep 0.5; grep -l '^State:.Z' /proc/[0-9]*/status; echo done"
        self.assertEqual(self.start(script).communicate(timeout=30)[0], "done\n")

    def test_signals_go_on_to_the_program(self):
        process = self.start("trap 'echo usr1' USR1; trap 'echo term; exit 33' TERM; echo ready; while :; do sleep 0.05; done")
        self.assertEqual(process.stdout.readline(), "ready\n")
        init = self.init_of(process)
        os.kill(init, signal.SIGUSR1)
        self.assertEqual(process.stdout.readline(), "usr1\n")
        os.kill(init, signal.SIGTERM)
        self.assertEqual(process.communicate(timeout=30)[0], "term\n")
        self.assertEqual(process.returncode, 33)

    def test_signals_without_a_handler_end_the_program(self):
        # As the first process itself it would not even notice them.
        process = self.start("echo ready; sleep 1000")
        process.stdout.readline()
        os.kill(self.init_of(process), signal.SIGTERM)
        self.assertEqual(process.wait(timeout=30), 128 + 15)

    def test_ignored_children_still_have_exit_codes(self):
        process = self.start("exit 9", preexec_fn=lambda: signal.signal(signal.SIGCHLD, signal.SIG_IGN))
        self.assertEqual(process.wait(timeout=30), 9)

    def test_the_program_has_the_signal_mask_that_was_given(self):
        process = self.start("grep SigBlk /proc/self/status")
        self.assertEqual(process.communicate(timeout=30)[0].split()[1], "0" * 16)

    def test_the_end_of_the_program_is_the_end_of_all(self):
        process = self.start("sleep 1000 & echo $!; exit 4")
        self.assertEqual(process.wait(timeout=30), 4)


class Terminal(unittest.TestCase):
    def test_keys_reach_the_program_and_not_us(self):
        script = "trap 'echo got-int; exit 5' INT; echo ready; while :; do sleep 0.05; done"
        pid, master = pty.fork()
        if pid == 0:
            os.execv(program, [program, "--", "sh", "-c", script])
        said = b""
        try:
            while b"ready" not in said:
                said += os.read(master, 100)
            os.write(master, b"\x03")
            while b"got-int" not in said:
                said += os.read(master, 100)
        finally:
            code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
            os.close(master)
        self.assertEqual(code, 5)
        self.assertEqual(said.count(b"got-int"), 1, said)

    def test_an_interactive_shell_has_job_control(self):
        pid, master = pty.fork()
        if pid == 0:
            os.execv(program, [program, "--", "bash", "--norc", "-i"])
        said = b""
        os.write(master, b"sleep 1000 & jobs; kill %1; exit 3\n")
        try:
            while True:
                said += os.read(master, 1000)
        except OSError:
            pass  # the terminal's other end is closed
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        os.close(master)
        self.assertEqual(code, 3, said)
        self.assertIn(b"Running", said)
        self.assertNotIn(b"no job control", said)


if __name__ == "__main__":
    program = os.path.abspath(sys.argv.pop(1))
    unittest.main()
