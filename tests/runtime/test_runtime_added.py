"""Added: what is new to a system, however it came into the world and whenever the system looks."""

from __future__ import annotations

import esper
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from ecs_localai.runtime import Added, App, Commands, Local, Query, SystemFailed, Update, With, Without, run_if
from tests.runtime.runtime_parts import Frozen, Position, Velocity


class Watcher:
    """A system that remembers which entities with a new position it saw in its last run."""

    def __init__(self) -> None:
        self.saw: list[int] = []

    def __call__(self, query: Query[Position, Added[Position]]) -> None:
        self.saw = sorted(entity for entity, _ in query)


def watching(app: App) -> Watcher:
    """A watcher in the app."""
    watcher = Watcher()
    app.add_systems(Update, watcher)
    return watcher


def test_new_entity_is_seen_once(app: App) -> None:
    watcher = watching(app)
    entity = app.world.spawn(Position())
    app.update()
    assert watcher.saw == [entity]
    app.update()
    assert watcher.saw == []


def test_component_added_to_an_old_entity_is_seen(app: App) -> None:
    watcher = watching(app)
    entity = app.world.spawn(Velocity())
    app.update()
    app.world.insert(entity, Position())
    app.update()
    assert watcher.saw == [entity]


def test_entity_made_with_plain_esper_is_seen(host_world: str) -> None:
    with App(world=host_world) as app:
        watcher = watching(app)
        app.update()
        entity = esper.create_entity(Position())
        app.update()
        assert watcher.saw == [entity]


def test_entities_older_than_the_app_are_seen_at_the_first_look(host_world: str) -> None:
    entity = esper.create_entity(Position())
    with App(world=host_world) as app:
        watcher = watching(app)
        app.update()
        assert watcher.saw == [entity]


def test_system_added_later_sees_everything_as_added(app: App) -> None:
    entity = app.world.spawn(Position())
    app.update()
    app.update()
    watcher = watching(app)
    app.update()
    assert watcher.saw == [entity]


def test_system_that_was_skipped_misses_nothing(app: App) -> None:
    open_now = [False]
    watcher = Watcher()
    app.add_systems(Update, run_if(lambda: open_now[0], watcher))
    first = app.world.spawn(Position())
    app.update()
    second = app.world.spawn(Position())
    app.update()
    app.update()
    open_now[0] = True
    app.update()
    assert watcher.saw == [first, second]
    app.update()
    assert watcher.saw == []


def test_each_system_has_its_own_view_of_what_is_new(app: App) -> None:
    early = watching(app)
    app.world.spawn(Position())
    app.update()
    late = watching(app)
    app.update()
    assert early.saw == []
    assert len(late.saw) == 1


def test_asking_again_in_the_same_frame_sees_the_same_and_what_came_meanwhile(app: App) -> None:
    seen: list[int] = []

    def look(query: Query[Position, Added[Position]]) -> None:
        seen.append(len(query))
        seen.append(len(query))
        app.world.spawn(Position())
        seen.append(len(query))

    app.world.spawn(Position())
    app.add_systems(Update, look)
    app.update()
    assert seen == [1, 1, 2]


def test_unrelated_change_makes_nothing_new(app: App) -> None:
    watcher = watching(app)
    app.world.spawn(Position())
    app.update()
    app.world.spawn(Velocity())
    app.update()
    assert watcher.saw == []


def test_replacing_a_component_counts_as_adding_it(app: App) -> None:
    watcher = watching(app)
    entity = app.world.spawn(Position())
    app.update()
    app.world.insert(entity, Position())
    app.update()
    assert watcher.saw == [entity]


def test_component_taken_away_and_put_back_is_new_again(app: App) -> None:
    watcher = watching(app)
    position = Position()
    entity = app.world.spawn(position, Velocity())
    app.update()
    app.world.remove(entity, Position)
    app.update()
    assert watcher.saw == []
    app.world.insert(entity, position)
    app.update()
    assert watcher.saw == [entity]


def test_ids_that_begin_again_after_clear_database_are_new_entities(host_world: str) -> None:
    with App(world=host_world) as app:
        watcher = watching(app)
        first = esper.create_entity(Position())
        app.update()
        esper.clear_database()
        assert esper.create_entity(Position()) == first
        app.update()
        assert watcher.saw == [first]
        esper.clear_database()
        app.update()
        assert watcher.saw == []


def test_entity_gone_before_the_look_is_not_seen(app: App) -> None:
    watcher = watching(app)
    entity = app.world.spawn(Position())
    app.world.despawn(entity)
    app.update()
    assert watcher.saw == []


def test_added_narrows_by_other_components_too(app: App) -> None:
    seen: list[list[int]] = []

    def look(query: Query[Velocity, Added[Position], Without[Frozen]]) -> None:
        seen.append([entity for entity, velocity in query if isinstance(velocity, Velocity)])

    wanted = app.world.spawn(Position(), Velocity())
    app.world.spawn(Position())
    app.world.spawn(Position(), Velocity(), Frozen())
    app.add_systems(Update, look)
    app.update()
    app.update()
    assert seen == [[wanted], []]


def test_several_added_must_all_be_new(app: App) -> None:
    seen: list[list[int]] = []

    def look(query: Query[Position, Added[Position], Added[Velocity]]) -> None:
        seen.append([entity for entity, _ in query])

    early = app.world.spawn(Position())
    app.add_systems(Update, look)
    app.update()
    app.world.insert(early, Velocity())
    both = app.world.spawn(Position(), Velocity())
    app.update()
    assert seen == [[], [both]]


def test_two_queries_of_one_system_do_not_disturb_each_other(app: App) -> None:
    seen: list[tuple[int, int]] = []

    def look(one: Query[Position, Added[Position]], other: Query[Position, Added[Position], With[Velocity]]) -> None:
        seen.append((len(one), len(other)))

    app.world.spawn(Position(), Velocity())
    app.add_systems(Update, look)
    app.update()
    app.update()
    assert seen == [(1, 1), (0, 0)]


def test_what_a_system_spawns_is_new_to_it_in_the_next_frame(app: App) -> None:
    seen: list[int] = []

    def breed(query: Query[Position, Added[Position]], commands: Commands, done: Local[bool]) -> None:
        seen.append(len(query))
        if not done.value:
            done.value = True
            commands.spawn(Position())

    app.add_systems(Update, breed)
    for _ in range(3):
        app.update()
    assert seen == [0, 1, 0]


class AddedModel(RuleBasedStateMachine):
    """Structural changes by us and by plain esper, in any order, against a note of what each look has shown."""

    entities = Bundle("entities")

    def __init__(self) -> None:
        super().__init__()
        self.app = App()
        self.open = True
        self.every = watching(self.app)
        self.sometimes = Watcher()
        self.app.add_systems(Update, run_if(lambda: self.open, self.sometimes))
        self.shown: dict[str, dict[int, Position]] = {"every": {}, "sometimes": {}}

    @rule(target=entities, plain=st.booleans(), moving=st.booleans())
    def spawn(self, plain: bool, moving: bool) -> int:
        components = (Position(), Velocity()) if moving else (Position(),)
        if plain:
            with self.app.world.active():
                return esper.create_entity(*components)
        return self.app.world.spawn(*components)

    @rule(entity=entities)
    def replace(self, entity: int) -> None:
        self.app.world.insert(entity, Position())

    @rule(entity=entities)
    def take_away(self, entity: int) -> None:
        self.app.world.remove(entity, Position)

    @rule(entity=consumes(entities))
    def despawn(self, entity: int) -> None:
        self.app.world.despawn(entity)

    @rule(entity=entities)
    def despawn_at_the_next_process(self, entity: int) -> None:
        with self.app.world.active():
            if esper.entity_exists(entity):
                esper.delete_entity(entity)

    @rule()
    def clear(self) -> None:
        with self.app.world.active():
            esper.clear_database()

    @rule(opened=st.booleans())
    def frame(self, opened: bool) -> None:
        self.open = opened
        self.app.update(0.1)
        now = dict(self.app.world.query(Position))
        assert self.every.saw == sorted(self._new("every", now))
        if opened:
            assert self.sometimes.saw == sorted(self._new("sometimes", now))

    def _new(self, who: str, now: dict[int, Position]) -> list[int]:
        before = self.shown[who]
        self.shown[who] = now
        return [entity for entity, position in now.items() if before.get(entity) is not position]

    @invariant()
    def nothing_failed(self) -> None:
        assert self.app.events(SystemFailed).buffer == []

    def teardown(self) -> None:
        self.app.shutdown()


TestAddedModel = AddedModel.TestCase
TestAddedModel.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)
