"""Pulling and unpacking an image of real files from a docker-registry on loopback: strata against skopeo and umoci."""
import io
import json
import os
import shutil
import statistics
import subprocess
import sys
import tarfile
import time
from pathlib import Path

project = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(project / "tests" / "image"))
import registries  # noqa: E402

layers = 5
tools = ("docker-registry", "skopeo", "umoci")


def files_of_the_host(total):
    """Programs, libraries and texts of this host, so many bytes of each kind."""
    for folder in ("/usr/bin", "/usr/lib", "/usr/share"):
        left = total // 3
        for parent, folders, names in os.walk(folder):
            folders.sort()
            for name in sorted(names):
                path = Path(parent, name)
                if left > 0 and path.is_file() and not path.is_symlink() and path.stat().st_size < 20_000_000:
                    left -= path.stat().st_size
                    yield path


def make_image(total):
    """An image with that many bytes of files, and the number of its files."""
    paths = list(files_of_the_host(total))
    share = sum(path.stat().st_size for path in paths) / layers
    parts, size = [{}], 0
    for path in paths:
        if size > share * len(parts):
            parts.append({})
        parts[-1][str(path)[1:]] = path.read_bytes()
        size += path.stat().st_size
    return registries.Image(*parts), len(paths)


def quietly(*command, **options):
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, **options)


def pull_with_strata(program, name, folder):
    quietly(program, "image", "pull", name, env=os.environ | {"XDG_DATA_HOME": str(folder)})


def pull_with_others(_, name, folder):
    quietly("skopeo", "--insecure-policy", "copy", "--src-tls-verify=false", f"docker://{name}", f"oci:{folder}/oci:1")
    quietly("umoci", "unpack", "--image", f"{folder}/oci:1", f"{folder}/bundle")


def measure(program, folder, rounds=3, total=200_000_000):
    """Seconds of both, and what was pulled; nothing where a tool is missing. Needs root, for the files' owners."""
    if not all(map(shutil.which, tools)):
        return None
    image, files = make_image(total)
    registry = registries.DockerRegistry(folder)
    try:
        name = f"{registry.host}/bench:1"
        layout = folder / "layout"
        registries.write_layout(layout, image, "1")
        quietly("skopeo", "--insecure-policy", "copy", "--dest-tls-verify=false", f"oci:{layout}:1", f"docker://{name}")
        times = {"strata": [], "skopeo and umoci": []}
        for number in range(rounds):
            for who, pull in zip(times, (pull_with_strata, pull_with_others)):
                place = folder / f"{who}-{number}".replace(" ", "-")
                place.mkdir()
                os.sync()  # what others wrote is not for this one to wait for
                begin = time.perf_counter()
                pull(program, name, place)
                times[who].append(time.perf_counter() - begin)
                shutil.rmtree(place)
    finally:
        registry.close()
    return {"files": files, "bytes": total, "packed_bytes": sum(map(len, image.blobs.values())),
            "seconds": {who: statistics.median(times[who]) for who in times}}


def report(figures):
    if figures is None:
        return print(f"pull: not measured, it needs {', '.join(tools)}")
    seconds = figures["seconds"]
    print(f"pull and unpack {figures['bytes'] / 1e6:.0f} MB in {figures['files']} files, {figures['packed_bytes'] / 1e6:.0f} MB packed: "
          + ", ".join(f"{who} {seconds[who]:.2f} s" for who in seconds))
    print(f"pull: {seconds['skopeo and umoci'] / seconds['strata']:.2f} times faster than skopeo and umoci")
