"""Random worlds are saved and loaded, against a model that is a dict of plans for the components."""

from __future__ import annotations

import re
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ecs_localai.runtime import App
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

Ids = Sequence[int]
Plan = Callable[[Ids], object]
"""Makes a component out of the ids that the model's entities have in some world."""


@dataclass
class ModelWorld:
    """What a world is made of, without any ids."""

    entities: list[dict[type, Plan]] = field(default_factory=list)
    resources: list[Plan] = field(default_factory=list)
    gaps: list[int] = field(default_factory=list)
    """Before which entities another one is made and deleted again."""


NUMBERS = st.floats(allow_nan=False)
WHOLE = st.integers()
TEXT = st.text(max_size=6)
CELLS = st.builds(Cell, WHOLE, WHOLE)
ITEMS = st.recursive(
    st.builds(Item, TEXT, NUMBERS, st.sampled_from(Material)),
    lambda inner: st.builds(Item, TEXT, NUMBERS, st.sampled_from(Material), st.lists(inner, max_size=2)),
    max_leaves=4,
)
PAIRS = st.tuples(WHOLE, WHOLE)
INVENTORIES = st.builds(
    Inventory,
    st.dictionaries(TEXT | st.sampled_from(["$type", "value"]), ITEMS, max_size=3),
    st.dictionaries(PAIRS, st.lists(ITEMS, max_size=2), max_size=2),
    st.dictionaries(st.sampled_from(Level), st.frozensets(WHOLE, max_size=4), max_size=2),
    st.sets(st.tuples(WHOLE, TEXT), max_size=3),
    st.lists(ITEMS, max_size=2).map(deque),
    st.lists(TEXT, max_size=4).map(Counter),
    st.sampled_from([Rights(0), Rights.READ, Rights.WRITE, Rights.READ | Rights.WRITE]),
    st.none() | st.sampled_from(Colour),
    st.sampled_from(["calm", "cross"]),
)
MOMENTS = st.builds(
    Moments,
    (st.datetimes() | st.datetimes(timezones=st.just(UTC))).map(lambda one: one.replace(fold=0)),
    st.timedeltas(),
    st.dates(),
    st.times().map(lambda one: one.replace(fold=0)),
    st.binary(max_size=8),
    st.decimals(allow_nan=False),
    st.none() | st.uuids(),
)
ANYTHING = st.recursive(
    st.none() | st.booleans() | WHOLE | NUMBERS | TEXT | st.binary(max_size=3) | CELLS | st.sampled_from(Colour),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.lists(inner, max_size=3).map(tuple),
        st.dictionaries(TEXT | st.just("$type"), inner, max_size=3),
        st.dictionaries(PAIRS | st.booleans() | TEXT, inner, max_size=3),
        st.frozensets(WHOLE | TEXT, max_size=3),
        st.builds(Box, inner),
    ),
    max_leaves=6,
)
SEVERAL = st.builds(
    Several,
    st.none() | WHOLE | TEXT,
    NUMBERS | TEXT | st.just("NaN") | WHOLE,
    st.none() | CELLS | st.builds(Position, NUMBERS) | st.lists(WHOLE, max_size=3),
    st.none() | st.builds(Position, NUMBERS) | st.builds(Velocity, NUMBERS),
    ANYTHING,
    st.lists(WHOLE, max_size=3) | st.lists(WHOLE, max_size=3).map(tuple),
    st.dictionaries(WHOLE, TEXT, max_size=3),
)
WITHOUT_IDS = st.one_of(
    st.builds(Position, NUMBERS, NUMBERS | WHOLE),
    st.builds(Velocity, NUMBERS),
    CELLS,
    st.builds(Name, TEXT),
    st.lists(ANYTHING, max_size=3).map(Bag),
    st.just(Marker()),
    INVENTORIES,
    MOMENTS,
    SEVERAL,
    st.builds(Plain, NUMBERS),
    st.sampled_from(Colour),
    st.sampled_from(Material),
)


def _always(value: object) -> Plan:
    return lambda _ids: value


def _links(who: list[int], numbers: list[int], names: list[str]) -> Plan:
    """Links to the entities at these places of the model."""

    def plan(ids: Ids) -> Links:
        them = [ids[one] for one in who]
        return Links(
            them[0] if them else None,
            them,
            (them[-1], len(numbers)) if them else None,
            dict(zip(names, them, strict=False)),
            {one: Seat(other, 7) for one, other in zip(them, reversed(them), strict=True)},
            frozenset(them),
            [Seat(one, number) for one, number in zip(them, numbers, strict=False)] + [None],
        )

    return plan


def _boxes(one: int, others: list[int]) -> Plan:
    return lambda ids: Boxes(Box(1), Box(ids[one]), Box([ids[other] for other in others]))


def _bag(one: int) -> Plan:
    return lambda ids: Several(five=[Seat(ids[one]), {"deep": (Seat(ids[one]),)}])


def _score(points: int, best: int, history: list[float]) -> Plan:
    return lambda ids: Score(points, ids[best], history)


@st.composite
def worlds(draw: st.DrawFn) -> ModelWorld:
    """A few entities with a few components each, which refer to one another."""
    size = draw(st.integers(1, 6))
    places = st.integers(0, size - 1)
    links = st.builds(_links, st.lists(places, max_size=4), st.lists(WHOLE, max_size=3), st.lists(TEXT, max_size=3))
    boxes = st.builds(_boxes, places, st.lists(places, max_size=3))
    with_ids = links | boxes | places.map(_bag)
    plans = WITHOUT_IDS.map(_always) | with_ids
    nobody = list(range(1, size + 1))
    entities = [{type(plan(nobody)): plan for plan in draw(st.lists(plans, max_size=4))} for _ in range(size)]
    resources: list[Plan] = [draw(st.builds(_score, WHOLE, places, st.lists(NUMBERS, max_size=3)))]
    resources += draw(st.lists(st.builds(Rules, WHOLE).map(_always), max_size=1))
    return ModelWorld(entities, resources, draw(st.lists(places, max_size=3)))


def build(app: App, model: ModelWorld) -> list[int]:
    """Make the model's world; returns its entities' ids."""
    ids = []
    for place in range(len(model.entities)):
        for _ in range(model.gaps.count(place)):
            app.world.despawn(app.world.spawn())
        ids.append(app.world.spawn())
    for entity, plans in zip(ids, model.entities, strict=True):
        app.world.insert(entity, *(plan(ids) for plan in plans.values()))
    for plan in model.resources:
        app.insert_resource(plan(ids))
    return ids


def check(app: App, model: ModelWorld, ids: Ids) -> None:
    """The app's world is the model's."""
    for entity, plans in zip(ids, model.entities, strict=True):
        held = {type(component): component for component in app.world.components(entity)}
        assert held == {kind: plan(ids) for kind, plan in plans.items()}
        for kind, plan in plans.items():
            if kind is not Plain:  # has no repr of its own; others show with it what `==` does not: 1 and 1.0
                assert sorted(repr(held[kind])) == sorted(repr(plan(ids)))
    for plan in model.resources:
        value = plan(ids)
        assert app.world.resource(type(value)) == value


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(worlds())
def test_what_is_loaded_equals_what_was_saved(model: ModelWorld) -> None:
    with App() as app, App() as second, App() as third:
        ids = build(app, model)
        saved = save_world(app)
        assert saved.skipped == []
        assert saved.entities == len(ids)
        check(app, model, ids)  # saving changes nothing

        types_of(second)
        loaded = load_world(second, saved.data)
        assert list(loaded.entities) == ids
        check(second, model, list(loaded.entities.values()))

        again = save_world(second)
        assert (again.data == saved.data) is (ids == list(loaded.entities.values()))
        types_of(third)
        load_world(third, again.data)
        assert save_world(third).data == again.data
        assert _without_entities(again.data) == _without_entities(saved.data)


def _without_entities(data: bytes) -> list[bytes]:
    """The file with all whole numbers masked: what is the same whatever ids entities have, as far as it is text."""
    return sorted(re.sub(rb"\d+", b"0", line) for line in data.splitlines())


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(worlds(), worlds())
def test_loading_adds_to_the_world_or_replaces_it(one: ModelWorld, other: ModelWorld) -> None:
    with App() as app, App() as host:
        build(app, other)
        data = save_world(app).data
        types_of(host)
        ids = build(host, one)
        one.resources.clear()  # there is one of a type
        loaded = list(load_world(host, data).entities.values())
        check(host, one, ids)
        check(host, other, loaded)
        load_world(host, data)
        before = save_world(host).entities
        final = load_world(host, data, replace=True)
        check(host, other, list(final.entities.values()))
        bare = sum(not plans for plans in (*one.entities, *other.entities, *other.entities))
        assert before == len(one.entities) + 2 * len(other.entities)
        assert save_world(host).entities == bare + len(other.entities)
