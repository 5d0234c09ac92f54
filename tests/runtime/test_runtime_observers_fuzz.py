"""Observers that change the world while they are told of a change: what they are told stays true, and queries too.

Each witness keeps an index of components by what it is told alone, as a program would that keeps a map of names or a
grid of places; after every change the index is what plain esper says is there. One witness comes before the observer
that interferes, and is told of everything in the order in which it happened. One comes after it: by the time that it
would be told of a change, another may have undone it.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import esper
import pytest

from ecs_localai.runtime import Add, App, Insert, On, Remove, SystemFailed
from tests.runtime.fuzz_parts import FACTOR, SIGNATURES, Alpha, Beta, Row, entities_by_esper, identified, kinds_of
from tests.runtime.fuzz_witness import Witness

pytestmark = pytest.mark.timeout(120 * FACTOR)


class Meddler:
    """An observer that sometimes does something to the world, mostly to the entity that it is told of."""

    def __init__(self, app: App, random: Random) -> None:
        self.app = app
        self._random = random
        self._deep = 0
        for observer in (self.added, self.inserted, self.removed, self.others):
            app.add_observer(observer)

    def added(self, on: On[Add, Alpha]) -> None:
        self._meddle(on.entity)

    def inserted(self, on: On[Insert, Alpha]) -> None:
        self._meddle(on.entity)

    def removed(self, on: On[Remove, Alpha]) -> None:
        self._meddle(on.entity)

    def others(self, on: On[Insert, Beta]) -> None:
        self._meddle(on.entity)

    def _meddle(self, entity: int) -> None:
        if self._deep < 2 and self._random.random() < 0.4:
            self._deep += 1
            try:
                change(self.app, self._random, entity)
            finally:
                self._deep -= 1


def change(app: App, random: Random, told: int | None = None) -> str:
    """Any change by the app's world; returns what it was."""
    with app.world.active():
        there = list(esper.get_entities())
    entity = told if told is not None and random.random() < 0.8 else random.choice(there) if there else 1
    kinds = kinds_of(random.randrange(16))
    value = random.randrange(3)
    changes: dict[str, Callable[[], object]] = {
        "spawn": lambda: app.world.spawn(*(kind(value) for kind in kinds)),
        "insert": lambda: app.world.insert(entity, *(kind(value) for kind in kinds)),
        "remove": lambda: app.world.remove(entity, *kinds),
        "despawn": lambda: app.world.despawn(entity),
        "set": lambda: app.world.set_if_neq(entity, Beta(value)),
        "queue": lambda: app.commands.insert(entity, *(kind(value) for kind in kinds)),
    }
    what = random.choice(list(changes))
    changes[what]()
    return f"{what} {entity} {[kind.__name__ for kind in kinds]} {value}"


def by_host(app: App, random: Random) -> str:
    """A change with plain esper, which observers are told of in the next frame."""
    with app.world.active():
        there = list(esper.get_entities())
        entity = random.choice(there) if there else None
        if entity is None or random.random() < 0.3:
            esper.create_entity(Alpha(1))
            return "the host creates"
        if random.random() < 0.3:
            esper.delete_entity(entity, immediate=True)
            return f"the host deletes {entity}"
        if random.random() < 0.5:
            esper.try_remove_component(entity, Alpha)
            return f"the host removes from {entity}"
        esper.add_component(entity, Alpha(2))
        return f"the host adds to {entity}"


@pytest.mark.parametrize("seed", range(40 * FACTOR))
def test_what_observers_are_told_is_what_there_is(app: App, seed: int, failures: list[SystemFailed]) -> None:
    random = Random(seed)
    first, last = Witness(), Witness()
    first.watch(app)
    meddler = Meddler(app, random)
    last.watch(app)
    done: list[str] = []
    for _ in range(100):
        done.append(change(meddler.app, random))
        if random.random() < 0.1:
            done.append(by_host(app, random))
            app.update(0.1)
        app.apply_commands()
        with app.world.active():
            entities = entities_by_esper()
        for signature in SIGNATURES[:8]:
            rows: list[Row] = app.world.query(*(kind for kind, _ in signature.columns))
            assert identified(rows) == identified(signature.rows(entities)), f"{signature} after {done[-3:]}"
        here = {entity: id(has[Alpha]) for entity, has in entities.items() if Alpha in has}
        assert first.wrong == [], f"after {done[-3:]}"
        for which, witness in (("first", first), ("last", last)):
            assert witness.identities == here, f"the {which} witness after {done[-3:]}"
    assert failures == []
