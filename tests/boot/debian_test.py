#!/usr/bin/env python3
"""The whole way of a user: a Debian image to its login, commands over the console, the network, and power-off.

    debian_test.py STRATA [ENGINE]

The image is built when it is not there. Needs a Debian mirror, as the image does.
"""
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
from guest_console import Console, ConsoleError, ensure_image  # noqa: E402

image = "debian:trixie"
boot_patience, command_patience = 900, 600  # seconds: two busy cores and an interpreter are slow


def check(what, holds):
    print(f"\n{'ok' if holds else 'FAILED'}: {what}")
    if not holds:
        sys.exit(1)


def main():
    strata, engine = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else "auto"
    ensure_image(strata, image, image)

    start = time.monotonic()
    console = Console([strata, "run", image, "--engine", engine], echo=sys.stdout)
    console.await_login(boot_patience)
    print(f"\nok: login after {time.monotonic() - start:.0f} s")

    console.log_in(command_patience)

    def run(command):
        return console.run(command, command_patience)

    check("uname", "Linux strata 6." in run("uname -a"))
    check("python", "499999500000" in run("python3 -c 'print(sum(range(10**6)))'"))
    check("a file survives the page cache",
          "0e9f" in run("head -c 20000000 /dev/zero > z; sync; echo 3 > /proc/sys/vm/drop_caches;"
                        " [ $(wc -c < z) = 20000000 ] && cmp -n 20000000 z /dev/zero && echo 0e9''f"))
    # The link comes up in the background.
    check("the network", "10.0.2.15" in run(
        "for i in $(seq 120); do ip -4 addr | grep -q 10.0.2.15 && break; sleep 1; done; ip -4 addr"))
    update = run("apt-get update")
    check("apt-get update", "Reading package lists" in update and "Err:" not in update)
    console.type("poweroff\r")
    check("power-off with exit code 0", console.wait() == 0)


if __name__ == "__main__":
    try:
        main()
    except ConsoleError as error:
        sys.exit(f"{error}")
