#!/usr/bin/env python3
"""Pushing to a registry of our own that cuts, forgets and refuses.

    push_test.py STRATA
"""
import os
import re
import sys
import unittest
import urllib.parse

import registries
from registries import Handler, Image, RegistryTest, digest_of, noise, small_image


class Upload(Handler):
    """Takes uploads. `server.sessions` has what arrived of each."""

    def do_POST(self):
        self.server.requests.append(("POST", self.path, dict(self.headers)))
        with self.server.lock:
            number = len(self.server.sessions)
            self.server.sessions[number] = b""
        self.answer(202, b"", {"Location": f"/v2/team/app/blobs/uploads/{number}?state=a%2Fb"})

    def do_PATCH(self):
        self.server.requests.append(("PATCH", self.path, dict(self.headers)))
        number = self.session()
        begin, end = map(int, self.headers["Content-Range"].split("-"))
        assert begin == len(self.server.sessions[number]) and end - begin + 1 == int(self.headers["Content-Length"])
        self.server.sessions[number] += self.body()
        self.answer(202, b"", {"Location": f"uploads/{number}?state=c"})

    def do_PUT(self):
        self.server.requests.append(("PUT", self.path, dict(self.headers)))
        if "/manifests/" in self.path:
            self.server.manifests["1"] = self.body()
            return self.answer(201)
        number = self.session()
        if self.cuts(number):
            return self.cut()
        content = self.server.sessions[number] + self.body()
        digest = urllib.parse.parse_qs(self.path.split("?")[1])["digest"][0]
        if digest_of(content) != digest:
            return self.answer(400, b'{"errors": [{"code": "DIGEST_INVALID", "message": "not that digest"}]}')
        self.server.blobs[digest] = content
        self.answer(201, b"", {"Docker-Content-Digest": digest})

    def cuts(self, number):
        """For tests: true if this request is to end in the middle."""
        return False

    def handle_specially(self):
        if self.command == "GET" and "/uploads/" in self.path:
            have = len(self.server.sessions[self.session()])
            self.answer(204, b"", {"Range": f"0-{max(have - 1, 0)}", "Location": self.path})
            return True

    def session(self):
        return int(re.search(r"uploads/(\d+)", self.path)[1])

    def body(self):
        return self.rfile.read(int(self.headers["Content-Length"]))


class Push(RegistryTest):
    def receiver(self, handler=Upload):
        server = self.serve(handler)
        server.sessions = {}
        return server

    def source(self, image):
        """The name of an image in the store."""
        server = self.serve(image=image)
        self.pull(server.name)
        return server.name

    def test_as_a_whole(self):
        image, server = small_image(), self.receiver()
        self.push(self.source(image), server.name)
        self.assertEqual((server.blobs, server.manifests["1"]), (image.blobs, image.manifest))
        self.assertEqual(server.paths("PATCH"), [])
        self.assertTrue(all("state=a%2Fb&digest=sha256%3A" in path for path in server.paths("PUT") if "uploads" in path))

    def test_after_a_cut_the_rest_follows(self):
        class Cutting(Upload):
            def cuts(self, number):
                if int(self.headers["Content-Length"]) < 200_000 or self.server.sessions[number]:
                    return False
                self.server.sessions[number] = self.rfile.read(100_000)
                return True
        image, server = small_image(), self.receiver(Cutting)
        self.push(self.source(image), server.name)
        self.assertEqual(server.blobs, image.blobs)
        size = len(image.blobs[image.layers[1]])
        patches = [headers["Content-Range"] for method, _, headers in server.requests if method == "PATCH"]
        self.assertEqual(patches, [f"100000-{size - 1}"])

    def test_a_registry_that_forgets_the_upload(self):
        class Forgetful(Upload):
            def cuts(self, number):
                return number == 0

            def handle_specially(self):
                if "/uploads/" in self.path:
                    self.answer(404)
                    return True
        image, server = Image({"data": noise(300_000)}), self.receiver(Forgetful)
        self.push(self.source(image), server.name)
        self.assertEqual(server.blobs, image.blobs)
        self.assertEqual(len(server.paths("POST")), 3)

    def test_a_registry_that_always_cuts(self):
        class Cutting(Upload):
            def cuts(self, number):
                return True
        server = self.receiver(Cutting)
        line = self.refused("push", self.source(small_image()), server.name, "--retries", "1")
        self.assertIn("(tried 2 times)", line)
        self.assertNotIn("1", server.manifests)

    def test_refusals(self):
        class Refusing(Upload):
            def do_POST(self):
                self.answer(405, b'{"errors": [{"code": "UNSUPPORTED", "message": "this one is read-only"}]}')
        server = self.receiver(Refusing)
        line = self.refused("push", self.source(small_image()), server.name)
        self.assertIn("the registry takes no upload: this one is read-only (405)", line)

        class Full(Upload):
            def do_PUT(self):
                self.body()
                self.answer(413)
        server = self.receiver(Full)
        line = self.refused("push", self.source(small_image()), server.name)
        self.assertIn("the registry does not take it: the answer is 413", line)

        class Nowhere(Upload):
            def do_POST(self):
                self.answer(202)
        server = self.receiver(Nowhere)
        self.assertIn("does not say where to send it", self.refused("push", self.source(small_image()), server.name))

    def test_a_manifest_that_is_refused_or_becomes_another(self):
        class Other(Upload):
            def do_PUT(self):
                if "/manifests/" not in self.path:
                    return super().do_PUT()
                self.body()
                self.answer(*self.server.verdict)
        server = self.receiver(Other)
        name = self.source(small_image())
        server.verdict = (400, b'{"errors": [{"code": "MANIFEST_INVALID", "message": "manifest invalid"}]}')
        self.assertIn("does not take the manifest: manifest invalid (400)", self.refused("push", name, server.name))
        server.verdict = (201, b"", {"Docker-Content-Digest": "sha256:" + "0" * 64})
        self.assertIn("the registry has made sha256:000", self.refused("push", name, server.name))

    def test_destinations_that_cannot_be(self):
        name = self.source(small_image())
        self.assertIn("is no image's name", self.refused("push", name, "Upper", code=2))
        self.assertIn("a push to another digest cannot be", self.refused("push", name, "localhost:1/x@sha256:" + "0" * 64, code=2))


if __name__ == "__main__":
    registries.strata = os.path.abspath(sys.argv.pop(1))
    unittest.main()
