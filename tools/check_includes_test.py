#!/usr/bin/env python3
"""Tests of check_includes.py on small source trees made for it."""

import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

CHECKER = Path(__file__).parent / "check_includes.py"


class CheckIncludes(unittest.TestCase):
    def check(self, files):
        """Runs the checker over a tree with these files; returns its exit code and its lines."""
        with tempfile.TemporaryDirectory() as folder:
            for name, text in files.items():
                file = Path(folder, name)
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(text)
            done = subprocess.run([sys.executable, CHECKER, folder], capture_output=True, text=True, check=False)
            return done.returncode, done.stdout.replace(folder + "/", "")

    def assert_forbidden(self, files, words):
        code, output = self.check(files)
        self.assertEqual(code, 1, output)
        self.assertIn(words, output)

    def assert_allowed(self, files):
        code, output = self.check(files)
        self.assertEqual(code, 0, output)

    def test_the_table_is_followed(self):
        self.assert_allowed({"ir/op.h": "", "base/bits.h": "", "isa/x86/decode.h": '#include "ir/op.h"\n#include "base/bits.h"\n'})

    def test_an_upward_include_is_forbidden(self):
        self.assert_forbidden(
            {"ir/op.h": '#include <vector>\n#include "isa/x86/decode.h"\n', "isa/x86/decode.h": ""},
            "ir/op.h:2: ir may not include isa/x86 (isa/x86/decode.h)")

    def test_base_includes_nobody(self):
        self.assert_forbidden({"base/a.h": '#include "iface/vcpu.h"', "iface/vcpu.h": ""}, "base may not include iface")

    def test_siblings_are_apart(self):
        self.assert_forbidden({"isa/x86/a.h": '#include "isa/riscv/b.h"', "isa/riscv/b.h": ""},
                              "isa/x86 may not include isa/riscv")

    def test_a_folder_inside_a_room_is_the_room(self):
        self.assert_allowed({"isa/x86/sse/a.cpp": '#include "isa/x86/state.h"', "isa/x86/state.h": ""})
        self.assert_forbidden({"devices/net/a.h": '#include "network/b.h"', "network/b.h": ""},
                              "devices may not include network")

    def test_passes_are_a_room_of_their_own(self):
        self.assert_allowed({"ir/passes/a.h": '#include "ir/op.h"', "ir/op.h": ""})
        self.assert_forbidden({"ir/op.h": '#include "ir/passes/a.h"', "ir/passes/a.h": ""},
                              "ir may not include ir/passes")

    def test_tests_may_include_more(self):
        used = {"codegen/interp/interp.h": ""}
        self.assert_allowed(used | {"isa/x86/a_test.cpp": '#include "codegen/interp/interp.h"'})
        self.assert_forbidden(used | {"isa/x86/a.cpp": '#include "codegen/interp/interp.h"'},
                              "isa/x86 may not include codegen/interp")

    def test_a_file_without_room_is_told(self):
        self.assert_forbidden({"odds/a.h": ""}, "odds/a.h:1: no room")

    def test_an_include_by_file_name_alone_is_told(self):
        self.assert_forbidden({"ir/op.cpp": '#include "op.h"', "ir/op.h": ""}, 'name it from the source folder')


if __name__ == "__main__":
    unittest.main()
