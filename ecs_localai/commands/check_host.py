"""``ecs-localai hosts check``: one careful look at one host, and what to change about it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import msgspec

from ecs_localai.commands.failure import CommandFailed
from ecs_localai.commands.host_look import HostLine, look_at_all, size_text
from ecs_localai.commands.list_hosts import milliseconds
from ecs_localai.commands.target import Target
from ecs_localai.commands.terminal import say_json
from ecs_localai.components.hosts import AuthKind
from ecs_localai.components.secret_source import SecretPlace
from ecs_localai.ollama.address import parse_host
from ecs_localai.ollama.certificate import CertificateFacts
from ecs_localai.ollama.errors import ErrorKind
from ecs_localai.systems.saved_hosts import SavedHost

_PLACES = {
    SecretPlace.ENVIRONMENT: "the environment variable {name}",
    SecretPlace.FILE: "the file {name}",
    SecretPlace.KEYRING: "the keyring's entry {name}",
}


class CheckedHost(msgspec.Struct, frozen=True):
    """What ``hosts check --json`` tells."""

    host: HostLine
    certificate: CertificateFacts | None
    """That the server shows, unverified; None where the connection is not encrypted, or none was shown."""


def check_host(target: Target, named: str, as_json: bool) -> int:
    """Look at a host of the list, or at an address, and say what was found; returns the exit code.

    Raises:
        CommandFailed: it cannot be used as it is.
    """
    book = target.book()
    host = book.require(named)
    (line,) = look_at_all([host], book)
    certificate = asyncio.run(_certificate(host)) if host.config.tls_enabled else None
    if as_json:
        say_json(CheckedHost(line, certificate))
    else:
        _print(host, line, certificate)
    if line.error is not None:
        raise CommandFailed(line.error)
    return 0


async def _certificate(host: SavedHost) -> CertificateFacts | None:
    from ecs_localai.ollama.certificate_reading import read_certificate

    address = parse_host(host.config.base_url)
    tls = host.config.tls
    name = tls.server_name if tls is not None and tls.server_name else address.tls_name
    return await read_certificate(address, name, host.config.connection_timeout.total_seconds())


def _print(host: SavedHost, line: HostLine, certificate: CertificateFacts | None) -> None:
    from rich.table import Table

    from ecs_localai.commands.tables import draw, text

    grid = Table(box=None, show_header=False, pad_edge=False, padding=(0, 3, 0, 0))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    for title, value in _facts(host, line, certificate):
        grid.add_row(text(title, "bold"), text(value))
    draw(text(line.name, "bold"), grid, *(text(f"→ {step}") for step in line.advice))


def _facts(host: SavedHost, line: HostLine, certificate: CertificateFacts | None) -> Iterator[tuple[str, str]]:
    yield "Address", line.base_url
    yield "Log-in", _log_in(host)
    if line.connected:
        version = " ".join(part for part in (line.program or "Ollama", line.version) if part)
        yield "Answers", f"{version} at {line.answered_address or 'an unknown address'}"
        if line.response_time_ms is not None:
            yield "Answers in", milliseconds(line.response_time_ms)
    elif line.error_kind in (ErrorKind.UNAUTHORIZED, ErrorKind.FORBIDDEN, ErrorKind.NOT_OLLAMA):
        yield "Answers", "something, but no Ollama that lets us in"
    elif line.error_kind == ErrorKind.TLS and certificate is not None:
        yield "Answers", "something, but not over a connection that can be trusted"
    else:
        yield "Answers", "nothing"
    if certificate is not None:
        for number, fact in enumerate(certificate.long.splitlines()):
            yield "Certificate" if number == 0 else "", fact
    elif host.config.tls_enabled:
        yield "Certificate", "none was shown"
    if line.models is not None:
        size = f", {size_text(line)} on disk" if line.size_on_disk else ""
        loaded = "" if line.loaded is None else f", {line.loaded} loaded"
        yield "Models", f"{line.models} installed{loaded}{size}"


def _log_in(host: SavedHost) -> str:
    auth = host.config.authentication
    if auth is None:
        return "none"
    what = {
        AuthKind.BEARER: "a bearer token",
        AuthKind.BASIC: f"the user {auth.username}",
        AuthKind.HEADERS: f"the header {', '.join(auth.header_names)}",
    }[auth.kind]
    places = [_PLACES[source.place].format(name=source.name) for source in auth.sources]
    return f"{what}, kept in {' and '.join(places)}" if places else f"{what}, whose secret is not saved"
