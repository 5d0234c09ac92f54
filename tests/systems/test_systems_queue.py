"""The queue on a real Ollama: order, limit, files in common, times, pausing and going on."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from ecs_localai import (
    CancelRequested,
    DownloadLimitChanged,
    InstallationPhase,
    InstallationStatus,
    InstallRequested,
    ModelInstallationCompleted,
    ModelInstallationFailed,
    ModelInstallationPaused,
    ModelInstallationProgress,
    ModelInstallationResumed,
    ModelInstallationStarted,
    ModelInstallRequest,
    MoveInstallationRequested,
    PauseRequested,
    ResumeRequested,
    ScheduleRequested,
    WaitReason,
)
from ecs_localai.components.time_values import utc_now
from tests.rig.model_files import create_model, write_gguf
from tests.rig.ollama_server import OllamaServer
from tests.rig.registry import Registry
from tests.systems.queue_parts import SLOW, has_bytes, names_of, push_sharing_models, running, status_of
from tests.systems.systems_parts import INSECURE, Driven, push_small_models, size_in_registry


@pytest.fixture
def middle(registry: Registry) -> Iterator[str]:
    """The full name of the 12 MB model."""
    yield registry.name_for("middle:latest")
    registry.files.clear()


def test_several_names_are_installed_one_after_the_other(
    ollama_server: OllamaServer, fresh_ollama: OllamaServer, registry: Registry, tmp_path: Path
) -> None:
    full = push_small_models(ollama_server, registry, tmp_path, [f"several{n}" for n in range(4)])
    names = list(full.values())
    registry.files.throttle(2_000_000)
    with Driven(fresh_ollama.port) as driven:
        driven.write(DownloadLimitChanged(1))
        driven.write(InstallRequested(f"{names[0]}, {names[1]} {names[2]},{names[3]},, {names[0]}"))
        driven.until(lambda: len(driven.installations) == 4)
        assert driven.view.queue.at_once == 1
        most = 0

        def all_there() -> bool:
            nonlocal most
            most = max(most, len(running(driven)))
            return len(driven.events(ModelInstallationCompleted)) == 4

        driven.until(all_there)
        assert most == 1
        assert [event.model_name for event in driven.events(ModelInstallationStarted)] == names
        assert fresh_ollama.model_names() == sorted(names)


def test_the_limit_counts_for_what_begins_from_now_on(
    ollama_server: OllamaServer, fresh_ollama: OllamaServer, registry: Registry, tmp_path: Path
) -> None:
    names = list(push_small_models(ollama_server, registry, tmp_path, [f"limit{n}" for n in range(5)]).values())
    registry.files.throttle(20_000)
    with Driven(fresh_ollama.port, data_dir=tmp_path / "data") as driven:
        driven.write(InstallRequested(" ".join(names)))
        driven.until(lambda: len(running(driven)) == 2 and bool(driven.view.queue.summary))
        driven.until(lambda: driven.view.queue.summary.startswith("2 running, 3 waiting · "))
        driven.write(DownloadLimitChanged(4))
        driven.until(lambda: len(running(driven)) == 4)
        driven.write(DownloadLimitChanged(1))
        driven.update()
        driven.update()
        assert len(running(driven)) == 4
        driven.write(PauseRequested())
        driven.until(lambda: not running(driven))
    with Driven(fresh_ollama.port, data_dir=tmp_path / "data") as driven:
        driven.until(lambda: len(driven.installations) == 5)
        assert driven.view.queue.at_once == 1
        assert {one.status for one in driven.installations} == {InstallationStatus.PAUSED}


def test_those_that_wait_are_moved(
    ollama_server: OllamaServer, fresh_ollama: OllamaServer, registry: Registry, tmp_path: Path
) -> None:
    names = list(push_small_models(ollama_server, registry, tmp_path, [f"moved{n}" for n in range(4)]).values())
    registry.files.throttle(20_000)
    with Driven(fresh_ollama.port) as driven:
        driven.write(DownloadLimitChanged(1))
        driven.write(InstallRequested(" ".join(names)))
        driven.until(lambda: len(running(driven)) == 1 and len(driven.installations) == 4)
        driven.write(MoveInstallationRequested(driven.installation(names[3]).installation_id, -2))
        driven.write(MoveInstallationRequested("of-nobody", 1))
        wanted = [names[3], names[1], names[2]]
        driven.until(lambda: [one.model_name for one in driven.manager.download_queue] == wanted)
        driven.until(lambda: [row.name for row in driven.view.installations] == [names[0], *wanted])
        moves = [(row.can_move_up, row.can_move_down) for row in driven.view.installations]
        assert moves == [(False, False), (False, True), (True, True), (True, False)]
        registry.files.clear()
        driven.until(lambda: len(driven.events(ModelInstallationCompleted)) == 4)
        assert [event.model_name for event in driven.events(ModelInstallationStarted)] == [names[0], *wanted]


def test_two_that_share_a_file_never_run_at_once(
    ollama_server: OllamaServer, fresh_ollama: OllamaServer, registry: Registry, tmp_path: Path
) -> None:
    file = write_gguf(tmp_path / "shared.gguf", 3_000_000, seed=77)
    names = push_sharing_models(ollama_server, registry, file, ["share-a", "share-b", "share-c"])
    registry.files.throttle(SLOW)
    with Driven(fresh_ollama.port) as driven:
        for name in names:
            driven.ask_for(name)
        driven.until(
            lambda: driven.installations and driven.installation(names[1]).waits_for is WaitReason.SHARED_LAYER
        )
        short = names[0].rpartition("/")[2]
        driven.until(lambda: driven.installation_row(names[1]).detail == f"Waiting for {short}, same file")
        assert names_of(running(driven)) == [names[0]]
        driven.until(lambda: len(driven.events(ModelInstallationCompleted)) >= 1)
        # Now that the host has the weights, the other two have only small files of their own.
        driven.until(lambda: len(driven.events(ModelInstallationCompleted)) == 3)
        size = size_in_registry(registry, "share-a:latest")
        assert registry.files.bytes_served < size + 100_000
        assert fresh_ollama.running
        assert "panic" not in fresh_ollama.log_text()


def test_one_that_is_scheduled_begins_when_its_time_has_come(fresh_ollama: OllamaServer, registry: Registry) -> None:
    name = registry.name_for("tiny:latest")
    with Driven(fresh_ollama.port) as driven:
        moment = utc_now() + timedelta(seconds=2)
        driven.write(InstallRequested(name, not_before=moment))
        driven.until(lambda: driven.installations and driven.installation(name).waits_for is WaitReason.SCHEDULED)
        assert driven.installation_row(name).can_resume
        assert f"{moment.astimezone():%H:%M}" in driven.installation_row(name).detail
        assert 0 < driven.app.wakeups.delay(driven.app.time) <= 2.0  # type: ignore[operator]  # it is due
        driven.until_event(ModelInstallationCompleted)
        assert driven.manager.installation_history[-1].started_at >= moment


def test_a_time_can_be_set_changed_and_taken_away(fresh_ollama: OllamaServer, registry: Registry, middle: str) -> None:
    registry.files.throttle(SLOW)
    with Driven(fresh_ollama.port) as driven:
        driven.ask_for(middle)
        driven.until(lambda: has_bytes(driven, middle, 1_000_000))
        key = driven.installation(middle).installation_id
        driven.write(ScheduleRequested(key, utc_now() + timedelta(hours=5)))
        driven.until(lambda: not running(driven) and driven.installation(middle).waits_for is WaitReason.SCHEDULED)
        driven.until(lambda: registry.files.open_transfers == 0)
        driven.until(lambda: " at " in driven.installation_row(middle).detail)
        driven.write(ScheduleRequested(key, None))
        driven.until(lambda: len(running(driven)) == 1)
        driven.write(ScheduleRequested(key, utc_now() + timedelta(hours=5)))
        driven.until(lambda: not running(driven))
        driven.write(ResumeRequested(key))
        registry.files.clear()
        driven.until_event(ModelInstallationCompleted)
        assert driven.events(ModelInstallationFailed) == []


@pytest.mark.parametrize("paused", [False, True])
def test_what_waits_takes_the_wish_of_who_asks_for_it_again(
    fresh_ollama: OllamaServer, registry: Registry, paused: bool
) -> None:
    name = registry.name_for("tiny:latest")
    tonight, later = utc_now() + timedelta(hours=5), utc_now() + timedelta(hours=9)
    with Driven(fresh_ollama.port) as driven:
        driven.write(InstallRequested(name, not_before=tonight))
        driven.until(lambda: driven.installations and driven.installation(name).waits_for is WaitReason.SCHEDULED)
        if paused:
            driven.write(PauseRequested())
            driven.until(lambda: status_of(driven, name) == InstallationStatus.PAUSED)
        driven.write(InstallRequested(name, not_before=later))
        driven.until(lambda: driven.installation(name).not_before == later)
        driven.until(lambda: driven.installation(name).waits_for is WaitReason.SCHEDULED)
        assert len(driven.view.installations) == 1
        driven.write(InstallRequested(name))
        driven.until_event(ModelInstallationCompleted)
        assert len(driven.manager.installation_history) == 1
        first, second = driven.notices()
        assert first.startswith(f"{name} was in the queue already; now it is for ")
        assert second.startswith(f"{name} was in the queue for ")
        assert second.endswith("; it does not wait until then any more.")


def test_pausing_stops_the_transfer_and_resuming_goes_on_from_there(
    fresh_ollama: OllamaServer, registry: Registry, middle: str
) -> None:
    size = size_in_registry(registry, "middle:latest")
    registry.files.throttle(SLOW)
    with Driven(fresh_ollama.port) as driven:
        driven.ask_for(middle)
        driven.until(lambda: has_bytes(driven, middle, 4_000_000))
        key = driven.installation(middle).installation_id
        driven.write(PauseRequested(key))
        assert driven.until_event(ModelInstallationPaused).model_name == middle
        row = driven.installation_row(middle)
        assert row.detail.startswith("Paused at ")
        assert (row.can_pause, row.can_resume, row.can_cancel) == (False, True, True)
        driven.until(lambda: registry.files.open_transfers == 0 and not running(driven))
        assert status_of(driven, middle) == InstallationStatus.PAUSED
        done = driven.installation(middle).progress.bytes_downloaded
        assert done >= 4_000_000
        registry.files.clear()
        driven.write(ResumeRequested(key))
        assert driven.until_event(ModelInstallationResumed).installation_id == key
        driven.until_event(ModelInstallationCompleted)
        assert len(driven.events(ModelInstallationStarted)) == 1
        assert registry.files.bytes_served < size + 2_000_000
        assert driven.manager.installation_history[-1].refetched_bytes < 2_000_000
        numbers = [event.progress.bytes_downloaded for event in driven.events(ModelInstallationProgress)]
        assert numbers == sorted(numbers)
        layers = driven.installation(middle).layers
        assert sum(layer.size for layer in layers) == size
        assert all(layer.is_done for layer in layers)
        labels = [one.label for one in driven.installation_row(middle).layers]
        assert "Weights" in labels
        assert "Configuration" in labels


@pytest.mark.parametrize("again", [1, 4])
def test_pausing_and_resuming_at_the_very_start_leaves_the_server_alive(
    again: int, fresh_ollama: OllamaServer, registry: Registry, middle: str
) -> None:
    """While Ollama asks for a file's size a client must not leave a transfer that another one joins (PR 17370)."""
    registry.files.throttle(SLOW)
    with Driven(fresh_ollama.port) as driven:
        driven.ask_for(middle)
        driven.update()
        key = driven.installation(middle).installation_id
        for _ in range(again):
            driven.write(PauseRequested(key))
            driven.update()
            driven.write(ResumeRequested(key))
            driven.update()
        registry.files.clear()
        driven.until_event(ModelInstallationCompleted)
        assert "panic" not in fresh_ollama.log_text()


def test_all_are_paused_and_all_go_on(
    ollama_server: OllamaServer, fresh_ollama: OllamaServer, registry: Registry, tmp_path: Path
) -> None:
    names = list(push_small_models(ollama_server, registry, tmp_path, [f"all{n}" for n in range(4)]).values())
    registry.files.throttle(20_000)
    with Driven(fresh_ollama.port) as driven:
        driven.write(InstallRequested(" ".join(names)))
        driven.until(lambda: len(running(driven)) == 2)
        driven.write(PauseRequested())
        driven.until(lambda: not running(driven) and len(driven.events(ModelInstallationPaused)) == 4)
        driven.until(lambda: driven.view.queue.summary.startswith("4 paused"))
        assert (driven.view.queue.can_pause_all, driven.view.queue.can_resume_all) == (False, True)
        assert {one.status.kind for one in driven.installations} == {InstallationPhase.PAUSED}
        registry.files.clear()
        driven.write(CancelRequested(driven.installation(names[1]).installation_id))
        driven.write(ResumeRequested())
        driven.until(lambda: len(driven.events(ModelInstallationCompleted)) == 3)
        assert fresh_ollama.model_names() == sorted([names[0], names[2], names[3]])


def test_a_request_may_be_paused_from_the_beginning(fresh_ollama: OllamaServer, registry: Registry) -> None:
    name = registry.name_for("tiny:latest")
    with Driven(fresh_ollama.port) as driven:
        entity = driven.app.world.spawn(ModelInstallRequest(name, INSECURE, paused=True))
        driven.until(lambda: driven.installations and driven.installation(name).status == InstallationStatus.PAUSED)
        assert driven.installation_row(name).detail == "Paused"
        driven.write(ResumeRequested(driven.installation(name).installation_id))
        driven.until_event(ModelInstallationCompleted)
        driven.update()
        assert not driven.app.world.exists(entity)


def test_thirty_models_are_installed_in_their_order(
    ollama_server: OllamaServer, fresh_ollama: OllamaServer, registry: Registry, tmp_path: Path
) -> None:
    names = list(push_small_models(ollama_server, registry, tmp_path, [f"thirty{n}" for n in range(30)]).values())
    with Driven(fresh_ollama.port, data_dir=tmp_path / "data") as driven:
        driven.write(DownloadLimitChanged(4))
        driven.write(InstallRequested(" ".join(names)))
        driven.until(lambda: len(driven.events(ModelInstallationCompleted)) == 30, timeout=110)
        started = [event.model_name for event in driven.events(ModelInstallationStarted)]
        assert sorted(started) == sorted(names)
        assert all(abs(started.index(name) - number) <= 4 for number, name in enumerate(names))
        assert fresh_ollama.model_names() == sorted(names)
        assert driven.manager.active_installations == {}
        assert not driven.manager.download_queue
        assert len({one.installation_id for one in driven.manager.installation_history}) == 30


def test_a_tag_that_moves_while_it_is_paused_brings_the_new_model(
    ollama_server: OllamaServer, fresh_ollama: OllamaServer, registry: Registry, tmp_path: Path
) -> None:
    old = write_gguf(tmp_path / "old.gguf", 6_000_000, seed=81)
    new = write_gguf(tmp_path / "new.gguf", 3_000_000, seed=82)
    create_model(ollama_server, "moving:latest", old)
    name = registry.push(ollama_server, "moving:latest", "moving:latest")
    registry.files.throttle(SLOW)
    try:
        with Driven(fresh_ollama.port) as driven:
            driven.ask_for(name)
            driven.until(lambda: has_bytes(driven, name, 2_000_000))
            key = driven.installation(name).installation_id
            driven.write(PauseRequested(key))
            driven.until(lambda: not running(driven))
            create_model(ollama_server, "moving:latest", new)
            registry.push(ollama_server, "moving:latest", "moving:latest")
            registry.files.clear()
            driven.write(ResumeRequested(key))
            completed = driven.until_event(ModelInstallationCompleted)
            assert completed.model.size == size_in_registry(registry, "moving:latest")
            numbers = [event.fraction or 0 for event in driven.events(ModelInstallationProgress)]
            assert numbers == sorted(numbers)
    finally:
        ollama_server.delete("moving:latest")
