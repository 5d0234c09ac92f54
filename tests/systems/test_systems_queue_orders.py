"""Any order of installing, pausing, moving, cancelling, faults of the file server, killing the server and the program,
and ending the program: then all agree.

Hypothesis chooses the orders; some 6 in an ordinary run, 200 where ECS_LOCALAI_FUZZ is set (``make soak``).
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from datetime import timedelta
from pathlib import Path
from typing import ClassVar, Literal

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from ecs_localai import (
    CancelRequested,
    DownloadLimitChanged,
    InstallationErrorKind,
    InstallationPhase,
    ModelInstallation,
    ModelInstallationFailed,
    ModelInstallationTask,
    MoveInstallationRequested,
    PauseRequested,
    ResumeRequested,
    ScheduleRequested,
)
from ecs_localai.components.codec import decode
from ecs_localai.components.installation import InstallationRecord
from ecs_localai.components.time_values import utc_now
from ecs_localai.store import Store
from ecs_localai.systems.queue_rows import read_row
from tests.rig.model_files import write_gguf
from tests.rig.ollama_server import OllamaServer
from tests.rig.registry import Registry
from tests.systems.queue_parts import orphan_blobs, push_sharing_models, running, worker
from tests.systems.systems_parts import Driven, push_small_models

ORDERS = 200 if os.environ.get("ECS_LOCALAI_FUZZ") else 6
STEPS = 12
RATE = 600_000
"""Bytes a second for all downloads together: each model takes a second or so."""
WHICH = st.integers(0, 3)


class QueueOrders(RuleBasedStateMachine):
    """A server, a program with a data folder, and four models, two of which share their weights."""

    registry: ClassVar[Registry]
    names: ClassVar[list[str]]

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="queue-orders-"))
        self.server = OllamaServer().start()
        self.registry.files.clear()
        self.registry.files.throttle(RATE)
        self.asked: set[str] = set()
        self.refused: set[str] = set()
        self.driven = self._program()

    def _program(self) -> Driven:
        driven = Driven(self.server.port, data_dir=self.folder)
        driven.__enter__()
        driven.update()
        return driven

    def _frames(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.driven.update()
            self._assert_nothing_is_shared()
            time.sleep(0.002)

    def _assert_nothing_is_shared(self) -> None:
        work = running(self.driven)
        assert len({one.model_name for one in work}) == len(work)
        sharing = {one.model_name for one in work if one.progress.bytes_downloaded} & set(self.names[2:])
        assert len(sharing) <= 1, f"both run: {sharing}"

    def _key(self, which: int) -> str | None:
        active = self.driven.manager.active_installations.values()
        return next((one.installation_id for one in active if one.model_name == self.names[which]), None)

    @rule(which=WHICH)
    def install(self, which: int) -> None:
        """Ask for a model, once more or for the first time."""
        self.driven.ask_for(self.names[which])
        self.asked.add(self.names[which])
        self.driven.update()

    @rule(which=WHICH)
    def pause(self, which: int) -> None:
        """Pause one."""
        if key := self._key(which):
            self.driven.write(PauseRequested(key))
            self.driven.update()

    @rule(which=WHICH)
    def resume(self, which: int) -> None:
        """Have one go on."""
        if key := self._key(which):
            self.driven.write(ResumeRequested(key))
            self.driven.update()

    @rule(pausing=st.booleans())
    def all_of_them(self, pausing: bool) -> None:
        """Pause all, or have all go on."""
        self.driven.write(PauseRequested() if pausing else ResumeRequested())
        self.driven.update()

    @rule(which=WHICH)
    def cancel(self, which: int) -> None:
        """Stop one for good."""
        if key := self._key(which):
            self.driven.write(CancelRequested(key))
            self.driven.update()

    @rule(which=WHICH, by=st.integers(-3, 3))
    def move(self, which: int, by: int) -> None:
        """Change the order."""
        if key := self._key(which):
            self.driven.write(MoveInstallationRequested(key, by))
            self.driven.update()

    @rule(which=WHICH, seconds=st.none() | st.floats(0, 1.5))
    def schedule(self, which: int, seconds: float | None) -> None:
        """Have one begin a little later."""
        if key := self._key(which):
            moment = None if seconds is None else utc_now() + timedelta(seconds=seconds)
            self.driven.write(ScheduleRequested(key, moment))
            self.driven.update()

    @rule(at_once=st.integers(1, 3))
    def limit(self, at_once: int) -> None:
        """Change how many run at once."""
        self.driven.write(DownloadLimitChanged(at_once))
        self.driven.update()

    @rule(seconds=st.sampled_from([0.02, 0.1, 0.4, 0.8]))
    def go_on(self, seconds: float) -> None:
        """Time goes by."""
        self._frames(seconds)

    @precondition(lambda self: self.server.running)
    @rule(how=st.sampled_from(["SIGKILL", "SIGTERM"]))
    def end_server(self, how: str) -> None:
        """The server dies."""
        if how == "SIGKILL":
            self.server.kill()
        else:
            self.server.terminate()
        self._frames(0.1)

    @precondition(lambda self: not self.server.running)
    @rule()
    def start_server(self) -> None:
        """The server is there again."""
        self.server.restart()
        self._frames(0.1)

    @rule()
    def restart_program(self) -> None:
        """The program ends, and another one begins with the same data."""
        self._leave()
        self.driven = self._program()

    @precondition(lambda self: self.server.running)
    @rule(which=WHICH, seconds=st.sampled_from([0.0, 0.05, 0.2, 0.6]))
    def kill_program(self, which: int, seconds: float) -> None:
        """Another program takes its place, asks for a model, too, and is killed: at any moment, so there is a sleep."""
        self._leave()
        with worker(self.folder, self.server.port, self.names[which]) as child:
            child.until(lambda told: told.name == self.names[which])
            time.sleep(seconds)
            child.kill()
        with Store.open(self.folder) as store:  # it may have had no time to keep what was asked for
            rows = map(read_row, store.initial.queue.values())
            kept = {row.request.model_name for row in rows if row is not None}
            kept |= {decode(row.data, InstallationRecord).model_name for row in store.initial.history}
        self.asked |= {self.names[which]} & kept
        self.driven = self._program()

    @rule(fault=st.sampled_from(["fin", "rst", "stall", "none"]), count=st.sampled_from([1, 100_000, 400_000]))
    def file_server(self, fault: Literal["fin", "rst", "stall", "none"], count: int) -> None:
        """A download breaks off once, or stands still until the file server is well again."""
        if fault == "none":
            self.registry.files.clear()
            self.registry.files.throttle(RATE)
        elif fault == "stall":
            self.registry.files.stall_after(count)
        else:
            self.registry.files.cut_after(count, fault, times=1)

    def _leave(self) -> None:
        self.refused |= {
            event.model_name
            for event in self.driven.events(ModelInstallationFailed)
            if event.kind is InstallationErrorKind.HOST_UNREACHABLE
        }
        others = [
            event for event in self.driven.events(ModelInstallationFailed) if event.model_name not in self.refused
        ]
        assert others == []
        self.driven.__exit__(None, None, None)

    def teardown(self) -> None:
        """Heal everything, let all go on, and see that the host's models, the store and the world agree."""
        try:
            self.registry.files.clear()
            if not self.server.running:
                self.server.restart()
            driven = self.driven
            driven.until(lambda: driven.view.host.status_text == "Connected")
            driven.write(ResumeRequested())
            for one in list(driven.manager.active_installations.values()):
                driven.write(ScheduleRequested(one.installation_id, None))
            driven.until(
                lambda: not driven.manager.active_installations and not driven.app.world.query(ModelInstallationTask)
            )
            assert not driven.manager.download_queue
            assert not driven.models.installation_queue
            assert all(one.status.is_finished for _, one in driven.app.world.query(ModelInstallation))
            there = self.server.model_names()
            driven.until(lambda: sorted(driven.models.installed_models) == self.server.model_names())
            assert "panic" not in self.server.log_text()
            self._leave()
            with Store.open(self.folder) as store:
                assert store.initial.queue == {}
                records = [decode(row.data, InstallationRecord) for row in store.initial.history]
            assert len({record.installation_id for record in records}) == len(records)
            ended = {kind: {one.model_name for one in records if one.status.kind is kind} for kind in InstallationPhase}
            completed, cancelled = ended[InstallationPhase.COMPLETED], ended[InstallationPhase.CANCELLED]
            assert {one.model_name for one in records} == self.asked
            assert completed <= set(there) <= completed | cancelled, (there, ended)
            assert ended[InstallationPhase.FAILED] <= self.refused
            for record in records:
                if record.status.kind is InstallationPhase.COMPLETED:
                    assert record.bytes_downloaded == record.total_bytes > 0
            allowed = {digest for name in cancelled | self.refused for digest in self._files(name)}
            left = {name.partition("-partial")[0] for name in orphan_blobs(self.server)}
            assert left <= allowed, "there are files that belong to nothing"
        finally:
            self.driven.app.shutdown()
            self.server.stop()
            shutil.rmtree(self.folder, ignore_errors=True)

    def _files(self, name: str) -> set[str]:
        manifest = self.registry.manifest(name.partition("/library/")[2])
        layers, config = manifest["layers"], manifest["config"]
        assert isinstance(layers, list)
        return {str(layer["digest"]).replace(":", "-") for layer in [*layers, config]}


@pytest.mark.timeout(60 + 30 * ORDERS)
def test_after_any_order_of_events_host_store_and_world_agree(
    ollama_server: OllamaServer, registry: Registry, tmp_path: Path
) -> None:
    alone = list(push_small_models(ollama_server, registry, tmp_path, ["order-a", "order-b"]).values())
    file = write_gguf(tmp_path / "order-shared.gguf", 600_000, seed=4711)
    QueueOrders.registry = registry
    QueueOrders.names = alone + push_sharing_models(ollama_server, registry, file, ["order-c", "order-d"])
    run_state_machine_as_test(
        QueueOrders,
        settings=settings(
            max_examples=ORDERS,
            stateful_step_count=STEPS,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            print_blob=True,
        ),
    )
