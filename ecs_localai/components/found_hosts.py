"""Hosts that were found by looking for them, and the Ollama of this machine that we may start."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

import msgspec


class FoundBy(StrEnum):
    """Where a host was found."""

    LOCAL = "local"
    """A program of this machine listens there."""
    CONTAINER = "container"
    """A container publishes the port."""
    LAN = "lan"
    """It is announced in the local network (mDNS)."""


class FoundHost(msgspec.Struct, frozen=True):
    """An Ollama that was found, and has answered."""

    base_url: str
    version: str
    found_by: FoundBy
    name: str = ""
    """What it is called there: the container's name, or that of the announcement; empty for none."""


class LocalServerState(StrEnum):
    """How the Ollama of this machine is doing that we start."""

    NOT_INSTALLED = "not_installed"
    """There is no such program."""
    STOPPED = "stopped"
    STARTING = "starting"
    RUNNING = "running"
    """We have started it, and it answers."""
    STOPPING = "stopping"
    FAILED = "failed"
    """It could not be started, or has ended by itself."""


@dataclass(slots=True)
class LocalServer:
    """The Ollama of this machine, as far as we start and stop it. A resource."""

    state: LocalServerState = LocalServerState.NOT_INSTALLED
    program: str | None = None
    """The path of the program; None where there is none."""
    base_url: str = ""
    """Where it listens; empty while it was not started by us."""
    pid: int | None = None
    message: str | None = None
    """One sentence where something went wrong."""


@dataclass(slots=True)
class HostSearch:
    """Looking for hosts. A resource."""

    is_running: bool = False
    lan: bool = False
    """Whether the local network is, or was, looked at, too."""
    found: list[FoundHost] = field(default_factory=list)
    """In the order in which they were found."""
    problems: list[str] = field(default_factory=list)
    """Sentences about places that could not be looked at."""
