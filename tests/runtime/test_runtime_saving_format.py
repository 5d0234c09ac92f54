"""The file's format: what version 1 looks like for ever, and how older versions are brought forward."""

from __future__ import annotations

import json
from collections import Counter, deque
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import pytest

from ecs_localai.runtime import App, DespawnOnExit, State
from ecs_localai.runtime.saving.errors import LoadError
from ecs_localai.runtime.saving.format import FORMAT, MIGRATIONS, VERSION, migrated
from ecs_localai.runtime.saving.loading import load_world
from ecs_localai.runtime.saving.writing import save_world
from tests.runtime.saving_parts import (
    Bag,
    Box,
    Boxes,
    Cell,
    Colour,
    Inventory,
    Item,
    Level,
    Links,
    Marker,
    Material,
    Mode,
    Moments,
    Name,
    Plain,
    Position,
    Rights,
    Rules,
    Score,
    Seat,
    Several,
    Velocity,
    types_of,
)

VERSION_1 = Path(__file__).with_name("saved") / "version-1.json"
"""Saved by the first version, of `_version_1`. Never changed: worlds that people saved look like it."""


def _version_1(app: App) -> None:
    """The world in the file, with its entities numbered from 1 to 5."""
    app.init_state(Mode.PLAY)
    app.insert_resource(Score(7, 2, [1.5, float("inf")]))
    app.insert_resource(Rules(5))
    ring = Item("ring", 0.25, Material.STONE)
    app.world.spawn(Position(1.5, -2), Velocity(3), Name("Ada"), Marker(), Colour.GREEN, DespawnOnExit(Mode.PLAY))
    app.world.spawn(
        Links(1, [3, 4], (5, 7), {"it": 1}, {2: Seat(3, 1)}, frozenset({5, 4}), [None, Seat(1)]), Plain(3.0)
    )
    app.world.spawn(
        Inventory(
            {"a": Item("box", inside=[ring])},
            {(1, -2): [ring]},
            {Level.HIGH: frozenset({3, 1})},
            {(2, "b"), (1, "a")},
            deque([ring]),
            Counter("aab"),
            Rights.READ | Rights.WRITE,
            Colour.RED,
            "cross",
        ),
        Moments(
            datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC),
            timedelta(days=1, seconds=2, microseconds=3),
            raw=b"\x00\xff",
            price=Decimal("1.10"),
            key=UUID(int=1),
        ),
    )
    app.world.spawn(
        Several(
            1, "NaN", Cell(1, 2), Velocity(4), [Seat(1), {1: (2, b"x")}, {"$type": frozenset({1})}], [1], {2: "two"}
        ),
        Bag([1, (2, None)]),
        Boxes(Box(1), Box(2), Box([3, 4])),
    )
    app.world.spawn()


def _held(app: App) -> list[dict[type, object]]:
    return [{type(component): component for component in app.world.components(entity)} for entity in range(1, 6)]


def test_a_world_that_version_1_saved_is_loaded(app: App) -> None:
    with App() as fresh:
        _version_1(fresh)
        types_of(app)
        app.init_state(Mode.MENU)
        loaded = load_world(app, VERSION_1.read_bytes())
        assert loaded.version == 1
        assert loaded.entities == {entity: entity for entity in range(1, 6)}
        assert _held(app) == _held(fresh)
        assert app.world.resource(Score) == fresh.world.resource(Score)
        assert app.world.resource(Rules) == fresh.world.resource(Rules)
        assert app.world.resource(State[Mode]).get() is Mode.PLAY


def test_the_present_version_saves_it_as_it_was_saved(app: App) -> None:
    """If this fails, the format has changed: append a migration, and a file of the new version beside the old one."""
    _version_1(app)
    assert save_world(app).data.decode() == VERSION_1.read_text(encoding="utf-8")


def test_the_file_is_json_with_the_formats_name_the_version_and_a_line_an_entity() -> None:
    text = VERSION_1.read_text(encoding="utf-8")
    whole = json.loads(text)
    assert list(whole) == ["format", "version", "resources", "states", "entities"]
    assert (whole["format"], whole["version"]) == (FORMAT, 1)
    for entity in range(1, 6):
        assert sum(line.startswith(f'  "{entity}": ') for line in text.splitlines()) == 1


def _renamed(document: dict[str, object]) -> dict[str, object]:
    return {("things" if name == "entities" else name): value for name, value in document.items()}


def _counted(document: dict[str, object]) -> dict[str, object]:
    things = document["things"]
    assert isinstance(things, dict)
    return {**document, "count": len(things)}


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        (1, {"things": {"1": {}}, "count": 1}),
        (2, {"things": {"1": {}}, "count": 1}),
        (3, {"things": {"1": {}}}),
    ],
)
def test_each_version_takes_the_steps_that_it_lacks(version: int, expected: dict[str, object]) -> None:
    old: dict[str, object] = {"entities": {"1": {}}} if version == 1 else {"things": {"1": {}}}
    assert migrated(old, version, [_renamed, _counted]) == expected


def test_a_newer_version_is_refused_with_what_to_do() -> None:
    with pytest.raises(LoadError, match=r"version 4, and this one knows those up to 3\. Update ecs-localai"):
        migrated({}, 4, [_renamed, _counted])
    assert len(MIGRATIONS) + 1 == VERSION
