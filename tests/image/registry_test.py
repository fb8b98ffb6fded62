#!/usr/bin/env python3
"""Pulling from and pushing to registries: as they should be.

    registry_test.py STRATA
"""
import base64
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import unittest
import urllib.parse

import registries
from registries import Certificate, Handler, Image, RegistryTest, digest_of, index_of, noise, small_image


class Pull(RegistryTest):
    def test_the_image_is_there_and_a_second_pull_fetches_nothing(self):
        image = small_image()
        server = self.serve(image=image)
        self.assertEqual(self.pull(server.name), f"{server.name}@{image.digest}")
        self.assert_stored(image)
        self.assertEqual(self.image_names(), [server.name])
        server.requests.clear()
        self.pull(server.name)
        self.assertEqual([command for command, path, _ in server.requests if path != "/v2/"], ["HEAD"])

    def test_by_digest(self):
        image = small_image()
        server = self.serve(image=image)
        name = f"{server.host}/team/app@{image.digest}"
        self.assertEqual(self.pull(name), name)
        self.assertEqual(self.image_names(), [name])

    def test_platforms(self):
        images = {"amd64": small_image(), "arm64": small_image(architecture="arm64")}
        server = self.serve()
        for image in images.values():
            server.add(image)
        index = index_of(images)
        server.manifests |= {"1": index, digest_of(index): index}
        for words, architecture in (([], "amd64"), (["--platform", "linux/arm64"], "arm64")):
            self.assertIn(images[architecture].digest, self.pull(server.name, *words))
        line = self.refused("pull", server.name, "--platform", "linux/s390x")
        self.assertIn("linux/s390x", line)
        self.assertIn("linux/arm64", line)
        self.assertIn("'x/' is no platform", self.refused("pull", server.name, "--platform", "x/", code=2))

    def test_documents_of_docker(self):
        image = small_image(docker=True)
        server = self.serve(image=image)
        self.pull(server.name)
        self.assert_stored(image)

    def test_a_tag_that_moves(self):
        server = self.serve(image=small_image())
        self.pull(server.name)
        newer = Image({"hello": b"newer"})
        server.add(newer)
        self.assertIn(newer.digest, self.pull(server.name))
        self.assertIn(newer.digest.split(":")[1], self.blobs())

    def test_a_layer_that_stands_twice(self):
        same = {"same": noise(100_000)}
        image = Image(same, {"other": b"x"}, same)
        server = self.serve(image=image)
        self.pull(server.name)
        self.assertEqual(len([path for path in server.paths() if path.endswith(image.layers[0])]), 1)

    def test_two_pulls_share_the_work(self):
        image = Image(*({f"f{n}": noise(400_000, n)} for n in range(6)))

        class Slow(Handler):
            def handle_specially(self):
                if self.is_blob():
                    time.sleep(0.1)
        server = self.serve(Slow, image)
        pulls = [subprocess.Popen([registries.strata, "image", "pull", server.name], env=self.environment, stdout=subprocess.DEVNULL,
                                  stderr=subprocess.PIPE) for _ in range(2)]
        for pull in pulls:
            self.assertEqual(pull.wait(30), 0, pull.stderr.read())
            pull.stderr.close()
        blobs = [path for path in server.paths() if "/blobs/" in path]
        self.assertEqual(sorted(blobs), sorted(set(blobs)))
        self.assert_stored(image)

    def test_servers_without_head(self):
        class NoHead(Handler):
            def handle_specially(self):
                if self.command == "HEAD":
                    self.answer(405)
                    return True
        image = small_image()
        server = self.serve(NoHead, image)
        self.pull(server.name)
        self.assert_stored(image)

    def test_short_names(self):
        """They mean the registry of the user's choice, and afterwards what was pulled from there."""
        image = small_image()
        server, other = self.serve(image=image), self.serve()
        self.environment["STRATA_REGISTRY"] = server.host
        self.assertEqual(self.pull("team/app:1"), f"{server.name}@{image.digest}")
        self.assertEqual(self.image_names(), [server.name])
        self.assertIn("the registry takes no upload", self.refused("push", "team/app:1", other.name))
        self.assertEqual(self.strata("rm", "team/app:1").returncode, 0)
        self.assertEqual(self.image_names(), [])
        self.assertIn("'strata image pull team/app:1' asks a registry", self.refused("push", "team/app:1", other.name))

    def test_names_that_are_none(self):
        for name in ("Debian", "localhost:5000/", "a b", "debian:trixie@sha256:12"):
            self.assertIn(f"'{name}' is no image's name", self.refused("pull", name, code=2))

    def test_ctrl_c_keeps_what_arrived(self):
        half = threading.Event()

        class Stuck(Handler):
            def handle_specially(self):
                if self.is_blob(layer) and not half.is_set():
                    self.answer(200, server.blobs[layer][:200_000], {"Content-Length": str(len(server.blobs[layer]))})
                    self.wfile.flush()
                    half.set()
                    stop.wait(20)
                    return True
        image = small_image()
        layer, stop = image.layers[1], threading.Event()
        self.addCleanup(stop.set)
        server = self.serve(Stuck, image)
        pull = subprocess.Popen([registries.strata, "image", "pull", server.name], env=self.environment, stderr=subprocess.PIPE, text=True)
        self.assertTrue(half.wait(10))
        part = self.data / "strata" / "blobs" / "sha256" / f".{layer.split(':')[1]}.partial"
        self.wait_for(lambda: part.exists() and part.stat().st_size > 0, "bytes")
        pull.send_signal(signal.SIGINT)
        self.assertIn("cancelled", pull.communicate(timeout=10)[1])
        self.assertEqual(pull.returncode, 1)
        self.assertEqual(self.image_names(), [])
        begin = part.stat().st_size
        self.pull(server.name)
        ranges = [headers.get("Range") for _, path, headers in server.requests if path.endswith(layer)]
        self.assertEqual(ranges, [None, f"bytes={begin}-"])
        self.assert_stored(image)


    def test_as_an_ordinary_user(self):
        """Whose layers may be unpacked by a child process in a user namespace, while the parent downloads."""
        if os.geteuid() != 0:
            self.skipTest("the other tests are run as an ordinary user already")
        image = Image(*({f"f{n}": noise(600_000, n)} for n in range(4)))
        server = self.serve(image=image)
        program = shutil.copy(registries.strata, self.folder)
        self.folder.chmod(0o755)
        self.data.mkdir()
        os.chown(self.data, 65534, 65534)
        ended = subprocess.run(["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", program, "image", "pull", server.name],
                               env=self.environment, capture_output=True, text=True, timeout=60)
        self.assertEqual(ended.returncode, 0, ended)
        self.assert_stored(image)
        trees = {path.name: path.read_bytes() for path in self.data.glob("strata/layers/*/tree/*")}
        self.assertEqual(trees, {f"f{n}": noise(600_000, n) for n in range(4)})

    def test_killed_at_any_moment(self):
        image = Image(*({f"f{n}": noise(600_000, n)} for n in range(4)))

        class Slow(Handler):
            def handle_specially(self):
                time.sleep(0.02)
        server = self.serve(Slow, image)
        for delay in range(0, 300, 30):
            pull = subprocess.Popen([registries.strata, "image", "pull", server.name], env=self.environment,
                                    stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(delay / 1000)
            pull.kill()
            pull.wait()
        self.pull(server.name)
        self.assert_stored(image)
        store = self.data / "strata"
        self.assertEqual(len(list((store / "layers").iterdir())), 4)
        self.assertEqual([path for path in store.glob("*/.*") if path.is_dir()], [])


class Identity(RegistryTest):
    """Who the client says that it is, and to whom."""

    class Basic(Handler):
        def handle_specially(self):
            if self.headers.get("Authorization") == "Basic " + base64.b64encode(b"ann:secret").decode():
                return False
            self.answer(401, b"", {"WWW-Authenticate": 'Basic realm="Registry"'})
            return True

    def test_basic(self):
        image = small_image()
        server = self.serve(self.Basic, image)
        self.assertIn("--creds USER:PASSWORD", self.refused("pull", server.name))
        self.assertIn("is the password right?", self.refused("pull", server.name, "--creds", "ann:wrong"))
        self.assertIn("--creds is USER:PASSWORD", self.refused("pull", server.name, "--creds", "secret", code=2))
        self.pull(server.name, "--creds", "ann:secret")

    def test_files_with_passwords(self):
        server = self.serve(self.Basic, small_image())
        entry = {"auths": {server.host: {"auth": base64.b64encode(b"ann:secret").decode()}}}
        for number, place in enumerate(("containers/auth.json", "config/containers/auth.json", ".docker/config.json", "chosen.json")):
            with self.subTest(place):
                path = self.folder / place
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(json.dumps(entry))
                if place == "chosen.json":
                    self.environment["REGISTRY_AUTH_FILE"] = str(path)
                self.pull(server.name)
                path.write_text("{")
                self.assertIn(f"{path} is no JSON object", self.refused("pull", server.name))
                path.unlink()

    def test_tokens(self):
        image = small_image()
        server = self.serve(TokenHandler, image)
        server.good = set()
        self.pull(server.name)
        asked = [path for path in server.paths() if path.startswith("/token")]
        self.assertEqual([urllib.parse.parse_qs(path.split("?")[1]) for path in asked],
                         [{"service": ["test service"], "scope": ["repository:team/app:pull"]}])

    def test_a_token_that_ends_in_the_middle(self):
        class Short(TokenHandler):
            def handle_specially(self):
                if self.is_blob():
                    with self.server.lock:
                        if not self.server.ended:
                            self.server.ended = True
                            self.server.good.clear()
                return super().handle_specially()
        image = small_image()
        server = self.serve(Short, image)
        server.good, server.ended = set(), False
        self.pull(server.name)
        self.assert_stored(image)
        self.assertEqual(len([path for path in server.paths() if path.startswith("/token")]), 2)

    def test_token_servers_that_fail(self):
        class Failing(TokenHandler):
            def handle_specially(self):
                if self.path.startswith("/token"):
                    self.answer(*self.server.token_answer)
                    return True
                return super().handle_specially()
        server = self.serve(Failing, small_image())
        server.good = set()
        for answer, words in (((404,), "getting a token from http://" + server.host + "/token: the answer is 404"),
                              ((200, b"{"), "the answer has no token"), ((200, b'{"token": 7}'), "the answer has no token"),
                              ((200, b'{"token": "a\\nb"}'), "the answer has no token"),
                              ((200, b"x" * 2_000_000), "more than 1048576 bytes"),
                              ((401,), "gives no access to repository:team/app:pull without an account")):
            server.token_answer = answer
            self.assertIn(words, self.refused("pull", server.name))
        server.token_answer = (500,)
        self.assertIn("the answer is 500 (tried 2 times)", self.refused("pull", server.name, "--retries", "1"))
        server.token_answer = (200, b'{"token": "unknown"}')
        self.assertIn("gives no access", self.refused("pull", server.name))

    def test_identity_tokens(self):
        server = self.serve(TokenHandler, small_image())
        server.good = set()
        (self.folder / "auth").write_text(json.dumps({"auths": {server.host: {"identitytoken": "I&D"}}}))
        self.environment["REGISTRY_AUTH_FILE"] = str(self.folder / "auth")
        self.pull(server.name)
        self.assertEqual(server.posted, {"grant_type": ["refresh_token"], "client_id": ["strata"], "service": ["test service"],
                                         "scope": ["repository:team/app:pull"], "refresh_token": ["I&D"]})

    def test_unauthorized_without_a_challenge(self):
        class Silent(Handler):
            def handle_specially(self):
                self.answer(401)
                return True
        server = self.serve(Silent)
        self.assertIn("401 (unauthorized) and does not say which authentication", self.refused("pull", server.name))

    def test_a_redirect_to_another_host_gets_no_token(self):
        class Away(TokenHandler):
            def handle_specially(self):
                if super().handle_specially():
                    return True
                if self.is_blob():
                    self.answer(307, b"", {"Location": f"http://{elsewhere.host}{self.path}"})
                    return True
        image = small_image()
        elsewhere = self.serve(image=image)
        server = self.serve(Away, image)
        server.good = set()
        self.pull(server.name, "--creds", "ann:secret")
        self.assertEqual(len(elsewhere.requests), 3)
        for _, _, headers in elsewhere.requests:
            self.assertNotIn("Authorization", headers)
        self.assertTrue(all("Authorization" in headers for _, path, headers in server.requests if "/blobs/" in path))


class TokenHandler(Handler):
    """Wants a token, and gives it to anybody."""

    def handle_specially(self):
        if self.path.startswith("/token"):
            self.give_token()
            return True
        if self.headers.get("Authorization", "").removeprefix("Bearer ") in self.server.good:
            return False
        self.answer(401, b"", {"WWW-Authenticate": f'Bearer realm="http://{self.server.host}/token",service="test service"'})
        return True

    def give_token(self):
        with self.server.lock:
            token = f"token-{len(self.server.requests)}"
            self.server.good.add(token)
        self.answer(200, json.dumps({"token": token, "expires_in": 300}).encode())

    def do_POST(self):
        self.server.posted = urllib.parse.parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        self.give_token()


class Transport(RegistryTest):
    def test_tls(self):
        image = small_image()
        certificate = Certificate(self.folder)
        server = self.serve(image=image, certificate=certificate)
        line = self.refused("pull", server.name)
        self.assertIn("the certificate is not trusted", line)
        self.assertIn("--ca FILE", line)
        self.pull(server.name, "--ca", certificate.file)
        self.pull(server.name, "--insecure")
        (self.folder / "rubbish").write_text("no certificate")
        self.assertIn("--ca", self.refused("pull", server.name, "--ca", str(self.folder / "rubbish"), code=2))

    def test_a_redirect_away_from_tls(self):
        class Away(Handler):
            def handle_specially(self):
                if self.is_blob():
                    self.answer(302, b"", {"Location": f"http://{plain.host}{self.path}"})
                    return True
        image = small_image()
        certificate = Certificate(self.folder)
        plain = self.serve(image=image)
        server = self.serve(Away, image, certificate)
        self.assertIn("a redirect away from https", self.refused("pull", server.name, "--ca", certificate.file))
        self.assertEqual(plain.requests, [])

    def test_plain_http_is_for_this_machine(self):
        """127.0.0.1 by a name that is not known as this machine's."""
        server = self.serve(image=small_image())
        name = server.name.replace("localhost", "0.0.0.0")
        self.assertIn("does not speak TLS", self.refused("pull", name))
        self.pull(name, "--insecure")

    def test_nobody_there(self):
        server = self.serve()
        server.close()
        started = time.monotonic()
        self.assertIn("is the registry running there?", self.refused("pull", server.name))
        self.assertIn("is the name right", self.refused("pull", "registry.invalid/x"))
        self.assertLess(time.monotonic() - started, 30)


if __name__ == "__main__":
    registries.strata = os.path.abspath(sys.argv.pop(1))
    unittest.main()
