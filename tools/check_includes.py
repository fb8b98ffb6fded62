#!/usr/bin/env python3
"""Checks that no file under a source folder includes a room that include_rules.toml does not allow it."""

import fnmatch
import re
import sys
import tomllib
from pathlib import Path

RULES_FILE = Path(__file__).parent / "include_rules.toml"
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"')
TEST_FILE = re.compile(r"_(test|bench)\.(cpp|h)$")


class Rules:
    def __init__(self, path):
        tables = tomllib.loads(path.read_text())
        self.may_include = tables["may_include"]
        self.tests_may_include = tables["tests_may_include"]

    def room_of(self, path):
        """The room of a path relative to the source folder, or None: the longest listed folder it lies in."""
        folders = path.split("/")[:-1]
        for length in range(len(folders), 0, -1):
            folder = "/".join(folders[:length])
            if self.rule(self.may_include, folder) is not None:
                return folder
        return None

    def allows(self, room, included, is_test):
        if included in (room, "base"):
            return True
        patterns = list(self.rule(self.may_include, room))
        if is_test:
            patterns += self.rule(self.tests_may_include, room) or []
        return any(fnmatch.fnmatchcase(included, pattern) for pattern in patterns)

    @staticmethod
    def rule(table, room):
        """A room's own row, or the row of the pattern that it matches; "isa/*" is not a row for isa/x86/sse."""
        for pattern, allowed in table.items():
            if pattern.count("/") == room.count("/") and fnmatch.fnmatchcase(room, pattern):
                return allowed
        return None


def problems_in(file, source, rules):
    """Yields one line for each include of this file that is not allowed."""
    relative = file.relative_to(source).as_posix()
    room = rules.room_of(relative)
    if room is None:
        yield f"{file}:1: no room in {RULES_FILE.name} has this file; add its room there"
        return
    for number, line in enumerate(file.read_text().splitlines(), start=1):
        match = INCLUDE.match(line)
        if not match:
            continue
        included = rules.room_of(match[1])
        if included is None or not (source / match[1]).exists():
            yield f'{file}:{number}: "{match[1]}" is no file of a room; name it from the source folder: "room/file.h"'
        elif not rules.allows(room, included, bool(TEST_FILE.search(relative))):
            yield f"{file}:{number}: {room} may not include {included} ({match[1]})"


def main():
    if len(sys.argv) != 2 or not Path(sys.argv[1]).is_dir():
        print("usage: check_includes.py SOURCE-FOLDER", file=sys.stderr)
        return 2
    source = Path(sys.argv[1])
    rules = Rules(RULES_FILE)
    files = sorted(file for file in source.rglob("*") if file.suffix in (".h", ".cpp"))
    problems = [problem for file in files for problem in problems_in(file, source, rules)]
    for problem in problems:
        print(problem)
    print(f"{len(files)} files, {len(problems)} forbidden includes")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
