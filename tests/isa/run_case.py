#!/usr/bin/env python3
"""Assembles one case, runs it, and compares what it prints with the .expected file beside it.

    run_case.py STRATA CASE.asm [ENGINE]       as a test
    run_case.py --qemu CASE.asm                what QEMU prints, to be compared by eye
"""
import difflib
import subprocess
import sys
import tempfile
from pathlib import Path

patience = 60


def assemble(source, folder):
    image = Path(folder) / "case"
    subprocess.run(["nasm", "-f", "bin", f"-I{source.parent}/", "-o", image, source], check=True)
    return image


def output_of(command):
    ended = subprocess.run([str(word) for word in command], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                           errors="replace", timeout=patience)
    if ended.returncode != 1:  # the case leaves by isa-debug-exit with 0, which makes 1
        sys.exit(f"{command[0]} ended with {ended.returncode}: {ended.stderr}\n{ended.stdout[-2000:]}")
    return ended.stdout


def main():
    machine, source = sys.argv[1], Path(sys.argv[2])
    with tempfile.TemporaryDirectory() as folder:
        image = assemble(source, folder)
        if machine == "--qemu":
            print(output_of(["qemu-system-x86_64", "-accel", "tcg", "-cpu", "max", "-display", "none", "-serial",
                             "stdio", "-no-reboot", "-nic", "none", "-device", "isa-debug-exit,iobase=0xf4,iosize=4",
                             "-kernel", image]), end="")
            return
        engine = sys.argv[3] if len(sys.argv) > 3 else "auto"
        got = output_of([machine, "run", "--engine", engine, "--net", "none", "--kernel", image])
    expected = source.with_suffix(".expected").read_text()
    if got != expected:
        sys.exit("".join(difflib.unified_diff(expected.splitlines(True), got.splitlines(True), "expected", "got")))


if __name__ == "__main__":
    main()
