"""Where Docker and Podman wait for questions on this machine."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

__all__ = ["ContainerSocket", "container_sockets"]

_PIPES = ("//./pipe/docker_engine", "//./pipe/podman-machine-default")


@dataclass(frozen=True, slots=True)
class ContainerSocket:
    """A unix socket, or a named pipe of Windows."""

    path: str
    is_pipe: bool = False


def container_sockets(environment: Mapping[str, str] = os.environ) -> tuple[list[ContainerSocket], list[str]]:
    """The sockets that exist, each once, and sentences about those that are named and can't be used.

    ``DOCKER_HOST`` and Podman's ``CONTAINER_HOST`` come first, then the usual places of Docker (as root's and as a
    user's own service, Docker Desktop, Colima, OrbStack, Rancher Desktop) and Podman. Looks at the disk.
    """
    problems: list[str] = []
    found: list[ContainerSocket] = []
    seen: set[tuple[int, int]] = set()
    for path in [*_named(environment, problems), *_usual(environment)]:
        try:
            status = os.stat(path)
        except OSError:  # not there, or in a folder that is closed to us
            continue
        if stat.S_ISSOCK(status.st_mode) and (status.st_dev, status.st_ino) not in seen:
            seen.add((status.st_dev, status.st_ino))
            found.append(ContainerSocket(path))
    if sys.platform == "win32":
        named = [value.removeprefix("npipe://") for value in _hosts(environment) if value.startswith("npipe:")]
        pipes = [pipe.replace("/", "\\") for pipe in dict.fromkeys([*named, *_PIPES])]
        found += [ContainerSocket(pipe, is_pipe=True) for pipe in pipes if os.path.exists(pipe)]
    return found, problems


def _hosts(environment: Mapping[str, str]) -> list[str]:
    return [value for name in ("DOCKER_HOST", "CONTAINER_HOST") if (value := environment.get(name, "").strip())]


def _named(environment: Mapping[str, str], problems: list[str]) -> Iterator[str]:
    for value in _hosts(environment):
        scheme, separator, path = value.partition("://")
        if not separator:
            continue
        if scheme == "unix":
            yield path
        elif scheme != "npipe":
            problems.append(
                f"DOCKER_HOST or CONTAINER_HOST names a {scheme}:// address; only containers of this machine are "
                "looked for, so add an Ollama over there by its own address."
            )


def _usual(environment: Mapping[str, str]) -> list[str]:
    home = Path(environment.get("HOME") or Path.home())
    places = ["/var/run/docker.sock"]
    if runtime := environment.get("XDG_RUNTIME_DIR"):
        places += [f"{runtime}/docker.sock", f"{runtime}/podman/podman.sock"]
    places += ["/run/podman/podman.sock"]
    under_home = (
        ".docker/run/docker.sock",
        ".docker/desktop/docker.sock",
        ".colima/default/docker.sock",
        ".orbstack/run/docker.sock",
        ".rd/docker.sock",
        ".local/share/containers/podman/machine/podman.sock",
    )
    return places + [str(home / place) for place in under_home]
