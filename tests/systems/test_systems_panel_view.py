"""What a person sees: `PanelView` follows the world, and its revision grows exactly when something in it changed."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from ecs_localai import (
    Activity,
    AddHostRequested,
    DeleteModelRequested,
    EditHostRequested,
    HostEdited,
    ModelInstallationCompleted,
    NoticeDismissed,
    OllamaHostManager,
    PanelView,
    RefreshRequested,
    RemoveHostRequested,
    ToggleRequested,
)
from ecs_localai.ollama.errors import ErrorKind
from ecs_localai.systems.performance_monitoring import MeasurementHistory
from ecs_localai.systems.ui_update import MOST_NOTICES
from ecs_localai.systems.view_host import connection_advice
from tests.rig.model_files import create_model, write_gguf
from tests.rig.ollama_server import OllamaServer
from tests.rig.registry import Registry
from tests.systems.systems_parts import Driven


def contents(driven: Driven) -> dict[str, str]:
    """Everything on the panel but the revision, as text by section; a gauge's history by its number of samples."""
    view = driven.view
    sections = {field.name: repr(getattr(view, field.name)) for field in dataclasses.fields(PanelView)}
    del sections["revision"]
    samples = driven.app.world.resource(MeasurementHistory).memory.count
    sections["gauges"] = repr((samples, [dataclasses.replace(gauge, history=None) for gauge in view.gauges]))
    return sections


class Watched(Driven):
    """Looks after every frame whether the revision grew, and whether the panel changed: never one without the other."""

    def __init__(self, port: int | None = None) -> None:
        super().__init__(port)
        self._seen = (self.view.revision, contents(self))
        self.unchanged_frames = 0

    def update(self, dt: float | None = None) -> None:
        """One frame."""
        super().update(dt)
        revision, before = self._seen
        now = contents(self)
        if self.view.revision == revision:
            assert now == before
            self.unchanged_frames += 1
        else:
            assert self.view.revision == revision + 1
            assert revision == 0 or now != before, "the revision grew and nothing changed"
        self._seen = (self.view.revision, now)


def test_the_revision_grows_exactly_when_something_changed(ollama_server: OllamaServer, registry: Registry) -> None:
    name = registry.name_for("tiny:latest")
    try:
        with Watched(ollama_server.port) as driven:
            driven.connect()
            driven.ask_for(name)
            driven.ask_for("not a name")
            driven.write(ToggleRequested("custom_providers", True))
            driven.write(HostEdited("not an address"))
            driven.until_event(ModelInstallationCompleted)
            driven.until(lambda: driven.model_row(name))
            driven.write(DeleteModelRequested(name))
            driven.until(lambda: not driven.model_row(name))
            driven.write(RefreshRequested())
            driven.write(HostEdited("not an address"))
            driven.until(lambda: driven.view.installations and len(driven.view.installations) == 1)
            assert driven.unchanged_frames > 100
    finally:
        ollama_server.delete(name)


def test_a_host_that_stays_away_changes_nothing_on_the_panel() -> None:
    with Watched() as driven:
        health = driven.app.world.query(OllamaHostManager)[0][1].health_monitor
        driven.until(lambda: health.consecutive_failures >= 3)
        assert driven.unchanged_frames > 100


def test_idle_frames_look_at_nothing(ollama_server: OllamaServer) -> None:
    """On a clock that stands still no timer is due, so a frame works only when something has arrived."""
    with Driven(ollama_server.port) as driven:
        driven.connect()
        driven.update(0.0)
        assert frames_at_work(driven) < 20


def test_frames_without_a_host_are_idle_too(fresh_ollama: OllamaServer) -> None:
    """Also long after the host has gone, when every timer of its own has come and gone."""
    with Driven(fresh_ollama.port) as driven:
        driven.until(lambda: driven.view.host.status_text == "Connected")
        fresh_ollama.terminate()
        driven.write(RefreshRequested())
        driven.until(lambda: driven.view.host.status_text == "Not connected")
        health = driven.app.world.query(OllamaHostManager)[0][1].health_monitor
        failures = health.consecutive_failures
        driven.update(60.0)
        driven.until(lambda: health.consecutive_failures > failures)
        driven.update(0.0)
        assert frames_at_work(driven) < 20


def frames_at_work(driven: Driven) -> int:
    """In how many of 300 frames at one moment of the world's clock the sets were not passed over."""
    activity = driven.app.world.resource(Activity)
    at_work = 0
    for _ in range(300):
        driven.update(0.0)
        at_work += activity.happened
    return at_work


def test_notices_are_few_told_once_and_dismissed() -> None:
    with Driven() as driven:
        for number in range(MOST_NOTICES + 2):
            driven.write(ToggleRequested(f"unknown_{number}", True))
            driven.write(ToggleRequested(f"unknown_{number}", True))
            driven.update()
        assert [notice.split()[4] for notice in driven.notices()] == [f"unknown_{n};" for n in range(2, 6)]
        first, *others = driven.view.notices
        driven.write(NoticeDismissed(first.notice_id))
        driven.write(NoticeDismissed(999))
        driven.update()
        assert driven.view.notices == others
        assert len({notice.notice_id for notice in [first, *others]}) == MOST_NOTICES


def test_running_installations_come_first_and_ended_ones_last(ollama_server: OllamaServer, registry: Registry) -> None:
    names = [registry.name_for(name) for name in ("tiny:latest", "smollm2:135m", "middle:latest")]
    registry.files.throttle(2e6)
    try:
        with Driven(ollama_server.port) as driven:
            driven.ask_for("not a name")
            driven.ask_for(names[2])
            driven.until(lambda: driven.installation(names[2]).progress.bytes_downloaded)
            driven.ask_for(names[0])
            driven.until_event(ModelInstallationCompleted)
            assert [row.name for row in driven.view.installations] == [names[2], "not a name", names[0]]
            assert driven.installation_row(names[0]).fraction == 1.0
    finally:
        for name in names:
            ollama_server.delete(name)


def test_the_list_of_models_says_why_it_is_empty(fresh_ollama: OllamaServer) -> None:
    with Driven(fresh_ollama.port) as driven:
        driven.update()
        assert "once Ollama is connected" in driven.view.models_empty_text
        driven.until(lambda: "No models yet" in driven.view.models_empty_text)
        driven.until(lambda: driven.view.summary.startswith("0 installed"))


def test_hosts_side_by_side_with_how_their_models_differ(
    ollama_server: OllamaServer, fresh_ollama: OllamaServer, tmp_path: Path
) -> None:
    create_model(ollama_server, "side:by-side", write_gguf(tmp_path / "side.gguf", 400_000))
    try:
        with Watched(ollama_server.port) as driven:
            driven.connect()
            assert len(driven.view.hosts) == 1
            assert driven.view.difference is None
            assert driven.view.host.label == "Model host"
            driven.write(AddHostRequested(f"127.0.0.1:{fresh_ollama.port}", "fresh"))
            driven.update()
            assert driven.view.host_answers == 1
            driven.until(lambda: driven.view.hosts_summary == "All 2 connected")
            first, second = driven.view.hosts
            assert (first.is_default, second.is_default, second.name) == (True, False, "fresh")
            assert driven.view.host.label == f"Default host: {first.name}"
            driven.until(lambda: "0 models" in driven.view.hosts[1].facts)
            assert driven.view.models
            for row in driven.view.models:
                assert row.hosts == [first.name]
                assert row.absent_text == "not on fresh"
                assert row.install_label == "Install on fresh"
            assert sorted(row.name for row in driven.view.models) == ollama_server.model_names()
            driven.write(RemoveHostRequested("fresh"))
            driven.until(lambda: len(driven.view.hosts) == 1)
            assert all(not row.hosts for row in driven.view.models)
    finally:
        ollama_server.delete("side:by-side")


def test_a_refused_host_is_answered_with_the_reason() -> None:
    with Watched() as driven:
        driven.update()
        taken = driven.view.hosts[0].base_url
        driven.write(AddHostRequested(taken))
        driven.update()
        assert driven.view.host_answers == 1
        assert "already" in (driven.view.host_error or "")
        driven.write(AddHostRequested("127.0.0.1:1", "other"))
        driven.update()
        assert driven.view.host_answers == 2
        assert driven.view.host_error is None
        driven.until(lambda: driven.view.hosts[1].reason)
        driven.write(EditHostRequested("other", "127.0.0.1:1", "renamed"))
        driven.update()
        assert [row.name for row in driven.view.hosts][1] == "renamed"


@pytest.mark.parametrize(
    ("kind", "word"),
    [
        (ErrorKind.TLS, "CA"),
        (ErrorKind.UNAUTHORIZED, "log-in"),
        (ErrorKind.FORBIDDEN, "Host header"),
        (ErrorKind.DNS, "spelling"),
        (ErrorKind.REFUSED, "OLLAMA_HOST=0.0.0.0"),
        (ErrorKind.NOT_OLLAMA, "Another program"),
    ],
)
def test_advice_is_about_the_reason(kind: ErrorKind, word: str) -> None:
    advice = connection_advice("https://gpu.example:443", str(kind))
    assert word in advice[0]
    assert "address" in advice[-1]


@pytest.mark.parametrize(
    ("base_url", "kind", "said"),
    [
        ("http://127.0.0.1:11434", ErrorKind.REFUSED, "start its app, or run “ollama serve” in a terminal."),
        ("http://localhost:11434", ErrorKind.REFUSED, "start its app, or run “ollama serve” in a terminal."),
        ("http://127.0.0.1:9999", ErrorKind.REFUSED, "installed, run “OLLAMA_HOST=127.0.0.1:9999 ollama serve” in"),
        ("http://[::1]:11434", ErrorKind.REFUSED, "installed, run “OLLAMA_HOST=[::1]:11434 ollama serve” in"),
        ("https://127.0.0.1:8443", ErrorKind.REFUSED, "start what stands before it, at https://127.0.0.1:8443."),
        ("http://127.0.0.1:8080/ai", ErrorKind.REFUSED, "start what stands before it, at 127.0.0.1:8080/ai."),
        ("http://127.0.0.1:11434/api", ErrorKind.NOT_OLLAMA, "Correct the address: /api at its end may be too much."),
    ],
)
def test_advice_is_about_the_address(base_url: str, kind: ErrorKind, said: str) -> None:
    advice = connection_advice(base_url, str(kind))
    assert said in advice[0]
    assert "address" in advice[-1]
