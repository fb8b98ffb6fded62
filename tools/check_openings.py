#!/usr/bin/env python3
"""Checks that each named C++ file opens with one sentence in a comment that says what the file is."""

import re
import sys
from pathlib import Path

# The sentence may run over several lines of the comment and may be followed by more.
OPENING = re.compile(r"// [A-Za-z0-9_*<`'\"].*[.:]")


def opening_of(text):
    comment = []
    for line in text.splitlines():
        if not line.startswith("//"):
            break
        comment.append(line.removeprefix("//").strip())
    return "// " + " ".join(comment) if comment else ""


def main():
    bad = [name for name in sys.argv[1:] if not OPENING.match(opening_of(Path(name).read_text()))]
    for name in bad:
        print(f"{name}:1: does not open with a sentence in a // comment")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
