"""What is wrong with a saved world is said with its place, and nothing in the world has changed."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pytest

from ecs_localai.runtime import App
from ecs_localai.runtime.saving.errors import LoadError, UnknownTypeError
from ecs_localai.runtime.saving.loading import load_world
from ecs_localai.runtime.saving.writing import save_world
from ecs_localai.runtime.type_registry import TypeRegistry
from tests.runtime.saving_parts import Links, Mode, Position, Score, Seat, Sprite, types_of


def _refused(app: App, data: bytes | str) -> str:
    """The error of loading it, which must not have changed anything."""
    before = save_world(app).data
    with pytest.raises(LoadError) as caught:
        load_world(app, data, replace=True)
    assert save_world(app).data == before
    return str(caught.value)


GOOD = (
    b'{"format": "ecs-localai world", "version": 1, "resources": {"tests.runtime.saving_parts.Score": {"points": 9}},'
    b' "states": {"tests.runtime.saving_parts.Mode": "PLAY"},'
    b' "entities": {"1": {"tests.runtime.saving_parts.Position": {"x": 1}}, "2": {}}}'
)


@pytest.fixture
def full(app: App) -> App:
    """An app with something in it."""
    types_of(app)
    app.init_state(Mode.MENU)
    app.insert_resource(Score(1))
    app.world.spawn(Position(5), Links(1))
    return app


def test_the_sound_file_that_the_damaged_ones_are_made_of_is_loaded(full: App) -> None:
    loaded = load_world(full, GOOD, replace=True)
    assert [*loaded.entities] == [1, 2]
    assert full.world.resource(Score).points == 9
    assert load_world(full, GOOD.decode()).version == 1


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (b"}}", b"", "no sound JSON"),
        (b'"x": 1', b'"x": 1\xff', "no sound JSON"),
        (b'"x": 1', b'"x": ' + b"[" * 200_000, "no sound JSON"),
        (b'"x": 1', b'"x": NaN', "NaN is no number in JSON"),
        (b'"x": 1', b'"x": 1' + b"0" * 5000, "no sound JSON"),
        (b"ecs-localai world", b"something else", "no saved world"),
        (GOOD, b"[]", "no saved world"),
        (GOOD, b"", "no sound JSON"),
        (b'"version": 1', b'"version": 2', "newer version of ecs-localai.* Update ecs-localai"),
        (b'"version": 1', b'"version": 0', "whole number from 1 on"),
        (b'"version": 1', b'"version": true', "whole number from 1 on"),
        (b'"version": 1, ', b"", "not None"),
        (b'"states"', b'"moods"', "resources, states, entities and nothing else"),
        (b'"version": 1', b'"version": 1, "more": 1', "and nothing else"),
        (b'{"tests.runtime.saving_parts.Mode": "PLAY"}', b"[]", "^states: an object belongs here"),
        (b'"PLAY"', b"1", r"^states\.tests.*Mode: a state's name belongs here, not 1"),
        (b'"PLAY"', b'"LUNCH"', "Mode, one of MENU, PLAY, belongs here, not 'LUNCH'"),
        (b"saving_parts.Mode", b"saving_parts.Colour", "has no tests.runtime.saving_parts.Colour"),
        (b"saving_parts.Mode", b"saving_parts.Mood", "not registered"),
        (b'"2": {}', b'"2": []', r"^entities\.2: an object of components belongs here, not a list"),
        (b'"2": {}', b'"two": {}', "an entity's id belongs here, not 'two'"),
        (b'"2": {}', b'"01": {}', "an entity's id belongs here"),
        (b'"2": {}', b'"0": {}', "an entity's id belongs here"),
        (b'"2": {}', b'"' + b"9" * 5000 + b'": {}', "an entity's id belongs here"),
        (b'"2": {}', b'"2": {"\\ud800": {}}', r"^entities\.2: a name that can be printed belongs here, not '\\ud800'"),
        (b"saving_parts.Score", b"\\u001b[31m", "^resources: a name that can be printed belongs here"),
        (b'"PLAY"', b'"\\ud800"', r"^states\.tests.*Mode: a name that can be printed belongs here"),
        (b'"2": {}', b'"1": {}', "The name '1' is there twice"),
        (b'{"x": 1}', b'{"x": 1, "x": 2}', "The name 'x' is there twice"),
        (b'{"x": 1}', b'{"x": "1"}', r"^entities\.1\.tests\.runtime\.saving_parts\.Position\.x: a number belongs here"),
        (b'{"x": 1}', b"7", r"Position: an object with the fields of Position belongs here, not 7\.$"),
        (b"saving_parts.Position", b"saving_parts.Gone", r"^entities\.1: the type .*Gone is not registered"),
        (b"saving_parts.Position", b"saving_parts.EVERY_COMPONENT", "is not registered"),
        (b'"points": 9', b'"points": "9"', r"^resources\.tests\.runtime\.saving_parts\.Score\.points: a whole"),
        (b"saving_parts.Score", b"saving_parts.Sum", r"^resources: the type .*Sum is not registered"),
    ],
    ids=lambda value: value[:40].decode(errors="replace") if isinstance(value, bytes) else "",
)  # fmt: skip
def test_damage_is_refused_with_its_place_and_nothing_changes(full: App, old: bytes, new: bytes, message: str) -> None:
    assert GOOD.count(old) >= 1
    found = _refused(full, new if old == GOOD else GOOD.replace(old, new))
    assert re.search(message, found)
    assert found.endswith((".", "?"))


def test_all_unknown_types_are_named_at_once(app: App) -> None:
    data = GOOD.replace(b"saving_parts.Position", b"saving_parts.Gone").replace(b"parts.Score", b"parts.Lost")
    with pytest.raises(UnknownTypeError, match=r"saving_parts\.Gone, tests\.runtime\.saving_parts\.Lost are not"):
        load_world(app, data)


class _Speed:
    """Once had an attribute `knots`, which became a property with a rule."""

    @property
    def knots(self) -> float:
        return 0.0

    @knots.setter
    def knots(self, value: float) -> None:
        raise ValueError(f"{value} is too fast")


def test_an_attribute_that_became_a_property_may_refuse_what_was_saved(full: App) -> None:
    full.world.resource(TypeRegistry).register(_Speed)
    name = full.world.resource(TypeRegistry).name_of(_Speed)
    data = GOOD.replace(b'"2": {}', b'"2": {"%s": {"knots": 40}}' % name.encode())
    found = _refused(full, data)
    assert found == f"entities.2.{name}: _Speed refuses what is here: ValueError: 40 is too fast"


@dataclass
class _Picky:
    """A component that refuses ids above 10."""

    who: Seat

    def __post_init__(self) -> None:
        if self.who.who > 10:
            raise ValueError("too high")


def test_a_class_that_refuses_the_new_ids_leaves_the_world_as_it_was(full: App) -> None:
    full.world.resource(TypeRegistry).register(_Picky)
    name = full.world.resource(TypeRegistry).name_of(_Picky)
    for _ in range(12):
        full.world.spawn(Position(0))
    data = GOOD.replace(b'"2": {}', b'"2": {"%s": {"who": {"who": 1}}}' % name.encode())
    assert "_Picky refuses what is here: ValueError: too high" in _refused(full, data)


def test_a_required_component_that_cannot_be_made_leaves_the_world_as_it_was(full: App) -> None:
    def broken() -> Sprite:
        raise OSError("no such picture")

    full.world.resource(TypeRegistry).register_required(Position, Sprite, broken)
    assert "the Sprite beside it cannot be made: no such picture" in _refused(full, GOOD)
