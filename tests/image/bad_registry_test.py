#!/usr/bin/env python3
"""Pulling from registries that cut, lie, stall or answer nonsense: one clear line each, and nothing half left.

    bad_registry_test.py STRATA
"""
import gzip
import json
import os
import shutil
import subprocess
import sys
import threading
import time
import unittest

import registries
from registries import Handler, Image, RegistryTest, digest_of, index_of, noise, small_image

patience = ("--timeout", "1", "--retries", "0")


class BadRegistry(RegistryTest):
    def fails(self, server, words, *options):
        """A pull that fails with one line that has these words, and leaves no image."""
        line = self.refused("pull", server.name, *options)
        self.assertTrue(line.startswith(f"strata: pulling {server.name}: "), line)
        self.assertIn(words, line)
        self.assertLess(len(line), 400)
        self.assertEqual(self.image_names(), [])
        return line

    def heals(self, server, image):
        """The server mends its ways; then a pull succeeds."""
        server.RequestHandlerClass = Handler
        self.pull(server.name)
        self.assert_stored(image)


class Cuts(BadRegistry):
    def test_in_the_middle_of_a_blob(self):
        class Cutting(Handler):
            def answer_blob(self, blob):
                range_header = self.headers.get("Range")
                if len(blob) > 100_000 and self.server.cuts > 0:
                    self.server.cuts -= 1
                    begin = int(range_header[6:-1]) if range_header else 0
                    headers = {"Content-Length": str(len(blob) - begin)}
                    if range_header:
                        headers["Content-Range"] = f"bytes {begin}-{len(blob) - 1}/{len(blob)}"
                    self.answer(206 if range_header else 200, blob[begin:begin + 100_000], headers)
                    self.cut()
                else:
                    super().answer_blob(blob)
        image = small_image()
        server = self.serve(Cutting, image)
        server.cuts = 2
        self.pull(server.name)
        self.assert_stored(image)
        ranges = [headers.get("Range") for _, path, headers in server.requests if path.endswith(image.layers[1])]
        self.assertEqual(ranges, [None, "bytes=100000-", "bytes=200000-"])

    def test_a_server_that_knows_no_ranges(self):
        class Whole(Handler):
            def answer_blob(self, blob):
                if len(blob) > 100_000 and self.server.cuts > 0:
                    self.server.cuts -= 1
                    self.answer(200, blob[:100_000], {"Content-Length": str(len(blob))})
                    self.cut()
                else:
                    self.answer(200, blob)
        image = small_image()
        server = self.serve(Whole, image)
        server.cuts = 1
        self.pull(server.name)
        self.assert_stored(image)
        server.cuts = 1000
        other = Image({"data": noise(300_000, 5)})
        server.add(other)
        self.assertIn("(tried 3 times)", self.refused("pull", server.name, "--retries", "2"))
        self.assertEqual(server.cuts, 997)
        part = f".{other.layers[0].split(':')[1]}.partial"
        self.assertIn(part, self.blobs())
        self.assertEqual(self.strata("gc").returncode, 0)
        self.assertNotIn(part, self.blobs())

    def test_in_the_manifest(self):
        class Cutting(Handler):
            def handle_specially(self):
                if "/manifests/" in self.path and self.server.cuts > 0:
                    self.server.cuts -= 1
                    self.cut()
                    return True
        image = small_image()
        server = self.serve(Cutting, image)
        server.cuts = 2
        self.pull(server.name)
        self.assert_stored(image)

    def test_another_part_than_was_asked_for(self):
        class Wrong(Handler):
            def answer_blob(self, blob):
                if self.headers.get("Range"):
                    self.answer(206, blob[7:], {"Content-Range": f"bytes 7-{len(blob) - 1}/{len(blob)}"})
                elif len(blob) > 100_000:
                    self.answer(200, blob[:100_000], {"Content-Length": str(len(blob))})
                    self.cut()
                else:
                    super().answer_blob(blob)
        image = small_image()
        server = self.serve(Wrong, image)
        self.fails(server, "another part than was asked for")
        self.heals(server, image)


class Lies(BadRegistry):
    def blob_is(self, change):
        """A server whose largest blob is changed so."""
        class Lying(Handler):
            def answer_blob(self, blob):
                super().answer_blob(change(blob) if blob and len(blob) > 100_000 else blob)
        return Lying

    def test_about_the_digest(self):
        image = small_image()
        server = self.serve(self.blob_is(lambda blob: blob[:-1] + b"!"), image)
        self.fails(server, f"the content of {image.layers[1]} is not what its digest says")
        self.assertEqual([name for name in self.blobs() if image.layers[1].split(":")[1] in name], [])
        self.heals(server, image)

    def test_longer(self):
        image = small_image()
        server = self.serve(self.blob_is(lambda blob: blob + b"more"), image)
        self.fails(server, "has more than the")
        self.heals(server, image)

    def test_endless(self):
        class Endless(Handler):
            def answer_blob(self, blob):
                self.send_response(200)
                self.send_header("Connection", "close")
                self.end_headers()
                try:
                    while True:
                        self.wfile.write(bytes(1 << 16))
                except OSError:
                    self.close_connection = True
        image = small_image()
        server = self.serve(Endless, image)
        self.fails(server, "has more than the")
        self.heals(server, image)

    def test_shorter(self):
        image = small_image()
        server = self.serve(self.blob_is(lambda blob: blob[:200_000]), image)
        # Whether it ends or has nothing more behind what it sent.
        self.fails(server, "200000 bytes of it", "--retries", "1")
        self.heals(server, image)

    def test_a_damaged_part_of_an_earlier_pull(self):
        image = small_image()
        server = self.serve(image=image)
        folder = self.data / "strata" / "blobs" / "sha256"
        folder.mkdir(parents=True)
        (folder / f".{image.layers[1].split(':')[1]}.partial").write_bytes(b"rubbish" * 1000)
        self.pull(server.name)
        self.assert_stored(image)
        ranges = [headers.get("Range") for _, path, headers in server.requests if path.endswith(image.layers[1])]
        self.assertEqual(ranges, ["bytes=7000-", None])

    def test_about_the_manifest(self):
        class Lying(Handler):
            def handle_specially(self):
                if "/manifests/" in self.path:
                    self.answer(200, server.manifests["other"], {"Docker-Content-Digest": image.digest})
                    return True
        image = small_image()
        server = self.serve(Lying, image)
        server.add(Image({"x": b"y"}), "other")
        self.fails(server, f"is not what its digest says: {image.digest} is promised")
        self.heals(server, image)


class Nonsense(BadRegistry):
    def test_manifests(self):
        image = small_image()
        good = json.loads(image.manifest)
        one_layer = good | {"layers": good["layers"][:1]}
        negative = good | {"config": good["config"] | {"size": -1}}
        away = good | {"config": good["config"] | {"digest": "sha256:../../../etc/passwd"}}
        huge = good | {"annotations": {"x": "y" * 5_000_000}}
        index = json.loads(index_of({"amd64": image}))
        nested = index | {"manifests": [index["manifests"][0] | {"digest": digest_of(json.dumps(index).encode())}]}
        old = {"schemaVersion": 1, "name": "x", "fsLayers": []}
        for document, words in ((b"", "manifest"), (b"{", "manifest"), (b"[]", "manifest"), (b"<html>", "manifest"), (old, "manifest"),
                                (one_layer, "has 1 layers, its config 2"), (negative, "config.size"), (away, "config.digest"),
                                (huge, "more than 4194304 bytes"), (index | {"manifests": []}, "linux/amd64"),
                                (index | {"manifests": [7]}, "manifests[0]"), (b"[" * 100_000, "manifest")):
            with self.subTest(words=words, document=str(document)[:60]):
                text = document if isinstance(document, bytes) else json.dumps(document).encode()

                class Answers(Handler):
                    def handle_specially(self):
                        if "/manifests/" in self.path:
                            self.answer(200, text, {"Docker-Content-Digest": digest_of(text)})
                            return True
                self.fails(self.serve(Answers, image), words)
        server = self.serve(image=image)
        server.manifests |= {"1": json.dumps(index).encode(), digest_of(json.dumps(index).encode()): json.dumps(index).encode()}
        self.pull(server.name)

    def test_an_index_that_leads_to_an_index(self):
        inner = index_of({"amd64": small_image()})
        outer = json.dumps({"schemaVersion": 2, "mediaType": registries.index_type, "manifests": [
            {"mediaType": registries.index_type, "digest": digest_of(inner), "size": len(inner),
             "platform": {"os": "linux", "architecture": "amd64"}}]}).encode()
        server = self.serve()
        server.manifests |= {"1": outer, digest_of(outer): outer, digest_of(inner): inner}
        self.fails(server, "another index")

    def test_redirects_in_circles(self):
        class Circle(Handler):
            def handle_specially(self):
                if self.is_blob():
                    self.answer(302, b"", {"Location": self.path + "?again"})
                    return True
        image = small_image()
        server = self.serve(Circle, image)
        self.fails(server, "redirects in circles")
        self.heals(server, image)

    def test_redirects_to_nowhere(self):
        class Nowhere(Handler):
            def handle_specially(self):
                if self.is_blob():
                    self.answer(302, b"", {"Location": self.server.location})
                    return True
        image = small_image()
        server = self.serve(Nowhere, image)
        for location in ("file:///etc/passwd", "http://", "gopher://x/"):
            server.location = location
            self.fails(server, "")
        self.heals(server, image)

    def test_what_is_no_registry(self):
        class Page(Handler):
            def handle_specially(self):
                self.answer(404, b"<html>\x1b[31mNot here</html>")
                return True
        server = self.serve(Page)
        self.fails(server, "does not answer as a registry does: the answer is 404")

    def test_words_that_would_reach_the_terminal(self):
        class Painting(Handler):
            def handle_specially(self):
                self.answer(400, json.dumps({"errors": [{"message": "\x1b[31mred\n" + "x" * 1000}]}).encode())
                return True
        line = self.fails(self.serve(Painting), "red")
        self.assertNotIn("\x1b", line)

    def test_endless_headers(self):
        class Chatty(Handler):
            def handle_specially(self):
                self.send_response(200)
                try:
                    while True:
                        self.send_header("X", "y" * 10_000)
                        self.flush_headers()
                except OSError:
                    self.close_connection = True
                return True
        self.fails(self.serve(Chatty), "", "--retries", "0")

    def test_lost_blobs(self):
        image = small_image()
        server = self.serve(image=image)
        lost = server.blobs.pop(image.layers[0])
        self.fails(server, "the registry has lost it: push the image there again")
        server.blobs[image.layers[0]] = lost
        self.heals(server, image)


class Waits(BadRegistry):
    def test_too_many_requests(self):
        class Busy(Handler):
            def handle_specially(self):
                if self.server.busy > 0:
                    self.server.busy -= 1
                    self.answer(429, b"", {"Retry-After": self.server.retry_after})
                    return True
        image = small_image()
        server = self.serve(Busy, image)
        server.busy, server.retry_after = 2, "0"
        self.pull(server.name)
        server.busy, server.retry_after = 1, "1"
        started = time.monotonic()
        self.pull(server.name)
        self.assertGreaterEqual(time.monotonic() - started, 1)
        server.busy, server.retry_after = 1, "7200"
        self.assertIn("it asks to wait 7200 s: try again then", self.refused("pull", server.name))

    def test_errors_that_pass_and_those_that_stay(self):
        class Failing(Handler):
            def handle_specially(self):
                if self.is_blob() and self.server.failures > 0:
                    with self.server.lock:
                        self.server.failures -= 1
                    self.answer(503)
                    return True
        image = Image({"hello": b"x"})
        server = self.serve(Failing, image)
        server.failures = 1000
        self.fails(server, "the answer is 503 (tried 2 times)", "--retries", "1")
        server.failures = 2
        self.pull(server.name)
        self.assert_stored(image)

    def test_a_server_that_never_answers(self):
        class Silent(Handler):
            def handle_specially(self):
                stop.wait(20)
                self.close_connection = True
                return True
        stop = threading.Event()
        server = self.serve(Silent)
        self.addCleanup(stop.set)
        self.fails(server, "no answer, or less than a kilobyte a second, for 1 s", *patience)

    def test_a_server_that_drips(self):
        class Dripping(Handler):
            def answer_blob(self, blob):
                self.answer(200, b"", {"Content-Length": str(len(blob))})
                for at in range(len(blob)):
                    if stop.wait(0.05):
                        return
                    try:
                        self.wfile.write(blob[at:at + 1])
                    except OSError:
                        return
        stop = threading.Event()
        image = small_image()
        server = self.serve(Dripping, image)
        self.addCleanup(stop.set)
        self.fails(server, "less than a kilobyte a second", *patience)
        self.heals(server, image)


class FullDisk(BadRegistry):
    def test_in_the_middle_of_a_blob(self):
        image = Image({"data": noise(4_000_000)})
        server = self.serve(image=image)
        probe = subprocess.run(["unshare", "--mount", "true"], capture_output=True, text=True)
        if probe.returncode != 0:
            self.skipTest("a full disk needs the right to mount: " + probe.stderr.strip())
        self.data.mkdir()
        script = ('mount -t tmpfs -o size=2M tmpfs "$1" && { "$2" image pull "$3"; echo "code $?"; ls -A "$1/strata/images"; '
                  'mount -o remount,size=200M "$1"; "$2" image pull "$3"; echo "code $?"; ls -A "$1/strata/blobs/sha256"; }')
        ended = subprocess.run(["unshare", "--mount", "sh", "-c", script, "sh", str(self.data), registries.strata, server.name],
                               capture_output=True, text=True, env=self.environment, timeout=60)
        lines = ended.stdout.splitlines()
        self.assertEqual(lines[0], "code 1", ended)
        self.assertIn("No space left on device: free some space and pull again", ended.stderr)
        self.assertIn("code 0", lines, ended)
        self.assertIn(f"{server.name}@{image.digest}", lines)
        self.assertEqual(sum(line.startswith(".") for line in lines), 0, ended)
        ranges = [headers.get("Range") for _, path, headers in server.requests if path.endswith(image.layers[0])]
        self.assertEqual(ranges[0], None)
        self.assertRegex(ranges[1], r"bytes=\d+-")


if __name__ == "__main__":
    registries.strata = os.path.abspath(sys.argv.pop(1))
    unittest.main()
