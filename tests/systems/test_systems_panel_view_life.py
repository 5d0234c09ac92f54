"""What the panel says of an unfolded model, where it can be loaded, and of the installations that ended."""

from __future__ import annotations

from collections import deque
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from ecs_localai import AddHostRequested, ModelInstallationFailed, RemoveHostRequested
from ecs_localai.components.hosts import HostProtocol
from ecs_localai.components.installation import InstallationRecord, InstallationStatus
from ecs_localai.components.models import InstalledModel, LoadedModel, LocalModelManager, ModelCapabilities
from ecs_localai.components.panel import PanelSettings
from ecs_localai.components.panel_view import ModelRow, Tone
from ecs_localai.systems.seen_hosts import see_hosts
from ecs_localai.systems.view_history import MOST_REMEMBERED, history_key, history_rows
from ecs_localai.systems.view_model_places import ModelPlaces
from ecs_localai.systems.view_models import model_rows
from tests.rig.model_files import create_model, write_gguf
from tests.rig.odd_servers import closed_port
from tests.rig.ollama_server import OllamaServer
from tests.systems.systems_parts import Driven
from tests.systems.test_systems_panel_view_hosts import give, host

NOON = datetime(2026, 11, 7, 12, tzinfo=UTC)
ONLY = {"http://a:11434": "A"}
BOTH = {"http://a:11434": "A", "http://b:11434": "B"}


def details(row: ModelRow) -> dict[str, str]:
    """The details by their labels."""
    return {one.label: one.text for one in row.details}


def record(
    number: int,
    name: str = "llama3.2:1b",
    status: InstallationStatus = InstallationStatus.COMPLETED,
    host_url: str = "http://a:11434",
    done: int = 1_000_000_000,
) -> InstallationRecord:
    """An installation that ended."""
    begin = NOON + timedelta(minutes=number)
    return InstallationRecord(
        f"i{number}", name, status, begin, begin + timedelta(minutes=3), timedelta(minutes=3), done, 5_200_000_000,
        host_url,
    )  # fmt: skip


# ---- models


def test_an_unfolded_model_says_what_is_known_of_it() -> None:
    model = InstalledModel(
        "id", "llama3.2:1b", "1b", 1_321_098_329, NOON, NOON, 3, digest="baf6a787fdffd633537aa2eb51cfd54cb93ff08e",
        quantization="Q8_0", family="llama", parameter_size="1.2B",
        capabilities=ModelCapabilities(131_072, capabilities=["completion", "tools"]),
    )  # fmt: skip
    models = LocalModelManager(installed_models={model.name: model})
    models.loaded_models[model.name] = LoadedModel(model.name, model.digest, 1_900_000_000, 0, 4096, pinned=True)
    (row,) = model_rows(models, {}, PanelSettings())
    assert details(row) == {
        "Full name": "registry.ollama.ai/library/llama3.2:1b",
        "Family": "llama",
        "Parameters": "1.2B",
        "Quantisation": "Q8_0",
        "Context": "131,072 tokens, now 4,096",
        "Capabilities": "completion, tools",
        "Size": "1.3 GB on disk",
        "In memory": "1.9 GB",
        "Digest": "baf6a787fdff",
        "Changed": "7 Nov 2026",
        "Used": "3 times, last on 7 Nov 2026",
    }
    assert (row.can_load, row.loaded, row.pinned, row.inert_reason) == (True, True, True, "")


def test_what_is_not_known_of_a_model_is_left_out() -> None:
    model = InstalledModel("id", "我的/模型", "", None, NOON, is_cloud=True)
    (row,) = model_rows(LocalModelManager(installed_models={model.name: model}), {}, PanelSettings(), "It is away.")
    assert details(row) == {
        "Full name": "我的/模型",
        "Size": "Runs in the cloud",
        "Changed": "7 Nov 2026",
        "Used": "Never while this program looked",
    }
    assert (row.can_load, row.loaded, row.pinned, row.inert_reason) == (False, False, False, "It is away.")


@pytest.mark.parametrize(("times", "text"), [(0, "7 Nov 2026"), (1, "Once, on 7 Nov 2026")])
def test_one_use_and_uses_that_were_not_counted(times: int, text: str) -> None:
    model = InstalledModel("id", "a:1", "1", 1, NOON, NOON, times)
    (row,) = model_rows(LocalModelManager(installed_models={model.name: model}), {}, PanelSettings())
    assert details(row)["Used"] == text


def test_with_several_hosts_the_row_says_where_something_can_be_done() -> None:
    there, away, other, foreign = (
        give(host("there", default=True), "a:1"),
        give(host("away", healthy=False), "a:1", "b:1"),
        give(host("other"), "a:1"),
        give(host("foreign"), "a:1", "c:1"),
    )
    foreign.host.protocol = HostProtocol.OPENAI
    there.models.loaded["a:1"] = LoadedModel("a:1", "d", 10, 0)
    other.models.loaded["a:1"] = LoadedModel("a:1", "d", 10, 0, pinned=True)
    rows = {row.name: row for row in ModelPlaces(see_hosts([there, away, other, foreign])).rows()}
    row = rows["a:1"]
    assert (row.able_on, row.loaded_on, row.pinned_on) == (["there", "other"], ["there", "other"], ["other"])
    assert (row.loaded, row.pinned, row.inert_reason) == (True, True, "")
    assert "once its host is connected" in rows["b:1"].inert_reason
    assert "no Ollama" in rows["c:1"].inert_reason
    assert rows["b:1"].able_on == rows["c:1"].able_on == []


def test_a_host_that_goes_takes_the_actions_with_it(fresh_ollama: OllamaServer, tmp_path: Path) -> None:
    create_model(fresh_ollama, "mine:1", write_gguf(tmp_path / "mine.gguf", 400_000))
    with Driven(fresh_ollama.port) as driven:
        driven.connect()
        row = driven.until(lambda: driven.model_row("mine:1"))
        assert row is not None
        assert (row.inert_reason, row.can_load, row.loaded) == ("", True, False)
        assert details(row)["Full name"] == "registry.ollama.ai/library/mine:1"
        fresh_ollama.terminate()
        driven.until(lambda: "once its host is connected" in (driven.view.models[0].inert_reason))


# ---- installations that ended


def test_past_installations_come_newest_first_with_when_how_long_and_how_much() -> None:
    lost = InstallationStatus.failed("The connection was lost.")
    newest, cancelled, oldest = history_rows(
        [record(1), record(2, "b:1", InstallationStatus.CANCELLED), record(3, "c:1", lost, done=0)], ONLY
    )
    assert [row.name for row in (newest, cancelled, oldest)] == ["c:1", "b:1", "llama3.2:1b"]
    assert (newest.outcome, newest.tone, newest.reason) == ("Failed", Tone.DANGER, "The connection was lost.")
    assert (cancelled.outcome, cancelled.tone, cancelled.reason) == ("Cancelled", Tone.NEUTRAL, "")
    here = (NOON + timedelta(minutes=5)).astimezone()
    assert cancelled.detail == f"{here.day} Nov 2026, {here:%H:%M} · 3 min · 1 GB of 5.2 GB"
    assert newest.detail.endswith(" · 3 min")
    assert oldest.detail.endswith(" · 3 min · 5.2 GB")
    assert (oldest.outcome, oldest.tone) == ("Installed", Tone.OK)


def test_past_installations_that_were_no_downloads_say_what_the_models_were_made_of() -> None:
    files = msgspec.structs.replace(record(1), files=["/home/me/model-00001-of-00002.gguf", "/home/me/mmproj.gguf"])
    other = msgspec.structs.replace(record(2), source="base:latest", total_bytes=0, bytes_downloaded=0)
    derived, imported = history_rows([files, other], ONLY)
    assert derived.detail.endswith(" · 3 min · made of base:latest")
    assert imported.detail.endswith(" · 5.2 GB · made of model-00001-of-00002.gguf and 1 more")


def test_only_the_last_try_that_did_not_succeed_can_be_repeated() -> None:
    failed = InstallationStatus.failed("It failed.")
    history = [
        record(1, "a:1", failed), record(2, "a:1"), record(3, "b:1", failed), record(4, "b:1", failed),
        record(5, "not a name", failed), record(6, "c:1", failed, "http://gone:11434"),
    ]  # fmt: skip
    rows = {row.installation_id: row for row in history_rows(history, ONLY)}
    assert [name for name, row in rows.items() if row.can_repeat] == ["i4"]
    assert rows["i4"].repeat_on == []
    assert rows["i6"].host == "http://gone:11434"


def test_with_several_hosts_each_names_its_own() -> None:
    failed = InstallationStatus.failed("It failed.")
    first, second = history_rows([record(1, "a:1", failed, "http://b:11434"), record(2, "a:1")], BOTH)
    assert (first.host, second.host) == ("A", "B")
    assert (second.can_repeat, second.repeat_on) == (True, ["http://b:11434"])


def test_the_newest_are_shown_and_the_key_is_another_exactly_when_they_are() -> None:
    history = deque((record(number) for number in range(200)), maxlen=200)
    rows, key = history_rows(history, ONLY), history_key(history, ONLY)
    assert [row.installation_id for row in rows] == [f"i{number}" for number in range(199, 199 - MOST_REMEMBERED, -1)]
    assert history_key(history, ONLY) == key
    assert history_key(history, BOTH) != key
    history.append(record(200))
    assert history_key(history, ONLY) != key


def test_an_installation_that_failed_is_remembered_on_the_panel() -> None:
    with Driven() as driven:
        driven.update()
        assert (driven.view.history, driven.view.history_count) == ([], 0)
        driven.ask_for("not a name")
        driven.until_event(ModelInstallationFailed)
        driven.until(lambda: driven.view.history)
        (row,) = driven.view.history
        assert (row.name, row.outcome, row.host, row.can_repeat) == ("not a name", "Failed", "", False)
        assert row.reason == driven.installation("not a name").error_message
        assert driven.view.history_count == 1
        name = driven.view.hosts[0].name
        driven.write(AddHostRequested(f"127.0.0.1:{closed_port()}", "other"))
        driven.until(lambda: driven.view.history[0].host == name)
        driven.write(RemoveHostRequested("other"))
        driven.until(lambda: driven.view.history[0].host == "")
