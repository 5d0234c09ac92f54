"""Several programs and one queue: killed ones leave it behind, others change it, no two fetch the same."""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from ecs_localai import (
    InstallationPhase,
    InstallationStatus,
    ModelInstallation,
    ModelInstallationCancelled,
    ModelInstallationCompleted,
    ModelInstallationFailed,
    ModelInstallationPaused,
    ModelInstallationResumed,
    PauseRequested,
    ResumeRequested,
    WaitReason,
)
from ecs_localai.components.time_values import utc_now
from ecs_localai.store import Store
from ecs_localai.systems.persistence import SavedState
from ecs_localai.systems.queue_book import QueueError
from ecs_localai.systems.queue_rows import read_row
from tests.rig.odd_servers import closed_port
from tests.rig.ollama_server import OllamaServer
from tests.rig.registry import Registry
from tests.systems.queue_parts import SLOW, book_of, has_bytes, running, worker
from tests.systems.systems_parts import Driven, push_small_models, size_in_registry


def flushed(driven: Driven) -> bool:
    """Whether everything that was changed is in the file."""
    return driven.app.world.resource(SavedState).flush(10)


def test_a_killed_program_s_installation_goes_on_where_it_was(
    fresh_ollama: OllamaServer, registry: Registry, tmp_path: Path
) -> None:
    """Killed without any chance to tidy up: Ollama sees a closed connection, and keeps what has arrived."""
    name = registry.name_for("middle:latest")
    size = size_in_registry(registry, "middle:latest")
    registry.files.throttle(SLOW)
    with worker(tmp_path, fresh_ollama.port, name) as child:
        child.until_bytes(5_000_000)
        child.kill()
    with book_of(tmp_path) as book:
        (entry,) = book.entries()
        assert (entry.model_name, entry.has_owner, entry.state) == (name, False, InstallationPhase.QUEUED)
    registry.files.clear()
    with Driven(fresh_ollama.port, data_dir=tmp_path) as driven:
        driven.until(lambda: driven.installations)
        assert driven.installation(name).installation_id == entry.installation_id
        driven.until_event(ModelInstallationCompleted)
        assert registry.files.bytes_served < size + 2_000_000
        assert driven.manager.installation_history[-1].refetched_bytes < 2_000_000
    with Store.open(tmp_path) as store:
        assert store.initial.queue == {}
        assert len(store.initial.history) == 1


def test_when_it_began_and_how_long_it_took_outlives_a_killed_program(
    fresh_ollama: OllamaServer, registry: Registry, tmp_path: Path
) -> None:
    """Whoever ends it remembers both: another program that goes on with it, or a command that takes it out."""
    name, cancelled = registry.name_for("middle:latest"), tmp_path / "cancelled"
    registry.files.throttle(SLOW)
    with worker(tmp_path / "data", fresh_ollama.port, name) as child:
        child.until_bytes(3_000_000)
        with Store.open(tmp_path / "data") as store:
            (row,) = map(read_row, store.initial.queue.values())
        child.kill()
    assert row is not None
    assert row.begun_at is not None
    assert row.seconds > 0
    shutil.copytree(tmp_path / "data", cancelled)
    with book_of(cancelled) as book:
        (entry,) = book.cancel([one.installation_id for one in book.entries()])
    registry.files.clear()
    for folder, outcome in ((cancelled, InstallationPhase.CANCELLED), (tmp_path / "data", InstallationPhase.COMPLETED)):
        with Driven(fresh_ollama.port, data_dir=folder) as driven:
            history = driven.manager.installation_history
            driven.until(history.__len__)
            (record,) = history
        assert (record.installation_id, record.status.kind) == (entry.installation_id, outcome)
        assert record.started_at == row.begun_at
        assert record.duration.total_seconds() >= row.seconds
    assert record.duration < record.finished_at - record.started_at


def test_paused_and_scheduled_ones_stay_so_over_a_killed_program(
    ollama_server: OllamaServer, fresh_ollama: OllamaServer, registry: Registry, tmp_path: Path
) -> None:
    names = list(push_small_models(ollama_server, registry, tmp_path, [f"stay{n}" for n in range(4)]).values())
    registry.files.throttle(10_000)
    tonight = utc_now() + timedelta(hours=5)
    with worker(tmp_path / "data", fresh_ollama.port, *names) as child:
        child.until_bytes(1)
        with book_of(tmp_path / "data") as book:
            ids = {entry.model_name: entry.installation_id for entry in book.entries()}
            assert [entry.model_name for entry in book.entries()] == names
            assert all(entry.has_owner for entry in book.entries())
            book.pause([ids[names[0]], ids[names[2]]])
            book.schedule(ids[names[1]], tonight)
            book.move(ids[names[3]], -3)
        child.kill()
    with Driven(fresh_ollama.port, data_dir=tmp_path / "data") as driven:
        driven.until(lambda: len(driven.installations) == 4)
        driven.until(lambda: len(running(driven)) == 1)
        assert driven.installation(names[0]).status == InstallationStatus.PAUSED
        assert driven.installation(names[2]).status == InstallationStatus.PAUSED
        assert driven.installation(names[1]).not_before == tonight
        driven.until(lambda: driven.installation(names[1]).waits_for is WaitReason.SCHEDULED)
        assert running(driven)[0].model_name == names[3]
        assert [one.model_name for one in driven.manager.download_queue] == names[:3]
        registry.files.clear()
        driven.write(ResumeRequested())
        driven.until(lambda: len(driven.events(ModelInstallationCompleted)) == 3)


def test_a_command_changes_the_queue_of_a_running_program(
    ollama_server: OllamaServer, fresh_ollama: OllamaServer, registry: Registry, tmp_path: Path
) -> None:
    names = list(push_small_models(ollama_server, registry, tmp_path, [f"other{n}" for n in range(4)]).values())
    registry.files.throttle(10_000)
    folder = tmp_path / "data"
    with Driven(fresh_ollama.port, data_dir=folder) as driven:
        for name in names:
            driven.ask_for(name)
        driven.until(lambda: len(running(driven)) == 2)
        assert flushed(driven)
        key = {one.model_name: one.installation_id for one in driven.installations}
        with book_of(folder) as book:
            assert [one.model_name for one in book.pause([key[names[0]], key[names[2]]])] == [names[0], names[2]]
        driven.until(lambda: len(driven.events(ModelInstallationPaused)) == 2)
        driven.until(lambda: {one.model_name for one in running(driven)} == {names[1], names[3]})
        with book_of(folder) as book:
            assert book.entries()[0].state is InstallationPhase.PAUSED
            assert [one.installation_id for one in book.find([names[2], key[names[0]][:6]])] == [
                key[names[2]],
                key[names[0]],
            ]
            assert book.move(key[names[2]], -2).position == 1
            book.cancel([key[names[3]]])
        driven.until_event(ModelInstallationCancelled)
        driven.until(lambda: [one.model_name for one in driven.manager.download_queue] == [names[2], names[0]])
        with book_of(folder) as book:
            assert len(book.resume()) == 2
        driven.until(lambda: len(driven.events(ModelInstallationResumed)) == 2)
        driven.until(lambda: {one.model_name for one in running(driven)} == {names[1], names[2]})
        with book_of(folder) as book:
            book.schedule(key[names[1]], utc_now() + timedelta(hours=3))
        driven.until(lambda: driven.installation(names[1]).waits_for is WaitReason.SCHEDULED)
        with book_of(folder) as book:
            book.resume([key[names[1]]])
        driven.until(lambda: driven.installation(names[1]).not_before is None)
        registry.files.clear()
        driven.until(lambda: len(driven.events(ModelInstallationCompleted)) == 3)
        assert driven.events(ModelInstallationFailed) == []


def test_a_command_changes_the_queue_that_nobody_sees_to(tmp_path: Path) -> None:
    port = closed_port()
    names = [f"127.0.0.1:9/library/m{number}:latest" for number in range(3)]
    with Driven(port, data_dir=tmp_path) as driven:
        for name in names:
            driven.ask_for(name)
        driven.write(PauseRequested())
        driven.until(lambda: len(driven.installations) == 3)
        driven.write(PauseRequested())
        driven.until(lambda: {one.status.kind for one in driven.installations} == {InstallationPhase.PAUSED})
    with book_of(tmp_path) as book:
        entries = book.entries()
        assert [entry.model_name for entry in entries] == names
        assert [entry.has_owner for entry in entries] == [False] * 3
        book.resume([entries[2].installation_id])
        book.move(entries[2].installation_id, -1)
        assert [one.model_name for one in book.cancel([entries[0].installation_id])] == names[:1]
        with pytest.raises(QueueError, match="queue"):
            book.pause(["of-nobody"])
        with pytest.raises(QueueError, match="Nothing in the queue"):
            book.find(["of-nobody"])
    with book_of(tmp_path) as book:
        assert [(one.model_name, one.paused) for one in book.entries()] == [(names[2], False), (names[1], True)]
    with Driven(port, data_dir=tmp_path) as driven:
        assert [record.model_name for record in driven.manager.installation_history] == names[:1]
        driven.until(lambda: len(driven.installations) == 2)
        assert [one.model_name for one in driven.manager.download_queue] == [names[2], names[1]]


def test_two_programs_never_fetch_the_same_at_once(
    fresh_ollama: OllamaServer, registry: Registry, tmp_path: Path
) -> None:
    name = registry.name_for("middle:latest")
    size = size_in_registry(registry, "middle:latest")
    registry.files.throttle(SLOW)
    with worker(tmp_path, fresh_ollama.port, name) as child:
        child.until_bytes(1_000_000)
        with Driven(fresh_ollama.port, data_dir=tmp_path) as driven:
            driven.ask_for(name)
            driven.until(lambda: driven.installations and driven.installation(name).waits_for is WaitReason.ELSEWHERE)
            assert not running(driven)
            driven.until(lambda: driven.installation_row(name).detail == "Another program is fetching the same")
            registry.files.clear()
            driven.until_event(ModelInstallationCompleted)
            assert registry.files.bytes_served < size + 1_000_000
    assert "panic" not in fresh_ollama.log_text()


def test_a_program_that_is_killed_meanwhile_keeps_nobody_waiting(
    fresh_ollama: OllamaServer, registry: Registry, tmp_path: Path
) -> None:
    """The dead leave no news: what waits for them finds out by itself."""
    name = registry.name_for("middle:latest")
    registry.files.throttle(SLOW)
    with worker(tmp_path, fresh_ollama.port, name) as child:
        child.until_bytes(1_000_000)
        with Driven(fresh_ollama.port, data_dir=tmp_path) as driven:
            driven.ask_for(name)
            driven.until(lambda: driven.installations and driven.installation(name).waits_for is WaitReason.ELSEWHERE)
            child.kill()
            registry.files.clear()
            driven.until_event(ModelInstallationCompleted)


def test_a_running_program_takes_over_what_a_command_resumes(
    fresh_ollama: OllamaServer, registry: Registry, tmp_path: Path
) -> None:
    name = registry.name_for("tiny:latest")
    with (
        worker(tmp_path, fresh_ollama.port) as _,
        Driven(fresh_ollama.port, data_dir=tmp_path) as driven,
    ):
        driven.until(lambda: driven.view.host.status_text == "Connected")
        with worker(tmp_path, fresh_ollama.port, name) as child:
            registry.files.throttle(100_000)
            child.until_bytes(1)
            with book_of(tmp_path) as book:
                book.pause()
            child.kill()
        registry.files.clear()
        assert not driven.app.world.query(ModelInstallation) or not running(driven)
        with book_of(tmp_path) as book:
            book.resume()
        driven.until(lambda: name in fresh_ollama.model_names())


def test_progress_is_kept_now_and_then(fresh_ollama: OllamaServer, registry: Registry, tmp_path: Path) -> None:
    name = registry.name_for("middle:latest")
    registry.files.throttle(SLOW)
    with Driven(fresh_ollama.port, data_dir=tmp_path) as driven:
        driven.ask_for(name)
        driven.until(lambda: has_bytes(driven, name, 3_000_000))
        driven.write(PauseRequested())
        driven.until(lambda: not running(driven))
        done = driven.installation(name).progress.bytes_downloaded
    with book_of(tmp_path) as book:
        (entry,) = book.entries()
        assert (entry.bytes_done, entry.paused, entry.state) == (done, True, InstallationPhase.PAUSED)
        assert entry.total_bytes == size_in_registry(registry, "middle:latest")
    with Driven(fresh_ollama.port, data_dir=tmp_path) as driven:
        driven.until(lambda: driven.view.installations)
        assert driven.installation_row(name).detail.startswith("Paused at ")
        assert driven.installation(name).progress.bytes_downloaded == done
