"""Ollama hosts: where they are, how to talk to them, and how they are doing."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

import msgspec

from ecs_localai.components.authentication import AuthKind, OllamaAuth
from ecs_localai.components.time_values import Timestamp
from ecs_localai.components.tls import TlsSettings

__all__ = [
    "AuthKind",
    "ConnectionPool",
    "DefaultHost",
    "HostHealthMonitor",
    "HostOrigin",
    "HostProtocol",
    "OllamaAPIClient",
    "OllamaAuth",
    "OllamaConfiguration",
    "OllamaHost",
    "OllamaHostManager",
    "RetryPolicy",
    "TlsSettings",
]

DEFAULT_HOST = "127.0.0.1"
"""Not ``localhost``: Ollama listens on IPv4 loopback only, and that name may mean ``::1`` first."""
DEFAULT_PORT = 11434
"""Ollama's own default port."""
_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
_ZONE = re.compile(r"[A-Za-z0-9._~-]{1,64}")
RESPONSE_TIMES = 9
"""So many probes make the median of `HostHealthMonitor.response_time_ms`."""


class OllamaConfiguration(msgspec.Struct, frozen=True):
    """Where an Ollama server is and how to connect to it.

    To change one, make another: ``msgspec.structs.replace(configuration, port=11435)``.
    Raises `ValueError` with a sentence for a host, port, path or timeout that cannot be right.
    """

    host: str = DEFAULT_HOST
    """A name or an address, without scheme and port; IPv6 with or without brackets."""
    port: int = DEFAULT_PORT
    connection_timeout: timedelta = timedelta(seconds=5)
    """How long connecting may take. An answer may take longer: loading a model does."""
    api_version: str = ""
    """The server's version as last seen at ``/api/version``; empty until then."""
    authentication: OllamaAuth | None = None
    """Ollama has none of its own: this is for a proxy in front of it."""
    tls_enabled: bool = False
    base_path: str = ""
    """What a reverse proxy puts before ``/api``, for example ``/ollama``; empty for none."""
    tls: TlsSettings | None = None
    """For ``https`` with certificates of one's own; None where the system's are enough."""

    def __post_init__(self) -> None:
        _check_host(self.host)
        port: object = self.port  # a program without type checks may give anything
        if not isinstance(port, int) or not 1 <= port <= 65535:
            raise ValueError(f"A port is a number from 1 to 65535, not {port!r}.")
        if self.connection_timeout <= timedelta(0):
            raise ValueError("The connection timeout must be longer than zero.")
        path = self.base_path
        if path and (not path.startswith("/") or path.endswith("/") or "//" in path or _has_any(path, "?#\\")):
            raise ValueError(
                f"A base path starts with / and does not end with one, for example /ollama; {path!r} is none."
            )

    @property
    def base_url(self) -> str:
        """For example ``http://127.0.0.1:11434``, without a slash at the end; IPv6 stands in brackets."""
        scheme = "https" if self.tls_enabled else "http"
        bare = self.host.strip("[]")
        host = f"[{bare.replace('%', '%25')}]" if ":" in bare else bare
        return f"{scheme}://{host}:{self.port}{self.base_path}"


def _has_any(text: str, unwanted: str) -> bool:
    return any(char in unwanted or char.isspace() or not char.isprintable() for char in text)


def _check_host(host: str) -> None:
    if not host:
        raise ValueError("The host is empty. Give a name or an address, for example 127.0.0.1.")
    if "@" in host:  # Not repeated: it may hold a password.
        raise ValueError("The host holds an @. Give a user name and a password as authentication.")
    if "://" in host:
        raise ValueError(f"Give the host without a scheme: {host.split('://', 1)[1]!r} instead of {host!r}.")
    bracketed = host.startswith("[") and host.endswith("]")
    if bracketed or ":" in host:
        _check_ipv6(host[1:-1] if bracketed else host)
    elif not _is_host_name(host):
        raise ValueError(f"{host!r} is not a host. Give a name or an address alone, for example 127.0.0.1.")


def _check_ipv6(host: str) -> None:
    try:
        zone = ipaddress.IPv6Address(host).scope_id
    except ValueError as error:
        raise ValueError(f"{host!r} is neither a name nor an address. A port is given apart from the host.") from error
    if zone is not None and not _ZONE.fullmatch(zone):
        raise ValueError(f"The zone {zone!r} behind the % is not the name of a network interface.")


def _is_host_name(host: str) -> bool:
    """A name of labels, or an IPv4 address: what `ecs_localai.ollama.parse_host` reads, too."""
    if not host.isprintable():
        return False
    try:
        name = host.lower() if host.isascii() else host.encode("idna").decode("ascii").lower()
    except UnicodeError:
        return False
    labels = name.removesuffix(".").split(".")
    if len(name) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        return False
    if not labels[-1].isdigit():
        return True
    try:
        ipaddress.IPv4Address(name)
    except ValueError:
        return False
    return True


class RetryPolicy(msgspec.Struct, frozen=True):
    """How often and when a failed request is tried again. Raises `ValueError` for senseless numbers."""

    max_attempts: int = 3
    """All attempts together, the first one included."""
    initial_delay: timedelta = timedelta(milliseconds=500)
    multiplier: float = 2.0
    """Each delay is the one before times this."""
    max_delay: timedelta = timedelta(seconds=30)
    jitter: float = 0.25
    """The share of a delay, 0.0 to 1.0, by which chance may shorten or lengthen it."""

    def __post_init__(self) -> None:
        if self.max_attempts < 1:
            raise ValueError(f"There must be at least one attempt, not {self.max_attempts}.")
        if not timedelta(0) <= self.initial_delay <= self.max_delay:
            raise ValueError("The first delay must be zero or more and at most the longest delay.")
        if not 1.0 <= self.multiplier < float("inf"):
            raise ValueError(f"The delay's multiplier must be at least 1, not {self.multiplier}.")
        if not 0.0 <= self.jitter <= 1.0:
            raise ValueError(f"The jitter is a share from 0 to 1, not {self.jitter}.")


class ConnectionPool(msgspec.Struct, frozen=True):
    """The limits of a host's pooled connections. Raises `ValueError` for senseless numbers."""

    max_connections: int = 16
    keep_alive: timedelta = timedelta(seconds=75)
    """How long an unused connection stays open: longer than from one probe to the next, which then need not connect."""

    def __post_init__(self) -> None:
        if self.max_connections < 1:
            raise ValueError(f"A pool needs at least one connection, not {self.max_connections}.")
        if self.keep_alive < timedelta(0):
            raise ValueError("A connection cannot be kept for less than no time.")


class OllamaAPIClient(msgspec.Struct, frozen=True):
    """What a client needs to know to talk to one host. The client itself is in `ecs_localai.ollama`."""

    base_url: str = ""
    """Empty stands for the URL of the host that the client belongs to."""
    timeout: timedelta = timedelta(seconds=5)
    """How long connecting may take."""
    retry_policy: RetryPolicy = RetryPolicy()
    authentication: OllamaAuth | None = None
    tls: TlsSettings | None = None

    @classmethod
    def for_host(cls, config: OllamaConfiguration, retry_policy: RetryPolicy | None = None) -> OllamaAPIClient:
        """The client's data for this host; without a `retry_policy` the usual one."""
        return cls(
            base_url=config.base_url,
            timeout=config.connection_timeout,
            retry_policy=RetryPolicy() if retry_policy is None else retry_policy,
            authentication=config.authentication,
            tls=config.tls,
        )


@dataclass(slots=True)
class HostHealthMonitor:
    """How a host is doing, as seen by probing it."""

    is_healthy: bool = False
    last_health_check: Timestamp | None = None
    """When the last probe ended; None before the first."""
    response_time_ms: float | None = None
    """How long a probe takes, in milliseconds: the median of the last `RESPONSE_TIMES`; None before the first."""
    uptime: timedelta = timedelta(0)
    """How long the host has been seen healthy without a break."""
    error_count: int = 0
    """Failed probes since the beginning."""
    consecutive_failures: int = 0
    """Failed probes since the last success."""
    last_error: str | None = None
    """Why the last probe failed, one sentence; None when it did not."""
    last_error_kind: str | None = None
    """The sort of that failure, for example ``refused`` or ``not_ollama`` (`ecs_localai.ollama.ErrorKind`)."""
    response_times_ms: list[float] = field(default_factory=list)
    """The last `RESPONSE_TIMES` successful probes, the newest last."""
    answered_address: str | None = None
    """The address that answered: for ``localhost`` 127.0.0.1 or ::1. None while none did."""
    is_flapping: bool = False
    """Whether it comes and goes so often that it counts as there only after several answers in a row."""
    changed_at: Timestamp | None = None
    """When `is_healthy` changed last."""


class HostOrigin(StrEnum):
    """How a host came to be in the list."""

    ADDED = "added"
    """By a person or a program."""
    ENVIRONMENT = "environment"
    """By ``OLLAMA_HOST``, or as Ollama's own default."""
    FOUND = "found"
    """By looking for hosts."""
    STARTED = "started"
    """We have started it, and stop it again."""


class HostProtocol(StrEnum):
    """What a host speaks."""

    OLLAMA = "ollama"
    OPENAI = "openai"
    """The protocol of OpenAI's API, as llama.cpp's server, LM Studio, vLLM and others speak it. Only with the feature
    ``custom_providers``."""


@dataclass(slots=True)
class OllamaHost:
    """What a host is called and where it stands in the list: a component on its entity."""

    name: str
    """Unique among the hosts; what people type for it."""
    position: int = 0
    """The list is in the order of these."""
    origin: HostOrigin = HostOrigin.ADDED
    protocol: HostProtocol = HostProtocol.OLLAMA


@dataclass(slots=True)
class DefaultHost:
    """Marks the entity of the host that is used where none is named. There is exactly one."""


@dataclass(slots=True)
class OllamaHostManager:
    """One host, as a component on its own entity.

    What it holds are the same objects as the entity's components of these types: `OllamaConfiguration`,
    `ConnectionPool`, `HostHealthMonitor`, `OllamaAPIClient`. Whichever of the two is replaced, the other follows in the
    next frame.
    """

    host_config: OllamaConfiguration
    connection_pool: ConnectionPool = field(default_factory=ConnectionPool)
    health_monitor: HostHealthMonitor = field(default_factory=HostHealthMonitor)
    api_client: OllamaAPIClient = field(default_factory=OllamaAPIClient)
    """Made from `host_config` unless one with a `base_url` is given."""

    def __post_init__(self) -> None:
        if not self.api_client.base_url:
            self.api_client = OllamaAPIClient.for_host(self.host_config)
