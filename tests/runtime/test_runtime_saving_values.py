"""Values with a catch: what comes back of them, or why they are not saved."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TypedDict

import pytest

from ecs_localai.runtime import App
from ecs_localai.runtime.entity import Entity
from ecs_localai.runtime.saving.errors import LoadError, SaveError
from ecs_localai.runtime.saving.loading import load_world
from ecs_localai.runtime.saving.writing import save_world
from ecs_localai.runtime.type_registry import TypeRegistry


@dataclass
class Trail:
    """The last places, and perhaps others."""

    places: deque[Entity]
    others: deque[int] | list[int] | None = None


def test_a_deque_keeps_its_greatest_length_and_its_references(app: App) -> None:
    one, two = app.world.spawn(), app.world.spawn()
    trail = app.world.spawn(Trail(deque([one, two], maxlen=2), deque([1], maxlen=7)))
    new = load_world(app, save_world(app).data).entities
    loaded = app.world.get(new[trail], Trail)
    assert loaded == Trail(deque([new[one], new[two]]), deque([1]))
    assert isinstance(loaded.others, deque)
    assert (loaded.places.maxlen, loaded.others.maxlen) == (2, 7)


def test_a_deque_without_a_greatest_length_is_a_list_in_the_file(app: App) -> None:
    types = app.world.resource(TypeRegistry)
    assert types.to_builtins(Trail(deque([3]), [1])) == {
        "places": [3],
        "others": {"$type": "builtins.list", "value": [1]},
    }


@pytest.mark.parametrize(
    "data",
    [
        {"maxlen": 1, "items": [1, 2]},
        {"maxlen": -1, "items": []},
        {"maxlen": 10**30, "items": []},
        {"maxlen": True, "items": []},
        {"maxlen": 2},
        {"maxlen": 2, "items": [], "more": 1},
        {"maxlen": 2, "items": {}},
    ],
    ids=str,
)
def test_a_deque_that_cannot_be_is_refused(app: App, data: dict[str, object]) -> None:
    with pytest.raises(LoadError, match=r"places: .*maxlen"):
        app.world.resource(TypeRegistry).from_builtins(Trail, {"places": data})


@dataclass
class Price:
    """What something costs."""

    amount: Decimal


@pytest.mark.parametrize("text", ["NaN", "-NaN", "sNaN", "NaN123", "Infinity", "-0", "1.50", "1E+999999"])
def test_all_decimals_come_back_to_the_last_digit(app: App, text: str) -> None:
    types = app.world.resource(TypeRegistry)
    back = types.from_builtins(Price, types.to_builtins(Price(Decimal(text))))
    assert str(back.amount) == text


class Words(TypedDict):
    """A dict with a type for each key."""

    greeting: str


@dataclass
class Speaker:
    """Says something."""

    words: Words


def test_a_typed_dict_is_refused_with_the_remedy(app: App) -> None:
    app.world.spawn(Speaker({"greeting": "hello"}))
    with pytest.raises(SaveError, match=r"Speaker\.words: a TypedDict .* Use a dataclass instead\.$"):
        save_world(app)


@dataclass
class Doll:
    """A doll with another one inside."""

    inner: Doll | None = None


@dataclass
class Chest:
    """Anything."""

    content: object = None


def _doll(levels: int) -> Doll:
    doll = Doll()
    for _ in range(levels - 1):
        doll = Doll(doll)
    return doll


def _chest(levels: int) -> Chest:
    content: object = 1
    for _ in range(levels - 1):
        content = [content]
    return Chest(content)


@pytest.mark.parametrize("make", [_doll, _chest])
def test_all_that_is_saved_can_be_loaded_however_deep_it_is(app: App, make: Callable[[int], object]) -> None:
    deepest = app.world.spawn(make(99))
    loaded = load_world(app, save_world(app).data)  # the object of the entity's components is the hundredth
    assert app.world.components(loaded.entities[deepest]) == (make(99),)
    app.world.spawn(make(101))
    with pytest.raises(SaveError, match=r"^entities\.\d+: there are more than 100 lists and objects inside each other"):
        save_world(app)


@dataclass
class Tally:
    """A resource with a field that its constructor does not know."""

    points: int = 0
    best: int = field(init=False)


def test_a_field_that_the_file_lacks_stays_as_it_is_in_a_resource_that_is_there(app: App) -> None:
    tally = Tally(1)
    tally.best = 7
    app.insert_resource(tally)
    data = save_world(app).data.replace(b'"points": 1, "best": 7', b'"points": 2')
    load_world(app, data)
    assert app.world.resource(Tally) is tally
    assert (tally.points, tally.best) == (2, 7)
