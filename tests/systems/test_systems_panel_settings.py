"""What a person chose in the panel is kept, shown, and there after a restart."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from ecs_localai import ModelSort, PanelSettings, PanelSettingsChanged, ThemeChoice, WindowPlace
from ecs_localai.systems.preferences import Preferences
from tests.rig.ollama_server import OllamaServer
from tests.systems.systems_parts import Driven

CHOSEN = PanelSettings(ThemeChoice.DARK, 1.25, WindowPlace(800, 700, 10, -20, True), ModelSort.SIZE, True)


def test_what_was_chosen_is_there_after_a_restart(tmp_path: Path) -> None:
    with Driven(data_dir=tmp_path) as driven:
        driven.update()
        assert driven.view.settings == PanelSettings()
        driven.write(PanelSettingsChanged(CHOSEN))
        driven.update()
        assert driven.app.world.resource(Preferences).panel == CHOSEN
        assert driven.view.settings == CHOSEN
    with Driven(data_dir=tmp_path) as again:
        assert again.app.world.resource(Preferences).panel == CHOSEN
        again.update()
        assert again.view.settings == CHOSEN


def test_the_last_of_several_choices_in_a_frame_counts() -> None:
    with Driven() as driven:
        driven.update()
        driven.write(PanelSettingsChanged(PanelSettings(scale=2.0)))
        driven.write(PanelSettingsChanged(PanelSettings(ThemeChoice.LIGHT, 2.0)))
        driven.update()
        assert driven.view.settings == PanelSettings(ThemeChoice.LIGHT, 2.0)


def test_the_panel_is_painted_anew_only_when_a_choice_is_another() -> None:
    with Driven() as driven:
        driven.clock_stands = True
        driven.write(PanelSettingsChanged(CHOSEN))
        driven.until(lambda: driven.view.settings == CHOSEN)
        driven.until(lambda: driven.view.host.status_text == "Not connected")
        revision = driven.view.revision
        driven.write(PanelSettingsChanged(CHOSEN))
        for _ in range(3):
            driven.update()
        assert driven.view.revision == revision
        driven.write(PanelSettingsChanged(PanelSettings()))
        driven.update()
        assert driven.view.revision == revision + 1


def test_a_choice_that_a_program_made_by_itself_is_shown_too() -> None:
    with Driven() as driven:
        driven.update()
        driven.app.world.resource(Preferences).set_panel(CHOSEN)
        driven.until(lambda: driven.view.settings == CHOSEN)


def test_the_models_change_places_at_once(ollama_server: OllamaServer) -> None:
    with Driven(ollama_server.port) as driven:
        driven.connect()
        for by, turned in ((ModelSort.NAME, False), (ModelSort.NAME, True), (ModelSort.SIZE, True)):
            driven.write(PanelSettingsChanged(PanelSettings(model_sort=by, sort_reversed=turned)))
            driven.update()
            names = [row.name for row in driven.view.models]
            if by is ModelSort.NAME:
                assert names == sorted(ollama_server.model_names(), reverse=turned)
            else:
                sizes = [driven.models.installed_models[name].size or 0 for name in names]
                assert sizes == sorted(sizes)


def test_an_unreadable_choice_is_told_and_the_usual_one_is_used(tmp_path: Path) -> None:
    with Driven(data_dir=tmp_path) as driven:
        driven.app.world.resource(Preferences).set_panel(CHOSEN)
    with Driven(data_dir=tmp_path) as driven:
        from ecs_localai.systems.persistence import SavedState

        driven.app.world.resource(SavedState).set_setting("panel", {"theme": "purple"})
    with Driven(data_dir=tmp_path) as driven:
        driven.update()
        assert driven.view.settings == PanelSettings()
        assert any("'panel'" in text for text in driven.notices())
    with sqlite3.connect(tmp_path / "ecs-localai.sqlite3") as store:
        assert store.execute("SELECT count(*) FROM settings WHERE key = 'panel'").fetchone() == (1,)
