"""The image store by its commands: import, export, show, rm, gc; held against skopeo and umoci where these are installed."""
import gzip
import hashlib
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import time
import unittest
from pathlib import Path

strata = None


def needs(*programs):
    missing = [name for name in programs if not shutil.which(name)]
    return unittest.skipIf(missing, f"{', '.join(missing)} not installed")


def layer(files):
    """A layer's archive: names to content; a name with / at its end is a folder."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name.rstrip("/"))
            if name.endswith("/"):
                info.type, info.mode = tarfile.DIRTYPE, 0o755
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return out.getvalue()


def digest_of(content):
    return "sha256:" + hashlib.sha256(content).hexdigest()


class StoreTest(unittest.TestCase):
    def setUp(self):
        self.folder = Path(tempfile.mkdtemp(prefix="strata-store-test."))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.home = self.folder / "data"
        self.environment = {**os.environ, "XDG_DATA_HOME": str(self.home)}
        self.store = self.home / "strata"

    def strata(self, *words, code=0):
        done = subprocess.run([strata, *words], capture_output=True, text=True, env=self.environment, timeout=60)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stdout if code == 0 else done.stderr

    def layout(self, layers, change=lambda manifest, config: None, name="layout"):
        """An OCI layout with gzip layers; `change` may make its documents wrong."""
        folder = self.folder / name
        blobs = folder / "blobs/sha256"
        blobs.mkdir(parents=True)

        def put(content):
            (blobs / digest_of(content)[7:]).write_bytes(content)
            return {"digest": digest_of(content), "size": len(content)}

        config = {"architecture": "amd64", "os": "linux", "config": {"Cmd": ["/bin/sh"], "Env": ["A=1"]},
                  "rootfs": {"type": "layers", "diff_ids": [digest_of(one) for one in layers]}}
        manifest = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
                    "layers": [{"mediaType": "application/vnd.oci.image.layer.v1.tar+gzip", **put(gzip.compress(one, mtime=0))}
                               for one in layers]}
        change(manifest, config)
        manifest["config"] = {"mediaType": "application/vnd.oci.image.config.v1+json", **put(json.dumps(config).encode())}
        descriptor = {"mediaType": manifest["mediaType"], **put(json.dumps(manifest).encode()),
                      "annotations": {"org.opencontainers.image.ref.name": "1.0"}}
        (folder / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [descriptor]}))
        (folder / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')
        return folder

    lower = {"etc/": b"", "etc/name": b"lower\n", "etc/gone": b"x"}
    upper = {"etc/.wh.gone": b"", "etc/new": b"new\n"}

    def imported(self, name="app:1.0"):
        return self.strata("image", "import", str(self.layout([layer(self.lower), layer(self.upper)])), "--name", name)


class Transfers(StoreTest):
    def test_what_is_exported_is_what_was_imported(self):
        self.assertEqual(self.imported("localhost:5000/team/app:1.0"), "localhost:5000/team/app:1.0\n")
        self.strata("image", "export", "localhost:5000/team/app:1.0", str(self.folder / "one.tar"))
        self.strata("image", "rm", "localhost:5000/team/app:1.0")
        self.strata("image", "gc")
        self.assertEqual(os.listdir(self.store / "blobs/sha256"), [])
        self.assertEqual(self.strata("image", "import", str(self.folder / "one.tar")), "localhost:5000/team/app:1.0\n")
        self.strata("image", "export", "localhost:5000/team/app:1.0", str(self.folder / "two.tar"))
        self.assertEqual((self.folder / "one.tar").read_bytes(), (self.folder / "two.tar").read_bytes())
        self.strata("image", "export", "localhost:5000/team/app:1.0", str(self.folder / "three"))
        with tarfile.open(self.folder / "one.tar") as archive:
            for member in archive.getmembers():
                if member.isfile():
                    self.assertEqual(archive.extractfile(member).read(), (self.folder / "three" / member.name).read_bytes())

    def test_the_layout_names_the_image(self):
        folder = self.layout([layer(self.lower)], name="myapp")
        self.assertEqual(self.strata("image", "import", str(folder)), "myapp:1.0\n")

    def test_a_folder_becomes_an_image(self):
        root = self.folder / "root"
        (root / "bin").mkdir(parents=True)
        (root / "bin/tool").write_text("#!/bin/sh\n")
        (root / "bin/tool").chmod(0o755)
        os.link(root / "bin/tool", root / "bin/other")
        os.symlink("tool", root / "bin/link")
        self.assertIn("--name", self.strata("image", "import", str(root), code=2))
        self.strata("image", "import", str(root), "--name", "tree")
        first = json.loads(self.strata("image", "show", "tree", "--json"))
        self.strata("image", "import", str(root), "--name", "tree")
        self.assertEqual(json.loads(self.strata("image", "show", "tree", "--json"))["manifest"], first["manifest"])
        tree = self.store / "layers" / first["layers"][0]["diff_id"][7:] / "tree/bin"
        self.assertEqual((tree / "other").stat().st_nlink, 2)
        self.assertEqual(os.readlink(tree / "link"), "tool")

    def test_an_archive_becomes_an_image(self):
        for name, content in (("plain.tar", layer(self.lower)), ("packed.tar.gz", gzip.compress(layer(self.lower)))):
            (self.folder / name).write_bytes(content)
            self.strata("image", "import", str(self.folder / name), "--name", "root")
            shown = json.loads(self.strata("image", "show", "root", "--json"))
            self.assertEqual(shown["layers"][0]["diff_id"], digest_of(layer(self.lower)))

    def test_what_docker_saves_is_read(self):
        config = json.dumps({"architecture": "amd64", "os": "linux", "config": {},
                             "rootfs": {"type": "layers", "diff_ids": [digest_of(layer(self.lower))]}}).encode()
        name = digest_of(config)[7:] + ".json"
        saved = json.dumps([{"Config": name, "RepoTags": ["saved:2"], "Layers": ["abc/layer.tar"]}]).encode()
        (self.folder / "saved.tar").write_bytes(layer({"manifest.json": saved, name: config, "abc/layer.tar": layer(self.lower)}))
        self.assertEqual(self.strata("image", "import", str(self.folder / "saved.tar")), "saved:2\n")

    def test_lies_are_told_and_change_nothing(self):
        self.imported()
        before = self.strata("image", "list", "--json")

        def wrong_layer(manifest, _):
            manifest["layers"][0]["digest"] = digest_of(b"other")

        def wrong_size(manifest, _):
            manifest["layers"][0]["size"] += 1

        def wrong_count(_, config):
            config["rootfs"]["diff_ids"].append(digest_of(b""))

        def wrong_type(_, config):
            config["config"]["Cmd"] = "sh"

        for number, (change, words) in enumerate(((wrong_layer, "No such file"), (wrong_size, "not what its digest"),
                                                  (wrong_count, "has 1 layers, its config 2"),
                                                  (wrong_type, "config.Cmd: must be a list"))):
            folder = self.layout([layer({"a": b"%d" % number})], change, f"lie{number}")
            complaint = self.strata("image", "import", str(folder), "--name", "app:1.0", code=1)
            self.assertIn(words, complaint)
            errors = [line for line in complaint.splitlines() if line.startswith("strata:")]
            self.assertEqual(len(errors), 1, complaint)
        self.assertEqual(self.strata("image", "list", "--json"), before)

    def test_exports_replace_no_folder(self):
        self.imported()
        (self.folder / "full").mkdir()
        (self.folder / "full/mine").write_text("mine")
        self.assertIn("is there already", self.strata("image", "export", "app:1.0", str(self.folder / "full"), code=1))
        self.assertEqual(os.listdir(self.folder / "full"), ["mine"])

    def test_damage_in_the_store_is_not_exported(self):
        self.imported()
        blob = json.loads(self.strata("image", "show", "app:1.0", "--json"))["layers"][0]["digest"][7:]
        (self.store / "blobs/sha256" / blob).write_bytes(b"damaged")
        self.assertIn("not what its digest", self.strata("image", "export", "app:1.0", str(self.folder / "x.tar"), code=1))
        self.assertEqual([name for name in os.listdir(self.folder) if name.startswith("x.tar")], [])


class Removal(StoreTest):
    def test_names_share_blobs_until_the_last_is_gone(self):
        self.imported("one")
        self.strata("image", "import", str(self.folder / "layout"), "--name", "two")
        self.strata("image", "rm", "one")
        self.strata("image", "gc")
        self.assertEqual(len(os.listdir(self.store / "blobs/sha256")), 4)
        self.strata("image", "rm", "two")
        self.assertIn("4 blobs", self.strata("image", "gc"))

    def test_images_of_containers_stay(self):
        self.imported()
        manifest = json.loads(self.strata("image", "show", "app:1.0", "--json"))["manifest"]
        container = self.store / "containers/web"
        container.mkdir(parents=True)
        (container / "root.json").write_text(json.dumps(
            {"version": 1, "image": "app:1.0", "manifest": manifest, "way": "copy", "layers": []}))
        self.assertIn("the container web's", self.strata("image", "rm", "app:1.0", code=1))
        shutil.rmtree(container)
        self.strata("image", "rm", "app:1.0")

    def test_what_dead_processes_left_goes(self):
        self.imported()
        for left in ("blobs/sha256/.new-abc", "blobs/sha256/.%s.partial" % ("0" * 64)):
            (self.store / left).write_text("left")
        for left in ("layers/.building-x-1", "images/.building-x-1", "layers/" + "0" * 64):
            (self.store / left).mkdir(parents=True)
            (self.store / left / "file").write_text("left")
        self.assertIn("2 unfinished downloads", self.strata("image", "gc"))
        left = {str(path.relative_to(self.store)) for path in self.store.rglob("*") if "building" in path.name or "000" in path.name}
        self.assertEqual(left, set())
        self.strata("image", "export", "app:1.0", str(self.folder / "whole.tar"))

    def test_damaged_records_keep_nobody_from_collecting(self):
        self.imported()
        (self.store / "images/broken").mkdir()
        (self.store / "images/broken/image.json").write_text("{")
        (self.store / "containers/c").mkdir(parents=True)
        (self.store / "containers/c/root.json").write_text("{")
        self.strata("image", "gc")
        self.strata("image", "export", "app:1.0", str(self.folder / "whole.tar"))

    def test_an_import_that_is_killed_leaves_no_half(self):
        big = self.layout([layer({f"file{n}": os.urandom(200_000) for n in range(40)})], name="big")
        for wait in (0.02, 0.05, 0.1):
            process = subprocess.Popen([strata, "image", "import", str(big), "--name", "big"], env=self.environment,
                                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(wait)
            process.send_signal(signal.SIGKILL)
            process.wait()
            self.strata("image", "gc")
            for path in (self.store / "blobs/sha256").glob("*"):
                self.assertEqual(digest_of(path.read_bytes())[7:], path.name)
        self.strata("image", "import", str(big), "--name", "big")


class Judges(StoreTest):
    """What others make of our exports, and we of theirs."""

    @needs("skopeo")
    def test_skopeo_reads_and_writes_what_we_do(self):
        self.imported()
        shown = json.loads(self.strata("image", "show", "app:1.0", "--json"))
        self.strata("image", "export", "app:1.0", str(self.folder / "out.tar"))
        self.strata("image", "export", "app:1.0", str(self.folder / "out"))
        for source in (f"oci-archive:{self.folder}/out.tar", f"oci:{self.folder}/out:1.0"):
            inspected = subprocess.run(["skopeo", "inspect", source], capture_output=True, text=True)
            self.assertEqual(inspected.returncode, 0, inspected.stderr)
            found = json.loads(inspected.stdout)
            self.assertEqual(found["Digest"], shown["manifest"])
            self.assertEqual(found["Layers"], [one["digest"] for one in shown["layers"]])
        subprocess.run(["skopeo", "copy", "--insecure-policy", "-q", f"oci:{self.folder}/out:1.0", f"oci:{self.folder}/copy:1.0"],
                       check=True)
        self.strata("image", "import", str(self.folder / "copy"), "--name", "again")
        self.assertEqual(json.loads(self.strata("image", "show", "again", "--json"))["manifest"], shown["manifest"])

    @needs("umoci")
    def test_umoci_unpacks_the_same_files(self):
        self.imported()
        self.strata("image", "export", "app:1.0", str(self.folder / "out"))
        bundle = self.folder / "bundle"
        words = ["umoci", "unpack", "--image", f"{self.folder}/out:1.0", str(bundle)]
        if os.geteuid() != 0:
            words.insert(2, "--rootless")
        done = subprocess.run(words, capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        files = {str(path.relative_to(bundle / "rootfs")) for path in (bundle / "rootfs").rglob("*")}
        self.assertEqual(files, {"etc", "etc/name", "etc/new"})
        # And what umoci packs, we take.
        (bundle / "rootfs/etc/added").write_text("by umoci")
        subprocess.run(["umoci", "repack", "--image", f"{self.folder}/out:2", str(bundle)], check=True, capture_output=True)
        subprocess.run(["umoci", "rm", "--image", f"{self.folder}/out:1.0"], check=True, capture_output=True)
        self.strata("image", "import", str(self.folder / "out"), "--name", "repacked:2")
        self.assertEqual(len(json.loads(self.strata("image", "show", "repacked:2", "--json"))["layers"]), 3)


if __name__ == "__main__":
    strata = sys.argv.pop(1)
    unittest.main()
