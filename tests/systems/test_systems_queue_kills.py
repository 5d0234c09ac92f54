"""A program that is killed at any moment of an installation, and started again: queue, history and host agree.

Each moment is held for real: by a file server that has stopped sending, or by a line to Ollama that passes nothing
behind one of its answers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from ecs_localai import (
    InstallationPhase,
    ModelInstallationCompleted,
    ModelInstallationFailed,
    ResumeRequested,
    WaitReason,
)
from ecs_localai.components.codec import decode
from ecs_localai.components.installation import InstallationRecord
from ecs_localai.components.time_values import utc_now
from ecs_localai.store import Store
from ecs_localai.systems.queue_book import QueueEntry
from tests.rig.ollama_server import OllamaServer
from tests.rig.registry import Registry
from tests.rig.relay import Relay
from tests.rig.waiting import wait_until
from tests.systems.queue_parts import SLOW, Worker, book_of, orphan_blobs, worker
from tests.systems.systems_parts import PATIENCE, Driven, push_small_models, size_in_registry

pytestmark = [pytest.mark.ollama, pytest.mark.registry]

HALF = 5_000_000
SENT = {"asked": 0, "first byte": 1, "middle": HALF, "scheduled": HALF, "paused": HALF, "host is gone": HALF}
"""How many bytes of each file the file server sends, by moment."""
SAID = {
    "verifying": (b'"verifying sha256 digest"', InstallationPhase.VERIFYING),
    "installing": (b'"writing manifest"', InstallationPhase.INSTALLING),
    "success untold": (b'"success"', InstallationPhase.INSTALLING),
}
"""The last line of Ollama's that passes, by moment."""


@pytest.fixture
def relay(fresh_ollama: OllamaServer) -> Iterator[Relay]:
    """The line to the server."""
    with Relay("127.0.0.1", fresh_ollama.port) as made:
        yield made


def reach(moment: str, child: Worker, folder: Path, server: OllamaServer, relay: Relay, registry: Registry) -> None:
    """Have the only installation of a program come so far, and no farther."""
    if moment in SAID:
        text, phase = SAID[moment]
        relay.stall_at(text)
        child.until(lambda told: told.phase is phase)
        until_kept(folder, lambda one: one.state is phase)
        return
    sent = SENT[moment]
    registry.files.stall_after(sent)
    child.until(lambda told: told.phase is InstallationPhase.DOWNLOADING and told.bytes >= sent)
    if moment == "paused":
        with book_of(folder) as book:
            book.pause()
        child.until(lambda told: told.phase is InstallationPhase.PAUSED)
        until_kept(folder, lambda one: one.bytes_done >= sent)
    elif moment == "scheduled":
        with book_of(folder) as book:
            book.schedule(book.entries()[0].installation_id, utc_now() + timedelta(hours=5))
        child.until(lambda told: told.waits is WaitReason.SCHEDULED)
        until_kept(folder, lambda one: one.bytes_done >= sent)
    elif moment == "host is gone":
        server.kill()
        child.until(lambda told: told.waits is WaitReason.HOST)
        until_kept(folder, lambda one: one.bytes_done >= sent)
    else:
        until_kept(folder, lambda one: one.state is InstallationPhase.DOWNLOADING)


def kept(folder: Path) -> list[QueueEntry]:
    """What the file says of the queue."""
    with book_of(folder) as book:
        return book.entries()


def until_kept(folder: Path, is_so: Callable[[QueueEntry], bool]) -> None:
    """Wait until the file says so of the only row: a change is in it 50 ms after it was made, not at once."""
    wait_until(lambda: [is_so(one) for one in kept(folder)] == [True], PATIENCE, lambda: f"{kept(folder)}")


def left_in_queue(folder: Path) -> QueueEntry:
    """The only row that a killed program has left."""
    (entry,) = kept(folder)
    with Store.open(folder) as store:
        assert list(store.initial.history) == []
    return entry


def assert_agree(folder: Path, server: OllamaServer, ids: dict[str, str], sizes: dict[str, int]) -> None:
    """The queue is empty, the history says of each that it was installed, once, and the host has them, and no rest."""
    with Store.open(folder) as store:
        assert store.initial.queue == {}
        records = [decode(row.data, InstallationRecord) for row in store.initial.history]
    assert {one.model_name: one.installation_id for one in records} == ids
    assert len(records) == len(ids)
    assert {one.status.kind for one in records} == {InstallationPhase.COMPLETED}
    assert {one.model_name: one.bytes_downloaded for one in records} == sizes
    assert {one.model_name: one.total_bytes for one in records} == sizes
    assert server.model_names() == sorted(ids)
    assert orphan_blobs(server) == set()
    assert "panic" not in server.log_text()


@pytest.mark.parametrize("moment", [*SENT, *SAID])
def test_who_is_killed_goes_on_when_started_again(
    moment: str, fresh_ollama: OllamaServer, relay: Relay, registry: Registry, tmp_path: Path
) -> None:
    name = registry.name_for("middle:latest")
    size = size_in_registry(registry, "middle:latest")
    with worker(tmp_path, relay.port, name) as child:
        reach(moment, child, tmp_path, fresh_ollama, relay, registry)
        child.kill()
    entry = left_in_queue(tmp_path)
    rests = moment in ("paused", "scheduled")
    assert (entry.model_name, entry.has_owner, entry.paused) == (name, False, moment == "paused")
    assert entry.state is (InstallationPhase.PAUSED if moment == "paused" else InstallationPhase.QUEUED)
    assert (entry.not_before is not None) is (moment == "scheduled")
    if rests or moment == "host is gone":
        assert entry.bytes_done >= HALF
    registry.files.clear()
    relay.resume()
    if not fresh_ollama.running:
        registry.files.throttle(4 * SLOW)  # what comes before Ollama's first line about a file counts as kept
        fresh_ollama.restart()
    with Driven(relay.port, data_dir=tmp_path) as driven:
        if rests:
            reason = WaitReason.PAUSED if moment == "paused" else WaitReason.SCHEDULED
            driven.until(lambda: driven.view.host.status_text == "Connected")
            driven.until(lambda: driven.installation(name).waits_for is reason)
            driven.write(ResumeRequested())
            driven.write(ResumeRequested(entry.installation_id))
        reasons: set[WaitReason | None] = set()

        def is_done() -> bool:
            reasons.update(one.waits_for for one in driven.installations)
            return bool(driven.events(ModelInstallationCompleted))

        driven.until(is_done)
        assert WaitReason.HOST not in reasons  # it is there, and until it has said so, nobody says that it is away
        assert driven.events(ModelInstallationFailed) == []
        assert driven.manager.active_installations == {}
        assert list(driven.manager.download_queue) == []
        driven.until(lambda: sorted(driven.models.installed_models) == [name])
        (record,) = driven.manager.installation_history
        if moment == "host is gone":
            assert record.refetched_bytes > HALF / 2  # Ollama 0.9.3 throws it away when it starts, and that is said
        else:
            assert record.refetched_bytes < 1_000_000
            assert registry.files.bytes_served < size + 1_000_000
    assert_agree(tmp_path, fresh_ollama, {name: entry.installation_id}, {name: size})


def test_those_that_wait_for_their_turn_keep_it_over_a_killed_program(
    ollama_server: OllamaServer, fresh_ollama: OllamaServer, relay: Relay, registry: Registry, tmp_path: Path
) -> None:
    short = ["turn-a", "turn-b", "turn-c"]
    names = list(push_small_models(ollama_server, registry, tmp_path, short).values())
    sizes = {name: size_in_registry(registry, f"{one}:latest") for one, name in zip(short, names, strict=True)}
    folder = tmp_path / "data"
    registry.files.stall_after(1)
    with worker(folder, relay.port, *names) as child:
        child.until(lambda told: told.waits is WaitReason.TURN)
        wait_until(lambda: len(kept(folder)) == 3, PATIENCE)
        child.kill()
    entries = kept(folder)
    assert [one.model_name for one in entries] == names
    assert [(one.has_owner, one.state) for one in entries] == [(False, InstallationPhase.QUEUED)] * 3
    with Driven(relay.port, data_dir=folder) as driven:
        driven.until(lambda: [one.model_name for one in driven.manager.download_queue] == names[2:])
        registry.files.clear()
        driven.until(lambda: len(driven.events(ModelInstallationCompleted)) == 3)
        assert driven.events(ModelInstallationFailed) == []
        assert driven.events(ModelInstallationCompleted)[-1].model.name == names[2]
    assert_agree(folder, fresh_ollama, {one.model_name: one.installation_id for one in entries}, sizes)


def test_who_is_killed_again_and_again_still_gets_there(
    fresh_ollama: OllamaServer, registry: Registry, tmp_path: Path
) -> None:
    name = registry.name_for("middle:latest")
    size = size_in_registry(registry, "middle:latest")
    with worker(tmp_path, fresh_ollama.port, name) as child:
        registry.files.stall_after(1)
        child.until_bytes(1)
        until_kept(tmp_path, lambda one: one.state is InstallationPhase.DOWNLOADING)
        child.kill()
    entry = left_in_queue(tmp_path)
    for times in (1, 2):
        with worker(tmp_path, fresh_ollama.port) as child:
            registry.files.stall_after(3_000_000)  # of what is left, each time
            child.until_bytes(2_000_000 * times)
            child.kill()
        assert left_in_queue(tmp_path).installation_id == entry.installation_id
    registry.files.clear()
    with Driven(fresh_ollama.port, data_dir=tmp_path) as driven:
        driven.until_event(ModelInstallationCompleted)
        assert driven.events(ModelInstallationFailed) == []
    assert registry.files.bytes_served < size + 1_500_000
    assert_agree(tmp_path, fresh_ollama, {name: entry.installation_id}, {name: size})
