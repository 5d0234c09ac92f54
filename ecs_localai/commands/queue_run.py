"""``ecs-localai queue --run``: work on what is in the queue and nobody sees to, until nothing is left to do."""

from __future__ import annotations

from ecs_localai.commands.failure import CommandFailed
from ecs_localai.commands.host_book import HostBook
from ecs_localai.commands.host_labels import labels_of
from ecs_localai.commands.install_display import display_for
from ecs_localai.commands.installation_job import add_unlisted
from ecs_localai.commands.installation_watch import InstallationWatch
from ecs_localai.commands.kept_file import is_kept
from ecs_localai.commands.queue import EMPTY, PAUSED
from ecs_localai.commands.queue_file import open_queue
from ecs_localai.commands.stop_signals import StopSignals
from ecs_localai.commands.target import Target
from ecs_localai.commands.terminal import say
from ecs_localai.components.installation import ModelInstallationManager, ModelInstallRequest
from ecs_localai.runtime import App
from ecs_localai.systems import LocalModelsPlugin
from ecs_localai.systems.host_list import OllamaHosts
from ecs_localai.systems.queue_book import QueueEntry
from ecs_localai.systems.saved_hosts import SavedHost


def run_queue(target: Target, as_json: bool) -> int:
    """Work on the queue and show how far all is, until only what is paused is left; returns the exit code.

    What is to begin later is waited for. Ctrl-C ends it, and leaves all of it in the queue.

    Raises:
        CommandFailed: a model was not installed, or somebody stopped it.
    """
    book, folder = target.book(), target.folder()
    entries: list[QueueEntry] = []
    if is_kept(folder):
        with open_queue(folder) as queue:
            entries = queue.book.entries()
    ours = [entry for entry in entries if not entry.has_owner]
    if all(entry.paused for entry in ours):
        if not as_json:
            say(_nothing_to_do(entries, ours))
        return 0
    hosts = list(_hosts_of(book, ours).values())
    with StopSignals() as stop, App() as app:
        app.add_plugins(LocalModelsPlugin(book.given, data_dir=folder))
        add_unlisted(app.world.resource(OllamaHosts), hosts)
        shown = InstallationWatch(app, stop, display_for(as_json), labels_of(hosts))

        def runner(app: App) -> int:
            shown.run_until(lambda: stop.caught is not None or shown.is_unread or _left(app) == 0)
            return _left(app)

        left = app.set_runner(runner).run()  # when it returns, all connections are closed, and the rows are nobody's
    troubles = [shown.about(one.installation_id, one.model_name, one.error_message) for one in shown.failed]
    if left:
        count = "One is" if left == 1 else f"{left} are"
        troubles.append(f"Stopped. {count} still in the queue, with what has arrived: ecs-localai queue --run")
    if troubles:
        raise CommandFailed(*troubles)
    return 0


def _left(app: App) -> int:
    """How many installations of this program are not at rest: requests that have not become one yet, too.

    One that was paused is at work until its task has ended: then what has arrived of it is kept.
    """
    manager = app.world.resource(ModelInstallationManager)
    active = manager.active_installations.values()
    asking = {entity for entity, _ in app.world.query(ModelInstallRequest)}
    for installation in active:
        asking.difference_update(installation.request_entities)
    at_rest = {waiting.installation_id for waiting in manager.download_queue if waiting.paused}
    return len(asking) + sum(one.installation_id not in at_rest for one in active)


def _hosts_of(book: HostBook, entries: list[QueueEntry]) -> dict[str, SavedHost]:
    """The hosts of these, also those that are not in the list, by base URL."""
    return {entry.host: book.require(entry.host) for entry in entries}


def _nothing_to_do(entries: list[QueueEntry], ours: list[QueueEntry]) -> str:
    if not entries:
        return EMPTY
    if ours:
        return PAUSED
    return "Programs that run now see to all of the queue; `ecs-localai queue` shows which."
