"""Settings go into a file and come out of one, in the background, and nothing changes before a person has agreed."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pytest

from ecs_localai import (
    AddHostRequested,
    ExportSettingsRequested,
    ImportSettingsAnswered,
    ImportSettingsRequested,
    ModelSort,
    OllamaConfiguration,
    PanelSettings,
    PanelSettingsChanged,
    SettingsExported,
    SettingsImported,
    ThemeChoice,
    ToggleRequested,
)
from ecs_localai.components.panel_view import DataView, ImportView, Tone
from ecs_localai.systems.host_list import OllamaHosts
from ecs_localai.systems.preferences import Preferences
from ecs_localai.systems.saved_hosts import SavedHost
from ecs_localai.systems.settings_exchange import settings_of
from ecs_localai.systems.settings_file import SettingsFile, read_settings_file, write_settings_file
from ecs_localai.systems.settings_transfer import MOST_CHANGES, export_to
from tests.systems.systems_parts import Driven

CHOSEN = PanelSettings(ThemeChoice.DARK, 1.25, model_sort=ModelSort.SIZE)
WANTED = SettingsFile(
    hosts=[SavedHost("gpu-box", OllamaConfiguration(host="192.0.2.7"), is_default=True)],
    features={"custom_providers": True},
    panel=CHOSEN,
)


def wanted_file(folder: Path, settings: SettingsFile = WANTED) -> str:
    """A settings file; returns its path."""
    file = folder / "mine.json"
    file.write_text(write_settings_file(settings))
    return str(file)


def ask(driven: Driven, path: str) -> ImportView:
    """Drop a file, and wait for the question."""
    driven.write(ImportSettingsRequested(path))
    question = driven.until(lambda: driven.view.data.question)
    assert question is not None
    return question


def set_something(driven: Driven) -> None:
    """What a person may set."""
    driven.update()
    driven.write(AddHostRequested("http://192.0.2.1:8080", "workshop"))
    driven.write(ToggleRequested("chat_branching", on=False))
    driven.write(PanelSettingsChanged(CHOSEN))
    driven.until(lambda: driven.view.settings == CHOSEN)


def test_an_export_is_in_a_file_of_its_own_that_says_what_is_set(tmp_path: Path) -> None:
    with Driven(data_dir=tmp_path / "data") as driven:
        set_something(driven)
        driven.write(ExportSettingsRequested(str(tmp_path)))
        first = driven.until_event(SettingsExported)
        assert first.error_message is None
        file = Path(first.file)
        assert file.parent == tmp_path
        assert file.name.startswith("ecs-localai-settings-20")
        read, there = read_settings_file(file.read_bytes()), settings_of(driven.app)
        assert (read.hosts, read.features, read.panel) == (there.hosts, {"chat_branching": False}, CHOSEN)
        if os.name == "posix":
            assert stat.S_IMODE(file.stat().st_mode) == 0o600
        before = file.read_bytes()
        driven.write(ExportSettingsRequested(str(tmp_path)))
        second = driven.until_event(SettingsExported, 2)
        assert second.file == str(file.with_name(f"{file.stem}-2.json"))
        assert file.read_bytes() == before
        driven.until(lambda: second.file in driven.view.data.exchange_text)
        assert driven.view.data.exchange_tone is Tone.OK


def test_without_a_folder_it_goes_to_the_documents(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    documents = tmp_path / "Papers"
    monkeypatch.setenv("XDG_DOCUMENTS_DIR", str(documents))
    with Driven() as driven:
        driven.update()
        for number, folder in enumerate((tmp_path, documents), 1):
            driven.write(ExportSettingsRequested())
            assert Path(driven.until_event(SettingsExported, number).file).parent == folder
            documents.mkdir(exist_ok=True)


def test_where_nothing_can_be_written_it_is_said(tmp_path: Path) -> None:
    with Driven() as driven:
        driven.update()
        driven.write(ExportSettingsRequested(str(tmp_path / "nowhere")))
        told = driven.until_event(SettingsExported)
        assert told.file == ""
        assert told.error_message is not None
        assert str(tmp_path / "nowhere") in told.error_message
        driven.until(lambda: driven.view.data.exchange_text == told.error_message)
        assert driven.view.data.exchange_tone is Tone.DANGER


def test_a_name_that_is_taken_is_left_alone_whatever_it_is(tmp_path: Path) -> None:
    (tmp_path / "ecs-localai-settings-2026-11-23.json").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "ecs-localai-settings-2026-11-23-2.json").mkdir()
    file = export_to(tmp_path, SettingsFile(), date(2026, 11, 23))
    assert file.name == "ecs-localai-settings-2026-11-23-3.json"
    assert not (tmp_path / "elsewhere").exists()


def test_nothing_changes_before_it_was_agreed_to_and_then_what_was_shown(tmp_path: Path) -> None:
    with Driven(data_dir=tmp_path / "data") as driven:
        driven.update()
        question = ask(driven, wanted_file(tmp_path))
        assert question.file == "mine.json"
        assert "Hosts: gpu-box is added, at http://192.0.2.7:11434" in question.changes
        assert "Panel: theme: system → dark" in question.changes
        before = settings_of(driven.app)
        assert before.features is None
        assert before.panel == PanelSettings()
        driven.write(ImportSettingsAnswered(agreed=True))
        told = driven.until_event(SettingsImported)
        assert told.error_message is None
        assert told.changes >= len(question.changes)
        driven.until(lambda: driven.view.settings == CHOSEN)
        assert driven.view.data.question is None
        assert driven.view.data.exchange_tone is Tone.OK
        driven.until(lambda: driven.features.feature_flags["custom_providers"].enabled)
        assert driven.app.world.resource(OllamaHosts).named("gpu-box") is not None
    with Driven(data_dir=tmp_path / "data") as again:
        assert again.app.world.resource(Preferences).panel == CHOSEN
        assert again.app.world.resource(OllamaHosts).named("gpu-box") is not None


def test_what_was_declined_changes_nothing(tmp_path: Path) -> None:
    with Driven(data_dir=tmp_path / "data") as driven:
        driven.update()
        before = [one.to_saved() for one in driven.app.world.resource(OllamaHosts).all()]
        ask(driven, wanted_file(tmp_path))
        driven.write(ImportSettingsAnswered(agreed=False))
        driven.until(lambda: driven.view.data.question is None)
        driven.write(ImportSettingsAnswered(agreed=True))  # there is no question any more
        driven.update()
        assert [one.to_saved() for one in driven.app.world.resource(OllamaHosts).all()] == before
        assert driven.view.settings == PanelSettings()
        assert driven.view.data.exchange_text == "Nothing was imported."
        assert driven.events(SettingsImported) == []


def test_what_was_set_meanwhile_is_asked_about_anew(tmp_path: Path) -> None:
    with Driven() as driven:
        driven.update()
        first = ask(driven, wanted_file(tmp_path))
        driven.write(PanelSettingsChanged(PanelSettings(ThemeChoice.LIGHT, 1.25, model_sort=ModelSort.SIZE)))
        driven.until(lambda: driven.view.settings.theme is ThemeChoice.LIGHT)
        driven.write(ImportSettingsAnswered(agreed=True))
        driven.until(lambda: driven.view.data.question not in (None, first))
        question = driven.view.data.question
        assert question is not None
        assert "Panel: theme: light → dark" in question.changes
        assert driven.view.settings.theme is ThemeChoice.LIGHT
        driven.write(ImportSettingsAnswered(agreed=True))
        driven.until(lambda: driven.view.settings == CHOSEN)


def test_a_file_that_changes_nothing_asks_nothing(tmp_path: Path) -> None:
    with Driven() as driven:
        set_something(driven)
        driven.write(ImportSettingsRequested(wanted_file(tmp_path, SettingsFile(panel=CHOSEN))))
        assert driven.until_event(SettingsImported).changes == 0
        driven.until(lambda: driven.view.data.exchange_text.startswith("Nothing changes: all that mine.json says"))
        assert driven.view.data.question is None


def a_folder(path: Path) -> None:
    path.mkdir()


def some_text(path: Path) -> None:
    path.write_text("Dear diary, …")


def a_newer_one(path: Path) -> None:
    path.write_text('{"format": "ecs-localai settings", "version": 99}')


def a_large_one(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(17 * 1024 * 1024)


def nothing(path: Path) -> None:
    """There is no such file."""


@pytest.mark.parametrize("make", [a_folder, some_text, a_newer_one, a_large_one, nothing])
def test_what_is_no_settings_file_is_refused_with_a_sentence(make: Callable[[Path], None], tmp_path: Path) -> None:
    dropped = tmp_path / "dropped.thing"
    make(dropped)
    with Driven() as driven:
        driven.update()
        driven.write(ImportSettingsRequested(str(dropped)))
        told = driven.until_event(SettingsImported)
        assert told.error_message is not None
        assert "dropped.thing" in told.error_message
        assert told.error_message.endswith(".")
        driven.until(lambda: driven.view.data.exchange_text == told.error_message)
        assert driven.view.data.exchange_tone is Tone.DANGER
        assert driven.view.data.question is None


def test_a_second_file_takes_the_place_of_the_first_question(tmp_path: Path) -> None:
    other = tmp_path / "other.json"
    other.write_text(write_settings_file(SettingsFile(features={"auto_models": False})))
    with Driven() as driven:
        driven.update()
        ask(driven, wanted_file(tmp_path))
        driven.write(ImportSettingsRequested(str(other)))
        driven.until(lambda: driven.view.data.question is not None and driven.view.data.question.file == "other.json")
        driven.write(ImportSettingsAnswered(agreed=True))
        driven.until(lambda: not driven.features.feature_flags["auto_models"].enabled)
        assert driven.view.settings == PanelSettings()


def test_of_many_changes_the_question_shows_the_first_and_how_many_more(tmp_path: Path) -> None:
    many = [SavedHost(f"box {n}", OllamaConfiguration(host=f"192.0.2.{n}"), is_default=n == 1) for n in range(1, 60)]
    with Driven() as driven:
        driven.update()
        question = ask(driven, wanted_file(tmp_path, SettingsFile(hosts=many)))
        assert len(question.changes) == MOST_CHANGES + 1
        assert question.changes[-1].startswith("and ")


def test_the_view_says_where_the_data_lies_or_that_nothing_is_kept(tmp_path: Path) -> None:
    with Driven(data_dir=tmp_path) as driven:
        driven.update()
        assert driven.view.data == DataView(str(tmp_path))
    with Driven() as driven:
        driven.update()
        assert driven.view.data == DataView()


def test_a_sentence_about_the_file_stays_as_long_as_it_holds(tmp_path: Path) -> None:
    (tmp_path / "ecs-localai.sqlite3").write_bytes(b"this is no database" * 400)
    with Driven(data_dir=tmp_path) as driven:
        driven.update()
        notice = driven.view.data.notice
        assert notice is not None
        assert notice in driven.notices()
        driven.update(timedelta(hours=1).total_seconds())
        assert driven.view.data.notice == notice
