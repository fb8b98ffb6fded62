"""Containers under supervisors, as `strata run --as container` makes them: how long one takes, what idle ones cost."""
import os
import statistics
import subprocess
import time
from pathlib import Path

import images

silent = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}


def pss_of(pid):
    """KiB: pages that several processes share count for each in part."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))


def supervisors(folder):
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if b"supervise" in words and any(word.startswith(str(folder).encode()) for word in words):
            found.append(pid)
    return found


def measure(strata, folder, count, rounds):
    data, runtime = folder / "data", folder / "run"
    runtime.mkdir(mode=0o700)
    images.put_image(data, "box", folder / "rootfs")
    environment = {**os.environ, "XDG_DATA_HOME": str(data), "XDG_RUNTIME_DIR": str(runtime)}

    def call(*words):
        begin = time.perf_counter()
        subprocess.run([strata, *words], env=environment, check=True, **silent)
        return time.perf_counter() - begin

    run = ["run", "box", "--as", "container", "--net", "none"]
    call(*run, "true")  # unpacks the image
    true_ms = statistics.median(call(*run, "true") for _ in range(rounds)) * 1e3
    names = [f"idle-{os.getpid()}-{number}" for number in range(count)]
    made = sum(call(*run, "-d", "--name", name, "sleep", "10000") for name in names)
    costs = [pss_of(pid) for pid in supervisors(folder)]
    removed = call("rm", "--force", *names)
    return {"true_ms": true_ms, "count": len(costs), "pss_kib": statistics.mean(costs), "pss_most_kib": max(costs),
            "make_s": made, "remove_s": removed}


def report(row):
    print(f"supervised: run true {row['true_ms']:.1f} ms; {row['count']} idle: {row['pss_kib']:.0f} KiB each (the most "
          f"{row['pss_most_kib']} KiB), made in {row['make_s']:.1f} s, removed in {row['remove_s']:.1f} s")
