"""An OCI image put into a store by hand: busybox in one layer, and a second one that changes it."""
import hashlib
import io
import json
import tarfile
from pathlib import Path

applets = ("sh cat dd echo env false grep hostname id ls md5sum mkdir mount ps pwd seq sleep stat stty test true tty wc wget "
           "readlink kill poweroff").split()


class Tar:
    def __init__(self):
        self.file = io.BytesIO()
        self.tar = tarfile.open(fileobj=self.file, mode="w")

    def add(self, name, content=None, link=None, mode=0o755, user=0, group=0):
        entry = tarfile.TarInfo(name)
        entry.mode, entry.uid, entry.gid = mode, user, group
        if link:
            entry.type, entry.linkname = tarfile.SYMTYPE, link
        elif content is None:
            entry.type = tarfile.DIRTYPE
        else:
            entry.size = len(content)
        self.tar.addfile(entry, io.BytesIO(content or b""))

    def bytes(self):
        self.tar.close()
        return self.file.getvalue()


def busybox_layers():
    lower = Tar()
    for folder in ("bin", "etc", "srv"):
        lower.add(folder)
    lower.add("bin/busybox", Path("/bin/busybox").read_bytes())
    for applet in applets:
        lower.add(f"bin/{applet}", link="busybox")
    lower.add("etc/passwd", b"root:x:0:0::/root:/bin/sh\nweb:x:33:34::/srv:/bin/sh\n", mode=0o644)
    lower.add("etc/group", b"root:x:0:\nweb:x:34:\naudio:x:29:web\n", mode=0o644)
    lower.add("etc/gone", b"x", mode=0o644)
    upper = Tar()
    upper.add("etc/.wh.gone", b"")
    upper.add("srv/mine", b"mine\n", mode=0o600, user=33, group=34)
    return [lower.bytes(), upper.bytes()]


def put_image(data_home, name, layers, config, architecture="amd64"):
    """`config` as in the image's document: Cmd, Entrypoint, Env, User, WorkingDir."""
    store = Path(data_home) / "strata"
    blobs = store / "blobs" / "sha256"
    blobs.mkdir(parents=True, exist_ok=True)

    def put(content, media_type):
        digest = hashlib.sha256(content).hexdigest()
        (blobs / digest).write_bytes(content)
        return {"mediaType": f"application/vnd.oci.image.{media_type}", "digest": f"sha256:{digest}", "size": len(content)}

    stored = [put(layer, "layer.v1.tar") for layer in layers]
    document = {"architecture": architecture, "os": "linux", "config": config,
                "rootfs": {"type": "layers", "diff_ids": [layer["digest"] for layer in stored]}}
    manifest = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
                "config": put(json.dumps(document).encode(), "config.v1+json"), "layers": stored}
    digest = put(json.dumps(manifest).encode(), "manifest.v1+json")["digest"]
    folder = store / "images" / name
    folder.mkdir(parents=True)
    (folder / "image.json").write_text(json.dumps({
        "version": 2, "name": name, "suite": "", "architecture": architecture, "kernel_release": "", "command_line": "",
        "created": "", "disk_bytes": 0, "layer_bytes": sum(map(len, layers)), "manifest": digest}))
    return folder
