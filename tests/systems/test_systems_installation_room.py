"""Downloads and the room on their host's disk: two that each fit, one that fills up, one that was begun before."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ecs_localai import (
    CancelRequested,
    DownloadConfig,
    InstallationErrorKind,
    InstalledModel,
    ModelInstallation,
    ModelInstallationCancelled,
    ModelInstallationCompleted,
    ModelInstallationFailed,
    ModelInstallationStarted,
    ModelInstallationTask,
    RetryRequested,
    Task,
    WaitReason,
)
from ecs_localai.components.preflight import DISK_RESERVE
from tests.rig.model_files import create_model, tiny_gpt2
from tests.rig.ollama_server import OllamaServer
from tests.rig.registry import Registry
from tests.rig.waiting import wait_until
from tests.store.store_parts import small_disk
from tests.systems.queue_parts import has_bytes
from tests.systems.systems_parts import PATIENCE, Driven, assert_clear, push_small_models

SMALL = 500_000
"""Bytes of each of the small models, about."""


@contextmanager
def server_with(free: int, where: Path) -> Iterator[tuple[OllamaServer, Path]]:
    """A server on a disk of its own with so many bytes to spare besides the reserve; and a file that fills the rest."""
    size = DISK_RESERVE + 40_000_000
    with small_disk(where, str(size)) as disk, OllamaServer(models_dir=disk) as server:
        create_model(server, "tiny:latest", tiny_gpt2())  # so that its folder can be told to be this one's
        filler = disk / "filler"
        filler.write_bytes(b"\0" * (shutil.disk_usage(disk).free - DISK_RESERVE - free))
        yield server, filler


@pytest.fixture
def two(ollama_server: OllamaServer, registry: Registry, tmp_path: Path) -> Iterator[list[str]]:
    """Two models of half a megabyte, without a file in common."""
    yield list(push_small_models(ollama_server, registry, tmp_path, ["one", "two"]).values())
    registry.files.clear()


def test_two_that_fit_only_one_after_the_other_do_not_fill_the_disk_together(
    registry: Registry, two: list[str], tmp_path: Path
) -> None:
    """The second waits, is looked at again when the first is there, and says why it cannot be installed."""
    registry.files.throttle(200_000)
    with server_with(SMALL + 300_000, tmp_path / "disk") as (server, _), Driven(server.port) as driven:
        for name in two:
            driven.ask_for(name)
        second = driven.until(lambda: one_that_waits(driven))
        assert second is not None
        driven.update()
        assert driven.installation_row(second.model_name).detail.startswith("Waiting for room on the disk")
        started = [event.model_name for event in driven.events(ModelInstallationStarted)]
        completed = driven.until_event(ModelInstallationCompleted)
        assert [completed.model.name] == started == [name for name in two if name != second.model_name]
        failed = driven.until_event(ModelInstallationFailed)
        assert (failed.model_name, failed.kind) == (second.model_name, InstallationErrorKind.DISK_FULL)
        assert_clear(failed.error_message)
        assert not list(server.models_dir.glob("blobs/*-partial*")), "it took room that it cannot use"


def one_that_waits(driven: Driven) -> ModelInstallation | None:
    """The installation that waits for room."""
    return next((one for one in driven.installations if one.waits_for is WaitReason.ROOM), None)


def test_room_that_is_made_meanwhile_lets_both_be_completed(registry: Registry, two: list[str], tmp_path: Path) -> None:
    registry.files.throttle(200_000)
    with server_with(SMALL + 300_000, tmp_path / "disk") as (server, filler), Driven(server.port) as driven:
        for name in two:
            driven.ask_for(name)
        driven.until(lambda: one_that_waits(driven))
        filler.unlink()
        driven.until_event(ModelInstallationCompleted, 2)
        assert driven.events(ModelInstallationFailed) == []
        assert set(two) < set(server.model_names())


def test_one_that_lacks_room_when_the_other_is_just_done_is_looked_at_at_once(
    registry: Registry, two: list[str], tmp_path: Path
) -> None:
    """A program whose frames are long hears of both in the same one: nothing is at work then that could end later."""
    registry.files.throttle(200_000)
    with server_with(SMALL + 300_000, tmp_path / "disk") as (server, filler), Driven(server.port) as driven:
        for name in two:
            driven.ask_for(name)
        tasks = driven.until(lambda: work if len(work := tasks_of(driven)) == 2 else None)
        assert tasks is not None
        wait_until(lambda: any(task.is_finished() for task in tasks), PATIENCE, "one to find that it lacks room")
        filler.unlink()
        wait_until(lambda: all(task.is_finished() for task in tasks), PATIENCE, "the other one to be there")
        driven.until_event(ModelInstallationCompleted, 2)
        assert driven.events(ModelInstallationFailed) == []


def tasks_of(driven: Driven) -> list[Task[InstalledModel]]:
    """The background work of those that run."""
    tasks = [one.task for _, one in driven.app.world.query(ModelInstallationTask)]
    return [task for task in tasks if task is not None]


def test_two_programs_do_not_fill_the_disk_together(registry: Registry, two: list[str], tmp_path: Path) -> None:
    """They share the kept queue, which says what the other one's download will still take."""
    registry.files.throttle(100_000)
    folder = tmp_path / "data"
    folder.mkdir()
    with (
        server_with(SMALL + 300_000, tmp_path / "disk") as (server, filler),
        Driven(server.port, data_dir=folder) as first,
        Driven(server.port, data_dir=folder) as second,
    ):
        first.ask_for(two[0])
        first.until(lambda: has_bytes(first, two[0]))
        second.ask_for(two[1])
        second.until(lambda: one_that_waits(second))
        filler.unlink()
        registry.files.clear()
        first.until_event(ModelInstallationCompleted)
        second.until_event(ModelInstallationCompleted)


def test_a_disk_that_fills_up_while_it_downloads_and_is_cleared(
    registry: Registry, fresh_ollama: OllamaServer, tmp_path: Path
) -> None:
    """What has arrived keeps the disk full, which is said; after room was made, the next try goes on from it."""
    name = registry.name_for("middle:latest")
    with small_disk(tmp_path / "disk", "20m") as disk, OllamaServer(models_dir=disk) as server:
        filler = disk / "filler"
        filler.write_bytes(b"\0" * (shutil.disk_usage(disk).free - 6_000_000))
        with Driven(server.port) as driven:
            driven.ask_for(name, DownloadConfig(insecure=True, ignores_room=True))
            failed = driven.until_event(ModelInstallationFailed)
            assert failed.kind is InstallationErrorKind.DISK_FULL
            assert_clear(failed.error_message)
            assert "keeps its space" in failed.error_message
            assert "OLLAMA_NOPRUNE" in failed.error_message
            filler.unlink()
            driven.write(RetryRequested(failed.installation_id))
            driven.until_event(ModelInstallationCompleted)


def test_what_has_arrived_of_a_download_is_not_asked_for_once_more(registry: Registry, tmp_path: Path) -> None:
    """Another request for it has no memory of the first; the disk has."""
    name = registry.name_for("middle:latest")
    registry.files.throttle(3e6)
    with server_with(14_000_000, tmp_path / "disk") as (server, filler), Driven(server.port) as driven:
        driven.ask_for(name)
        driven.until(lambda: has_bytes(driven, name, 6_000_000))
        driven.write(CancelRequested(driven.installation(name).installation_id))
        driven.until_event(ModelInstallationCancelled)
        more = shutil.disk_usage(server.models_dir).free - DISK_RESERVE - 8_000_000
        with filler.open("ab") as file:
            file.write(b"\0" * more)
        registry.files.clear()
        driven.ask_for(name)
        driven.until_event(ModelInstallationCompleted)
        assert driven.events(ModelInstallationFailed) == []
