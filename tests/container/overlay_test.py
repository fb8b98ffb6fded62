"""Roots made of layers: config.json's "strata.overlay", as root, in a user namespace, and by an ordinary user."""
import json
import os
import shutil
import subprocess
import sys
import unittest
from pathlib import Path

import bundles
from bundles import ContainerTest

ordinary = 23456  # a number that no user of the host has


class LayeredTest(ContainerTest):
    def setUp(self):
        super().setUp()
        self.lower = self.folder / "lower"
        self.top = self.folder / "top"
        self.store = self.folder / "store"
        for folder in (self.lower / "etc", self.lower / "old", self.top / "etc", self.store / "upper",
                       self.store / "work", self.store / "root"):
            folder.mkdir(parents=True)
        (self.lower / "etc/a").write_text("lower")
        (self.lower / "etc/b").write_text("b")
        (self.lower / "old/x").write_text("x")
        (self.top / "etc/a").write_text("upper")
        os.mknod(self.top / "old", 0o20000, 0)

    def overlay(self, *args, **options):
        config = self.config(*args, **options)
        config["root"] = {"path": str(self.store / "root"), "readonly": False}
        config["strata"] = {"overlay": {"lower": [str(self.top), str(self.lower), str(self.rootfs)],
                                        "upper": str(self.store / "upper"), "work": str(self.store / "work")}}
        return config

    def run_overlay(self, config):
        return self.oci("run", "--bundle", str(self.bundle(config)), self.id)


class Overlay(LayeredTest):
    look = ("sh", "-c", "cat /etc/a /etc/b; test -e /old || echo gone; echo new >/etc/new; echo x >>/etc/b; stat -c %u:%g /etc/b /etc/new")

    def test_layers_are_merged_and_not_written(self):
        done = self.run_overlay(self.overlay(*self.look))
        self.assertEqual(done.stdout, "upperbgone\n0:0\n0:0\n", done.stderr)
        self.assertEqual((self.store / "upper/etc/new").read_text(), "new\n")
        self.assertEqual((self.store / "upper/etc/b").read_text(), "bx\n")
        self.assertEqual((self.lower / "etc/a").read_text(), "lower")
        self.assertFalse((self.lower / "etc/new").exists())
        self.assertEqual(os.listdir(self.store / "root"), [])

    def in_user_namespace(self, config):
        config["linux"]["namespaces"].append({"type": "user"})
        config["linux"]["uidMappings"] = config["linux"]["gidMappings"] = [
            {"containerID": 0, "hostID": 500000, "size": 65536}]
        return config

    def test_ids_are_mapped_for_a_user_namespace(self):
        self.folder.chmod(0o700)  # as root's home is
        os.chown(self.store / "upper", 500000, 500000)
        done = self.run_overlay(self.in_user_namespace(self.overlay(*self.look)))
        self.assertEqual(done.stdout, "upperbgone\n0:0\n0:0\n", done.stderr)
        self.assertEqual(os.stat(self.store / "upper/etc/new").st_uid, 500000)
        self.assertEqual(os.stat(self.store / "upper/etc/b").st_uid, 500000)
        self.assertEqual(os.stat(self.lower / "etc/b").st_uid, 0)

    def test_a_plain_root_may_be_below_a_closed_folder(self):
        subprocess.run(["chown", "-R", "500000:500000", str(self.rootfs)], check=True)
        self.folder.chmod(0o700)
        done = self.oci("run", "--bundle", str(self.bundle(self.in_user_namespace(self.config("cat", "/etc/passwd")))), self.id)
        self.assertIn("ann", done.stdout, done.stderr)

    def test_a_read_only_root(self):
        config = self.overlay("sh", "-c", "echo x >/etc/new || echo refused")
        config["root"]["readonly"] = True
        done = self.run_overlay(config)
        self.assertEqual(done.stdout, "refused\n", done.stderr)

    def test_nothing_stays_mounted(self):
        self.run_overlay(self.overlay("true"))
        self.assertNotIn(str(self.folder), Path("/proc/self/mountinfo").read_text())

    def test_an_ordinary_user(self):
        shutil.copy(bundles.runtime, self.folder / "strata-oci")
        config = self.overlay("sh", "-c", "cat /etc/a; test -e /old || echo gone; echo new >/etc/new", rootless=True)
        config["linux"]["uidMappings"] = [{"containerID": 0, "hostID": ordinary, "size": 1}]
        config["linux"]["gidMappings"] = [{"containerID": 0, "hostID": ordinary, "size": 1}]
        bundle = self.bundle(config)
        subprocess.run(["chown", "-R", f"{ordinary}:{ordinary}", str(self.folder)], check=True)
        done = subprocess.run(
            ["setpriv", f"--reuid={ordinary}", f"--regid={ordinary}", "--clear-groups", str(self.folder / "strata-oci"),
             "--root", str(self.folder / "user-state"), "run", "--bundle", str(bundle), self.id],
            capture_output=True, text=True, env={"PATH": os.environ["PATH"], "XDG_RUNTIME_DIR": str(self.folder)})
        self.assertEqual(done.stdout, "uppergone\n", done.stderr)
        self.assertEqual((self.store / "upper/etc/new").read_text(), "new\n")
        self.assertEqual(os.stat(self.store / "upper/etc/new").st_uid, ordinary)


class BadOverlay(LayeredTest):
    def complaint(self, change):
        config = self.overlay("true")
        change(config["strata"]["overlay"])
        done = self.run_overlay(config)
        self.assertNotEqual(done.returncode, 0)
        self.assertEqual(len(done.stderr.strip().splitlines()), 1, done.stderr)
        return done.stderr

    def test_what_cannot_be_is_told_by_name(self):
        for change, words in (
                (lambda o: o.pop("upper"), "strata.overlay.upper: is missing"),
                (lambda o: o.update(lower=[]), "strata.overlay.lower: must have 1 to 500"),
                (lambda o: o.update(lower="/"), "strata.overlay.lower: must be a list"),
                (lambda o: o.update(lower=["relative"]), "strata.overlay.lower: must be absolute"),
                (lambda o: o.update(work="/elsewhere/work"), "strata.overlay.work: must be a directory beside upper"),
                (lambda o: o.update(work=o["upper"]), "strata.overlay.work: must be a directory beside upper"),
                (lambda o: o.update(lower=["/does/not/exist"]), "/does/not/exist")):
            with self.subTest(words):
                self.assertIn(words, self.complaint(change))


if __name__ == "__main__":
    bundles.take_arguments()
    bundles.skip_unless_possible()
    unittest.main()
