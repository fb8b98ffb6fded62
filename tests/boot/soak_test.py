#!/usr/bin/env python3
"""Ten minutes of stress-ng with verification in a Debian guest on the translator: what it finds wrong fails the test.

    soak_test.py STRATA [ENGINE [PROCESSORS]]

With several processors each stressor runs on all of them, and others are added. STRATA_SOAK_SECONDS is how long all
stressors take together (600). The image `programs` is built when it is not there.
"""
import os
import re
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
from guest_console import Console, ConsoleError, ensure_image  # noqa: E402

image = "programs"
packages = ["7zip", "openssl", "python3", "gcc", "libc6-dev", "stress-ng"]  # as bench/programs builds it
boot_patience = 900  # seconds
passed, not_possible_here = 0, 3  # stress-ng(1), exit status; 2: a stressor failed, or found something wrong

# What a translator gets wrong: arithmetic, memory, processes, mappings that come and go, signals and faults, code that
# is written while it runs, floating point, vectors, atomic updates, strings.
stressors = ["cpu", "vm", "memcpy", "fork", "mmap", "signal", "sigsegv", "flushcache", "regs", "fp", "vecmath", "atomic",
             "str", "bsearch", "icache", "mcontend"]
# What several processors get wrong: locks, what one does to the mappings of others.
stressors_of_several = ["futex", "mutex", "pthread", "lockbus", "cacheline", "membarrier", "tlb-shootdown"]


def soak(console, seconds, processors):
    """Runs all stressors one behind the other; gives the names of those that failed."""
    known = console.run("stress-ng --stressors", 300)
    wanted = stressors + (stressors_of_several if processors > 1 else [])
    chosen = [name for name in wanted if re.search(rf"\b{name}\b", known)]
    print(f"\n{len(chosen)} stressors: {' '.join(chosen)}", flush=True)
    each = max(1, seconds // len(chosen))
    failed = []
    for name in chosen:
        start = time.monotonic()
        output, code = console.run_for_code(
            f"stress-ng --{name} {processors} --verify --timeout {each}s --vm-bytes 64m --oomable 2>&1", 300 + 20 * each)
        good = code in (passed, not_possible_here)
        print(f"{'ok' if good else 'FAILED'}: {name}, {time.monotonic() - start:.0f} s, code {code}", flush=True)
        if not good:
            print(output[-3000:])
            failed.append(name)
    return failed


def main():
    strata, engine, processors = sys.argv[1], *sys.argv[2:4], *["jit", "1"][len(sys.argv) - 2:]
    seconds = int(os.environ.get("STRATA_SOAK_SECONDS", "600"))
    ensure_image(strata, image, "debian:trixie", packages)
    console = Console([strata, "run", image, "--engine", engine, "--cpus", processors, "--net", "none", "--memory", "1G"])
    console.await_login(boot_patience)
    console.log_in(boot_patience)
    failed = soak(console, seconds, int(processors))
    messages = console.run("dmesg | grep -E 'Oops|BUG:|WARNING:|general protection|lockup' | head -5", 120)
    if re.search(r"Oops|BUG:|general protection", messages):
        failed.append("the kernel: " + messages.strip())
    console.type("poweroff\r")
    if console.wait() != 0:
        failed.append("power-off")
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")


if __name__ == "__main__":
    try:
        main()
    except ConsoleError as error:
        sys.exit(f"{error}")
