#!/usr/bin/env python3
"""Debian's docker-registry between us, skopeo and podman: plain, with TLS and passwords, with tokens.

    real_registry_test.py STRATA
"""
import base64
import json
import os
import shutil
import subprocess
import sys
import time
import unittest
import urllib.parse

import registries
from registries import Certificate, Handler, Image, RegistryTest, digest_of, index_of, noise, small_image


class Plain(RegistryTest):
    def test_from_skopeo_to_us_and_back(self):
        image, other = small_image(), self.registry()
        registry = self.registry()
        self.skopeo("copy", "--dest-tls-verify=false", self.layout(image), f"docker://{registry.host}/team/app:1")
        self.assertEqual(self.pull(f"{registry.host}/team/app:1"), f"{registry.host}/team/app:1@{image.digest}")
        self.assert_stored(image)
        pushed = self.push(f"{registry.host}/team/app:1", f"{other.host}/new/place:2")
        self.assertEqual(pushed, f"{other.host}/new/place:2@{image.digest}")
        raw = self.skopeo("inspect", "--raw", "--tls-verify=false", f"docker://{other.host}/new/place:2")
        self.assertEqual(raw.encode(), image.manifest)
        self.skopeo("copy", "--src-tls-verify=false", f"docker://{other.host}/new/place:2", f"oci:{self.folder}/back:1")
        for digest, content in image.blobs.items():
            self.assertEqual((self.folder / "back" / "blobs" / digest.replace(":", "/")).read_bytes(), content)

    def test_documents_of_docker(self):
        image, registry = small_image(), self.registry()
        name = f"{registry.host}/team/app:1"
        self.skopeo("copy", "--format", "v2s2", "--dest-tls-verify=false", self.layout(image), "docker://" + name)
        manifest = self.skopeo("inspect", "--raw", "--tls-verify=false", "docker://" + name).encode()
        self.assertIn(b"vnd.docker.distribution.manifest.v2", manifest)
        self.assertEqual(self.pull(name), f"{name}@{digest_of(manifest)}")
        self.assertEqual(self.push(name, f"{registry.host}/copy:1"), f"{registry.host}/copy:1@{digest_of(manifest)}")

    def test_from_us_to_podman(self):
        if not shutil.which("podman") or os.geteuid() != 0:
            self.skipTest("no podman, or not root")
        image, registry = small_image(), self.registry()
        self.give(image, f"{registry.host}/team/app:1")
        storage = self.folder / "storage.conf"
        storage.write_text(f'[storage]\ndriver = "vfs"\ngraphroot = "{self.folder}/graph"\nrunroot = "{self.folder}/run"\n')
        environment = self.environment | {"CONTAINERS_STORAGE_CONF": str(storage)}
        ended = subprocess.run(["podman", "pull", "--tls-verify=false", f"{registry.host}/team/app:1"], capture_output=True,
                               text=True, env=environment, timeout=60)
        self.assertEqual(ended.returncode, 0, ended)
        digest = subprocess.run(["podman", "image", "inspect", "--format", "{{.Digest}}", f"{registry.host}/team/app:1"],
                                capture_output=True, text=True, env=environment, timeout=60)
        self.assertEqual(digest.stdout.strip(), image.digest, digest)

    def test_what_is_there_is_not_sent(self):
        image, registry = small_image(), self.registry()
        self.give(image, f"{registry.host}/team/app:1")
        again = self.strata("push", f"{registry.host}/team/app:1")
        self.assertIn("0 B sent", again.stderr)
        # Nor is what another repository has: it is mounted from there.
        other = self.strata("push", f"{registry.host}/team/app:1", f"{registry.host}/other:1")
        self.assertIn("0 B sent", other.stderr)
        self.assertEqual(self.pull(f"{registry.host}/other:1"), f"{registry.host}/other:1@{image.digest}")

    def test_names_that_are_not_there(self):
        registry = self.registry()
        self.assertIn("has no image team/app:1", self.refused("pull", f"{registry.host}/team/app:1"))
        self.assertIn("check the name and the tag", self.refused("pull", f"{registry.host}/team/app:1"))
        self.assertIn("there is no image nothing", self.refused("push", "nothing", f"{registry.host}/x:1"))


class Protected(RegistryTest):
    def password_file(self):
        ended = subprocess.run(["perl", "-e", "print crypt('secret', '$2y$05$abcdefghijklmnopqrstuu')"], capture_output=True, text=True)
        if not ended.stdout.startswith("$2y$"):
            self.skipTest("no perl whose crypt knows bcrypt")
        (self.folder / "htpasswd").write_text(f"ann:{ended.stdout}\n")
        return str(self.folder / "htpasswd")

    def test_tls_and_passwords(self):
        certificate = Certificate(self.folder)
        registry = self.registry(certificate=certificate, auth={"htpasswd": {"realm": "test", "path": self.password_file()}})
        image, name = small_image(), f"{registry.host}/team/app:1"
        with_all = ("--ca", certificate.file, "--creds", "ann:secret")
        self.give(image, name, *with_all)
        self.assertEqual(self.pull(name, *with_all), f"{name}@{image.digest}")
        self.assertIn("--ca FILE", self.refused("pull", name, "--creds", "ann:secret"))
        self.assertIn("--creds USER:PASSWORD", self.refused("pull", name, "--ca", certificate.file))
        self.assertIn("is the password right?", self.refused("pull", name, "--ca", certificate.file, "--creds", "ann:no"))
        raw = self.skopeo("inspect", "--raw", "--tls-verify=false", "--creds", "ann:secret", "docker://" + name)
        self.assertEqual(raw.encode(), image.manifest)

    def test_tokens(self):
        """docker-registry trusts our own server of tokens, which signs what it is asked for."""
        certificate = Certificate(self.folder)
        server = self.serve(TokenServer)
        server.certificate, server.scopes = certificate, []
        registry = self.registry(auth={"token": {"realm": f"http://{server.host}/token", "service": "registry", "issuer": "test",
                                                 "rootcertbundle": certificate.file}})
        image, name = small_image(), f"{registry.host}/team/app:1"
        self.give(image, name, "--creds", "ann:secret")
        self.assertIn(["repository:team/app:pull,push"], server.scopes)
        other = self.strata("push", name, f"{registry.host}/other:1", "--creds", "ann:secret")
        self.assertIn("0 B sent", other.stderr)
        self.assertIn(["repository:other:pull,push", "repository:team/app:pull"], server.scopes)
        self.pull(name, "--creds", "ann:secret")
        self.assertIn("gives no access to repository:team/app:pull without an account", self.refused("pull", name))


class TokenServer(Handler):
    """Signs tokens (JSON Web Tokens, ES256) for ann, and ones that allow nothing for others."""

    def handle_specially(self):
        query = urllib.parse.parse_qs(urllib.parse.urlparse(self.path).query)
        self.server.scopes.append(query["scope"])
        known = self.headers.get("Authorization") == "Basic " + base64.b64encode(b"ann:secret").decode()
        access = []
        for scope in query["scope"] if known else []:
            kind, name, actions = scope.split(":")
            access.append({"type": kind, "name": name, "actions": actions.split(",")})
        now = int(time.time())
        claims = {"iss": "test", "sub": "ann", "aud": "registry", "exp": now + 300, "nbf": now - 10, "iat": now, "jti": str(now),
                  "access": access}
        self.answer(200, json.dumps({"token": self.sign(claims), "expires_in": 300}).encode())
        return True

    def sign(self, claims):
        def encoded(data):
            return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
        certificate = self.server.certificate
        with open(certificate.file) as file:
            der = "".join(line.strip() for line in file if "-----" not in line)
        text = ".".join(encoded(json.dumps(part).encode()) for part in ({"typ": "JWT", "alg": "ES256", "x5c": [der]}, claims))
        signature = subprocess.run(["openssl", "dgst", "-sha256", "-sign", certificate.key], input=text.encode(),
                                   capture_output=True, check=True).stdout
        return text + "." + encoded(plain_signature(signature))


def plain_signature(der):
    """Two numbers of 32 bytes, from their form in ASN.1."""
    numbers, at = b"", 2
    for _ in range(2):
        length = der[at + 1]
        numbers += der[at + 2:at + 2 + length][-32:].rjust(32, b"\0")
        at += 2 + length
    return numbers


if __name__ == "__main__":
    registries.strata = os.path.abspath(sys.argv.pop(1))
    unittest.main()
