"""What the tests of finding share: an installed Ollama, the ports that were taken before, what is no Ollama."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ecs_localai.components.found_hosts import FoundHost
from ecs_localai.ollama.address import parse_host
from ecs_localai.ollama.finding import Place, Sighting
from ecs_localai.ollama.finding.listening import listening_sockets
from ecs_localai.ollama.finding.places import is_unspecified
from tests.rig.ollama_program import OllamaProgram
from tests.rig.parts import ROOT

FOREIGN = Path(__file__).with_name("foreign_child.py")


def taken_places() -> frozenset[Place]:
    """Where this machine's own programs listen now: no test is to ask them, and none is to be found."""
    hosts = ((one.host, one.port) for one in listening_sockets())
    return frozenset(Place("127.0.0.1" if is_unspecified(host) else host, port) for host, port in hosts)


def taken_urls() -> list[str]:
    """`taken_places` as URLs, for ``known``."""
    return [
        f"http://[{one.host}]:{one.port}" if ":" in one.host else f"{one.host}:{one.port}" for one in taken_places()
    ]


def install(program: OllamaProgram, folder: Path, *, keeps_shell: bool = False) -> Path:
    """Write a program ``ollama`` into ``folder`` that runs the rig's with what it needs, and return it.

    With ``keeps_shell`` the shell stays as the parent of the real program, as in many a person's wrapper.
    """
    folder.mkdir(parents=True, exist_ok=True)
    script = folder / "ollama"
    exports = "".join(f"export {name}='{value}'\n" for name, value in program.environment.items())
    run = f"'{program.path}' \"$@\"\n" + "exit $?\n" if keeps_shell else f"exec '{program.path}' \"$@\"\n"
    script.write_text(f"#!/bin/sh\n{exports}{run}")
    script.chmod(0o755)
    return script


def serving_environment(folder: Path) -> dict[str, str]:
    """Our environment, with a home and a models folder of the server's own."""
    return {**os.environ, "HOME": str(folder), "OLLAMA_MODELS": str(folder / "models")}


@contextmanager
def foreign_servers() -> Iterator[dict[str, int]]:
    """Real servers of another process that are no Ollama; gives the port of each by its name."""
    with subprocess.Popen(
        [sys.executable, str(FOREIGN)], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        try:
            if child.stdout is None or child.stdin is None:
                raise RuntimeError("the foreign servers have no pipes")
            ports = dict(pair.split("=") for pair in child.stdout.readline().split())
            yield {name: int(port) for name, port in ports.items()}
        finally:
            if child.stdin is not None:
                child.stdin.close()
            child.wait(timeout=20)


class Found:
    """Collects what is found."""

    def __init__(self) -> None:
        self.hosts: list[FoundHost] = []
        self.places: dict[str, frozenset[Place]] = {}

    def sighting(self, sighting: Sighting) -> None:
        """For the single searches."""
        self.places[sighting.host.base_url] = sighting.places
        self.hosts.append(sighting.host)

    def at(self, *ports: int) -> list[FoundHost]:
        """Those at one of these ports; others of this machine may have started an Ollama meanwhile."""
        return [host for host in self.hosts if parse_host(host.base_url).port in ports]
