"""Several programs and one queue: killed ones leave it behind, others change it, no two fetch the same."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

import ecs_localai
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
from tests.rig.odd_servers import closed_port
from tests.rig.ollama_server import OllamaServer
from tests.rig.registry import Registry
from tests.store.store_parts import answer
from tests.systems.queue_parts import SLOW, book_of, has_bytes, running
from tests.systems.systems_parts import Driven, push_small_models, size_in_registry

CHILD = Path(__file__).with_name("queue_worker_child.py")


@contextmanager
def program(folder: Path, port: int, *names: str) -> Iterator[subprocess.Popen[str]]:
    """Another program that installs these; it ends with the block, if it is not killed before."""
    child = subprocess.Popen(
        [sys.executable, str(CHILD), str(folder), str(port), *names],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(Path(ecs_localai.__file__).parent.parent)},
    )
    try:
        yield child
    finally:
        if child.poll() is None and child.stdin is not None:
            child.stdin.close()
            child.stdin = None
        child.communicate(timeout=60)


def until_bytes(child: subprocess.Popen[str], count: int) -> None:
    """Wait until a program has so many bytes of something."""
    while True:
        line = answer(child)
        if not line:
            pytest.fail("the program has ended")
        if int(line.split()[1]) >= count:
            return


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
    with program(tmp_path, fresh_ollama.port, name) as child:
        until_bytes(child, 5_000_000)
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


def test_paused_and_scheduled_ones_stay_so_over_a_killed_program(
    ollama_server: OllamaServer, fresh_ollama: OllamaServer, registry: Registry, tmp_path: Path
) -> None:
    names = list(push_small_models(ollama_server, registry, tmp_path, [f"stay{n}" for n in range(4)]).values())
    registry.files.throttle(10_000)
    tonight = utc_now() + timedelta(hours=5)
    with program(tmp_path / "data", fresh_ollama.port, *names) as child:
        until_bytes(child, 1)
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
    with program(tmp_path, fresh_ollama.port, name) as child:
        until_bytes(child, 1_000_000)
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
    with program(tmp_path, fresh_ollama.port, name) as child:
        until_bytes(child, 1_000_000)
        with Driven(fresh_ollama.port, data_dir=tmp_path) as driven:
            driven.ask_for(name)
            driven.until(lambda: driven.installations and driven.installation(name).waits_for is WaitReason.ELSEWHERE)
            child.kill()
            child.wait(30)
            registry.files.clear()
            driven.until_event(ModelInstallationCompleted)


def test_a_running_program_takes_over_what_a_command_resumes(
    fresh_ollama: OllamaServer, registry: Registry, tmp_path: Path
) -> None:
    name = registry.name_for("tiny:latest")
    with (
        program(tmp_path, fresh_ollama.port) as _,
        Driven(fresh_ollama.port, data_dir=tmp_path) as driven,
    ):
        driven.until(lambda: driven.view.host.status_text == "Connected")
        with program(tmp_path, fresh_ollama.port, name) as child:
            registry.files.throttle(100_000)
            until_bytes(child, 1)
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
