"""Ollama hosts: where they are, how to talk to them, and how they are doing."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from datetime import timedelta

import msgspec

from ecs_localai.components.authentication import AuthKind, OllamaAuth
from ecs_localai.components.time_values import Timestamp

__all__ = [
    "AuthKind",
    "ConnectionPool",
    "HostHealthMonitor",
    "OllamaAPIClient",
    "OllamaAuth",
    "OllamaConfiguration",
    "OllamaHostManager",
    "RetryPolicy",
]

DEFAULT_HOST = "127.0.0.1"
"""Not ``localhost``: Ollama listens on IPv4 loopback only, and that name may mean ``::1`` first."""
DEFAULT_PORT = 11434
"""Ollama's own default port."""


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

    def __post_init__(self) -> None:
        _check_host(self.host)
        port: object = self.port  # a program without type checks may give anything
        if not isinstance(port, int) or not 1 <= port <= 65535:
            raise ValueError(f"A port is a number from 1 to 65535, not {port!r}.")
        if self.connection_timeout <= timedelta(0):
            raise ValueError("The connection timeout must be longer than zero.")
        path = self.base_path
        if path and (not path.startswith("/") or path.endswith("/") or _has_any(path, "?#\\")):
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
        try:
            ipaddress.IPv6Address(host[1:-1] if bracketed else host)
        except ValueError as error:
            raise ValueError(
                f"{host!r} is neither a name nor an address. A port is given apart from the host."
            ) from error
    elif len(host) > 253 or not all(char.isalnum() or char in "-._" for char in host):
        raise ValueError(f"{host!r} is not a host. Give a name or an address alone, for example 127.0.0.1.")


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
    keep_alive: timedelta = timedelta(seconds=15)
    """How long an unused connection stays open."""

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

    @classmethod
    def for_host(cls, config: OllamaConfiguration) -> OllamaAPIClient:
        """The client's data for this host."""
        return cls(base_url=config.base_url, timeout=config.connection_timeout, authentication=config.authentication)


@dataclass(slots=True)
class HostHealthMonitor:
    """How a host is doing, as seen by probing it."""

    is_healthy: bool = False
    last_health_check: Timestamp | None = None
    """When the last probe ended; None before the first."""
    response_time_ms: float | None = None
    """How long the last successful probe took, in milliseconds; None before the first."""
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


@dataclass(slots=True)
class OllamaHostManager:
    """One host, as a component on its own entity."""

    host_config: OllamaConfiguration
    connection_pool: ConnectionPool = field(default_factory=ConnectionPool)
    health_monitor: HostHealthMonitor = field(default_factory=HostHealthMonitor)
    api_client: OllamaAPIClient = field(default_factory=OllamaAPIClient)
    """Made from `host_config` unless one with a `base_url` is given."""

    def __post_init__(self) -> None:
        if not self.api_client.base_url:
            self.api_client = OllamaAPIClient.for_host(self.host_config)
