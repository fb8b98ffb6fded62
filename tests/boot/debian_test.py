#!/usr/bin/env python3
"""The whole way of a user: a Debian image to its login, commands over the console, the network, and power-off.

    debian_test.py STRATA [ENGINE]

The image is built when it is not there. Needs a Debian mirror, as the image does.
"""
import os
import pty
import re
import select
import subprocess
import sys
import time

image = "debian:trixie"
boot_patience, command_patience = 900, 600  # seconds: two busy cores and an interpreter are slow


class Console:
    """A machine on a terminal of our own."""

    def __init__(self, command):
        self.process_id, self.terminal = pty.fork()
        if self.process_id == 0:
            os.execv(command[0], command)
        self.seen = ""

    def expect(self, pattern, patience):
        """Everything up to the pattern, which is taken off."""
        end = time.monotonic() + patience
        while not (found := re.search(pattern, self.seen)):
            ready, _, _ = select.select([self.terminal], [], [], max(0, end - time.monotonic()))
            if not ready:
                sys.exit(f"no {pattern!r} within {patience} s; the console says:\n{self.seen[-3000:]}")
            try:
                got = os.read(self.terminal, 65536).decode(errors="replace")
            except OSError:  # the program has ended
                got = ""
            if not got:
                sys.exit(f"the machine ended before {pattern!r}; the console said:\n{self.seen[-3000:]}")
            sys.stdout.write(got)
            self.seen += got
        before, self.seen = self.seen[:found.start()], self.seen[found.end():]
        return before

    def type(self, text):
        os.write(self.terminal, text.encode())

    def run(self, command):
        """A command's output; it must succeed."""
        self.type(f"{command}; echo EN''D-$?\r")
        output = self.expect(r"END-\d+", command_patience)
        return output

    def wait(self):
        """The exit code, after all output."""
        while True:
            try:
                if not os.read(self.terminal, 65536):
                    break
            except OSError:
                break
        return os.waitstatus_to_exitcode(os.waitpid(self.process_id, 0)[1])


def check(what, holds):
    print(f"\n{'ok' if holds else 'FAILED'}: {what}")
    if not holds:
        sys.exit(1)


def main():
    strata, engine = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else "auto"
    if image not in subprocess.run([strata, "image", "list"], capture_output=True, text=True, check=True).stdout:
        subprocess.run([strata, "image", "build", image], check=True)

    start = time.monotonic()
    console = Console([strata, "run", image, "--engine", engine])
    console.expect(r"strata login:", boot_patience)
    print(f"\nok: login after {time.monotonic() - start:.0f} s")
    console.type("root\r")
    console.expect(r"root@strata:[^#]*# ", command_patience)
    console.run("export PS1='' TERM=dumb; stty -echo")
    check("uname", "Linux strata 6." in console.run("uname -a"))
    check("python", "499999500000" in console.run("python3 -c 'print(sum(range(10**6)))'"))
    check("a file survives the page cache",
          "0e9f" in console.run("head -c 20000000 /dev/zero > z; sync; echo 3 > /proc/sys/vm/drop_caches;"
                                " [ $(wc -c < z) = 20000000 ] && cmp -n 20000000 z /dev/zero && echo 0e9''f"))
    # The link comes up in the background.
    check("the network", "10.0.2.15" in console.run(
        "for i in $(seq 120); do ip -4 addr | grep -q 10.0.2.15 && break; sleep 1; done; ip -4 addr"))
    update = console.run("apt-get update")
    check("apt-get update", "Reading package lists" in update and "Err:" not in update)
    console.type("poweroff\r")
    check("power-off with exit code 0", console.wait() == 0)


if __name__ == "__main__":
    main()
