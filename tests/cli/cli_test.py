#!/usr/bin/env python3
"""What the program says to wrong usage and bad input: one clear line, the right exit code, and nothing left behind.

    cli_test.py STRATA
"""
import os
import pty
import random
import signal
import socket
import subprocess
import sys
import tempfile
import termios
import time
import unittest
from pathlib import Path

strata = None
done, failed, wrong_usage = 0, 1, 2


def kernel(code):
    """A multiboot kernel of a few bytes, in 32-bit code."""
    flags, magic, address = 0x10000, 0x1badb002, 0x100000
    header = b"".join(word.to_bytes(4, "little") for word in (
        magic, flags, -(magic + flags) & 0xffffffff, address, address, 0, 0, address + 32))
    return header + code + bytes(64)


class CommandLine(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.environment = dict(os.environ, XDG_DATA_HOME=str(self.folder / "data"),
                                XDG_RUNTIME_DIR=str(self.folder / "run"))

    def file(self, name, content):
        path = self.folder / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return str(path)

    def run_strata(self, *words):
        return subprocess.run([strata, *words], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60,
                              cwd=self.folder, env=self.environment, errors="replace")

    def expect(self, code, says, *words):
        """The command ends with `code`, prints nothing but one line of error, and that holds all of `says`."""
        ended = self.run_strata(*words)
        self.assertEqual(ended.returncode, code, ended)
        self.assertEqual(ended.stdout, "", ended)
        self.assertEqual(ended.stderr.count("\n"), 1, ended)
        self.assertTrue(ended.stderr.startswith("strata: "), ended)
        for word in says.split("|"):
            self.assertIn(word, ended.stderr)

    def test_wrong_words(self):
        cases = [
            ("no command|image", []),
            ("frobnicate", ["frobnicate"]),
            ("--nonsense", ["run", "--nonsense"]),
            ("nothing to boot", ["run"]),
            ("--initrd i|--kernel", ["run", "--initrd", "i"]),
            ("--memory|'lots'|512M", ["run", "--kernel", "k", "--memory", "lots"]),
            ("--memory|1K", ["run", "--kernel", "k", "--memory", "1K"]),
            ("--memory|99999999999999999999", ["run", "--kernel", "k", "--memory", "99999999999999999999"]),
            ("--cpus|'0'", ["run", "--kernel", "k", "--cpus", "0"]),
            ("--engine|'warp'|interp", ["run", "--kernel", "k", "--engine", "warp"]),
            ("--disk|readonly", ["run", "--kernel", "k", "--disk", "d,colour=red"]),
            ("--net|'carrier pigeon'|user", ["run", "--kernel", "k", "--net", "carrier pigeon"]),
            ("--timeout|'soon'", ["run", "--kernel", "k", "--timeout", "soon"]),
            ("--trace|'asm'|run, ir, code", ["run", "--kernel", "k", "--trace", "asm"]),
            ("--trace|''|run, ir, code", ["run", "--kernel", "k", "--trace", ""]),
            ("--trace|'main'|hexadecimal", ["run", "--kernel", "k", "--trace", "ir,code=main"]),
            ("--trace|two addresses", ["run", "--kernel", "k", "--trace", "ir=1,code=2"]),
            ("--trace|not kvm", ["run", "--kernel", "k", "--trace", "ir", "--engine", "kvm"]),
            ("--icount|kvm", ["run", "--kernel", "k", "--icount", "--engine", "kvm"]),
            ("--icount|--kernel", ["run", "image", "--icount"]),
            ("lockstep|--net none", ["run", "--kernel", "k", "--engine", "lockstep", "--net", "user"]),
            ("--icount|one processor|--cpus 1", ["run", "--kernel", "k", "--icount", "--cpus", "2"]),
            ("lockstep|one processor", ["run", "--kernel", "k", "--engine", "lockstep", "--cpus", "2"]),
            ("kvm|one processor|jit", ["run", "--kernel", "k", "--engine", "kvm", "--cpus", "2"]),
            ("--cpus|65|64", ["run", "--kernel", "k", "--cpus", "65"]),
            ("--as|'jail'", ["run", "x", "--as", "jail"]),
            ("debian:frob", ["image", "build", "debian:frob"]),
            ("mips", ["image", "build", "debian:trixie", "--arch", "mips"]),
            ("'vim,gcc'", ["image", "build", "debian:trixie", "--package", "vim,gcc"]),
            ("'../x'", ["image", "build", "debian:trixie", "--name", "../x"]),
            ("--size|'huge'", ["image", "build", "debian:trixie", "--size", "huge"]),
        ]
        for says, words in cases:
            with self.subTest(words=words):
                self.expect(wrong_usage, says, *words)

    def test_help_and_lists(self):
        for words in (["--help"], ["run", "--help"], ["image", "--help"], ["image", "build", "--help"], ["network", "--help"],
                      ["network", "apply", "--help"], ["port", "add", "--help"]):
            ended = self.run_strata(*words)
            self.assertEqual((ended.returncode, ended.stderr), (done, ""))
            self.assertIn("--help", ended.stdout)
        self.assertEqual(self.run_strata("image", "list", "--json").stdout.strip(), "[]")

    def test_missing_things(self):
        self.expect(failed, "no-such-kernel", "run", "--kernel", "no-such-kernel")
        self.expect(failed, "is no ordinary file", "run", "--kernel", "/")
        self.expect(failed, "debian:trixie", "run", "debian:trixie")
        self.expect(failed, "nothing", "image", "rm", "nothing")
        self.expect(failed, "no network 'nothing'|network create nothing", "network", "show", "nothing")
        self.expect(failed, "no network 'nothing'", "port", "add", "nothing", "p1")
        image = self.file("kernel", b"\x7fELF" + bytes(100))
        self.expect(failed, "no-such-disk", "run", "--kernel", image, "--disk", "no-such-disk")
        self.expect(failed, "no-such-initrd", "run", "--kernel", image, "--initrd", "no-such-initrd")

    def test_damaged_kernels(self):
        noise = random.Random(1).randbytes
        header = bytearray(noise(4096))
        header[0x1fe:0x200], header[0x202:0x206] = b"\x55\xaa", b"HdrS"
        for name, content in {"empty": b"", "short": b"MZ", "noise": noise(100_000), "elf": b"\x7fELF" + noise(5000),
                              "cut": bytes(header)}.items():
            with self.subTest(kernel=name):
                self.expect(failed, name, "run", "--net", "none", "--kernel", self.file(name, content))

    def test_toml(self):
        cases = {
            "memory = [": "bad.toml:1",
            "memory = '512M'\ncolour = 'red'\n": "bad.toml:2|colour",
            "memory = 'lots'\n": "bad.toml:1|lots",
            "memory = ['1G', '2G']\n": "only once",
            "kernel = 1979-05-27\n": "kernel",
        }
        for text, says in cases.items():
            with self.subTest(text=text):
                path = self.file("bad.toml", text)
                code = self.run_strata("run", path).returncode
                self.assertIn(code, (failed, wrong_usage))
                self.expect(code, says, "run", path)
        self.expect(failed, "no-such.toml", "run", "no-such.toml")
        self.expect(failed, "kernel-of-the-file", "run", self.file("good.toml", "kernel = 'kernel-of-the-file'\n"))

    def test_port_in_use(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            image = self.file("kernel", b"\x7fELF" + bytes(100))
            self.expect(failed, str(port), "run", "--kernel", image, "--net", f"user,forward=tcp:{port}:22")

    def test_guests_that_go_wrong(self):
        fault = self.run_strata("run", "--net", "none", "--kernel", self.file("fault", kernel(b"\x0f\x0b")))
        self.assertEqual(fault.returncode, failed, fault)
        self.assertIn("triple fault", fault.stderr)
        self.assertIn("rip", fault.stderr)
        self.expect(failed, "halted", "run", "--net", "none", "--kernel", self.file("halt", kernel(b"\xfa\xf4")))
        self.expect(124, "1 second", "run", "--net", "none", "--timeout", "1", "--kernel",
                    self.file("loop", kernel(b"\xeb\xfe")))
        left = kernel(b"\xb0\x03\xe6\xf4")  # mov al, 3; out 0xf4, al
        self.assertEqual(self.run_strata("run", "--net", "none", "--kernel", self.file("left", left)).returncode, 7)

    def test_looking_into_the_translator(self):
        kernel_file = self.file("left", kernel(b"\xb0\x03\xe6\xf4"))  # mov al, 3; out 0xf4, al
        run = ("run", "--net", "none", "--engine", "jit", "--kernel", kernel_file)
        shown = self.run_strata(*run, "--trace", "ir,code=100020")
        for part in ("== 100020", "mov al, 0x03", "-- IR\n", "-- IR after the passes", "-- host"):
            self.assertIn(part, shown.stderr)
        self.assertEqual(self.run_strata(*run, "--trace", "ir=0x2").stderr, "")
        self.assertIn("100020", self.run_strata(*run, "--trace", "run").stderr)
        for row in ("guest instructions", "translation time", "memory beyond RAM", "exits from code"):
            self.assertIn(row, self.run_strata(*run, "--stats").stderr)

    def test_repeatable_runs(self):
        # A few of what a guest knows of time and chance: rdtsc; add ebx, eax; rdrand eax; loop; out 0xf4, al
        code = bytes.fromhex("b950c30000 0f31 01c3 0fc7f0 01c3 e2f5 89d8 e6f4")
        run = ("run", "--icount", "--kernel", self.file("chance", kernel(code)), "--stats")
        ends = [self.run_strata(*run, "--engine", engine) for engine in ("jit", "jit", "interp", "lockstep")]
        self.assertEqual(len({end.returncode for end in ends}), 1, ends)
        counts = {line for end in ends for line in end.stderr.splitlines() if line.startswith("guest instructions")}
        self.assertEqual(len(counts), 1, counts)
        self.assertIn("250,", counts.pop())

    def test_map_for_perf(self):
        kernel_file = self.file("left", kernel(b"\xb0\x03\xe6\xf4"))
        said = self.run_strata("run", "--net", "none", "--engine", "jit", "--kernel", kernel_file, "--perf-map").stderr
        path = Path(said.split()[1])
        self.addCleanup(path.unlink)
        self.assertRegex(path.read_text(), r"^[0-9a-f]+ [0-9a-f]+ guest_100020\n")

    def test_interrupted(self):
        with subprocess.Popen([strata, "run", "--net", "none", "--kernel", self.file("loop", kernel(b"\xeb\xfe"))],
                              stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
            time.sleep(0.5)
            process.send_signal(signal.SIGINT)
            self.assertEqual(process.wait(timeout=10), failed)
            self.assertIn("Interrupt", process.stderr.read())

    def test_leaving_the_console(self):
        """Ctrl-] then q, on a real terminal, which is afterwards as it was before."""
        loop = self.file("loop", kernel(b"\xeb\xfe"))
        ours, theirs = pty.openpty()
        before = termios.tcgetattr(theirs)
        with subprocess.Popen([strata, "run", "--net", "none", "--kernel", loop], stdin=theirs, stdout=theirs,
                              stderr=subprocess.PIPE, text=True) as process:
            time.sleep(0.5)
            self.assertNotEqual(termios.tcgetattr(theirs), before)  # raw
            os.write(ours, b"abc\x1dxq\x1d\x1d")  # none of these leaves
            time.sleep(0.3)
            self.assertIsNone(process.poll())
            os.write(ours, b"\x1dq")
            self.assertEqual(process.wait(timeout=10), done)
        self.assertEqual(termios.tcgetattr(theirs), before)
        os.close(ours)
        os.close(theirs)


if __name__ == "__main__":
    strata = os.path.abspath(sys.argv.pop(1))
    unittest.main()
