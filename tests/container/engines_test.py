#!/usr/bin/env python3
"""podman and containerd with this runtime below: independent judges of its command line, states and files.

    engines_test.py STRATA-OCI

Each engine has its storage, sockets and settings in a temporary folder. What is not installed is skipped.
"""
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tarfile
import time
import unittest
from pathlib import Path

import bundles


def need(*programs):
    missing = [name for name in programs if not shutil.which(name)]
    if missing:
        raise unittest.SkipTest(f"not installed: {', '.join(missing)}")


def pack(rootfs, archive):
    with tarfile.open(archive, "w") as tar:
        tar.add(rootfs, arcname=".")


class Engine(unittest.TestCase):
    def setUp(self):
        # Short: the engines make sockets below it.
        self.folder = Path(subprocess.check_output(["mktemp", "-d", "/tmp/strata-engine.XXXX"], text=True).strip())
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        bundles.make_rootfs(self.folder / "rootfs")
        pack(self.folder / "rootfs", self.folder / "rootfs.tar")
        self.runtime = self.folder / "strata-oci"  # where other users may start it
        shutil.copy(bundles.runtime, self.runtime)
        self.folder.chmod(0o755)

    def check(self, ended, code=0):
        self.assertEqual(ended.returncode, code, f"{ended.args}\n{ended.stdout}\n{ended.stderr}")
        return ended.stdout

    def wait_for(self, condition, what, seconds=20):
        end = time.monotonic() + seconds
        while not condition():
            self.assertLess(time.monotonic(), end, f"waited {seconds} s: {what}")
            time.sleep(0.05)


class Podman(Engine):
    user = []  # words that make the rest run as another user

    def setUp(self):
        need("podman", "conmon")
        super().setUp()
        self.place = self.folder / "podman"
        self.place.mkdir()
        # By options, which it hands on to what it starts itself when a container ends.
        self.command = ["podman", "--root", f"{self.place}/graph", "--runroot", f"{self.place}/run", "--tmpdir", f"{self.place}/tmp",
                        "--storage-driver", "vfs", "--runtime", "strata-oci"]
        (self.folder / "policy.json").write_text('{"default": [{"type": "insecureAcceptAnything"}]}')
        # Engines check for these where systemd does not run.
        (self.folder / "containers.conf").write_text('[engine]\nevents_logger = "file"\ncgroup_manager = "cgroupfs"\nruntime_supports_nocgroup = ["strata-oci"]\n'
                                                     f'static_dir = "{self.place}/static"\n'
                                                     f'volume_path = "{self.place}/volumes"\n'
                                                     f'[engine.runtimes]\nstrata-oci = ["{self.runtime}"]\n')
        self.environment = {**os.environ, "CONTAINERS_CONF": str(self.folder / "containers.conf"), "XDG_RUNTIME_DIR": str(self.place),
                            "HOME": str(self.place)}
        self.own_the_place()
        self.check(self.podman("import", str(self.folder / "rootfs.tar"), "localhost/box"))

    def own_the_place(self):
        self.addCleanup(self.podman, "rm", "--all", "--force", "--time", "0")

    def podman(self, *words, **options):
        options.setdefault("timeout", 60)
        options.setdefault("stdin", subprocess.DEVNULL)
        return subprocess.run([*self.user, *self.command, *words], capture_output=True, text=True,
                              env=self.environment, cwd="/", **options)

    def run_box(self, *words, **options):
        # Its own idea of limits needs CAP_SYS_RESOURCE.
        return self.podman("run", "--network", "none", "--ulimit=nofile=1024:1024", "--ulimit=nproc=4096:4096", *words, **options)

    def test_run(self):
        self.assertEqual(self.check(self.run_box("--rm", "box", "echo", "through podman")), "through podman\n")
        self.check(self.run_box("--rm", "box", "sh", "-c", "exit 42"), 42)
        self.assertIn("3000000", self.check(self.run_box("--rm", "--user", "3000000:1", "box", "id", "-u"))
                      if not self.user else "3000000")
        self.assertIn("executable file", self.run_box("--rm", "box", "nothing-here").stderr)
        self.assertEqual(self.check(self.run_box("--rm", "--interactive", "box", "cat", stdin=None, input="typed")), "typed")

    def test_life(self):
        name = self.check(self.run_box("--detach", "--name", "one", "box", "sh", "-c", "trap 'exit 3' TERM; while :; do sleep 0.1; done")).strip()
        self.assertEqual(self.check(self.podman("exec", "one", "cat", "/proc/1/comm")), "sh\n")
        self.check(self.podman("exec", "one", "sh", "-c", "exit 5"), 5)
        self.assertEqual(self.check(self.podman("inspect", "--format", "{{.State.Status}} {{.OCIRuntime}}", "one")),
                         "running strata-oci\n")
        ended = subprocess.run(["script", "-qec", shlex.join([*self.user, *self.command, "exec", "-it",
                                                                          "one", "sh", "-c", "tty; stty size"]), "/dev/null"],
                               capture_output=True, text=True, env=self.environment, cwd="/", stdin=subprocess.DEVNULL, timeout=60)
        self.assertIn("/dev/", ended.stdout)
        self.limits_and_pausing()
        self.check(self.podman("stop", "--time", "10", "one"))
        self.assertEqual(self.check(self.podman("inspect", "--format", "{{.State.ExitCode}}", "one")), "3\n")
        self.check(self.podman("start", "one"))
        self.check(self.podman("kill", "--signal", "KILL", "one"))
        self.wait_for(lambda: "exited" in self.podman("inspect", "--format", "{{.State.Status}}", "one").stdout, "its end")
        self.assertEqual(self.check(self.podman("inspect", "--format", "{{.State.ExitCode}}", "one")), "137\n")
        self.check(self.podman("rm", "one"))
        self.assertNotIn(name[:12], self.check(self.podman("ps", "--all")))

    def limits_and_pausing(self):
        self.check(self.podman("pause", "one"))
        self.assertEqual(self.check(self.podman("inspect", "--format", "{{.State.Status}}", "one")), "paused\n")
        self.check(self.podman("unpause", "one"))
        self.assertEqual(self.check(self.run_box("--rm", "--pids-limit", "33", "--memory", "64m", "box", "sh", "-c",
                                                 "cd /sys/fs/cgroup; cat pids/pids.max 2>/dev/null || cat pids.max")), "33\n")
        stats = json.loads(self.check(self.podman("stats", "--no-stream", "--format", "json", "one")))
        self.assertEqual(stats[0]["name"], "one")

    def test_user_namespace(self):
        said = self.check(self.run_box("--rm", "--uidmap", "0:100000:1000", "--gidmap", "0:100000:1000", "box", "cat", "/proc/self/uid_map"))
        self.assertEqual(said.split(), ["0", "100000", "1000"])


class PodmanOfAnOrdinaryUser(Podman):
    """With the one id that a user has without subordinate ones; cgroups are root's on hosts without systemd."""

    uid = 4711
    user = ["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups"]

    def own_the_place(self):
        for path in [self.place, self.folder / "rootfs.tar", self.folder / "containers.conf"]:
            os.chown(path, self.uid, self.uid)
        self.environment["USER"] = str(self.uid)
        # It wants a name for its number, and subordinate numbers or none: given in a mount namespace of our own.
        passwd = self.folder / "passwd"
        passwd.write_text(Path("/etc/passwd").read_text() + f"strata-test:x:{self.uid}:{self.uid}::{self.place}:/bin/sh\n")
        none = self.folder / "none"
        none.write_text("strata-other:200000:1\n")
        script = "".join(f'mount --bind "{source}" {path} && ' for source, path in
                         ((passwd, "/etc/passwd"), (none, "/etc/subuid"), (none, "/etc/subgid")) if os.path.exists(path))
        self.user = ["unshare", "--mount", "sh", "-c", script + 'exec "$@"', "sh", *PodmanOfAnOrdinaryUser.user]
        probe = self.podman("info")
        if probe.returncode != 0:
            self.skipTest(f"podman does not work for an ordinary user here: {probe.stderr.strip().splitlines()[-1:]}")
        self.addCleanup(self.end_pause)
        self.addCleanup(self.podman, "rm", "--all", "--force", "--time", "0")

    def end_pause(self):
        """The process by which podman keeps a user's namespaces; it would stay for ever."""
        for file in self.place.rglob("pause.pid"):
            os.kill(int(file.read_text()), signal.SIGKILL)

    def run_box(self, *words, **options):
        return super().run_box("--cgroups", "disabled", *words, **options)

    def limits_and_pausing(self):
        pass  # without cgroups there are none

    def test_user_namespace(self):
        self.assertEqual(self.check(self.run_box("--rm", "box", "cat", "/proc/self/uid_map")).split(), ["0", str(self.uid), "1"])


class Containerd(Engine):
    def setUp(self):
        need("containerd", "ctr", "containerd-shim-runc-v2")
        super().setUp()
        self.socket = self.folder / "sock"
        (self.folder / "config.toml").write_text(f'version = 2\nroot = "{self.folder}/root"\nstate = "{self.folder}/state"\n'
                                                 f'disabled_plugins = ["io.containerd.grpc.v1.cri"]\n[grpc]\naddress = "{self.socket}"\n')
        self.log = open(self.folder / "log", "w")
        self.addCleanup(self.log.close)
        self.daemon = subprocess.Popen(["containerd", "--config", str(self.folder / "config.toml")], stdout=self.log, stderr=self.log)
        self.addCleanup(self.end_daemon)
        self.wait_for(lambda: self.ctr("version").returncode == 0, "containerd")
        archive = self.make_image()
        self.check(self.ctr("image", "import", "--snapshotter", "native", "--all-platforms", str(archive)))

    def end_daemon(self):
        self.ctr("task", "kill", "--signal", "KILL", "one")
        self.ctr("task", "delete", "--force", "one")
        self.ctr("container", "delete", "one")
        self.daemon.terminate()
        self.daemon.wait(20)

    def make_image(self):
        """The archive that `docker save` makes: a list, a configuration, and the one layer."""
        import hashlib
        layer = (self.folder / "rootfs.tar").read_bytes()
        config = json.dumps({"architecture": "amd64", "os": "linux", "config": {"Env": ["PATH=/bin"], "Cmd": ["sh"]},
                             "rootfs": {"type": "layers", "diff_ids": ["sha256:" + hashlib.sha256(layer).hexdigest()]}}).encode()
        folder = self.folder / "image"
        folder.mkdir()
        (folder / "config.json").write_bytes(config)
        (folder / "layer.tar").write_bytes(layer)
        (folder / "manifest.json").write_text(json.dumps([{"Config": "config.json", "RepoTags": ["localhost/box:latest"],
                                                           "Layers": ["layer.tar"]}]))
        archive = self.folder / "image.tar"
        with tarfile.open(archive, "w") as tar:
            for name in ("manifest.json", "config.json", "layer.tar"):
                tar.add(folder / name, arcname=name)
        return archive

    def ctr(self, *words, **options):
        options.setdefault("timeout", 60)
        options.setdefault("stdin", subprocess.DEVNULL)
        return subprocess.run(["ctr", "--address", str(self.socket), *words], capture_output=True, text=True, **options)

    def run_box(self, *words):
        return self.ctr("run", "--snapshotter", "native", "--runtime", "io.containerd.runc.v2", "--runc-binary", str(self.runtime), *words)

    def test_life(self):
        self.assertEqual(self.check(self.run_box("--rm", "localhost/box:latest", "short", "/bin/echo", "through containerd")),
                         "through containerd\n")
        self.check(self.run_box("--rm", "localhost/box:latest", "short", "/bin/sh", "-c", "exit 42"), 42)
        self.check(self.run_box("--detach", "localhost/box:latest", "one", "/bin/sleep", "1000"))
        self.assertIn("RUNNING", self.check(self.ctr("task", "ls")))
        self.assertEqual(self.check(self.ctr("task", "exec", "--exec-id", "first", "one", "/bin/cat", "/proc/1/comm")), "sleep\n")
        self.check(self.ctr("task", "exec", "--exec-id", "second", "one", "/bin/sh", "-c", "exit 6"), 6)
        self.check(self.ctr("task", "pause", "one"))
        self.assertIn("PAUSED", self.check(self.ctr("task", "ls")))
        self.check(self.ctr("task", "resume", "one"))
        self.assertIn("pids", self.check(self.ctr("task", "metrics", "one")))
        self.assertEqual(len(self.check(self.ctr("task", "ps", "one")).splitlines()), 2)
        self.check(self.ctr("task", "kill", "--signal", "KILL", "one"))
        self.wait_for(lambda: "STOPPED" in self.ctr("task", "ls").stdout, "its end")
        self.assertIn("exit code 137", self.ctr("task", "delete", "one").stderr)
        self.check(self.ctr("container", "delete", "one"))


if __name__ == "__main__":
    bundles.take_arguments()
    bundles.skip_unless_possible()
    unittest.main()
