"""Files that were dropped on the window: what they are is found out, and they are handed on as that."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ecs_localai import FilesDropped, ImportModelRequested, ImportSettingsRequested
from ecs_localai.systems.dropped_files import DropKind, kind_by_name, kind_of
from tests.rig.model_files import write_gguf
from tests.systems.systems_parts import Driven, assert_clear


@pytest.mark.parametrize(
    ("names", "kind"),
    [
        (["a.gguf"], DropKind.MODEL),
        (["a-00001-of-00002.gguf", "a-00002-of-00002.GGUF"], DropKind.MODEL),
        (["Modelfile"], DropKind.MODEL),
        (["my.modelfile"], DropKind.MODEL),
        (["settings.json"], DropKind.SETTINGS),
        (["settings.json", "a.gguf"], None),
        (["notes.txt"], None),
        (["Modelfile", "a.gguf"], None),
        ([], None),
    ],
)
def test_names_tell_what_files_are_or_do_not(names: list[str], kind: DropKind | None) -> None:
    assert kind_by_name([f"/home/ada/{name}" for name in names]) is kind


def test_files_without_a_telling_name_are_looked_into(tmp_path: Path) -> None:
    recipe, settings, model = tmp_path / "recipe.txt", tmp_path / "settings", tmp_path / "blob"
    recipe.write_text("# mine\nFROM llama3.2:1b\n")
    settings.write_bytes(b'\xef\xbb\xbf\n {"version": 1}')
    write_gguf(model, 400_000)
    for path, kind in ((recipe, DropKind.MODEL), (settings, DropKind.SETTINGS), (model, DropKind.MODEL)):
        assert kind_of([str(path)]) is kind
    assert kind_of([str(tmp_path)]) is DropKind.MODEL
    assert kind_of([str(tmp_path / "gone")]) is DropKind.MODEL


def arrivals(driven: Driven, kind: type[object]) -> Callable[[], list[object]]:
    """Collects the requests of a kind that come from now on."""
    reader = driven.app.events(kind).reader()
    found: list[object] = []

    def look() -> list[object]:
        found.extend(reader.read())
        return found

    return look


def test_in_the_world_they_are_handed_on_as_what_they_are(tmp_path: Path) -> None:
    recipe, settings = tmp_path / "recipe.txt", tmp_path / "settings"
    recipe.write_text("FROM llama3.2:1b\n")
    settings.write_text("{}")
    with Driven() as driven:
        models = arrivals(driven, ImportModelRequested)
        driven.write(FilesDropped([str(recipe)], ["here", "there"]))
        driven.until(models)
        assert models() == [ImportModelRequested([str(recipe)], "", host) for host in ("here", "there")]
        others = arrivals(driven, ImportSettingsRequested)
        driven.write(FilesDropped([str(settings)]))
        driven.until(others)
        assert others() == [ImportSettingsRequested(str(settings))]


@pytest.mark.parametrize("what", ["text", "folder", "gone", "a recipe with a model"])
def test_what_is_neither_is_said_in_a_sentence(what: str, tmp_path: Path) -> None:
    text, folder, recipe, model = (tmp_path / name for name in ("notes.txt", "folder", "Modelfile", "a.gguf"))
    text.write_text("Dear diary")
    folder.mkdir()
    recipe.write_text("FROM x")
    write_gguf(model, 400_000)
    paths = {
        "text": [text], "folder": [folder], "gone": [tmp_path / "gone"], "a recipe with a model": [recipe, model],
    }[what]  # fmt: skip
    with Driven() as driven:
        driven.update()
        driven.write(FilesDropped([str(path) for path in paths]))
        driven.until(driven.notices)
        (notice,) = driven.notices()
        assert paths[0].name in notice
        assert_clear(notice)
