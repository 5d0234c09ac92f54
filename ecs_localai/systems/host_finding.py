"""HOST_CONNECTION: looks for hosts when somebody wants that, in the background."""

from __future__ import annotations

from ecs_localai.components.events import HostsFound, UIUpdateEvent, UIUpdateKind
from ecs_localai.components.found_hosts import FoundHost, HostSearch
from ecs_localai.components.panel_intents import FindHostsRequested
from ecs_localai.ollama.errors import OllamaError
from ecs_localai.runtime import Channel, EventReader, EventWriter, IoTaskPool, Res, Task
from ecs_localai.systems.host_list import OllamaHosts
from ecs_localai.systems.links import settle

MOST_FOUND = 256


class HostFinding:
    """The search under way. A resource; dropping it ends it."""

    __slots__ = ("_tasks", "channel", "task")

    def __init__(self, tasks: IoTaskPool) -> None:
        self._tasks = tasks
        self.channel: Channel[FoundHost] | None = None
        self.task: Task[list[str]] | None = None

    def begin(self, known: frozenset[str], *, lan: bool) -> None:
        """Look for hosts that are not `known` by their base URLs; a search under way is ended."""
        channel: Channel[FoundHost] = self._tasks.bounded(MOST_FOUND)
        self.channel = channel

        async def look() -> list[str]:
            from ecs_localai.ollama.finding.search import find_hosts as search

            def take(found: FoundHost) -> None:
                channel.try_send(found)  # what no longer fits is more than anybody reads

            return await search(lan=lan, known=known, on_found=take)

        self.task = self._tasks.spawn(look(), "look for hosts")


def find_hosts(
    requests: EventReader[FindHostsRequested],
    finding: Res[HostFinding],
    search: Res[HostSearch],
    hosts: Res[OllamaHosts],
    found: EventWriter[HostsFound],
    ui: EventWriter[UIUpdateEvent],
) -> None:
    """Begin to look for hosts, and take in those that were found."""
    for request in requests.read():
        finding.begin(frozenset(one.base_url for one in hosts.all()), lan=request.lan)
        search.is_running, search.lan = True, request.lan
        search.found.clear()
        search.problems.clear()
        ui.write(UIUpdateEvent(UIUpdateKind.HOST_CHANGED))
    channel, task = finding.channel, finding.task
    if channel is None or task is None:
        return
    finished = task.is_finished()
    news = list(channel.drain())
    for host in news:
        if all(host.base_url != other.base_url for other in search.found):
            search.found.append(host)
    if finished:
        finding.task = finding.channel = None
        search.is_running = False
        outcome = settle(task)
        if isinstance(outcome, OllamaError):
            search.problems.append(outcome.message)
        elif outcome is not None:
            search.problems.extend(outcome)
    if news or finished:
        found.write(HostsFound(len(search.found), finished))
        ui.write(UIUpdateEvent(UIUpdateKind.HOST_CHANGED))
