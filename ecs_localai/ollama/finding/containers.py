"""Ollama servers in containers of this machine, by the ports that they publish."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING

import msgspec

from ecs_localai.components.found_hosts import FoundBy

from ..address import DEFAULT_PORT
from .container_sockets import ContainerSocket, container_sockets
from .places import LOOPBACK, Place, ThisMachine, is_unspecified, url_of
from .probe import Prober, Sighting

if TYPE_CHECKING:
    import aiohttp

__all__ = ["find_container_hosts"]

ANSWER_SECONDS = 3.0
_REPLY_LIMIT = 8 * 1024 * 1024


class _Port(msgspec.Struct, rename="pascal"):
    ip: str = msgspec.field(name="IP", default="")
    private_port: int = 0
    public_port: int = 0
    type: str = "tcp"


class _Container(msgspec.Struct, rename="pascal"):
    names: list[str] | None = None
    ports: list[_Port] | None = None


class _Unanswered(Exception):
    """Why a socket could not be asked: a sentence."""


async def find_container_hosts(
    on_sighting: Callable[[Sighting], None],
    *,
    machine: ThisMachine | None = None,
    prober: Prober | None = None,
    skip: Collection[Place] = (),
    environment: Mapping[str, str] = os.environ,
) -> list[str]:
    """Ask Docker and Podman for the running containers and those for an Ollama; returns sentences about what failed.

    The question is ``GET /containers/json`` of Docker's API (Podman 4.3 answers it alike). A machine without such a
    socket has no containers and no problem. What can be reached at one of the places of `skip` is not asked.
    `on_sighting` is called once for each server, with its container's name. A container in the host's own network
    publishes nothing; it is found as a local server.
    """
    machine = machine or await ThisMachine.look()
    prober = prober or Prober()
    sockets, problems = await asyncio.to_thread(container_sockets, environment)
    asked = await asyncio.gather(*(_containers(socket) for socket in sockets), return_exceptions=True)
    containers: list[_Container] = []
    for answer in asked:
        if isinstance(answer, _Unanswered):
            problems.append(str(answer))
        elif isinstance(answer, BaseException):
            raise answer
        else:
            containers += answer
    await asyncio.gather(
        *(
            _ask(one, private_port, machine, prober, skip, on_sighting)
            for one in containers
            for private_port in _private_ports(one)
        )
    )
    return problems


def _private_ports(container: _Container) -> list[int]:
    published = {port.private_port for port in container.ports or [] if port.type == "tcp" and port.public_port}
    return sorted(published, key=lambda port: (port != DEFAULT_PORT, port))


async def _ask(
    container: _Container,
    private_port: int,
    machine: ThisMachine,
    prober: Prober,
    skip: Collection[Place],
    on_sighting: Callable[[Sighting], None],
) -> None:
    """Ask the places at which one port of a container is published, until one answers."""
    published = [
        (port.ip, port.public_port)
        for port in container.ports or []
        if port.private_port == private_port and port.type == "tcp" and port.public_port
    ]
    places = frozenset(place for host, port in published for place in machine.places(host, port))
    if not places.isdisjoint(skip):
        return
    names = container.names or [""]
    for host, port in sorted(set(published), key=lambda one: (":" in one[0], one[1] != DEFAULT_PORT, one)):
        reachable = (LOOPBACK[1] if host == "::" else LOOPBACK[0]) if is_unspecified(host) else host
        sighting = await prober.sighting(url_of(reachable, port), FoundBy.CONTAINER, places, names[0].lstrip("/"))
        if sighting is not None:
            on_sighting(sighting)
            return


async def _containers(socket: ContainerSocket) -> list[_Container]:
    """The running containers behind a socket. Raises _Unanswered."""
    import aiohttp

    try:
        async with (
            asyncio.timeout(ANSWER_SECONDS),
            aiohttp.ClientSession(connector=_connector(socket), trust_env=False) as session,
            session.get("http://localhost/containers/json") as reply,
        ):
            body = await reply.content.read(_REPLY_LIMIT)
            while len(body) < _REPLY_LIMIT and (more := await reply.content.read(_REPLY_LIMIT - len(body))):
                body += more
            status = reply.status
    except TimeoutError:
        raise _Unanswered(
            f"{socket.path} gave no answer within {ANSWER_SECONDS:g} seconds, so its containers were not looked at; "
            "check that Docker or Podman runs well."
        ) from None
    except (aiohttp.ClientError, OSError) as error:
        raise _Unanswered(_trouble(socket, error)) from error
    try:
        if status != 200:
            raise msgspec.ValidationError(f"it answered with status {status}")
        return msgspec.json.decode(body, type=list[_Container])
    except msgspec.MsgspecError as error:
        raise _Unanswered(
            f"{socket.path} doesn't answer as Docker or Podman does ({error}), so its containers were not looked at."
        ) from error


def _connector(socket: ContainerSocket) -> aiohttp.BaseConnector:
    import aiohttp

    if not socket.is_pipe:
        return aiohttp.UnixConnector(socket.path)
    try:
        return aiohttp.NamedPipeConnector(socket.path)
    except RuntimeError as error:  # aiohttp can do it on Windows' default loop alone
        raise _Unanswered(
            f"{socket.path} can't be asked on this event loop, so its containers were not looked at; "
            "run the program on asyncio's default loop."
        ) from error


def _trouble(socket: ContainerSocket, error: Exception) -> str:
    """One sentence about why a socket that exists gave no answer."""
    cause = error.os_error if isinstance(error, _connector_error()) else error
    if isinstance(cause, PermissionError):
        return (
            f"You may not use {socket.path}, so its containers were not looked at; become a member of the group "
            "that owns it, often docker."
        )
    if isinstance(cause, ConnectionRefusedError):
        return f"Nothing answers at {socket.path}, so its containers were not looked at; start Docker or Podman."
    return f"{socket.path} could not be asked for its containers: {cause}."


def _connector_error() -> type[aiohttp.ClientConnectorError]:
    import aiohttp

    return aiohttp.ClientConnectorError
