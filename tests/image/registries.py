"""Images to move, registries to move them through: docker-registry as it is, and servers that misbehave on purpose."""
import gzip
import hashlib
import http.client
import http.server
import io
import json
import os
import re
import shutil
import socket
import ssl
import subprocess
import tarfile
import tempfile
import threading
import time
import unittest
from pathlib import Path

strata = None  # the program under test

manifest_type = "application/vnd.oci.image.manifest.v1+json"
index_type = "application/vnd.oci.image.index.v1+json"
config_type = "application/vnd.oci.image.config.v1+json"
layer_type = "application/vnd.oci.image.layer.v1.tar+gzip"


def digest_of(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def noise(size, seed=0):
    """Bytes that do not compress, the same each time."""
    return hashlib.shake_128(b"%d" % seed).digest(size)


def layer_of(files):
    """A layer as a tar archive, from names and contents."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            entry.mode = 0o644
            archive.addfile(entry, io.BytesIO(content))
    return out.getvalue()


class Image:
    """An OCI image in memory: `blobs` by digest, `manifest` as bytes."""

    def __init__(self, *layers, architecture="amd64", docker=False):
        tars = [layer_of(files) for files in layers]
        packed = [gzip.compress(tar, 1, mtime=0) for tar in tars]
        config = json.dumps({"architecture": architecture, "os": "linux", "config": {"Cmd": ["/hello"]},
                             "rootfs": {"type": "layers", "diff_ids": [digest_of(tar) for tar in tars]}}).encode()
        types = (("application/vnd.docker.distribution.manifest.v2+json", "application/vnd.docker.container.image.v1+json",
                  "application/vnd.docker.image.rootfs.diff.tar.gzip") if docker else (manifest_type, config_type, layer_type))
        self.type = types[0]
        self.blobs = {digest_of(data): data for data in (config, *packed)}
        self.config = digest_of(config)
        self.layers = [digest_of(data) for data in packed]
        self.manifest = json.dumps({"schemaVersion": 2, "mediaType": types[0],
                                    "config": {"mediaType": types[1], "digest": self.config, "size": len(config)},
                                    "layers": [{"mediaType": types[2], "digest": digest_of(data), "size": len(data)}
                                               for data in packed]}).encode()
        self.digest = digest_of(self.manifest)

    def descriptor(self, architecture):
        return {"mediaType": self.type, "digest": self.digest, "size": len(self.manifest),
                "platform": {"os": "linux", "architecture": architecture}}


def write_layout(folder, image, tag):
    """The image as an OCI layout."""
    (folder / "blobs" / "sha256").mkdir(parents=True)
    (folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    for digest, content in (image.blobs | {image.digest: image.manifest}).items():
        (folder / "blobs" / digest.replace(":", "/")).write_bytes(content)
    entry = {"mediaType": image.type, "digest": image.digest, "size": len(image.manifest),
             "annotations": {"org.opencontainers.image.ref.name": tag}}
    (folder / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [entry]}))


def index_of(images):
    """An index over images by architecture."""
    return json.dumps({"schemaVersion": 2, "mediaType": index_type,
                       "manifests": [image.descriptor(architecture) for architecture, image in images.items()]}).encode()


def small_image(**options):
    return Image({"hello": b"#!/bin/sh\n"}, {"data": noise(300_000)}, **options)


class Handler(http.server.BaseHTTPRequestHandler):
    """A well-behaved registry that cannot be pushed to. Subclasses in tests override what is to go wrong."""
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_):
        pass

    def do_HEAD(self):
        self.do_GET()

    def do_GET(self):
        self.server.requests.append((self.command, self.path, dict(self.headers)))
        if not self.handle_specially():
            self.handle_well()

    def handle_specially(self):
        """For tests: true if the request has been answered."""
        return False

    def handle_well(self):
        match = re.fullmatch(r"/v2/(?:team/app/(manifests|blobs)/(.+))?", self.path)
        if not match:
            self.answer(404)
        elif not match[1]:
            self.answer(200, b"{}")
        elif match[1] == "manifests":
            found = self.server.manifests.get(match[2])
            if found is None:
                self.answer(404, json.dumps({"errors": [{"code": "MANIFEST_UNKNOWN", "message": "manifest unknown"}]}).encode())
            else:
                kind = json.loads(found)["mediaType"]
                self.answer(200, found, {"Content-Type": kind, "Docker-Content-Digest": digest_of(found)})
        else:
            self.answer_blob(self.server.blobs.get(match[2]))

    def answer_blob(self, blob):
        if blob is None:
            self.answer(404)
        elif match := re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", "")):
            begin = int(match[1])
            self.answer(206, blob[begin:], {"Content-Range": f"bytes {begin}-{len(blob) - 1}/{len(blob)}"})
        else:
            self.answer(200, blob)

    def answer(self, status, body=b"", headers={}):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if "Content-Length" not in headers:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def is_blob(self, digest=None):
        return "/blobs/" in self.path and (digest is None or self.path.endswith(digest))

    def cut(self):
        """Ends the connection without more words."""
        self.close_connection = True
        try:
            self.wfile.flush()
            self.connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, handler, image=None, certificate=None):
        super().__init__(("127.0.0.1", 0), handler)
        self.requests = []
        self.manifests = {}
        self.blobs = {}
        self.lock = threading.Lock()
        if image:
            self.add(image)
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate.file, certificate.key)
            self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def add(self, image, tag="1"):
        self.manifests |= {tag: image.manifest, image.digest: image.manifest}
        self.blobs |= image.blobs

    @property
    def host(self):
        return f"localhost:{self.server_address[1]}"

    @property
    def name(self):
        return self.host + "/team/app:1"

    def paths(self, method="GET"):
        return [path for command, path, _ in self.requests if command == method]

    def handle_error(self, *_):
        pass  # clients that go away are what tests want

    def close(self):
        self.shutdown()
        self.server_close()


class Certificate:
    """One for localhost that signs itself."""

    def __init__(self, folder):
        self.file = str(folder / "certificate.pem")
        self.key = str(folder / "key.pem")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                        "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
                        "-keyout", self.key, "-out", self.file], check=True, capture_output=True)


class DockerRegistry:
    """Debian's docker-registry on a free port of the loopback."""

    def __init__(self, folder, certificate=None, auth=None):
        self.folder = Path(tempfile.mkdtemp(dir=folder, prefix="registry."))
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.host = f"localhost:{port}"
        config = {"version": 0.1, "log": {"level": "error", "accesslog": {"disabled": True}},
                  "storage": {"filesystem": {"rootdirectory": str(self.folder / "data")}, "delete": {"enabled": True}},
                  "http": {"addr": f"127.0.0.1:{port}", "host": f"{'https' if certificate else 'http'}://{self.host}"}}
        if certificate:
            config["http"]["tls"] = {"certificate": certificate.file, "key": certificate.key}
        if auth:
            config["auth"] = auth
        (self.folder / "config.yml").write_text(json.dumps(config))  # JSON is YAML
        self.log = open(self.folder / "log", "w")
        self.process = subprocess.Popen(["docker-registry", "serve", str(self.folder / "config.yml")], stdin=subprocess.DEVNULL,
                                        stdout=self.log, stderr=self.log)
        end = time.monotonic() + 20
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                return
            except OSError:
                if self.process.poll() is not None or time.monotonic() > end:
                    raise RuntimeError("docker-registry does not start: " + (self.folder / "log").read_text())
                time.sleep(0.02)

    def close(self):
        self.process.kill()
        self.process.wait()
        self.log.close()


class RegistryTest(unittest.TestCase):
    """A store of its own for each test."""

    def setUp(self):
        self.folder = Path(tempfile.mkdtemp(prefix="strata-registry-test."))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.data = self.folder / "data"
        self.environment = {name: value for name, value in os.environ.items()
                            if not name.lower().endswith("_proxy") and name not in ("REGISTRY_AUTH_FILE", "DOCKER_CONFIG", "STRATA_REGISTRY")}
        self.environment |= {"XDG_DATA_HOME": str(self.data), "HOME": str(self.folder), "XDG_RUNTIME_DIR": str(self.folder),
                             "XDG_CONFIG_HOME": str(self.folder / "config")}

    def serve(self, handler=Handler, image=None, certificate=None):
        server = Server(handler, image, certificate)
        self.addCleanup(server.close)
        return server

    def registry(self, **options):
        if not shutil.which("docker-registry"):
            self.skipTest("no docker-registry: ./dev deps installs it")
        registry = DockerRegistry(self.folder, **options)
        self.addCleanup(registry.close)
        return registry

    def strata(self, *words, timeout=60):
        return subprocess.run([strata, "image", *words], capture_output=True, text=True, stdin=subprocess.DEVNULL,
                              env=self.environment, timeout=timeout)

    def pull(self, name, *words):
        """What a pull that has to succeed prints."""
        ended = self.strata("pull", name, *words)
        self.assertEqual(ended.returncode, 0, ended)
        return ended.stdout.strip()

    def push(self, name, *words):
        """What a push that has to succeed prints."""
        ended = self.strata("push", name, *words)
        self.assertEqual(ended.returncode, 0, ended)
        return ended.stdout.strip()

    def give(self, image, name, *words):
        """Brings an image into a registry, through our own store."""
        source = self.serve(image=image)
        self.pull(source.name)
        self.push(source.name, name, *words)
        self.assertEqual(self.strata("rm", source.name).returncode, 0)
        self.assertEqual(self.pull(name, *words), f"{name}@{image.digest}")

    def refused(self, *words, code=1, timeout=60):
        """The one line that a command which has to fail says."""
        ended = self.strata(*words, timeout=timeout)
        self.assertEqual(ended.returncode, code, ended)
        lines = [line for line in ended.stderr.splitlines() if not line.startswith(("pulling ", "pushing ", "unpacking"))]
        self.assertEqual(len(lines), 1, ended.stderr)
        self.assertEqual(ended.stdout, "")
        return lines[0]

    def wait_for(self, condition, what, seconds=10):
        end = time.monotonic() + seconds
        while not condition():
            self.assertLess(time.monotonic(), end, f"waited {seconds} s: {what}")
            time.sleep(0.01)

    def image_names(self):
        return [image["name"] for image in json.loads(self.strata("list", "--json").stdout)]

    def blobs(self):
        """What the store holds: names of blobs, and of parts."""
        folder = self.data / "strata" / "blobs" / "sha256"
        return sorted(entry.name for entry in folder.iterdir()) if folder.exists() else []

    def assert_stored(self, image):
        for digest, content in image.blobs.items():
            path = self.data / "strata" / "blobs" / digest.replace(":", "/")
            self.assertEqual(digest_of(path.read_bytes()), digest)
        self.assertEqual([name for name in self.blobs() if name.startswith(".")], [])

    def layout(self, image, tag="1"):
        """The image as a folder that skopeo reads."""
        folder = Path(tempfile.mkdtemp(dir=self.folder, prefix="layout."))
        write_layout(folder, image, tag)
        return f"oci:{folder}:{tag}"

    def skopeo(self, *words):
        if not shutil.which("skopeo"):
            self.skipTest("no skopeo: ./dev deps installs it")
        ended = subprocess.run(["skopeo", "--insecure-policy", *words], capture_output=True, text=True, env=self.environment, timeout=60)
        self.assertEqual(ended.returncode, 0, ended)
        return ended.stdout
