"""Real containers: a Podman of the tests' own, with its API on a unix socket. Nothing of it is shared with the user's.

The containers see this machine's own programs and the rig's Ollama, read-only, so that no image has to be fetched.
Their ports are published by slirp4netns and Podman's own forwarder, which need no firewall.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType

from tests.rig import orphan_guard
from tests.rig.ollama_program import OllamaProgram
from tests.rig.parts import PartMissing
from tests.rig.server_process import ServerProcess
from tests.rig.waiting import wait_until

_NEEDED = ("podman", "runc", "slirp4netns")


class PodmanFailed(RuntimeError):
    """Podman refused; the text is its own."""


class PodmanRig:
    """Runs containers and serves Podman's API at `socket`. Raises PartMissing where it can't be had or doesn't work."""

    def __init__(self) -> None:
        missing = [name for name in _NEEDED if shutil.which(name) is None]
        if missing:
            raise PartMissing(f"no containers without {', '.join(missing)}; install the package(s) of that name")
        self._folder = orphan_guard.temporary_folder("podman")
        self.socket = self._folder / "api.sock"
        self._service = ServerProcess("podman system service", self._folder / "service.log")
        self._running: dict[str, int] = {}
        self._rootfs = self._make_rootfs()

    def _make_rootfs(self) -> Path:
        rootfs = self._folder / "rootfs"
        for name in ("usr", "etc", "tmp", "proc", "sys", "dev", "run", "var", "rig", "home"):
            (rootfs / name).mkdir(parents=True)
        for name in ("bin", "sbin", "lib", "lib64"):
            if Path("/", name).is_symlink():
                (rootfs / name).symlink_to(f"usr/{name}")
        return rootfs

    def start(self) -> PodmanRig:
        """Serve the API. Raises PartMissing where Podman doesn't work here."""
        command = [*self._podman(), "system", "service", "--time", "0", f"unix://{self.socket}"]
        try:
            self._service.start(command, _environment(), self.socket.exists)
        except (RuntimeError, AssertionError) as error:
            self.stop()
            raise PartMissing(f"podman does not work here: {error}") from error
        return self

    def run_ollama(self, name: str, program: OllamaProgram, publish: Sequence[str]) -> None:
        """Run the rig's Ollama as a container; ``publish`` are Podman's own texts, ``127.0.0.1:8000:11434``."""
        folder = program.path.parent.parent
        inside = {key: value.replace(str(folder.parent), "/rig") for key, value in program.environment.items()}
        inside |= {"HOME": "/home", "OLLAMA_HOST": "0.0.0.0"}
        path = f"/rig/{program.path.relative_to(folder.parent)}"
        self.run(name, [path, "serve"], publish, inside, [f"{folder.parent}:/rig:ro"])

    def run(
        self,
        name: str,
        command: Sequence[str],
        publish: Sequence[str],
        environment: Mapping[str, str] | None = None,
        volumes: Sequence[str] = (),
    ) -> None:
        """Run any program of this machine's ``/usr`` as a container. Raises PartMissing where Podman can't."""
        options = ["--name", name, "--network", "slirp4netns", "--tmpfs", "/home", "--tmpfs", "/tmp"]
        options += ["--ulimit", "nofile=4096:4096", "--ulimit", "nproc=4096:4096", "-v", "/usr:/usr:ro"]
        options += [word for one in publish for word in ("-p", one)]
        options += [word for one in volumes for word in ("-v", one)]
        options += [word for key, value in (environment or {}).items() for word in ("-e", f"{key}={value}")]
        try:
            self._call("run", "--detach", *options, "--rootfs", f"{self._rootfs}:O", *command)
            pid = int(self._call("inspect", "--format", "{{.State.Pid}}", name))
        except PodmanFailed as error:
            raise PartMissing(f"podman can't run a container here: {error}") from error
        self._running[name] = pid
        orphan_guard.guard(pid)

    def _call(self, *words: str) -> str:
        done = subprocess.run(
            [*self._podman(), *words], capture_output=True, text=True, env=_environment(), timeout=60, check=False
        )
        if done.returncode != 0:
            raise PodmanFailed(done.stderr.strip())
        return done.stdout.strip()

    def _podman(self) -> list[str]:
        folders = {"--root": "storage", "--runroot": "run", "--tmpdir": "tmp"}
        places = [word for option, name in folders.items() for word in (option, str(self._folder / name))]
        usual = ["--runtime", "runc", "--storage-driver", "vfs", "--cgroup-manager", "cgroupfs"]
        return ["podman", *places, *usual, "--events-backend", "file"]

    def stop(self) -> None:
        """End the containers and the service, and remove all that they wrote. A second call does nothing."""
        for name, pid in self._running.items():
            with contextlib.suppress(PodmanFailed):
                self._call("rm", "--force", "--time", "0", name)
            orphan_guard.release(pid)
        self._running.clear()
        self._service.end_group()
        wait_until(lambda: not _mounts_under(self._folder), describe="podman's mounts to go")
        orphan_guard.remove_folder(self._folder)

    def __enter__(self) -> PodmanRig:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(("CONTAINER", "DOCKER"))}


def _mounts_under(folder: Path) -> list[str]:
    mounts = Path("/proc/self/mounts")
    lines = mounts.read_text().splitlines() if mounts.exists() else []
    return [line for line in lines if str(folder) in line]
