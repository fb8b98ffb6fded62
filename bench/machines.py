"""What the benchmarks of whole machines share: how Strata and QEMU are started alike, and the memory that they take."""
import os
import re
import threading
from pathlib import Path

project = Path(__file__).resolve().parent.parent
guests = Path(os.environ.get("STRATA_GUEST_CACHE",
                             Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "strata" / "guests"))
images = Path(os.environ.get("XDG_DATA_HOME", Path.home() / ".local/share")) / "strata" / "images"
program = project / "build/strata"
emulators = {"amd64": "qemu-system-x86_64", "i386": "qemu-system-i386"}


def memory_besides_ram(pid, ram_mib):
    """Host memory that a process has besides its guest's RAM, in MiB: its share (what is mapped twice counts once) of all
    mappings too small for it, or of files."""
    total = ram = 0
    is_ram = False
    for line in Path(f"/proc/{pid}/smaps").read_text().splitlines():
        if range_of := re.match(r"([0-9a-f]+)-([0-9a-f]+) \S+ \S+ \S+ \S+ *(.*)", line):
            size = int(range_of[2], 16) - int(range_of[1], 16)
            is_ram = size >= ram_mib * 1024 * 1024 * 3 // 4 and not range_of[3]
        elif line.startswith("Pss:"):
            share = int(line.split()[1])
            total += share
            ram += share if is_ram else 0
    return (total - ram) / 1024


class MemoryWatch(threading.Thread):
    """The most of it while the process lives."""

    def __init__(self, pid, ram_mib):
        super().__init__(daemon=True)
        self.pid, self.ram_mib, self.peak, self.stopped = pid, ram_mib, 0.0, threading.Event()
        self.start()

    def run(self):
        while not self.stopped.wait(1.0):
            try:
                self.peak = max(self.peak, memory_besides_ram(self.pid, self.ram_mib))
            except (OSError, ValueError):
                return
