"""Installations that were under way when a program ended are gone on with by the next one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import ecs_localai
from ecs_localai import (
    App,
    CancelRequested,
    DownloadLimitChanged,
    InstallationStatus,
    LocalModelsPlugin,
    ModelInstallation,
    WaitReason,
)
from ecs_localai.components.codec import decode, encode, to_builtins
from ecs_localai.components.installation import DownloadConfig, DownloadRequest
from ecs_localai.store import Store, Table
from ecs_localai.systems.kept_queue import QueuedInstallation
from ecs_localai.systems.persistence import SavedState
from tests.rig.odd_servers import closed_port
from tests.rig.ollama_server import OllamaServer
from tests.rig.registry import Registry
from tests.store.store_parts import answer, ask
from tests.systems.queue_parts import book_of
from tests.systems.systems_parts import Driven, config_for, size_in_registry

CHILD = Path(__file__).with_name("queue_child.py")


def queue_in(folder: Path) -> list[str]:
    """The models in the queue, the next one first."""
    with Store.open(folder) as store:
        rows = list(store.initial.queue.values())
    return [decode(encode(row), QueuedInstallation).request.model_name for row in rows]


def left_by(pid: int, folder: Path, names: list[str], host: str) -> None:
    """The queue as a program with this process number has left it."""
    with Store.open(folder) as store:
        for number, name in enumerate(names):
            request = DownloadRequest(name, f"id-{number}", host, DownloadConfig(insecure=True))
            store.put(Table.QUEUE, request.installation_id, to_builtins(QueuedInstallation(request, pid)), number)


def ended_process() -> int:
    """The number of a process that is there no more."""
    with subprocess.Popen([sys.executable, "-c", ""]) as child:
        child.wait(30)
    return child.pid


def test_what_was_under_way_at_the_end_is_gone_on_with_at_the_next_start(
    tmp_path: Path, fresh_ollama: OllamaServer, registry: Registry
) -> None:
    name = registry.name_for("middle:latest")
    registry.files.throttle(1_000_000)
    with Driven(fresh_ollama.port, data_dir=tmp_path) as driven:
        driven.until(lambda: driven.view.host.status_text == "Connected")
        driven.ask_for(name)
        driven.until(lambda: driven.installation(name).status == InstallationStatus.DOWNLOADING)
        driven.until(lambda: driven.installation(name).progress.bytes_downloaded > 0)
    assert queue_in(tmp_path) == [name]
    registry.files.clear()
    with Driven(fresh_ollama.port, data_dir=tmp_path) as driven:
        driven.until(lambda: name in fresh_ollama.model_names())
        driven.until(lambda: not driven.manager.active_installations)
        assert [record.model_name for record in driven.manager.installation_history] == [name]
    assert queue_in(tmp_path) == []


def test_how_large_one_is_that_waits_is_kept_as_soon_as_it_is_known(
    tmp_path: Path, fresh_ollama: OllamaServer, registry: Registry
) -> None:
    first, second = registry.name_for("middle:latest"), registry.name_for("tiny:latest")
    registry.files.throttle(1_000_000)
    with Driven(fresh_ollama.port, data_dir=tmp_path) as driven:
        driven.until(lambda: driven.view.host.status_text == "Connected")
        driven.write(DownloadLimitChanged(1))
        driven.ask_for(first)
        driven.ask_for(second)
        driven.until(lambda: driven.installation(second).progress.total_bytes)
        assert driven.installation(second).status == InstallationStatus.QUEUED
    registry.files.clear()
    with book_of(tmp_path) as book:
        (kept,) = [one for one in book.entries() if one.model_name == second]
    assert kept.total_bytes == size_in_registry(registry, "tiny:latest")


def test_they_are_gone_on_with_in_their_order(tmp_path: Path) -> None:
    names = [f"127.0.0.1:9/library/m{number}:latest" for number in range(5)]
    left_by(ended_process(), tmp_path, names, "")
    with Driven(data_dir=tmp_path) as driven:
        driven.until(lambda: len(driven.installations) >= 5 or len(driven.manager.installation_history) >= 5)
        asked = {one.model_name: one.started_at for one in driven.installations}
    assert list(asked) == names


def test_what_another_living_program_sees_to_is_left_to_it(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        left_by(child.pid, tmp_path, ["tiny:latest"], "")
        with Driven(data_dir=tmp_path) as driven:
            driven.update()
            driven.update()
            assert not driven.installations
        child.communicate(b"\n", 30)
    assert queue_in(tmp_path) == ["tiny:latest"]


def test_a_number_that_is_another_program_s_by_now_counts_for_nothing(tmp_path: Path) -> None:
    """The parent of this process lives; but it began later than the queue says its program has written."""
    left_by(os.getppid(), tmp_path, ["tiny:latest"], "")
    with Store.open(tmp_path) as store:
        (row,) = store.initial.queue.values()
        assert isinstance(row, dict)
        assert isinstance(row["request"], dict)
        row["request"]["requested_at"] = "1999-01-01T00:00:00Z"
        store.put(Table.QUEUE, "id-0", row)
    with Driven(data_dir=tmp_path) as driven:
        driven.until(lambda: driven.installations)


def test_one_that_is_cancelled_or_fails_is_not_begun_again(
    tmp_path: Path, fresh_ollama: OllamaServer, registry: Registry
) -> None:
    missing = registry.name_for("missing:latest")
    slow = registry.name_for("middle:latest")
    registry.files.throttle(1_000_000)
    with Driven(fresh_ollama.port, data_dir=tmp_path) as driven:
        driven.until(lambda: driven.view.host.status_text == "Connected")
        driven.ask_for(missing)
        entity = driven.ask_for(slow)
        driven.until(lambda: driven.installation(missing).status.is_failed)
        driven.until(lambda: driven.installation(slow).progress.bytes_downloaded > 0)
        driven.app.world.despawn(entity)
        driven.until(lambda: not driven.manager.active_installations)
    assert queue_in(tmp_path) == []


def test_a_host_that_is_not_in_the_list_any_more_is_said(tmp_path: Path) -> None:
    left_by(ended_process(), tmp_path, ["tiny:latest"], "http://gone.invalid:11434")
    with Driven(data_dir=tmp_path) as driven:
        driven.until(lambda: driven.manager.installation_history)
        assert "gone.invalid" in (driven.manager.installation_history[0].status.reason or "")
    assert queue_in(tmp_path) == []


def test_a_program_that_does_not_resume_leaves_the_queue_alone(tmp_path: Path) -> None:
    left_by(ended_process(), tmp_path, ["tiny:latest"], "")
    app = App("does-not-resume")
    app.add_plugins(LocalModelsPlugin(config_for(9), data_dir=tmp_path, resume=False))
    with app:
        app.update()
        assert not app.world.query(ModelInstallation)
    assert queue_in(tmp_path) == ["tiny:latest"]


def test_of_programs_that_begin_at_once_one_goes_on_with_each(tmp_path: Path) -> None:
    names = [f"127.0.0.1:9/library/m{number}:latest" for number in range(6)]
    left_by(ended_process(), tmp_path, names, "http://127.0.0.1:9")
    environment = os.environ | {"PYTHONPATH": str(Path(ecs_localai.__file__).parent.parent)}
    children = [
        subprocess.Popen(
            [sys.executable, str(CHILD), str(tmp_path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )
        for _ in range(3)
    ]
    assert [answer(child) for child in children] == ["ready"] * len(children)
    for child in children:
        ask(child, "")
    lines = [answer(child) for child in children]
    for child in children:
        child.communicate("\n", timeout=30)
    taken = [name for line in lines for name in json.loads(line)]
    assert sorted(taken) == names
    assert queue_in(tmp_path) == names  # no frame was run: all are still to be done


def test_a_host_that_is_spelled_in_another_way_by_now_leaves_no_row(tmp_path: Path) -> None:
    port = closed_port()
    left_by(ended_process(), tmp_path, ["127.0.0.1:9/library/tiny:latest"], f"http://localhost:{port}")
    with Driven(port, data_dir=tmp_path) as driven:
        driven.until(lambda: driven.installations)
        assert driven.installations[0].host == f"http://127.0.0.1:{port}"
        driven.until(lambda: driven.installations[0].waits_for is WaitReason.HOST)  # nobody answers there
        driven.write(CancelRequested("id-0"))
        driven.until(lambda: driven.manager.installation_history)
    assert queue_in(tmp_path) == []


def test_what_another_app_of_this_program_sees_to_is_left_to_it(
    tmp_path: Path, fresh_ollama: OllamaServer, registry: Registry
) -> None:
    name = registry.name_for("middle:latest")
    registry.files.throttle(1_000_000)
    with Driven(fresh_ollama.port, data_dir=tmp_path) as driven:
        driven.until(lambda: driven.view.host.status_text == "Connected")
        driven.ask_for(name)
        driven.until(lambda: driven.installation(name).status == InstallationStatus.DOWNLOADING)
        assert driven.app.world.resource(SavedState).flush(10)
        with Driven(fresh_ollama.port, data_dir=tmp_path, world="second") as second:
            second.update()
            second.update()
            assert not second.installations
    assert queue_in(tmp_path) == [name]


def test_a_lost_row_of_what_is_under_way_is_kept_anew(
    tmp_path: Path, fresh_ollama: OllamaServer, registry: Registry
) -> None:
    name = registry.name_for("middle:latest")
    registry.files.throttle(1_000_000)
    with Driven(fresh_ollama.port, data_dir=tmp_path) as driven:
        driven.until(lambda: driven.view.host.status_text == "Connected")
        driven.ask_for(name)
        driven.until(lambda: driven.installation(name).status == InstallationStatus.DOWNLOADING)
        saved = driven.app.world.resource(SavedState)
        assert saved.flush(10)
        for file in tmp_path.glob("ecs-localai.sqlite3*"):
            file.unlink()
        saved.set_setting("something", 1)
        driven.until(lambda: queue_in(tmp_path) == [name])
