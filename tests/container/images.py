"""Images for tests: a tree of files as one layer, written into a store as docs/formats and the OCI image format have it."""
import gzip
import hashlib
import io
import json
import tarfile


def put_image(data, name, tree, config=None):
    """Makes the image `name` of the files below `tree`, in the store below the folder `data` ($XDG_DATA_HOME)."""
    blobs = data / "strata" / "blobs" / "sha256"
    blobs.mkdir(parents=True, exist_ok=True)

    def put(content):
        digest = hashlib.sha256(content).hexdigest()
        (blobs / digest).write_bytes(content)
        return "sha256:" + digest

    def as_root(entry):
        entry.uid = entry.gid = 0
        entry.uname = entry.gname = ""
        return entry

    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        archive.add(tree, arcname=".", filter=as_root)
    plain = packed.getvalue()
    layer = gzip.compress(plain, 1, mtime=0)
    described = {"architecture": "amd64", "os": "linux", "config": config or {},
                 "rootfs": {"type": "layers", "diff_ids": ["sha256:" + hashlib.sha256(plain).hexdigest()]}}
    body = json.dumps(described).encode()
    manifest = json.dumps({
        "schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": put(body), "size": len(body)},
        "layers": [{"mediaType": "application/vnd.oci.image.layer.v1.tar+gzip", "digest": put(layer), "size": len(layer)}],
    }).encode()
    folder = data / "strata" / "images" / name
    folder.mkdir(parents=True)
    (folder / "image.json").write_text(json.dumps({
        "version": 1, "name": name, "suite": "", "architecture": "amd64", "kernel_release": "", "command_line": "",
        "created": "2026-01-01T00:00:00Z", "disk_bytes": 0, "layer_bytes": len(layer), "manifest": put(manifest)}))
