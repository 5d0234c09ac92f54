"""HOST_CONNECTION: starts the Ollama of this machine when somebody wants that, and stops what was started."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ecs_localai.components.events import LocalServerChanged, UIUpdateEvent, UIUpdateKind
from ecs_localai.components.found_hosts import LocalServer, LocalServerState
from ecs_localai.components.hosts import HostOrigin
from ecs_localai.components.panel_intents import StartLocalServerRequested, StopLocalServerRequested
from ecs_localai.ollama.address import DEFAULT_HOST, DEFAULT_PORT, parse_host
from ecs_localai.ollama.errors import InvalidHost, OllamaError
from ecs_localai.runtime import EventReader, EventWriter, IoTaskPool, Latest, Res, Task
from ecs_localai.systems.host_list import OllamaHosts
from ecs_localai.systems.links import settle
from ecs_localai.systems.saved_hosts import configuration_of

if TYPE_CHECKING:
    from ecs_localai.ollama.local_server import LocalServerProcess

_UNDER_WAY = frozenset({LocalServerState.STARTING, LocalServerState.RUNNING, LocalServerState.STOPPING})


class _Started(NamedTuple):
    """How starting went."""

    base_url: str
    pid: int | None
    message: str | None
    """A sentence, where another Ollama was there already: that one is not ours to stop."""


class LocalServerDesk:
    """The work under way with the Ollama of this machine. A resource; what we started is stopped with the app."""

    def __init__(self, tasks: IoTaskPool) -> None:
        self._tasks = tasks
        self._process: LocalServerProcess | None = None
        self.looking: Task[str | None] | None = None
        self.starting: Task[_Started] | None = None
        self.stopping: Task[None] | None = None
        self.is_start_wanted = False
        """Whether it is to be started as soon as its program has been found."""
        self.is_stop_wanted = False
        """Whether it is to be stopped as soon as it has started."""
        self.ended: Latest[str] = tasks.channel()
        """A sentence, when it has ended by itself."""

    def look(self) -> None:
        """Find out whether there is such a program."""
        self.looking = self._tasks.spawn(_find_program(), "look for the program of Ollama")

    def start(self, program: str, host_port: str) -> None:
        """Start it at this address."""
        self.starting = self._tasks.spawn(self._start(program, host_port), f"start Ollama at {host_port}")

    def stop(self) -> None:
        """Stop it, where we have started it."""
        self.stopping = self._tasks.spawn(self.close(), "stop Ollama")

    async def _start(self, program: str, host_port: str) -> _Started:
        from ecs_localai.ollama.local_server import LocalServerProcess

        process = self._process
        if process is None:
            process = self._process = LocalServerProcess(Path(program), on_exit=self.ended.send)
        base_url = await process.start(host_port)
        return _Started(base_url, process.pid, process.message or None)

    async def close(self) -> None:
        """Stop it and wait for its end. In the background."""
        process, self._process = self._process, None
        if process is not None:
            await process.stop()


async def _find_program() -> str | None:
    import asyncio  # in the background: a first frame need not wait for it

    from ecs_localai.ollama.local_server import find_program

    found = await asyncio.to_thread(find_program)
    return None if found is None else str(found)


def look_for_local_server(desk: Res[LocalServerDesk]) -> None:
    """At the start: is there an Ollama on this machine that could be started?"""
    desk.look()


def run_local_server(
    starts: EventReader[StartLocalServerRequested],
    stops: EventReader[StopLocalServerRequested],
    desk: Res[LocalServerDesk],
    server: Res[LocalServer],
    hosts: Res[OllamaHosts],
    tasks: Res[IoTaskPool],
    changed: EventWriter[LocalServerChanged],
    ui: EventWriter[UIUpdateEvent],
) -> None:
    """Start and stop the Ollama of this machine, and tell how it went."""
    before = (server.state, server.message)
    if starts.read() and server.state not in _UNDER_WAY:
        desk.is_start_wanted, server.message = True, None
        if server.program is None and desk.looking is None:
            desk.look()  # it may have been installed meanwhile
    if stops.read():
        desk.is_start_wanted = False
        desk.is_stop_wanted = server.state in {LocalServerState.STARTING, LocalServerState.RUNNING}
    if tasks.arrived:
        _take_in(desk, server, hosts)
    if desk.is_start_wanted and desk.looking is None:
        desk.is_start_wanted = False
        if server.program is not None:
            server.state = LocalServerState.STARTING
            desk.start(server.program, _wanted_address(hosts))
        elif server.message is None:
            server.message = "There is no Ollama on this machine to start. Get it from ollama.com/download."
    if desk.is_stop_wanted and server.state is LocalServerState.RUNNING:
        server.state, server.message = LocalServerState.STOPPING, None
        desk.stop()
    if server.state is not LocalServerState.STARTING:
        desk.is_stop_wanted = False
    if (server.state, server.message) != before:
        changed.write(LocalServerChanged(server.state.value, server.message))
        ui.write(UIUpdateEvent(UIUpdateKind.HOST_CHANGED))
        if server.message is not None:
            ui.write(UIUpdateEvent(UIUpdateKind.NOTICE, text=server.message))


def _wanted_address(hosts: OllamaHosts) -> str:
    """Where it is to listen: where the default host is expected on this machine, else at Ollama's own address."""
    default = hosts.default
    if default is not None:
        try:
            address = parse_host(default.base_url)
        except InvalidHost:  # a program's own configuration, which no person has typed
            address = parse_host("")
        if address.is_loopback and address.scheme == "http" and not address.base_path:
            return address.display
    return f"{DEFAULT_HOST}:{DEFAULT_PORT}"


def _take_in(desk: LocalServerDesk, server: LocalServer, hosts: OllamaHosts) -> None:
    looking, starting, stopping = desk.looking, desk.starting, desk.stopping
    if looking is not None and looking.is_finished():
        desk.looking = None
        found = settle(looking)
        server.program = found if isinstance(found, str) else None
        if isinstance(found, OllamaError) and desk.is_start_wanted:
            server.message = found.message
        if server.state is LocalServerState.NOT_INSTALLED and server.program is not None:
            server.state = LocalServerState.STOPPED
    if starting is not None and starting.is_finished():
        desk.starting = None
        started = settle(starting)
        if isinstance(started, OllamaError):
            server.state, server.message = LocalServerState.FAILED, started.message
        elif started is not None:
            _ask_at_once(started.base_url, hosts)
            server.message = started.message
            if started.pid is None:
                server.state = LocalServerState.STOPPED
            else:
                server.state, server.base_url, server.pid = LocalServerState.RUNNING, started.base_url, started.pid
    if stopping is not None and stopping.is_finished():
        desk.stopping = None
        stopped = settle(stopping)
        _leave(server.base_url, hosts)
        server.state, server.pid, server.base_url = LocalServerState.STOPPED, None, ""
        if isinstance(stopped, OllamaError):
            server.state, server.message = LocalServerState.FAILED, stopped.message
    said = desk.ended.take()
    if said is not None and server.state is LocalServerState.RUNNING:
        server.state, server.message = LocalServerState.FAILED, said
        server.pid, server.base_url = None, ""


def _ask_at_once(base_url: str, hosts: OllamaHosts) -> None:
    """Connect to it: to the host of the list that it is, or as a host of its own for as long as it runs."""
    known = hosts.find(base_url)
    if known is not None:
        known.link.ask_at_once()
    else:
        hosts.add(configuration_of(parse_host(base_url)), origin=HostOrigin.STARTED)


def _leave(base_url: str, hosts: OllamaHosts) -> None:
    """Take it off the list if it came there by being started, and has nothing left that somebody gave it."""
    there = hosts.all()
    for one in there:
        if one.base_url == base_url and one.host.origin is HostOrigin.STARTED and len(there) > 1:
            hosts.remove(one.entity)
