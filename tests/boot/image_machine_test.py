#!/usr/bin/env python3
"""An image as a machine: its program runs on a disk made of its layers, and the machine ends as it ends.

    image_machine_test.py STRATA [slow]

The kernel is that of a test guest (tests/guests/fetch); `slow` has the interpreter, and the kernel from its package.
"""
import fcntl
import http.server
import os
import pty
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time
import unittest
from pathlib import Path

from stored_image import Tar, busybox_layers, put_image

strata = None
guest = Path(os.environ.get("STRATA_GUEST_CACHE") or
             Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "strata/guests") / "trixie-cloud-amd64"
patience = 120  # seconds: busy cores and an interpreter are slow


class MachineTest(unittest.TestCase):
    engine = "jit"

    @classmethod
    def setUpClass(cls):
        if not (guest / "vmlinuz").exists():
            raise unittest.SkipTest(f"there is no guest {guest}: tests/guests/fetch {guest.name} makes it")
        cls.kernel = ["--kernel", str(guest / "vmlinuz"), "--initrd", str(guest / "initrd")]
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.folder = Path(folder.name)
        cls.environment = dict(os.environ, XDG_DATA_HOME=str(cls.folder / "data"), XDG_RUNTIME_DIR=str(cls.folder / "run"))
        cls.image = put_image(cls.folder / "data", "box", busybox_layers(),
                              {"Cmd": ["/bin/sh"], "Env": ["FOO=bar", "PATH=/bin"], "WorkingDir": "/srv"})

    def command(self, *words):
        return [strata, "run", "box", "--as", "vm", "--engine", self.engine, *self.kernel, *words]

    def run_box(self, *words, stdin=b""):
        return subprocess.run(self.command(*words), input=stdin, capture_output=True, timeout=patience, env=self.environment)

    def shell(self, script, *options, **more):
        ended = self.run_box(*options, "sh", "-c", script, **more)
        return ended.returncode, ended.stdout.decode(), ended.stderr.decode()


class Program(MachineTest):
    def test_runs_in_what_the_image_says_and_its_end_is_ours(self):
        code, said, errors = self.shell(
            "id; hostname; pwd; echo $FOO $HOME $PATH; ls -n /srv/mine; cat /srv/mine; ls /etc/gone; ls /; tty; echo oops >&2; exit 7")
        self.assertEqual(code, 7, (said, errors))
        lines = said.splitlines()
        self.assertEqual(lines[:4], ["uid=0(root) gid=0(root)", "box", "/srv", "bar /root /bin"])
        mine = lines[4].split()
        self.assertEqual(mine[0], "-rw-------")
        if os.geteuid() == 0:  # an ordinary user's layers have the users that he has been given
            self.assertEqual(mine[2:4], ["33", "34"])
        self.assertEqual(lines[5:], ["mine", "bin", "dev", "etc", "proc", "srv", "sys", "not a tty"])
        self.assertIn("/etc/gone: No such file", errors)
        self.assertTrue(errors.endswith("oops\n"), errors)

    def test_has_the_user_and_the_variables_that_are_asked_for(self):
        code, said, errors = self.shell("id; pwd; echo $FOO $MORE; echo again >/dev/stdout; kill -TERM $$", "--user", "web",
                                        "--workdir", "/bin", "--env", "MORE=1 2", "--env", "FOO=new", "--hostname", "other")
        self.assertEqual(said.splitlines(), ["uid=33(web) gid=34(web) groups=29(audio)", "/bin", "new 1 2", "again"], errors)
        self.assertEqual(code, 128 + signal.SIGTERM)

    def test_reads_our_input_to_its_end_and_loses_nothing(self):
        text = "".join(f"{number} the line with \t\x03\x11\x16\x1a keys\n" for number in range(20000)).encode() + b"not ended"
        ended = self.run_box("cat", stdin=text)
        self.assertEqual(ended.returncode, 0, ended.stderr)
        self.assertEqual(len(ended.stdout), len(text))
        self.assertEqual(ended.stdout, text)

    def test_output_that_others_still_write_is_carried_to_the_end(self):
        code, said, _ = self.shell("dd if=/dev/zero bs=65536 count=32 2>/dev/null; sleep 1000 & echo; exit 3")
        self.assertEqual((code, len(said)), (3, 32 * 65536 + 1))

    def test_reaches_the_host_through_the_user_network(self):
        class Answer(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200)
                self.end_headers()
                self.wfile.write(b"from outside\n")

            def log_message(self, *_):
                pass
        server = http.server.HTTPServer(("127.0.0.1", 0), Answer)
        self.addCleanup(server.server_close)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.shutdown)
        code, said, errors = self.shell(f"cat /etc/resolv.conf; wget -qO- http://10.0.2.2:{server.server_port}/")
        self.assertEqual((code, said), (0, "nameserver 10.0.2.3\nfrom outside\n"), errors)

    def test_that_cannot_start_has_a_shells_code_and_one_line(self):
        for words, code, says in ((["nosuch"], 127, "nosuch: no such file"),
                                  (["--user", "nobody", "true"], 255, "user nobody: the image has none of that name")):
            ended = self.run_box("--net", "none", *words)
            self.assertEqual(ended.returncode, code, ended)
            self.assertEqual(ended.stdout, b"")
            errors = [line for line in ended.stderr.decode().splitlines() if line.startswith("strata")]
            self.assertEqual(len(errors), 1, ended)
            self.assertIn(says, errors[0])

    def test_is_stopped_by_a_signal_to_us(self):
        process = subprocess.Popen(self.command("--net", "none", "sh", "-c", "echo ready; sleep 1000"), stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=self.environment)
        self.assertEqual(process.stdout.readline(), b"ready\n")
        process.terminate()
        errors = process.communicate(timeout=60)[1]
        self.assertEqual(process.returncode, 1)
        self.assertIn(b"stopped by", errors)

    def test_ends_with_its_kernel(self):
        code, said, errors = self.shell("echo before; sleep 1; echo c >/proc/sysrq-trigger", "--net", "none")
        self.assertEqual((code, said), (1, "before\n"))
        self.assertIn("Kernel panic", errors)
        self.assertIn("strata: the guest started its machine anew", errors)

    def test_at_a_terminal_is_a_shell_with_job_control(self):
        pid, master = pty.fork()
        if pid == 0:
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 33, 99, 0, 0))
            os.execve(strata, self.command("--net", "none", "sh"), self.environment)
        said = b""
        try:
            # One job, which hears the interrupt whatever it is at.
            job = b"sh -c 'tty; exec sleep 1000'\n"
            for prompt, keys in ((b"/srv # ", job), (b"/dev/hvc0", b"\x03"), (b"/srv # ", b"stty size; exit 6\n")):
                seen = len(said)
                while prompt not in said[seen:]:
                    said += os.read(master, 4096)
                os.write(master, keys)
            while True:
                said += os.read(master, 4096)
        except OSError:
            pass  # the other end is closed
        finally:
            code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
            os.close(master)
        self.assertEqual(code, 6, said)
        self.assertIn(b"33 99", said)
        self.assertNotIn(b"job control", said)

    def test_is_the_same_in_a_container(self):
        script = "id; pwd; env | grep -E '^(FOO|HOME|PATH)='; cat /srv/mine; ls /; echo errors >&2; exit 5"
        words = ["--net", "none", "sh", "-c", script]
        container = subprocess.run([strata, "run", "--as", "container", "box", *words], stdin=subprocess.DEVNULL,
                                   capture_output=True, text=True, timeout=patience, env=self.environment)
        if "--as 'container' is not there" in container.stderr:
            self.skipTest("images do not run as containers yet")
        code, said, errors = self.shell(script, "--net", "none")
        self.assertEqual((code, sorted(said.splitlines()), errors[-7:]),
                         (container.returncode, sorted(container.stdout.splitlines()), container.stderr[-7:]))


class System(MachineTest):
    def test_its_own_first_process_is_the_machines(self):
        begin = "#!/bin/sh\necho first $$ $*; poweroff -f\n"
        layer = Tar()
        layer.add("sbin")
        layer.add("sbin/init", begin.encode())
        put_image(self.folder / "data", "system", [*busybox_layers(), layer.bytes()], {"Cmd": ["/sbin/init", "now"]})
        for words, says in ((["--boot", "init"], b"first 1 now"), (["/sbin/init", "3"], b"first 1 3")):
            ended = subprocess.run([strata, "run", "system", *self.kernel, "--net", "none", *words], stdin=subprocess.DEVNULL,
                                   capture_output=True, timeout=patience, env=self.environment)
            self.assertIn(says, ended.stdout, ended.stderr)
            self.assertEqual(ended.returncode, 0)

    def test_that_is_not_there_is_said(self):
        ended = self.run_box("--net", "none", "--boot", "init")
        self.assertEqual(ended.returncode, 255)
        self.assertIn(b"strata-init: starting /sbin/init: no such file", ended.stdout)


class MakingTheDisk(MachineTest):
    def strata_with(self, mke2fs):
        """Starts with another mke2fs."""
        folder = self.folder / "bin"
        folder.mkdir(exist_ok=True)
        (folder / "mke2fs").write_text(f"#!/bin/sh\n{mke2fs}\n")
        (folder / "mke2fs").chmod(0o755)
        environment = dict(self.environment, PATH=f"{folder}:{os.environ['PATH']}")
        return subprocess.Popen(self.command("true"), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                env=environment)

    def disks(self):
        return [path.name for path in self.image.iterdir() if path.name != "image.json" and not path.name.startswith(".")]

    def test_killed_in_the_middle_leaves_nothing_that_counts(self):
        begun = self.folder / "begun"
        process = self.strata_with(f"touch {begun}; sleep 100")
        end = time.monotonic() + 60
        while not begun.exists():
            self.assertLess(time.monotonic(), end, "mke2fs was not started")
            time.sleep(0.02)
        process.kill()
        process.communicate(timeout=60)
        self.assertEqual(self.disks(), [])
        self.assertEqual(self.shell("exit 3", "--net", "none")[0], 3)
        self.assertEqual(len(self.disks()), 1)
        self.assertEqual([path.name for path in self.image.iterdir() if path.name.startswith(".")], [])

    def test_that_fails_says_why_in_one_line(self):
        for path in self.image.glob("*.raw"):
            path.unlink()
        process = self.strata_with("echo 'mke2fs: No space left on device'; exit 1")
        errors = [line for line in process.communicate(timeout=60)[1].decode().splitlines() if line.startswith("strata:")]
        self.assertEqual((process.returncode, len(errors)), (1, 1), errors)
        self.assertIn("the disk is full", errors[0])
        self.assertEqual(self.disks(), [])


class Usage(MachineTest):
    def test_wrong_words(self):
        put_image(self.folder / "data", "bare", busybox_layers(), {})
        put_image(self.folder / "data", "arm", busybox_layers(), {"Cmd": ["sh"]}, "arm64")
        for image, words, says in (("arm", [], "arm is for arm64"), ("bare", [], "bare says no command"), ("box", ["--boot", "disk"], "init, command"),
                                   ("box", ["--disk-size", "1M"], "16 MiB"), ("box", ["--env", "=x"], "NAME=VALUE"),
                                   ("box", ["--frob", "sh"], "--frob"), ("nosuch", ["sh"], "nosuch")):
            ended = subprocess.run([strata, "run", image, *self.kernel, *words], stdin=subprocess.DEVNULL, capture_output=True,
                                   text=True, timeout=60, env=self.environment)
            self.assertEqual(ended.returncode, 1 if image in ("nosuch", "arm") else 2, ended)
            lines = [line for line in ended.stderr.splitlines() if line.startswith("strata: ")]
            self.assertEqual(len(lines), 1, ended)
            self.assertIn(says, lines[0])


class Slow(MachineTest):
    def test_interpreter(self):
        self.engine = "interp"
        self.assertEqual(self.shell("echo here; exit 7", "--net", "none")[:2], (7, "here\n"))

    def test_kernel_from_its_package(self):
        self.kernel = []
        code, said, errors = self.shell("echo here; exit 7")
        if "fetching a kernel" in errors and code == 1:
            self.skipTest(f"no kernel can be fetched here: {errors}")
        self.assertEqual((code, said), (7, "here\n"), errors)
        begin = time.monotonic()
        self.assertEqual(self.shell("exit 0")[2], "", "the second run has nothing to make")
        print(f"\na second run took {time.monotonic() - begin:.1f} s")


if __name__ == "__main__":
    strata = os.path.abspath(sys.argv.pop(1))
    slow = sys.argv[1:] == ["slow"]
    if slow:
        sys.argv.pop()
    cases = [Slow] if slow else [Program, System, MakingTheDisk, Usage]
    loader = unittest.defaultTestLoader
    tests = unittest.TestSuite(loader.loadTestsFromTestCase(case) for case in cases)
    result = unittest.TextTestRunner(verbosity=2).run(tests)
    sys.exit(0 if result.wasSuccessful() else 1)
