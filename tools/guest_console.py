"""A machine on a terminal of our own, for tests and benchmarks that speak with a guest as a user does."""
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time


class ConsoleError(Exception):
    """The guest did not say what it was expected to, in one line and with what it said last."""


class Console:
    """Runs `command`, which shows the guest's console on its terminal. `echo` gets all that the guest says."""

    def __init__(self, command, echo=None):
        self.process_id, self.terminal = pty.fork()
        if self.process_id == 0:
            os.execvp(command[0], command)
        self.seen, self.echo = "", echo

    def expect(self, pattern, patience):
        """Everything up to the pattern, which is taken off. Patience is in seconds."""
        end = time.monotonic() + patience
        while not (found := re.search(pattern, self.seen)):
            ready, _, _ = select.select([self.terminal], [], [], max(0, end - time.monotonic()))
            if not ready:
                raise ConsoleError(f"no {pattern!r} within {patience} s; the console says:\n{self.seen[-3000:]}")
            try:
                got = os.read(self.terminal, 65536).decode(errors="replace")
            except OSError:  # the program has ended
                got = ""
            if not got:
                raise ConsoleError(f"the machine ended before {pattern!r}; the console said:\n{self.seen[-3000:]}")
            if self.echo:
                self.echo.write(got)
            self.seen += got
        before, self.seen = self.seen[:found.start()], self.seen[found.end():]
        return before

    def type(self, text):
        os.write(self.terminal, text.encode())

    def await_login(self, patience):
        self.expect(r"strata login:", patience)

    def log_in(self, patience):
        """As root, who has no password, and without prompt and echo from then on. Behind await_login()."""
        self.type("root\r")
        self.expect(r"root@strata:[^#]*# ", patience)
        self.run("export PS1='' TERM=dumb; stty -echo", patience)

    def run(self, command, patience):
        """A command's output, whatever its exit code."""
        return self.run_for_code(command, patience)[0]

    def run_for_code(self, command, patience):
        self.type(f"{command}; echo EN''D-$?-\r")
        output = self.expect(r"END-(?=\d+-)", patience)
        return output, int(self.expect(r"-", patience))

    def wait(self):
        """The exit code, after all output."""
        while True:
            try:
                if not os.read(self.terminal, 65536):
                    break
            except OSError:
                break
        return os.waitstatus_to_exitcode(os.waitpid(self.process_id, 0)[1])

    def kill(self):
        os.kill(self.process_id, signal.SIGKILL)
        os.waitpid(self.process_id, 0)
        os.close(self.terminal)


def ensure_image(strata, name, source, packages=()):
    """Builds an image where there is none of that name. Needs a Debian mirror."""
    listed = subprocess.run([strata, "image", "list"], capture_output=True, text=True, check=True).stdout
    if any(line.split()[0] == name for line in listed.splitlines()[1:]):
        return
    words = [strata, "image", "build", source, "--name", name]
    for package in packages:
        words += ["--package", package]
    subprocess.run(words, check=True, stdout=sys.stderr)
